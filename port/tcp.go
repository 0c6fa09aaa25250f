package port

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"neochat/port/firstbytes"
)

// What TCPConfig leaves open.
const (
	defaultWaiting     = 1024
	defaultWaitingFrom = 64
	defaultPatience    = 10 * time.Second
)

// The application protocols that a TLS client may ask for (RFC 7301). A relay's client need not ask: browsers' do not.
const (
	protocolHTTP2 = "h2"
	protocolHTTP1 = "http/1.1"
	protocolTURN  = "stun.turn"  // RFC 7443
	protocolACME  = "acme-tls/1" // RFC 8737
)

// TCPConfig says how to open the TCP port.
type TCPConfig struct {
	// Address is host:port. Without a host (or with [::]) it is every address of the machine, IPv4 and IPv6; 0.0.0.0 is
	// every IPv4 address. Port 0 takes a free one.
	Address string
	// Listener is that address, already open (see Open), and is closed with the port; nil: Listen opens it.
	Listener net.Listener
	// TLS has the certificates; nil: everything is in the clear, and a stream that begins with TLS is closed. The port sees to
	// the application protocols.
	TLS *tls.Config
	// PlainHTTP serves HTTP in the clear though there is TLS, for a reverse proxy in front. Otherwise it is sent on to https.
	PlainHTTP bool
	// Waiting is how many connections may be without a first byte, or in their TLS handshake, at once; WaitingFrom how many of one
	// address (IPv6: of one /64). Past it the one that has waited longest makes room. 0: 1024 and 64.
	Waiting, WaitingFrom int
	// Patience is what a client gets for its first bytes, for its handshake, and for the first bytes inside. 0: 10 s.
	Patience time.Duration
	Logger   *slog.Logger // nil: slog.Default
}

// TCP is the TCP port: it gives each connection to one of three listeners. Its methods may be called from any goroutine.
type TCP struct {
	config   TCPConfig
	listener net.Listener
	tls      *tls.Config // nil: none
	lobby    *lobby
	http     *share
	relay    *share
	ice      *share
	stop     chan struct{} // closed by Close
	closed   sync.Once
	running  sync.WaitGroup
}

// Listen opens the port and begins to accept.
func Listen(config TCPConfig) (*TCP, error) {
	if config.Listener == nil {
		l, err := Open(config.Address)
		if err != nil {
			return nil, err
		}
		config.Listener = l
	}
	return accept(config, config.Listener), nil
}

// Open takes a port, for who must know that it can be had before there is anything to serve: connections wait in the kernel.
func Open(address string) (net.Listener, error) {
	network := "tcp"
	if host, _, err := net.SplitHostPort(address); err == nil {
		if a, err := netip.ParseAddr(host); err == nil && a.Is4() {
			network = "tcp4" // or Go would make every address of both families of 0.0.0.0
		}
	}
	l, err := net.Listen(network, address)
	if err != nil {
		return nil, fmt.Errorf("opening TCP %s: %w", address, err)
	}
	return l, nil
}

// accept begins to accept from l.
func accept(config TCPConfig, l net.Listener) *TCP {
	config = config.withDefaults()
	t := &TCP{config: config, listener: l, lobby: newLobby(config.Waiting, config.WaitingFrom), stop: make(chan struct{}),
		http: newShare(l.Addr()), relay: newShare(l.Addr()), ice: newShare(l.Addr())}
	if config.TLS != nil {
		t.tls = withProtocols(config.TLS)
	}
	t.running.Go(t.acceptAll)
	return t
}

