package port

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/binary"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

// certificate makes one for localhost, and what trusts it.
func certificate(t testing.TB) (*tls.Config, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, NextProtos: []string{protocolACME}}, pool
}

// openTCP opens a port that the test closes, and checks that no goroutine stays and nothing is logged.
func openTCP(t testing.TB, config TCPConfig) *TCP {
	t.Helper()
	before := goleak.IgnoreCurrent()
	var said bytes.Buffer // read when all goroutines have ended
	config.Logger = slog.New(slog.NewTextHandler(&said, nil))
	if config.Address == "" {
		config.Address = "127.0.0.1:0"
	}
	p, err := Listen(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
		if said.Len() > 0 {
			t.Errorf("logged %s", said.String())
		}
		goleak.VerifyNone(t, before)
	})
	return p
}

// connect opens a connection to the port.
func connect(t testing.TB, p *TCP) *net.TCPConn {
	t.Helper()
	c, err := net.Dial("tcp", p.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	return c.(*net.TCPConn)
}

// ended waits until the server has closed a connection.
func ended(t testing.TB, c net.Conn) {
	t.Helper()
	if _, err := io.Copy(io.Discard, c); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Fatal("not closed by the server:", err)
	}
}

// accepted waits for a connection and for all of what was sent on it.
func accepted(t testing.TB, l net.Listener, sent []byte) net.Conn {
	t.Helper()
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(patience))
	got := make([]byte, len(sent))
	if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
		t.Fatalf("read %q, sent %q: %v", got, sent, err)
	}
	return c
}

func framed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// openings are what clients begin with, by the listener they are for.
func openings(p *TCP) map[net.Listener][]byte {
	return map[net.Listener][]byte{p.HTTP(): []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), p.Relay(): allocate, p.ICE(): framed(check)}
}

// secure opens TLS on a connection.
func secure(t testing.TB, c net.Conn, pool *x509.CertPool, protocols ...string) *tls.Conn {
	t.Helper()
	s := tls.Client(c, &tls.Config{RootCAs: pool, ServerName: "localhost", NextProtos: protocols})
	if err := s.Handshake(); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestEachConnectionGoesWhereItBelongs(t *testing.T) {
	config, pool := certificate(t)
	p := openTCP(t, TCPConfig{TLS: config})
	for l, b := range openings(p) {
		for _, wrap := range []func(net.Conn) net.Conn{
			func(c net.Conn) net.Conn { return c },
			func(c net.Conn) net.Conn { return secure(t, c, pool) },
			func(c net.Conn) net.Conn { return secure(t, c, pool, protocolTURN) },
		} {
			for _, step := range []int{1, len(b)} { // byte by byte, and at once
				c := wrap(connect(t, p))
				for part := b; len(part) > 0; part = part[min(step, len(part)):] {
					write(t, c, part[:min(step, len(part))])
				}
				s := accepted(t, l, b)
				write(t, s, []byte("answer"))
				answer := make([]byte, 6)
				if _, err := io.ReadFull(c, answer); err != nil || string(answer) != "answer" {
					t.Errorf("%q %v", answer, err)
				}
				if _, ok := s.RemoteAddr().(*net.TCPAddr); !ok {
					t.Errorf("the remote address is a %T", s.RemoteAddr())
				}
			}
		}
	}
	if n := p.Waiting(); n != 0 {
		t.Errorf("%d wait though all were accepted", n)
	}
}

func TestNobodysConnectionIsClosed(t *testing.T) {
	config, pool := certificate(t)
	p := openTCP(t, TCPConfig{TLS: config})
	for _, b := range [][]byte{garbage, channel, make([]byte, 64), {22, 3, 1, 0, 5, 9, 0, 0, 1, 0}} {
		c := connect(t, p)
		write(t, c, b)
		ended(t, c)
	}
	inner := secure(t, connect(t, p), pool)
	write(t, inner, garbage)
	ended(t, inner)
	ended(t, secure(t, connect(t, p), pool, protocolACME))
	early := connect(t, p)
	write(t, early, allocate[:5])
	if err := early.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	ended(t, early)
}

func TestWithoutTLSItIsClosed(t *testing.T) {
	p := openTCP(t, TCPConfig{})
	if err := tls.Client(connect(t, p), &tls.Config{InsecureSkipVerify: true}).Handshake(); err == nil {
		t.Error("TLS without a certificate")
	}
	for l, b := range openings(p) {
		write(t, connect(t, p), b)
		accepted(t, l, b)
	}
}

func TestHalfClose(t *testing.T) {
	config, pool := certificate(t)
	p := openTCP(t, TCPConfig{TLS: config})
	plain := connect(t, p)
	for _, c := range []net.Conn{plain, secure(t, connect(t, p), pool)} {
		write(t, c, allocate)
		s := accepted(t, p.Relay(), allocate)
		if n, err := io.Copy(s, bytes.NewReader(rtp)); err != nil || n != int64(len(rtp)) {
			t.Error(n, err)
		}
		if err := s.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, rtp) {
			t.Errorf("%d bytes until the end: %v", len(got), err)
		}
		write(t, c, check)
		got := make([]byte, len(check))
		if _, err := io.ReadFull(s, got); err != nil {
			t.Error("the other way is closed too:", err)
		}
		s.SetReadDeadline(time.Now().Add(-time.Second))
		if _, err := s.Read(got); err == nil {
			t.Error("deadlines do nothing")
		}
	}
}

