package cert

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"neochat/port"
	"neochat/port/cert/acmetest"
)

// patience is how long a certificate may take.
const patience = time.Minute

// site is a server with automatic certificates on loopback.
type site struct {
	automatic *Automatic
	tcp       *port.TCP
	plain     net.Listener
}

// openSite opens the ports; challenge serves the authority on the plain one too.
func openSite(t *testing.T, automatic *Automatic) *site {
	t.Helper()
	s := &site{automatic: automatic}
	var err error
	if s.tcp, err = port.Listen(port.TCPConfig{Address: "127.0.0.1:0", TLS: automatic.TLS(), Logger: quiet()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.tcp.Close() })
	if s.plain, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	web := &http.Server{Handler: s.tcp.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })), ConnContext: s.tcp.ConnContext}
	plain := &http.Server{Handler: automatic.HTTPChallenge(http.HandlerFunc(port.ToHTTPS))}
	var served sync.WaitGroup
	served.Go(func() { web.Serve(s.tcp.HTTP()) })
	served.Go(func() { plain.Serve(s.plain) })
	t.Cleanup(func() {
		web.Close()
		plain.Close()
		served.Wait()
	})
	return s
}

func (s *site) ready(t *testing.T) {
	t.Helper()
	for until := time.Now().Add(patience); !s.automatic.Ready(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("no certificate")
		}
	}
}

// get asks the server over https for a host.
func (s *site) get(t *testing.T, host string, roots *x509.CertPool) (string, *x509.Certificate) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: host}}}
	answer, err := client.Get("https://" + s.tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b), answer.TLS.PeerCertificates[0]
}

// withAuthority begins a test with an authority, and finds what a test leaves behind. The library's limit on requests to one authority stays for the life of the process, and
// what keeps its lock files fresh sees only after 5 s that they are gone.
func withAuthority(t *testing.T) {
	if testing.Short() {
		t.Skip("runs an ACME authority")
	}
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() {
		goleak.VerifyNone(t, before, goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.(*RingBufferRateLimiter).loop"),
			goleak.IgnoreAnyFunction("github.com/caddyserver/certmagic.keepLockfileFresh"))
	})
}

// TestAutomatic gets certificates by TLS-ALPN-01 on the one port, and finds them again after a restart, without the authority.
func TestAutomatic(t *testing.T) {
	withAuthority(t)
	hosts, folder := []string{"chat.example.test", "talk.example.test"}, t.TempDir()
	a, err := NewAutomatic(AutomaticConfig{Hosts: hosts, Email: "admin@example.test", Folder: folder, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	s := openSite(t, a)
	if _, err := tls.Dial("tcp", s.tcp.Addr().String(), &tls.Config{ServerName: hosts[0]}); err == nil {
		t.Error("there is a certificate before the start")
	}
	authority := acmetest.Run(t, s.tcp.Addr().(*net.TCPAddr).Port, 1)
	a.config.Directory, a.config.Roots = authority.Directory, authority.Roots // its port comes from ours
	if a.Ready() || a.Trusted() {
		t.Error("ready before the start")
	}
	if err := a.Start(s.tcp.Addr(), nil); err != nil {
		t.Fatal(err)
	}
	s.ready(t)
	var serial string
	for _, host := range hosts {
		proto, c := s.get(t, host, authority.Roots)
		if proto != "HTTP/2.0" || c.DNSNames[0] != host {
			t.Errorf("%s for %v", proto, c.DNSNames)
		}
		serial = c.SerialNumber.String()
	}
	if HSTS(a) == "" {
		t.Error("not trusted")
	}
	if err := a.Start(s.tcp.Addr(), nil); err == nil {
		t.Error("started twice")
	}
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	again, err := NewAutomatic(AutomaticConfig{Hosts: hosts, Directory: authority.Directory, Folder: folder, Roots: x509.NewCertPool(), Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	s = openSite(t, again)
	if err := again.Start(s.tcp.Addr(), nil); err != nil {
		t.Fatal(err)
	}
	if !again.Ready() {
		t.Error("certificates that are kept are not there at once")
	}
	if _, c := s.get(t, hosts[1], authority.Roots); c.SerialNumber.String() != serial {
		t.Error("another certificate after a restart")
	}
	if HSTS(again) != "" {
		t.Error("trusted though nobody knows the authority")
	}
}

// TestAutomaticOverHTTP gets a certificate by HTTP-01, where connections to 443 arrive nowhere.
func TestAutomaticOverHTTP(t *testing.T) {
	withAuthority(t)
	a, err := NewAutomatic(AutomaticConfig{Hosts: []string{"chat.example.test"}, Folder: t.TempDir(), Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	s := openSite(t, a)
	authority := acmetest.Run(t, 1, s.plain.Addr().(*net.TCPAddr).Port)
	a.config.Directory, a.config.Roots = authority.Directory, authority.Roots
	if err := a.Start(s.tcp.Addr(), s.plain.Addr()); err != nil {
		t.Fatal(err)
	}
	s.ready(t)
	s.get(t, "chat.example.test", authority.Roots)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Get("http://" + s.plain.Addr().String() + "/x")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusPermanentRedirect {
		t.Errorf("everything else is answered %d", answer.StatusCode)
	}
}

func TestAutomaticNeedsHosts(t *testing.T) {
	if _, err := NewAutomatic(AutomaticConfig{}); err == nil {
		t.Error("for no host")
	}
}