func (c TCPConfig) withDefaults() TCPConfig {
	if c.Waiting == 0 {
		c.Waiting = defaultWaiting
	}
	if c.WaitingFrom == 0 {
		c.WaitingFrom = defaultWaitingFrom
	}
	if c.Patience == 0 {
		c.Patience = defaultPatience
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// withProtocols adds to a configuration what is spoken here.
func withProtocols(config *tls.Config) *tls.Config {
	config = config.Clone()
	ours := []string{protocolHTTP2, protocolHTTP1, protocolTURN}
	for _, p := range config.NextProtos {
		if !slices.Contains(ours, p) {
			ours = append(ours, p)
		}
	}
	config.NextProtos = ours
	return config
}

// HTTP gives connections for an http.Server: a *tls.Conn after its handshake where the client asked for HTTP by ALPN. Serve it with
// ConnContext and Handler of this port.
func (t *TCP) HTTP() net.Listener { return t.http }

// Relay gives connections of the relay's clients, those that came through TLS already decrypted. Close it where nobody accepts from it, and they are closed at once.
func (t *TCP) Relay() net.Listener { return t.relay }

// ICE gives connections that carry ICE in frames (RFC 4571). Close it where nobody accepts from it.
func (t *TCP) ICE() net.Listener { return t.ice }

// Addr is what the port is bound to.
func (t *TCP) Addr() net.Addr { return t.listener.Addr() }

// Waiting is how many connections have not yet been given to a listener.
func (t *TCP) Waiting() int { return t.lobby.len() }

// Close closes the port, the three listeners and every connection that was not accepted from one of them, and waits until all goroutines have ended.
func (t *TCP) Close() error {
	var err error
	t.closed.Do(func() {
		close(t.stop)
		err = t.listener.Close()
		for _, s := range []*share{t.http, t.relay, t.ice} {
			s.Close()
		}
		t.lobby.close()
	})
	t.running.Wait()
	if err != nil {
		return fmt.Errorf("closing the TCP port: %w", err)
	}
	return nil
}

// The pauses after a connection could not be accepted, mostly because the process has no more file descriptors.
const (
	firstPause   = 5 * time.Millisecond
	longestPause = time.Second
	sayAgain     = time.Minute // how often that is worth a line in the log
)

func (t *TCP) acceptAll() {
	var pause time.Duration
	var said time.Time
	for {
		conn, err := t.listener.Accept()
		switch {
		case err == nil:
			pause = 0
			t.running.Go(func() { t.receive(conn) })
		case errors.Is(err, net.ErrClosed):
			return
		default:
			pause = min(max(2*pause, firstPause), longestPause)
			if time.Since(said) > sayAgain {
				t.config.Logger.Error("connections cannot be accepted", "error", err)
				said = time.Now()
			}
			if !t.sleep(pause) {
				return
			}
		}
	}
}

// sleep reports false if the port was closed meanwhile.
func (t *TCP) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-t.stop:
		return false
	}
}

// receive finds out what a new connection is for.
func (t *TCP) receive(conn net.Conn) {
	g := t.lobby.enter(conn)
	if g == nil || !t.sort(g, conn) {
		t.lobby.leave(g)
		conn.Close()
	}
}

// sort gives the connection to a listener by its first bytes; false: to nobody.
func (t *TCP) sort(g *guest, conn net.Conn) bool {
	p := &plainConn{Conn: conn}
	protocol, err := p.head.peek(conn, t.config.Patience)
	switch {
	case err != nil:
		return false
	case protocol == firstbytes.TLS:
		return t.tls != nil && t.handshake(g, p)
	}
	return t.give(g, p, protocol)
}

// handshake opens the TLS around a stream, and sorts what is inside.
func (t *TCP) handshake(g *guest, p *plainConn) bool {
	conn := tls.Server(p, t.tls)
	if p.SetDeadline(time.Now().Add(t.config.Patience)) != nil || conn.Handshake() != nil || p.SetDeadline(time.Time{}) != nil {
		return false
	}
	switch conn.ConnectionState().NegotiatedProtocol {
	case protocolHTTP2, protocolHTTP1:
		return t.http.give(g, conn, t.config.Patience)
	case protocolACME: // the handshake was all
		return false
	}
	s := &secureConn{Conn: conn}
	protocol, err := s.head.peek(conn, t.config.Patience)
	return err == nil && t.give(g, s, protocol)
}

func (t *TCP) give(g *guest, conn net.Conn, protocol firstbytes.Protocol) bool {
	switch protocol {
	case firstbytes.HTTP:
		return t.http.give(g, conn, t.config.Patience)
	case firstbytes.TURN:
		return t.relay.give(g, conn, t.config.Patience)
	case firstbytes.ICETCP:
		return t.ice.give(g, conn, t.config.Patience)
	}
	return false
}