// helloHalf is a TLS client's first record, half of it.
func helloHalf(t testing.TB) []byte {
	t.Helper()
	client, server := net.Pipe()
	defer client.Close()
	defer server.Close()
	go tls.Client(client, &tls.Config{ServerName: "localhost"}).Handshake()
	b := make([]byte, 64)
	if _, err := io.ReadFull(server, b); err != nil {
		t.Fatal(err)
	}
	return b
}

// TestHalfHandshakesCostNothingLasting: 500 of them stand, a client comes through meanwhile, and all are gone after their time.
func TestHalfHandshakesCostNothingLasting(t *testing.T) {
	config, pool := certificate(t)
	const places = 200
	p := openTCP(t, TCPConfig{TLS: config, Waiting: places, WaitingFrom: places, Patience: time.Second})
	half := helloHalf(t)
	all := make([]net.Conn, 500)
	for i := range all {
		all[i] = connect(t, p)
		write(t, all[i], half)
		if n := p.Waiting(); n > places {
			t.Fatalf("%d wait", n)
		}
	}
	c := secure(t, connect(t, p), pool)
	write(t, c, allocate)
	accepted(t, p.Relay(), allocate)
	for _, c := range all {
		ended(t, c)
	}
	if n := p.Waiting(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

func TestIdleConnectionsCostNothingLasting(t *testing.T) {
	p := openTCP(t, TCPConfig{Waiting: 400, WaitingFrom: 400, Patience: 500 * time.Millisecond})
	all := make([]net.Conn, 300)
	for i := range all {
		all[i] = connect(t, p)
	}
	write(t, connect(t, p), allocate)
	accepted(t, p.Relay(), allocate)
	for _, c := range all {
		ended(t, c)
	}
	if n := p.Waiting(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}

// TestOneAddressCannotTakeAllPlaces fills the places of one address and goes on from another.
func TestOneAddressCannotTakeAllPlaces(t *testing.T) {
	p := openTCP(t, TCPConfig{Address: "0.0.0.0:0", Waiting: 5, WaitingFrom: 3})
	dialFrom := func(host string) net.Conn {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(host)}}
		_, number, err := net.SplitHostPort(p.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		waiting := p.Waiting()
		c, err := d.Dial("tcp", net.JoinHostPort("127.0.0.1", number))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		for n := 0; p.Waiting() == waiting && n < 20; n++ { // until it has come in, or made another go
			time.Sleep(time.Millisecond)
		}
		c.SetDeadline(time.Now().Add(patience))
		return c
	}
	other := dialFrom("127.0.0.2")
	var own []net.Conn
	for range 6 {
		own = append(own, dialFrom("127.0.0.1"))
	}
	for _, c := range own[:3] {
		ended(t, c)
	}
	if n := p.Waiting(); n != 4 {
		t.Fatalf("%d wait", n)
	}
	third, fourth := dialFrom("127.0.0.3"), dialFrom("127.0.0.4")
	ended(t, other) // who has waited longest of all
	for _, c := range []net.Conn{own[4], own[5], third, fourth} {
		write(t, c, allocate)
		accepted(t, p.Relay(), allocate)
	}
	if n := p.Waiting(); n != 1 {
		t.Errorf("%d wait", n)
	}
}

func TestCloseEndsConnectionsToo(t *testing.T) {
	config, pool := certificate(t)
	p := openTCP(t, TCPConfig{TLS: config})
	silent, unwanted, half := connect(t, p), connect(t, p), connect(t, p)
	write(t, unwanted, framed(check)) // nobody accepts ICE
	write(t, half, helloHalf(t))
	write(t, secure(t, connect(t, p), pool), allocate)
	s := accepted(t, p.Relay(), allocate)
	failed := make(chan error)
	go func() {
		_, err := p.HTTP().Accept()
		failed <- err
	}()
	if err := p.Close(); err != nil {
		t.Error(err)
	}
	if err := <-failed; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
	for _, c := range []net.Conn{silent, unwanted, half} {
		ended(t, c)
	}
	if _, err := s.Write(rtp); err != nil {
		t.Error("one that was accepted is its owner's:", err)
	}
	if _, err := net.Dial("tcp", p.Addr().String()); err == nil {
		t.Error("still open")
	}
}

func TestAClosedShareTakesNothing(t *testing.T) {
	p := openTCP(t, TCPConfig{})
	p.ICE().Close()
	c := connect(t, p)
	write(t, c, framed(check))
	ended(t, c)
	write(t, connect(t, p), allocate)
	accepted(t, p.Relay(), allocate)
}

// exhausted is a listener of a process without file descriptors.
type exhausted struct {
	net.Listener
	failures atomic.Int64
	closed   chan struct{}
	once     sync.Once
}

func (e *exhausted) Accept() (net.Conn, error) {
	select {
	case <-e.closed:
		return nil, net.ErrClosed
	default:
		e.failures.Add(1)
		return nil, &net.OpError{Op: "accept", Err: syscall.EMFILE}
	}
}
func (e *exhausted) Close() error   { e.once.Do(func() { close(e.closed) }); return nil }
func (e *exhausted) Addr() net.Addr { return &net.TCPAddr{} }

func TestFailingToAcceptDoesNotSpin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &exhausted{closed: make(chan struct{})}
		p := accept(TCPConfig{Logger: quiet()}, e)
		time.Sleep(time.Minute)
		if n := e.failures.Load(); n < 50 || n > 80 {
			t.Errorf("tried %d times in a minute", n)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
}

func TestIPv6NetworksCountAsOne(t *testing.T) {
	at := func(a string) net.Conn {
		return &plainConn{Conn: addressed{remote: &net.TCPAddr{IP: net.ParseIP(a), Port: 1}}}
	}
	if home(at("2001:db8::1")) != home(at("2001:db8::ffff:1:2:3")) {
		t.Error("one customer is counted as two")
	}
	if home(at("2001:db8::1")) == home(at("2001:db8:0:1::1")) || home(at("192.0.2.1")) == home(at("192.0.2.2")) {
		t.Error("two customers are counted as one")
	}
}

type addressed struct {
	net.Conn
	remote net.Addr
}

func (a addressed) RemoteAddr() net.Addr { return a.remote }
