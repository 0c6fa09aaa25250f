package doctor

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// house is a server that answers as told.
func house(t *testing.T, answers map[string]http.HandlerFunc) string {
	t.Helper()
	mux := http.NewServeMux()
	said := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(text)) }
	}
	all := map[string]http.HandlerFunc{"/healthz": said("ok\n"), "/readyz": said("ready\n"), ReachPath: http.NotFound, "/message": http.NotFound}
	for path, h := range answers {
		all[path] = h
	}
	for path, h := range all {
		mux.HandleFunc(path, h)
	}
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// looked visits it, and returns the faults by check, and the others by their state.
func looked(t *testing.T, v Visit) map[string]string {
	t.Helper()
	if v.Timeout == 0 {
		v.Timeout = 2 * time.Second
	}
	v.Patience = 100 * time.Millisecond
	all, err := v.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]string{}
	for _, f := range all {
		if found[f.Check] = f.Fault; f.Fault == "" {
			found[f.Check] = string(f.State)
		}
	}
	return found
}

func reachOf(r Reach) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { json.NewEncoder(w).Encode(r) }
}

// silence accepts a WebSocket and says nothing, until it is closed.
func silence(w http.ResponseWriter, r *http.Request) {
	if c, err := websocket.Accept(w, r, nil); err == nil {
		for err == nil {
			_, _, err = c.Read(context.Background())
		}
		c.CloseNow()
	}
}

func TestVisitHTTP(t *testing.T) {
	refuse := func(code int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, text, code) }
	}
	for _, c := range []struct {
		name    string
		answers map[string]http.HandlerFunc
		check   string
		want    string
	}{
		{"it is another program", map[string]http.HandlerFunc{"/healthz": refuse(200, "It works!")}, "http", "http-other"},
		{"it knows no such page", map[string]http.HandlerFunc{"/healthz": refuse(404, "no")}, "http", "http-other"},
		{"it cannot write", map[string]http.HandlerFunc{"/readyz": refuse(503, "the database does not answer")}, "http", "http-unready"},
		{"its proxy is alone", map[string]http.HandlerFunc{"/healthz": refuse(502, "bad gateway")}, "http", "http-other"},
		{"no WebSocket", map[string]http.HandlerFunc{"/message": refuse(426, "")}, "websocket", "websocket-stripped"},
		{"a silent one", map[string]http.HandlerFunc{"/message": silence}, "websocket", "websocket-buffered"},
		{"it does not tell of itself", nil, "udp", "skip"},
		{"it tells nonsense", map[string]http.HandlerFunc{ReachPath: refuse(200, "{}")}, "udp", "skip"},
		{"its clock is late", map[string]http.HandlerFunc{ReachPath: reachOf(Reach{TCP: 1, UDP: 1, Time: time.Now().Add(-time.Hour)})}, "clock", "clock-off"},
		{"its clock is right", map[string]http.HandlerFunc{ReachPath: reachOf(Reach{TCP: 1, UDP: 1, Time: time.Now()})}, "clock", "ok"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := looked(t, Visit{URL: house(t, c.answers)}); got[c.check] != c.want {
				t.Errorf("%v, want %s: %s", got, c.check, c.want)
			}
		})
	}
}

// TestVisitTimes compares with a third clock.
func TestVisitTimes(t *testing.T) {
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-10*time.Minute).UTC().Format(http.TimeFormat))
	}))
	defer late.Close()
	if f := JudgeClock(t.Context(), Network{}, late.URL); f.Fault != "clock-off" || !strings.Contains(f.Note, "ahead") {
		t.Errorf("%+v", f)
	}
	if f := JudgeClock(t.Context(), Network{}, "http://127.0.0.1:1/"); f.State != Skip {
		t.Errorf("nobody to ask: %+v", f)
	}
	at := house(t, map[string]http.HandlerFunc{ReachPath: reachOf(Reach{TCP: 1, UDP: 1, Time: time.Now()})})
	if got := looked(t, Visit{URL: at, TimeFrom: late.URL}); got["clock"] != "clock-off" {
		t.Errorf("%v", got)
	}
}

