package cert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/dns/dnsmessage"

	"neochat/port"
)

// pebbleVersion is that of the ACME authority for tests, by the people of Let's Encrypt. It is built into the user's cache folder once.
const pebbleVersion = "v2.10.3"

// patience is how long a certificate may take.
const patience = time.Minute

// buildPebble returns the path of the program. A file lock keeps several test processes from building at once.
func buildPebble(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "neochat-tests", "pebble-"+pebbleVersion)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	lock, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "pebble")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	cmd := exec.Command("go", "install", "github.com/letsencrypt/pebble/v2/cmd/pebble@"+pebbleVersion)
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the ACME authority: %v\n%s", err, out)
	}
	return path
}

// pebble is a running ACME authority.
type pebble struct {
	directory string
	roots     *x509.CertPool // of its own server, and of what it issues
}

// runPebble runs an authority that connects to these ports instead of 443 and 80.
func runPebble(t *testing.T, securePort, plainPort int) *pebble {
	t.Helper()
	path, dir, a := buildPebble(t), t.TempDir(), newAuthority(t)
	c, k := a.valid(t, "localhost")
	listen, management := freeAddress(t), freeAddress(t)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{"listenAddress": listen, "managementListenAddress": management,
		"certificate": put(t, filepath.Join(dir, "crt"), c), "privateKey": put(t, filepath.Join(dir, "key"), k), "httpPort": plainPort, "tlsPort": securePort,
		"keyAlgorithm": "ecdsa", "retryAfter": map[string]int{"authz": 1, "order": 1},
		"profiles": map[string]any{"default": map[string]any{"description": "for tests", "validityPeriod": 7776000}}}})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "-config", put(t, filepath.Join(dir, "config"), config), "-dnsserver", serveNames(t))
	cmd.Env = append(os.Environ(), "PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0")
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
		if t.Failed() {
			t.Log(out.String())
		}
	})
	p := &pebble{directory: "https://" + listen + "/dir", roots: a.pool()}
	p.roots.AddCert(rootOf(t, "https://"+management+"/roots/0", a.pool()))
	return p
}

// rootOf asks the authority for the root of what it issues, once it is up.
func rootOf(t *testing.T, url string, trust *x509.CertPool) *x509.Certificate {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trust}, DisableKeepAlives: true}}
	for range 1000 {
		answer, err := client.Get(url)
		if err != nil {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		defer answer.Body.Close()
		b, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		block, _ := pem.Decode(b)
		if block == nil {
			t.Fatalf("no certificate: %s", b)
		}
		root, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		return root
	}
	t.Fatal("the authority does not come up")
	return nil
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// serveNames is a name server for which every name is 127.0.0.1, over TCP, as the authority asks.
func serveNames(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		served.Wait()
	})
	served.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			served.Go(func() {
				defer c.Close()
				for answerName(c) == nil {
				}
			})
		}
	})
	return l.Addr().String()
}

// answerName answers one question (RFC 1035, section 4.2.2).
func answerName(c net.Conn) error {
	var size [2]byte
	if _, err := io.ReadFull(c, size[:]); err != nil {
		return err
	}
	b := make([]byte, binary.BigEndian.Uint16(size[:]))
	if _, err := io.ReadFull(c, b); err != nil {
		return err
	}
	var m dnsmessage.Message
	if err := m.Unpack(b); err != nil || len(m.Questions) != 1 {
		return fmt.Errorf("no question: %w", err)
	}
	q := m.Questions[0]
	m.Response, m.RecursionAvailable, m.Additionals = true, true, nil
	if q.Type == dnsmessage.TypeA {
		m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class}, Body: &dnsmessage.AResource{A: [4]byte{127, 0, 0, 1}}}}
	}
	out, err := m.AppendPack([]byte{0, 0})
	if err != nil {
		return err
	}
	binary.BigEndian.PutUint16(out, uint16(len(out)-2))
	_, err = c.Write(out)
	return err
}

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
	authority := runPebble(t, s.tcp.Addr().(*net.TCPAddr).Port, 1)
	a.config.Directory, a.config.Roots = authority.directory, authority.roots // its port comes from ours
	if a.Ready() || a.Trusted() {
		t.Error("ready before the start")
	}
	if err := a.Start(s.tcp.Addr(), nil); err != nil {
		t.Fatal(err)
	}
	s.ready(t)
	var serial string
	for _, host := range hosts {
		proto, c := s.get(t, host, authority.roots)
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
	again, err := NewAutomatic(AutomaticConfig{Hosts: hosts, Directory: authority.directory, Folder: folder, Roots: x509.NewCertPool(), Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	s = openSite(t, again)
	if err := again.Start(s.tcp.Addr(), nil); err != nil {
		t.Fatal(err)
	}
	s.ready(t)
	if _, c := s.get(t, hosts[1], authority.roots); c.SerialNumber.String() != serial {
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
	authority := runPebble(t, 1, s.plain.Addr().(*net.TCPAddr).Port)
	a.config.Directory, a.config.Roots = authority.directory, authority.roots
	if err := a.Start(s.tcp.Addr(), s.plain.Addr()); err != nil {
		t.Fatal(err)
	}
	s.ready(t)
	s.get(t, "chat.example.test", authority.roots)
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
