package process

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// TestRelay uses the relay on the server's one port in each way that leads there.
func TestRelay(t *testing.T) {
	t.Parallel()
	for _, way := range []struct{ tls, transport string }{{"off", "udp"}, {"off", "tcp"}, {"self-signed", "udp"}, {"self-signed", "tcp"}, {"self-signed", "tls"}} {
		t.Run(way.transport+" with TLS "+way.tls, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir(), "--tls", way.tls, "--public-ip", "198.51.100.7")
			c, trust := in(t, s, way.tls != "off", "ann")
			l := borrow(t, c)
			urls := []string{"turn:" + s.addr + "?transport=tcp"}
			if way.tls != "off" {
				urls = append(urls, "turns:"+s.addr+"?transport=tcp")
			}
			if !slices.Equal(l.urls, urls) {
				t.Errorf("it is said to be at %q", l.urls)
			}
			a := s.over(t, way.transport, trust, l)
			a.mustAllocate()
			for addr, want := range map[string]int{"127.0.0.1": 0, "198.51.100.7": 0, "8.8.8.8": 403, "10.0.0.1": 403, "169.254.169.254": 403, "127.0.0.2": 403, "0.0.0.0": 403} {
				if code := a.permit(addr); code != want {
					t.Errorf("a permission for %s was answered %d, not %d", addr, code, want)
				}
			}
			strangersAreAlike(t, s, way.transport, trust, l)
			s.stop(t)
			if strings.Contains(s.log.String(), "level=ERROR") || strings.Contains(s.log.String(), l.pass) || strings.Contains(s.log.String(), l.user) {
				t.Errorf("it logged\n%s", s.log)
			}
		})
	}
}

// in registers an account, and one called "other", and logs in, over TLS or not, and says what certificate to trust.
func in(t testing.TB, s *server, encrypted bool, account string) (*client, *tls.Config) {
	t.Helper()
	if !encrypted {
		register(t, s, account, "other")
		return login(t, s, account), nil
	}
	trust := pinned(s.printed(t, printedPrint))
	secure(t, s, trust).register(t, account, "other")
	return secure(t, s, trust).login(t, account), trust
}

// strangersAreAlike: nobody learns from an answer which half of what he guessed was right.
func strangersAreAlike(t *testing.T, s *server, transport string, trust *tls.Config, good loan) {
	t.Helper()
	expiry, sealed, _ := strings.Cut(good.user, ":")
	var first []string
	for _, bad := range []loan{{user: good.user, pass: good.pass + "x"}, {user: expiry + ":" + strings.ToUpper(sealed), pass: good.pass}, {user: "ann", pass: password}} {
		m := s.over(t, transport, trust, bad).allocate()
		if first == nil {
			first = shape(m)
		}
		if codeOf(m) != 401 || !slices.Equal(shape(m), first) {
			t.Errorf("%q was answered %d: %q, another one %q", bad.user, codeOf(m), shape(m), first)
		}
	}
}