// TestVisitConnects has every address of a name answer, or not.
func TestVisitConnects(t *testing.T) {
	at := strings.TrimPrefix(house(t, nil), "http://127.0.0.1")
	dial := func(ctx context.Context, network, address string) (net.Conn, error) {
		switch host, _, _ := net.SplitHostPort(address); host {
		case "127.0.0.1":
			return (&net.Dialer{}).DialContext(ctx, network, address)
		case "2001:db8::1":
			return nil, &net.OpError{Op: "dial", Err: syscall.ENETUNREACH}
		case "203.0.113.1":
			return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
		}
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for _, c := range []struct {
		leads     string
		tcp, ipv6 string
	}{
		{"127.0.0.1", "ok", ""},
		{"127.0.0.1 2001:db8::1", "ok", "skip"},
		{"127.0.0.1 2001:db8::2", "ok", "ipv6-unreachable"},
		{"127.0.0.1 203.0.113.2", "ok", "ipv4-unreachable"},
		{"203.0.113.1", "tcp-refused", ""},
		{"203.0.113.2", "tcp-silent", ""},
		{"2001:db8::1", "tcp-silent", ""},
	} {
		t.Run(c.leads, func(t *testing.T) {
			t.Parallel()
			lookup := func(context.Context, string, string) ([]netip.Addr, error) {
				return addrs(strings.Fields(c.leads)...), nil
			}
			got := looked(t, Visit{URL: "http://chat.test" + at, Network: Network{Lookup: lookup, Dial: dial}})
			if got["tcp"] != c.tcp || got["ipv6"] != c.ipv6 {
				t.Errorf("%v, want %q and %q", got, c.tcp, c.ipv6)
			}
		})
	}
}

func TestVisitNoURL(t *testing.T) {
	for _, at := range []string{"", "chat.test", "ftp://chat.test", "http://", "https://%"} {
		if _, err := (Visit{URL: at}).Look(t.Context()); err == nil {
			t.Errorf("%q is taken", at)
		}
	}
}

// certificate makes one that has signed itself.
func certificate(t *testing.T, name string, from, until time.Time) (c *x509.Certificate, der, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, DNSNames: []string{name}, NotBefore: from, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true}
	der, err = x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err == nil {
		key, err = x509.MarshalPKCS8PrivateKey(private)
	}
	if err == nil {
		c, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, der, key
}

func TestJudgeChain(t *testing.T) {
	now := time.Now()
	day := 24 * time.Hour
	for _, c := range []struct {
		name        string
		from, until time.Duration
		trust       bool
		want        string
	}{
		{"chat.test", -day, day, true, ""},
		{"chat.test", -day, day, false, "tls-untrusted"},
		{"chat.test", -2 * day, -day, true, "tls-expired"},
		{"chat.test", day, 2 * day, true, "tls-not-yet"},
		{"other.test", -day, day, true, "tls-wrong-host"},
	} {
		one, _, _ := certificate(t, c.name, now.Add(c.from), now.Add(c.until))
		roots := x509.NewCertPool()
		if c.trust {
			roots.AddCert(one)
		}
		if got := judgeChain([]*x509.Certificate{one}, "chat.test", roots, now); got.Fault != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

func TestJudgeCertificate(t *testing.T) {
	now := time.Now()
	dir := t.TempDir()
	write := func(name, kind string, der []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	_, der, secret := certificate(t, "chat.test", now.Add(-80*24*time.Hour), now.Add(10*24*time.Hour))
	_, other, _ := certificate(t, "chat.test", now.Add(-time.Hour), now.Add(time.Hour))
	good, key, wrong := write("a.pem", "CERTIFICATE", der), write("a.key", "PRIVATE KEY", secret), write("b.pem", "CERTIFICATE", other)
	for _, c := range []struct {
		certificate string
		name        string
		at          time.Time
		want        string
	}{
		{good, "chat.test", now.Add(-10 * 24 * time.Hour), ""},
		{good, "chat.test", now, "certificate-soon"},
		{good, "chat.test", now.Add(20 * 24 * time.Hour), "certificate-expired"},
		{good, "chat.test", now.Add(-90 * 24 * time.Hour), "certificate-broken"},
		{good, "www.test", now, "certificate-wrong-host"},
		{wrong, "chat.test", now, "certificate-broken"},
		{key, "chat.test", now, "certificate-broken"},
		{filepath.Join(dir, "none"), "chat.test", now, "certificate-missing"},
	} {
		if got := JudgeCertificate(c.certificate, key, "neochat", []string{c.name}, c.at); got.Fault != c.want {
			t.Errorf("%+v: %+v", c, got)
		}
	}
}

// TestAskUDP asks a server that loses the first question, and one that loses large ones.
func TestAskUDP(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	go func() {
		buf := make([]byte, 2048)
		for heard := 0; ; heard++ {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			if heard == 0 || n > 1000 {
				continue
			}
			server.WriteTo([]byte("no answer"), from)
			server.WriteTo(answerTo(buf[:n], from.(*net.UDPAddr)), from)
		}
	}()
	n := Network{}.withDefaults()
	if seen, err := askUDP(t.Context(), n, server.LocalAddr().String(), 0, time.Minute); err != nil || !seen.Addr().IsLoopback() {
		t.Errorf("%v, %v", seen, err)
	}
	if _, err := askUDP(t.Context(), n, server.LocalAddr().String(), large, time.Second); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a large one: %v", err)
	}
}
