package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"time"
)

// ReachPath is where a server tells how it can be reached.
const ReachPath = "/reach"

// Reach is what a server says about how calls reach it. It holds nothing that the answer to anybody's call would not tell.
type Reach struct {
	Time     time.Time    `json:"time"`
	TCP      int          `json:"tcp"` // the port of the relay and of calls over TCP
	UDP      int          `json:"udp"`
	TLS      bool         `json:"tls"`
	Relay    string       `json:"relay"`     // off, inside or open
	Own      []netip.Addr `json:"own"`       // of the machine's interfaces, but for loopback
	Public   []netip.Addr `json:"public"`    // configured, or told by a STUN server
	Seen     []netip.Addr `json:"seen"`      // that the name of this request leads to, as the server sees it
	UDPHeard uint64       `json:"udp_heard"` // packets that came over UDP since the start
}

// offered lists every address that a call from here would be offered.
func (r *Reach) offered() []netip.Addr {
	var all []netip.Addr
	return append(append(append(all, r.Public...), r.Seen...), r.Own...)
}

// maxReach is the longest answer that is read, in bytes.
const maxReach = 64 << 10

// readReach reads the answer of a server, which may be any.
func readReach(src io.Reader) (*Reach, error) {
	var r Reach
	if err := json.NewDecoder(io.LimitReader(src, maxReach)).Decode(&r); err != nil {
		return nil, fmt.Errorf("reading what the server says of itself: %w", err)
	}
	if r.TCP < 1 || r.TCP > 65535 || r.UDP < 1 || r.UDP > 65535 {
		return nil, fmt.Errorf("the server says that its ports are %d and %d", r.TCP, r.UDP)
	}
	for _, list := range []*[]netip.Addr{&r.Own, &r.Public, &r.Seen} {
		kept := (*list)[:0]
		for _, a := range *list {
			if a = a.Unmap(); a.IsValid() && !a.IsUnspecified() && len(kept) < 16 {
				kept = append(kept, a)
			}
		}
		*list = kept
	}
	return &r, nil
}