// TestRelayEnds: what ends a session ends its allocation at once and refuses its credentials; nobody else's.
func TestRelayEnds(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, s *server, own *client){
		"device DELETE": func(t *testing.T, s *server, own *client) {
			devices := own.want(t, "200", "message_type: device", "type: GET")
			i := slices.IndexFunc(devices.items, func(m message) bool { return m.get("current") == "yes" })
			login(t, s, "ann", "device: other").want(t, "200", "message_type: device", "type: DELETE", "session: "+devices.items[i].get("session"))
		},
		"logout": func(t *testing.T, _ *server, own *client) { own.want(t, "200", "message_type: logout") },
		"user suspend": func(t *testing.T, s *server, _ *client) {
			run(t, "user", "suspend", "ann", "--data", s.data).must(t)
		},
		"password": func(t *testing.T, s *server, _ *client) {
			login(t, s, "ann", "device: other").want(t, "200", "message_type: password", "user_password: "+password, "new_password: "+password+"!")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, t.TempDir(), "--relay-total-allocations", "1")
			register(t, s, "ann", "bob")
			own, of := login(t, s, "ann", "device: own"), borrow(t, login(t, s, "bob"))
			l := borrow(t, own)
			a, b := s.over(t, "tcp", nil, l), s.over(t, "udp", nil, of)
			a.mustAllocate()
			if code := codeOf(b.allocate()); code != 508 {
				t.Fatalf("a second allocation where there may be one was answered %d", code)
			}
			end(t, s, own)
			begun := time.Now()
			eventually(t, "the allocation ends", func() bool { return codeOf(b.allocate()) == 0 })
			t.Logf("the allocation ended within %v", time.Since(begun))
			if code := codeOf(s.over(t, "udp", nil, l).allocate()); code != 401 {
				t.Errorf("the credentials of an ended session are answered %d", code)
			}
			if code := codeOf(b.ask(stun.MethodRefresh)); code != 0 {
				t.Errorf("another account's allocation is answered %d", code)
			}
		})
	}
}

// eventually waits for something to become true, for as long as that may sensibly take.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	for range 2000 {
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("never: " + what)
}

// TestRelayAfterRestart: what was lent before a restart holds after it.
func TestRelayAfterRestart(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := start(t, data)
	c, _ := in(t, s, false, "ann")
	l := borrow(t, c)
	s.stop(t)
	s = start(t, data)
	s.over(t, "tcp", nil, l).mustAllocate()
	if info, err := os.Stat(data + "/relay.key"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the key that passwords are made with: %v, %v", info, err)
	}
}

func TestRelayOff(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--relay", "off", "--relay-listen", "127.0.0.1:0")
	register(t, s, "ann", "bob")
	ann, bob := login(t, s, "ann"), login(t, s, "bob")
	ann.want(t, "404", "message_type: turn", "type: GET")
	key := call(t, ann, bob)
	if m := ann.want(t, "200", "message_type: join", "connection_key: "+key); m.get("turn_urls") != "" || m.get("turn_username") != "" {
		t.Errorf("joining was answered\n%s", m.raw)
	}
	for _, addr := range []string{s.addr, s.printed(t, printedRelay)} {
		a := askAt(t, "tcp", addr, false, nil, loan{})
		a.send(stun.MethodAllocate)
		if m, err := a.hear(); !errors.Is(err, io.EOF) && !isReset(err) {
			t.Errorf("TURN at %s is answered %v, %v", addr, m, err)
		}
	}
	a := s.over(t, "udp", nil, loan{})
	a.send(stun.MethodAllocate)
	a.conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, err := a.conn.Read(make([]byte, 2048)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("TURN over UDP is answered: %d bytes, %v", n, err)
	}
}

func isReset(err error) bool { return err != nil && strings.Contains(err.Error(), "connection reset") }

// TestRelayForNobody: who names the server in a way that no URL can be made of is lent nothing, unless there is a name for it.
func TestRelayForNobody(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	register(t, s, "ann")
	at(t, s, "a_b:1").login(t, "ann").want(t, "404", "message_type: turn", "type: GET")
	named := start(t, t.TempDir(), "--domain", "chat.example.org")
	register(t, named, "ann")
	if l := borrow(t, at(t, named, "a_b:1").login(t, "ann")); !slices.Equal(l.urls, []string{"turn:chat.example.org:" + portOf(named.addr) + "?transport=tcp"}) {
		t.Errorf("it is said to be at %q", l.urls)
	}
}

