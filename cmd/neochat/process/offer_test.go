package process

import (
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
)

// answerSDP joins a call with the account "other" as a browser would and returns the server's description.
func answerSDP(t testing.TB, c *client) string {
	t.Helper()
	pc, err := webrtc.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		t.Fatal(err)
	}
	defer pc.GracefulClose()
	if _, err := pc.AddTransceiverFromKind(webrtc.RTPCodecTypeAudio, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		t.Fatal(err)
	}
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	key := c.want(t, "200", "message_type: cell", "friends: other").get("connection_key")
	c.want(t, "200", "message_type: join", "connection_key: "+key)
	m := c.want(t, "200", "message_type: description", "connection_key: "+key, "sdp_type: offer", "sdp: "+strings.ReplaceAll(offer.SDP, "\n", "\n "))
	c.want(t, "200", "message_type: cell", "type: DELETE", "cell_key: "+key)
	return m.get("sdp")
}

var hostCandidate = regexp.MustCompile(`a=candidate:\S+ 1 (udp|tcp) \d+ (\S+) (\d+) typ host`)

// candidates are those of an answer, as "udp 192.0.2.1 8080".
func candidates(t testing.TB, c *client) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, m := range hostCandidate.FindAllStringSubmatch(answerSDP(t, c), -1) {
		found[m[1]+" "+m[2]+" "+m[3]] = true
	}
	if len(found) == 0 {
		t.Fatal("the answer holds no candidates")
	}
	return found
}

// offered reports whether calls over TCP are offered at an address.
func offered(t testing.TB, c *client, addr string) bool {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	return candidates(t, c)["tcp "+host+" "+port]
}

// portOf is the number at the end of an address.
func portOf(addr string) string { return addr[strings.LastIndex(addr, ":")+1:] }

// TestHostIsOffered: who found the server at an address that it does not know itself is offered that address, and nobody else is.
func TestHostIsOffered(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--public-ip", "198.51.100.7")
	register(t, s, "ann", "bob", "other")
	udp, tcp := "udp 203.0.113.5 "+s.media, "tcp 203.0.113.5 "+portOf(s.addr)
	usual := candidates(t, login(t, s, "bob"))
	for _, want := range []string{"udp 198.51.100.7 " + s.media, "tcp 198.51.100.7 " + portOf(s.addr), "udp 127.0.0.1 " + s.media, "tcp 127.0.0.1 " + portOf(s.addr)} {
		if !usual[want] {
			t.Errorf("%s is not among %v", want, usual)
		}
	}
	if got := candidates(t, at(t, s, "203.0.113.5:8080").login(t, "ann")); !got[udp] || !got[tcp] || len(got) != len(usual)+2 {
		t.Errorf("who found it at 203.0.113.5:8080 is offered %v", got)
	}
	if got := candidates(t, at(t, s, "[2001:db8::5]:8080").login(t, "ann")); !got["udp 2001:db8::5 "+s.media] || len(got) != len(usual)+2 {
		t.Errorf("who found it at [2001:db8::5]:8080 is offered %v", got)
	}
	if got := candidates(t, login(t, s, "bob")); got[udp] || got[tcp] {
		t.Errorf("another one is offered %v", got)
	}
	for _, host := range []string{"0.0.0.0", "0.0.0.0:8080", "224.0.0.1:8080", "255.255.255.255", "[::]:1", "[ff02::1]", "[fe80::1%25eth0]:8080", "127.0.0.9", "[::1]", "localhost", "a.localhost:1",
		"..", "-", "a..b", "203.0.113.5.", "203.0.113.256", "[203.0.113.5", "203.0.113.5]", "[203.0.113.5]x", "1:2:3", "203.0.113.5:x:y", strings.Repeat("a", 300)} {
		c, err := connectTo("ws://"+s.addr+"/message", optionsFor(host))
		if err != nil {
			continue // net/http refuses it
		}
		if got := candidates(t, reading(t)(c, nil).login(t, "ann")); len(got) != len(usual) {
			t.Errorf("the host %q makes %d candidates of %d: %v", host, len(got), len(usual), got)
		}
	}
	s.stop(t)
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("it logged\n%s", s.log)
	}
}

// TestStunServer: the address that a STUN server tells is offered to everybody.
func TestStunServer(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--stun-server", stunAt(t, "203.0.113.77", false))
	s.logs(t, "the public address, as a STUN server sees it")
	c, _ := in(t, s, false, "ann")
	if got := candidates(t, c); !got["udp 203.0.113.77 "+s.media] || !got["tcp 203.0.113.77 "+portOf(s.addr)] {
		t.Errorf("offered is %v", got)
	}
	a := s.over(t, "udp", nil, borrow(t, c))
	a.mustAllocate()
	if code := a.permit("203.0.113.77"); code != 0 {
		t.Errorf("the relay does not know that address: %d", code)
	}
}

// TestStunServerTellsNothing: rubbish is logged and not believed, and nobody waits for a server that is silent.
func TestStunServerTellsNothing(t *testing.T) {
	t.Parallel()
	silent, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() })
	for name, server := range map[string]string{"an address of nobody": stunAt(t, "0.0.0.0", false), "rubbish": stunAt(t, "203.0.113.77", true), "silence": silent.LocalAddr().String()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			begun := time.Now()
			s := start(t, t.TempDir(), "--stun-server", server)
			t.Logf("started after %v", time.Since(begun))
			if strings.Contains(s.log.String(), "STUN") {
				t.Error("the start waited for the STUN server")
			}
			c, _ := in(t, s, false, "ann")
			s.logs(t, "level=WARN msg=\"the STUN server does not tell the public address\"")
			for k := range candidates(t, c) {
				if strings.Contains(k, "203.0.113.") || strings.Contains(k, " 0.0.0.0 ") {
					t.Errorf("offered is %s", k)
				}
			}
			s.stop(t)
		})
	}
}
