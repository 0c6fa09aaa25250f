package contract

import (
	"bytes"
	"crypto/tls"
	"net"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"
)

// route is how a phone reaches the server's media.
type route struct {
	network webrtc.NetworkType
	relay   string // how the URL of the relay begins that it takes and does without everything else; "": none
}

var direct = route{network: webrtc.NetworkTypeUDP4}

// toRelay connects to the relay, and does what the URL says that it should: Pion would trust those alone that this system trusts.
type toRelay struct{ encrypted bool }

// Dial implements proxy.Dialer of golang.org/x/net.
func (d toRelay) Dial(_, addr string) (net.Conn, error) {
	if d.encrypted {
		return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	}
	return net.Dial("tcp", addr)
}

// configure has a peer connection use that route with what was lent at the join.
func (r route) configure(t *testing.T, e *webrtc.SettingEngine, joined message) webrtc.Configuration {
	t.Helper()
	e.SetNetworkTypes([]webrtc.NetworkType{r.network})
	if r.relay == "" {
		return webrtc.Configuration{}
	}
	e.SetICEProxyDialer(toRelay{r.relay == "turns:"})
	for _, url := range strings.Split(joined.get("turn_urls"), ",") {
		if strings.HasPrefix(url, r.relay) {
			return webrtc.Configuration{ICETransportPolicy: webrtc.ICETransportPolicyRelay, ICEServers: []webrtc.ICEServer{
				{URLs: []string{url}, Username: joined.get("turn_username"), Credential: joined.get("turn_password")}}}
		}
	}
	t.Fatalf("no %s is lent: %q", r.relay, joined.lines)
	return webrtc.Configuration{}
}

// TestCallsByEveryRoute: sound goes both ways between one who comes over UDP and one who cannot.
func TestCallsByEveryRoute(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		route
		typ   webrtc.ICECandidateType
		flags []string
	}{
		"TCP":                        {route{webrtc.NetworkTypeTCP4, ""}, webrtc.ICECandidateTypeHost, nil},
		"relay over TCP":             {route{webrtc.NetworkTypeUDP4, "turn:"}, webrtc.ICECandidateTypeRelay, nil},
		"relay over TLS":             {route{webrtc.NetworkTypeUDP4, "turns:"}, webrtc.ICECandidateTypeRelay, []string{"--tls", "self-signed", "--trusted-proxy", "127.0.0.1"}},
		"relay on a port of its own": {route{webrtc.NetworkTypeUDP4, "turn:"}, webrtc.ICECandidateTypeRelay, []string{"--relay-listen", "127.0.0.1:0"}},
		"open relay":                 {route{webrtc.NetworkTypeUDP4, "turn:"}, webrtc.ICECandidateTypeRelay, []string{"--relay", "open"}},
	} {
		t.Run(name, func(t *testing.T) { // one after the other: each is a server and two peers
			s := serve(t, c.flags...)
			a, b, key := pairInCall(s)
			pa, pb := enter(t, a, key), enterBy(t, b, key, c.route)
			fromA := pa.publish()
			pb.receive()
			if got := pb.hear(fromA); !bytes.HasPrefix(got.payload, []byte("a frame")) {
				t.Errorf("to it came %q", got.payload)
			}
			fromB := pb.publish()
			pa.receive()
			if got := pa.hear(fromB); !bytes.HasPrefix(got.payload, []byte("a frame")) {
				t.Errorf("from it came %q", got.payload)
			}
			if pair := pb.selected(); pair.Local.Typ != c.typ {
				t.Errorf("it sends from a candidate %v", pair.Local)
			} else if c.network == webrtc.NetworkTypeTCP4 && pair.Remote.Protocol != webrtc.ICEProtocolTCP {
				t.Errorf("it sends to a candidate %v", pair.Remote)
			}
		})
	}
}

// selected is the pair of candidates that media takes.
func (p *phone) selected() *webrtc.ICECandidatePair {
	p.t.Helper()
	for _, s := range p.pc.GetSenders() {
		if tr := s.Transport(); tr != nil {
			pair, err := tr.ICETransport().GetSelectedCandidatePair()
			if err != nil || pair == nil {
				p.t.Fatalf("no pair is selected: %v", err)
			}
			return pair
		}
	}
	p.t.Fatal("nothing is sent")
	return nil
}
