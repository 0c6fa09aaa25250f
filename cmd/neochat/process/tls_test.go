package process

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/coder/websocket"
)

var (
	printedPrint = regexp.MustCompile(`(?m)fingerprint is\s+([0-9A-F:]{95})$`)
	printedPlain = regexp.MustCompile(`, (\S+) \(TCP: sends on to https\)`)
	printedRelay = regexp.MustCompile(`, (\S+) \(TCP: relay, calls\)`)
)

// pinned trusts the one certificate whose fingerprint was printed.
func pinned(fingerprint string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
		sum := sha256.Sum256(s.PeerCertificates[0].Raw)
		if got := strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":"); got != fingerprint {
			return fmt.Errorf("the certificate's fingerprint is %s", got)
		}
		return s.PeerCertificates[0].VerifyHostname("127.0.0.1")
	}}
}

// browser is an HTTP client that trusts as config says, speaks these versions, and follows no redirects.
func browser(config *tls.Config, protocols ...string) *http.Client {
	config = config.Clone()
	config.NextProtos = protocols
	speaks := &http.Protocols{}
	speaks.SetHTTP1(true)
	speaks.SetHTTP2(len(protocols) > 0 && protocols[0] == "h2")
	return &http.Client{Transport: &http.Transport{TLSClientConfig: config, Protocols: speaks, DisableKeepAlives: true}, Timeout: patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// get asks for a URL and returns the answer without its body, which is read.
func get(t testing.TB, c *http.Client, url string) *http.Response {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp
}

// secure connects a WebSocket over TLS.
func secure(t testing.TB, s *server, config *tls.Config) *client {
	t.Helper()
	return reading(t)(connectTo("wss://"+s.addr+"/message", websocket.DialOptions{HTTPClient: browser(config)}))
}

func TestSelfSigned(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := start(t, data, "--tls", "self-signed")
	print := s.printed(t, printedPrint)
	trust := pinned(print)
	for _, version := range []struct {
		want string
		alpn []string
	}{{"HTTP/2.0", []string{"h2", "http/1.1"}}, {"HTTP/1.1", []string{"http/1.1"}}, {"HTTP/1.1", nil}} {
		resp := get(t, browser(trust, version.alpn...), "https://"+s.addr+"/healthz")
		if resp.StatusCode != 200 || resp.Proto != version.want {
			t.Errorf("ALPN %q: %s over %s, want %s", version.alpn, resp.Status, resp.Proto, version.want)
		}
		if resp.TLS.NegotiatedProtocol == "" && version.alpn != nil {
			t.Errorf("ALPN %q: nothing was agreed on", version.alpn)
		}
		if v := resp.Header.Get("Strict-Transport-Security"); v != "" {
			t.Errorf("browsers would remember a certificate that nobody trusts: %s", v)
		}
	}
	secure(t, s, trust).register(t, "ann")
	secure(t, s, trust).login(t, "ann")
	cookieIsSecure(t, browser(trust, "h2"), s)
	sentOnToHTTPS(t, s.addr, s.addr)
	if _, err := connect(s.addr, "/message"); err == nil {
		t.Error("a WebSocket was opened in the clear")
	}
	s.stop(t)
	again := start(t, data, "--tls", "self-signed")
	if p := again.printed(t, printedPrint); p != print {
		t.Errorf("after a restart the fingerprint is %s, it was %s", p, print)
	}
	secure(t, again, trust).login(t, "ann")
}

func cookieIsSecure(t *testing.T, c *http.Client, s *server) {
	t.Helper()
	resp, err := c.PostForm("https://"+s.addr+"/session", url.Values{"user_account": {"ann"}, "user_password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	cookies := resp.Cookies()
	if resp.StatusCode != 200 || len(cookies) != 1 || !cookies[0].Secure || !cookies[0].HttpOnly {
		t.Errorf("%s with the cookies %v", resp.Status, cookies)
	}
}

// sentOnToHTTPS asks at a port in the clear and must be sent to the same page of the other.
func sentOnToHTTPS(t *testing.T, plain, secure string) {
	t.Helper()
	c := browser(&tls.Config{})
	resp := get(t, c, "http://"+plain+"/somewhere?a=b")
	if where := resp.Header.Get("Location"); resp.StatusCode != http.StatusPermanentRedirect || where != "https://"+secure+"/somewhere?a=b" {
		t.Errorf("%s to %q", resp.Status, where)
	}
	posted, err := c.PostForm("http://"+plain+"/session", url.Values{"user_account": {"ann"}, "user_password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	posted.Body.Close()
	if posted.StatusCode != http.StatusForbidden || len(posted.Cookies()) != 0 {
		t.Errorf("a password in the clear: %s with the cookies %v", posted.Status, posted.Cookies())
	}
}

func TestPlainListen(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--tls", "self-signed", "--plain-listen", "127.0.0.1:0")
	plain := s.printed(t, printedPlain)
	sentOnToHTTPS(t, plain, s.addr)
	req, err := http.NewRequest("GET", "http://"+plain+"/x", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = "chat.example" // from port 80, by a translation that will do the same for 443
	resp, err := browser(&tls.Config{}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if where := resp.Header.Get("Location"); where != "https://chat.example/x" {
		t.Errorf("sent on to %q", where)
	}
	s.stop(t)
}

// serialOf is the serial number of the certificate that a server shows now.
func serialOf(t testing.TB, s *server, trust *tls.Config) *big.Int {
	t.Helper()
	conn, err := tls.Dial("tcp", s.addr, trust)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].SerialNumber
}

func TestCertificateFiles(t *testing.T) {
	t.Parallel()
	dir, from := t.TempDir(), newIssuer(t)
	certificate, key := filepath.Join(dir, "site.crt"), filepath.Join(dir, "site.key")
	first := from.issue(t, certificate, key, time.Now().Add(time.Hour))
	s := start(t, t.TempDir(), "--tls", certificate+","+key)
	trust := &tls.Config{RootCAs: from.pool()}
	if got := serialOf(t, s, trust); got.Cmp(first) != 0 {
		t.Errorf("it shows certificate %v, not %v", got, first)
	}
	if v := get(t, browser(trust), "https://"+s.addr+"/healthz").Header.Get("Strict-Transport-Security"); v != "" {
		t.Errorf("only this test trusts the issuer, and browsers are told %s", v)
	}
	secure(t, s, trust).register(t, "ann")
	open := secure(t, s, trust).login(t, "ann")

	second := from.issue(t, certificate, key, time.Now().Add(time.Hour))
	hangup(t, s)
	for range 1000 {
		if serialOf(t, s, trust).Cmp(second) == 0 {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if got := serialOf(t, s, trust); got.Cmp(second) != 0 {
		t.Errorf("after SIGHUP it shows certificate %v, not %v", got, second)
	}
	write(t, certificate, "rubbish")
	hangup(t, s)
	s.logs(t, "level=ERROR msg=\"the certificate cannot be read again; the one in use stays\" error=.*site.crt")
	if got := serialOf(t, s, trust); got.Cmp(second) != 0 {
		t.Errorf("of rubbish it made certificate %v", got)
	}
	open.want(t, "200", "message_type: profile", "type: GET") // the same connection all along
	s.stop(t)
}

func hangup(t *testing.T, s *server) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}

// TestTrustedEverywhere: only where this system trusts the certificate are browsers told to come back over https alone.
func TestTrustedEverywhere(t *testing.T) {
	t.Parallel()
	dir, data, from := t.TempDir(), t.TempDir(), newIssuer(t)
	certificate, key, roots := filepath.Join(dir, "site.crt"), filepath.Join(dir, "site.key"), filepath.Join(dir, "roots.pem")
	from.issue(t, certificate, key, time.Now().Add(time.Hour))
	write(t, roots, from.pem())
	s := startLine(t, data, []string{"SSL_CERT_FILE=" + roots}, []string{neochat, "serve", "--data", data, "--listen", "127.0.0.1:0", "--media-port", "0", "--tls", certificate + "," + key})
	if v := get(t, browser(&tls.Config{RootCAs: from.pool()}, "h2"), "https://"+s.addr+"/healthz").Header.Get("Strict-Transport-Security"); !strings.HasPrefix(v, "max-age=") {
		t.Errorf("Strict-Transport-Security: %q", v)
	}
}

// TestBehindProxyWithTLS: a proxy that is trusted may speak in the clear, though there is TLS for everybody else.
func TestBehindProxyWithTLS(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--tls", "self-signed", "--trusted-proxy", "127.0.0.1")
	if resp := get(t, browser(&tls.Config{}), "http://"+s.addr+"/healthz"); resp.StatusCode != 200 {
		t.Errorf("the proxy is answered %s", resp.Status)
	}
	register(t, s, "ann")
}

// TestHangupWithoutTLS: SIGHUP, as log rotation sends it, ends no server.
func TestHangupWithoutTLS(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	hangup(t, s)
	register(t, s, "ann")
	s.stop(t)
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("it logged\n%s", s.log)
	}
}

// TestUntrusted: who does not know the certificate does not get in, and that is no trouble of the server's.
func TestUntrusted(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--tls", "self-signed")
	var unknown x509.UnknownAuthorityError
	if _, err := browser(&tls.Config{}).Get("https://" + s.addr + "/healthz"); !errors.As(err, &unknown) {
		t.Errorf("%v", err)
	}
	s.stop(t)
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("it logged\n%s", s.log)
	}
}