// TestRelayListen: the second port is for the relay and for calls, and for nothing else.
func TestRelayListen(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--relay-listen", "127.0.0.1:0")
	relay := s.printed(t, printedRelay)
	c, _ := in(t, s, false, "ann")
	l := borrow(t, c)
	if !slices.Equal(l.urls, []string{"turn:" + relay + "?transport=tcp"}) {
		t.Errorf("the relay is said to be at %q", l.urls)
	}
	askAt(t, "tcp", relay, false, nil, l).mustAllocate()
	s.over(t, "tcp", nil, l).mustAllocate() // still there
	if _, err := browser(&tls.Config{}).Get("http://" + relay + "/healthz"); err == nil {
		t.Error("it answers HTTP")
	}
	if !offered(t, c, relay) {
		t.Errorf("calls over TCP are not offered at %s", relay)
	}
	if offered(t, c, s.addr) {
		t.Errorf("calls over TCP are offered at %s, which a proxy may stand before", s.addr)
	}
	if closes := iceTCP(t, s.addr); !closes {
		t.Error("ICE over TCP stays open on the port that is not for it")
	}
	if closes := iceTCP(t, relay); closes {
		t.Error("ICE over TCP is closed at once on the port that is for it")
	}
}

// iceTCP begins as a call over TCP does (RFC 4571, RFC 6544), with credentials of nobody, and reports whether that is closed at once.
func iceTCP(t *testing.T, addr string) bool {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	m := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername("nobody:here"), stun.NewShortTermIntegrity("x"), stun.Fingerprint)
	if _, err := conn.Write(append([]byte{byte(len(m.Raw) >> 8), byte(len(m.Raw))}, m.Raw...)); err != nil {
		t.Fatal(err)
	}
	conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	_, err = conn.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// TestOpenRelay relays to where the operator allows it, from ports he names, and nowhere else that is not public.
func TestOpenRelay(t *testing.T) {
	t.Parallel()
	low := freePort(t)
	if low > 65000 {
		low = 65000
	}
	s := start(t, t.TempDir(), "--relay", "open", "--relay-allow", "127.0.0.0/8", "--relay-ports", fmt.Sprintf("%d-%d", low, low+40))
	c, _ := in(t, s, false, "ann")
	l := borrow(t, c)
	if want := "turn:127.0.0.1:" + s.media + "?transport=udp"; !slices.Contains(l.urls, want) {
		t.Errorf("%s is not in %q", want, l.urls)
	}
	conn, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	library, err := turn.NewClient(&turn.ClientConfig{TURNServerAddr: "127.0.0.1:" + s.media, Conn: conn, Username: l.user, Password: l.pass})
	if err == nil {
		err = library.Listen()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer library.Close()
	relay, err := library.Allocate()
	if err != nil {
		t.Fatal(err)
	}
	defer relay.Close()
	echo := echoAt(t, "127.0.0.2:0")
	if _, err := relay.WriteTo([]byte("are you there?"), echo.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	relay.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 100)
	n, _, err := relay.ReadFrom(b)
	at := netip.MustParseAddrPort(strings.TrimPrefix(string(b[:n]), "you are "))
	if err != nil || int(at.Port()) < low || int(at.Port()) > low+40 {
		t.Errorf("the echo saw %v, which is not from %d to %d (%v)", at, low, low+40, err)
	}
	a := s.over(t, "tcp", nil, l)
	a.mustAllocate()
	for addr, want := range map[string]int{"127.0.0.2": 0, "8.8.8.8": 0, "127.0.0.1": 0, "169.254.169.254": 403, "10.0.0.1": 403, "192.168.1.1": 403, "0.0.0.0": 403} {
		if code := a.permit(addr); code != want {
			t.Errorf("a permission for %s was answered %d, not %d", addr, code, want)
		}
	}
}

// echoAt answers every datagram with where it came from, until the test ends.
func echoAt(t *testing.T, addr string) net.PacketConn {
	t.Helper()
	conn, err := net.ListenPacket("udp", addr)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, 100)
		for {
			_, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			conn.WriteTo([]byte("you are "+from.String()), from)
		}
	}()
	return conn
}

// at connects as if the server were found under another name.
func at(t testing.TB, s *server, host string) *client {
	t.Helper()
	return reading(t)(connectTo("ws://"+s.addr+"/message", optionsFor(host)))
}
