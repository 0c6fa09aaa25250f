package turn

import "sync/atomic"

// Transport is how clients speak to the relay.
type Transport uint8

// The transports. TLS is ended by who hands the connections in.
const (
	UDP Transport = iota
	TCP
	TLS
	transports
)

// String gives the name of a transport as statistics have it.
func (t Transport) String() string {
	return [...]string{"udp", "tcp", "tls"}[t]
}

// refusal is why a request or a connection was turned away.
type refusal uint8

const (
	refusedCredentials refusal = iota
	refusedWrongUser
	refusedNoAllocation
	refusedAccountQuota
	refusedTotalQuota
	refusedPermissionQuota
	refusedChannelQuota
	refusedForbidden
	refusedTCPAllocation
	refusedEvenPort
	refusedFamily
	refusedNoPort
	refusedMethod
	refusedStreams
	refusedStreamsOfAddress
	refusedStreamIdle
	refusedStreamFrame
	refusals
)

func (r refusal) String() string {
	return [...]string{"credentials", "wrong_user", "no_allocation", "account_quota", "total_quota", "permission_quota", "channel_quota",
		"forbidden", "tcp_allocation", "even_port", "family", "no_port", "method", "connections", "connections_of_address",
		"connection_idle", "connection_frame"}[r]
}

// drop is why a packet was not relayed.
type drop uint8

const (
	dropMalformed drop = iota
	dropNoAllocation
	dropNoChannel
	dropNoPermission
	dropForbidden
	dropBandwidth
	dropTotalBandwidth
	dropQueue
	dropSend
	drops
)

func (d drop) String() string {
	return [...]string{"malformed", "no_allocation", "no_channel", "no_permission", "forbidden", "bandwidth", "total_bandwidth",
		"queue_full", "send_failed"}[d]
}

// counters are what Stats is made of; each is counted where it happens.
type counters struct {
	live, made [transports]atomic.Int64
	streams    atomic.Int64
	refused    [refusals]atomic.Uint64
	dropped    [drops]atomic.Uint64
	toPeer     flow
	toClient   flow
	complaints atomic.Uint64
}

// flow counts what was relayed one way.
type flow struct {
	packets, bytes atomic.Uint64
}

func (f *flow) add(n int) {
	f.packets.Add(1)
	f.bytes.Add(uint64(n))
}

// Stats is the state of a relay at one moment. The keys of its maps are few and do not depend on what clients send.
type Stats struct {
	// Allocations are those alive, Allocated all there have been; by transport.
	Allocations, Allocated map[string]int64
	// Connections are the TCP and TLS connections open.
	Connections int64
	// Refused counts requests and connections turned away, by reason.
	Refused map[string]uint64
	// Dropped counts packets not relayed, by reason.
	Dropped map[string]uint64
	// What was relayed; bytes are of payloads.
	PacketsToPeers, BytesToPeers, PacketsToClients, BytesToClients uint64
	// Complaints are what the library below would have logged as a warning or worse.
	Complaints uint64
}

// Stats gives the figures of this moment.
func (r *Relay) Stats() Stats {
	c := &r.counters
	s := Stats{
		Allocations: map[string]int64{}, Allocated: map[string]int64{},
		Connections: c.streams.Load(),
		Refused:     map[string]uint64{}, Dropped: map[string]uint64{},
		PacketsToPeers: c.toPeer.packets.Load(), BytesToPeers: c.toPeer.bytes.Load(),
		PacketsToClients: c.toClient.packets.Load(), BytesToClients: c.toClient.bytes.Load(),
		Complaints: c.complaints.Load(),
	}
	for t := range transports {
		s.Allocations[t.String()] = c.live[t].Load()
		s.Allocated[t.String()] = c.made[t].Load()
	}
	for i := range refusals {
		s.Refused[i.String()] = c.refused[i].Load()
	}
	for i := range drops {
		s.Dropped[i.String()] = c.dropped[i].Load()
	}
	return s
}

func (r *Relay) refuse(why refusal) { r.counters.refused[why].Add(1) }
func (r *Relay) drop(why drop)      { r.counters.dropped[why].Add(1) }
