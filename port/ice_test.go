package port

import (
	"context"
	"io"
	"net"
	"net/netip"
	"testing"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
)

var _ ice.AddrPortReaderWriter = (*packetConn)(nil)

// TestICEOverThePort connects two agents, one behind Pion's mux on the port, the other on a socket of its own.
func TestICEOverThePort(t *testing.T) {
	both(t, func(t *testing.T, portable bool) {
		u := openUDP(t, ":0", portable)
		logs := &logging.DefaultLoggerFactory{Writer: io.Discard}
		mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: u.Media(), Logger: logs.NewLogger("mux")})
		defer mux.Close()
		agent := func(options ...ice.AgentOption) *ice.Agent {
			options = append(options, ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}), ice.WithIncludeLoopback(),
				ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled), ice.WithLoggerFactory(logs))
			a, err := ice.NewAgentWithOptions(options...)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		server, client := agent(ice.WithUDPMux(mux)), agent()
		defer client.Close()
		defer server.Close()
		gather(t, server, client)
		gather(t, client, server)
		connectAgents(t, server, client)
	})
}

// gather gives one agent's candidates to the other.
func gather(t *testing.T, from, to *ice.Agent) {
	t.Helper()
	done := make(chan struct{})
	if err := from.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			close(done)
		} else if err := to.AddRemoteCandidate(c); err != nil {
			t.Error(err)
		}
	}); err != nil {
		t.Fatal(err)
	}
	if err := from.GatherCandidates(); err != nil {
		t.Fatal(err)
	}
	<-done
}

// connectAgents runs the checks and sends a message each way.
func connectAgents(t *testing.T, server, client *ice.Agent) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	user, password, err := client.GetLocalUserCredentials()
	if err != nil {
		t.Fatal(err)
	}
	accepted := make(chan *ice.Conn, 1)
	go func() {
		c, err := server.Accept(ctx, user, password)
		if err != nil {
			t.Error(err)
		}
		accepted <- c
	}()
	serverUser, serverPassword, err := server.GetLocalUserCredentials()
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.Dial(ctx, serverUser, serverPassword)
	if err != nil {
		t.Fatal(err)
	}
	in := <-accepted
	if in == nil {
		t.FailNow()
	}
	b := make([]byte, largest)
	for _, way := range [][2]*ice.Conn{{out, in}, {in, out}} {
		write(t, way[0], rtp)
		if n, err := way[1].Read(b); err != nil || n != len(rtp) {
			t.Error(n, err)
		}
	}
}

// virtualConn is a virtual peer as a net.PacketConn, as a relay's allocation is one.
type virtualConn struct {
	*packetConn // its queue; what is written goes another way
	at          netip.AddrPort
	send        func([]byte, netip.AddrPort)
}

func (v *virtualConn) LocalAddr() net.Addr { return net.UDPAddrFromAddrPort(v.at) }

func (v *virtualConn) WriteTo(b []byte, to net.Addr) (int, error) {
	return v.WriteToAddrPort(b, to.(*net.UDPAddr).AddrPort())
}

func (v *virtualConn) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	v.send(b, to)
	return len(b), nil
}

// TestICEWithAVirtualPeer connects an agent behind the port with one that has no wire.
func TestICEWithAVirtualPeer(t *testing.T) {
	for i, host := range loopbacks(t) {
		address := []string{"192.0.0.8:1000", "[100::1]:1000"}[i]
		t.Run(address, func(t *testing.T) {
			u := openUDP(t, net.JoinHostPort(host, "0"), false)
			v := &virtualConn{packetConn: newPacketConn(u, mediaQueue, true), at: netip.MustParseAddrPort(address)}
			send, detach, err := u.Attach(v.at, v.put)
			if err != nil {
				t.Fatal(err)
			}
			defer detach()
			v.send = send
			logs := &logging.DefaultLoggerFactory{Writer: io.Discard}
			var agents []*ice.Agent
			for _, conn := range []net.PacketConn{u.Media(), v} {
				mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: conn, Logger: logs.NewLogger("mux")})
				defer mux.Close()
				a, err := ice.NewAgentWithOptions(ice.WithUDPMux(mux), ice.WithIncludeLoopback(), ice.WithLoggerFactory(logs),
					ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}), ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled))
				if err != nil {
					t.Fatal(err)
				}
				defer a.Close()
				agents = append(agents, a)
			}
			gather(t, agents[0], agents[1])
			gather(t, agents[1], agents[0])
			connectAgents(t, agents[0], agents[1])
		})
	}
}

// TestICEOverTCP connects a client that reaches TCP only, next to everything else that may come.
func TestICEOverTCP(t *testing.T) {
	p := openTCP(t, TCPConfig{})
	logs := &logging.DefaultLoggerFactory{Writer: io.Discard}
	mux := ice.NewTCPMuxDefault(ice.TCPMuxParams{Listener: p.ICE(), Logger: logs.NewLogger("mux")})
	defer mux.Close()
	common := []ice.AgentOption{ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeTCP4}), ice.WithIncludeLoopback(),
		ice.WithIPFilter(func(ip net.IP) bool { return ip.IsLoopback() }),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled), ice.WithLoggerFactory(logs)}
	server, err := ice.NewAgentWithOptions(append(common, ice.WithTCPMux(mux))...)
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	client, err := ice.NewAgentWithOptions(common...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	gather(t, server, client)
	gather(t, client, server)
	connectAgents(t, server, client)
}
