package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// channelNumber is the one that every client binds to its peer.
const channelNumber = 0x4000

// crowd is the clients, each with a peer that echoes.
type crowd struct {
	clients     []*client
	packet      []byte // a ChannelData message
	next        int    // client to send
	sent        atomic.Uint64
	there, back atomic.Uint64 // packets that came to peers and clients
	readers     sync.WaitGroup
}

type client struct {
	conn *net.UDPConn
	peer *net.UDPConn // nil when somebody else is the peer
}

// newCrowd makes allocations at a relay, with a channel to a peer each.
func newCrowd(p *process, clients, size int) (*crowd, error) {
	c := &crowd{packet: make([]byte, 4+size)}
	binary.BigEndian.PutUint16(c.packet, channelNumber)
	binary.BigEndian.PutUint16(c.packet[2:], uint16(size))
	for i := range clients {
		if err := c.join(p); err != nil {
			c.close()
			return nil, fmt.Errorf("client %d: %w", i, err)
		}
	}
	return c, nil
}

func (c *crowd) join(p *process) error {
	to, err := net.ResolveUDPAddr("udp", p.Addr)
	if err != nil {
		return err
	}
	m := new(client)
	if m.conn, err = net.DialUDP("udp", nil, to); err != nil {
		return err
	}
	c.clients = append(c.clients, m)
	peer := p.Peer
	if peer == "" {
		if m.peer, err = net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			return err
		}
		peer = m.peer.LocalAddr().String()
	}
	at, err := netip.ParseAddrPort(peer)
	if err != nil {
		return err
	}
	if err := m.login(p, at); err != nil {
		return err
	}
	c.readers.Go(func() { count(m.conn, &c.back) })
	if m.peer != nil {
		c.readers.Go(func() { echo(m.peer, &c.there) })
	}
	return nil
}

// login allocates and binds the channel.
func (m *client) login(p *process, peer netip.AddrPort) error {
	udp := stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}}
	challenge, err := m.ask(stun.MethodAllocate, udp)
	if err != nil {
		return err
	}
	var nonce stun.Nonce
	var realm stun.Realm
	if err := errors.Join(nonce.GetFrom(challenge), realm.GetFrom(challenge)); err != nil {
		return fmt.Errorf("the challenge: %w", err)
	}
	login := []stun.Setter{stun.NewUsername(p.User), realm, nonce, stun.MessageIntegrity(turn.GenerateAuthKey(p.User, string(realm), p.Pass))}
	if _, err := m.must(stun.MethodAllocate, append([]stun.Setter{udp}, login...)...); err != nil {
		return err
	}
	number := stun.RawAttribute{Type: stun.AttrChannelNumber, Value: []byte{channelNumber >> 8, channelNumber & 0xff, 0, 0}}
	_, err = m.must(stun.MethodChannelBind, append([]stun.Setter{number, xorPeer(peer)}, login...)...)
	return err
}

type xorPeer netip.AddrPort

// AddTo adds an XOR-PEER-ADDRESS.
func (p xorPeer) AddTo(m *stun.Message) error {
	a := netip.AddrPort(p)
	return stun.XORMappedAddress{IP: a.Addr().AsSlice(), Port: int(a.Port())}.AddToAs(m, stun.AttrXORPeerAddress)
}

func (m *client) must(method stun.Method, attrs ...stun.Setter) (*stun.Message, error) {
	answer, err := m.ask(method, attrs...)
	if err == nil && answer.Type.Class != stun.ClassSuccessResponse {
		return nil, fmt.Errorf("%v answers %v", method, answer)
	}
	return answer, err
}

// ask sends a request until it is answered: a relay that has just been started may not listen yet.
func (m *client) ask(method stun.Method, attrs ...stun.Setter) (*stun.Message, error) {
	request, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attrs...)...)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 2048)
	for range 50 {
		_, _ = m.conn.Write(request.Raw)
		_ = m.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
		n, err := m.conn.Read(buf)
		if err != nil {
			time.Sleep(20 * time.Millisecond)
			continue
		}
		answer := &stun.Message{Raw: buf[:n]}
		if answer.Decode() == nil && answer.TransactionID == request.TransactionID {
			_ = m.conn.SetReadDeadline(time.Time{})
			return answer, nil
		}
	}
	return nil, fmt.Errorf("%v is not answered", method)
}

// drive sends at a rate for a while, from one client after the other, a bit every millisecond.
func (c *crowd) drive(rate int, d time.Duration) {
	began := time.Now()
	for sent := 0; ; {
		elapsed := time.Since(began)
		due := int(float64(rate) * min(elapsed, d).Seconds())
		for ; sent < due; sent++ {
			if _, err := c.clients[c.next].conn.Write(c.packet); err == nil {
				c.sent.Add(1)
			}
			c.next = (c.next + 1) % len(c.clients)
		}
		if elapsed >= d {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// relayed is how many packets have passed the relay, there and back.
func (c *crowd) relayed() uint64 {
	if len(c.clients) > 0 && c.clients[0].peer == nil {
		return 2 * c.back.Load()
	}
	return c.there.Load() + c.back.Load()
}

func count(conn *net.UDPConn, n *atomic.Uint64) {
	buf := make([]byte, 2048)
	for {
		if _, err := conn.Read(buf); err != nil {
			if errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		n.Add(1)
	}
}

func echo(conn *net.UDPConn, n *atomic.Uint64) {
	buf := make([]byte, 2048)
	for {
		k, from, err := conn.ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			n.Add(1)
			_, _ = conn.WriteToUDPAddrPort(buf[:k], from)
		}
	}
}

func (c *crowd) close() {
	for _, m := range c.clients {
		_ = m.conn.Close()
		if m.peer != nil {
			_ = m.peer.Close()
		}
	}
	c.readers.Wait()
}
