package process

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"neochat/port/cert/acmetest"
)

// TestAutomaticCertificate: an authority examines the server on its one port, and what it issues is served there, before and after a restart.
func TestAutomaticCertificate(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	data, addr := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", port)
	authority := acmetest.Run(t, port, 1)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	write(t, roots, string(authority.RootsPEM))
	line := []string{neochat, "serve", "--data", data, "--listen", addr, "--media-port", "0", "--tls", "auto", "--domain", "chat.example.test", "--acme-directory", authority.Directory,
		"--acme-mail", "admin@example.test"}
	s := startLine(t, data, []string{"SSL_CERT_FILE=" + roots}, line)
	s.logs(t, "a certificate has been obtained.*chat.example.test")
	trust := &tls.Config{RootCAs: authority.Roots, ServerName: "chat.example.test"}
	var serial string
	eventually(t, "the certificate is served", func() bool {
		conn, err := tls.Dial("tcp", addr, trust)
		if err != nil {
			return false
		}
		defer conn.Close()
		serial = conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
		return true
	})
	c := browser(trust, "h2")
	c.Transport.(*http.Transport).DialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", addr)
	}
	resp := get(t, c, "https://chat.example.test/healthz")
	if v := resp.Header.Get("Strict-Transport-Security"); resp.StatusCode != 200 || resp.Proto != "HTTP/2.0" || !strings.HasPrefix(v, "max-age=") {
		t.Errorf("%s over %s, Strict-Transport-Security %q", resp.Status, resp.Proto, v)
	}
	s.stop(t)
	if strings.Contains(s.log.String(), "level=ERROR") {
		t.Errorf("it logged\n%s", s.log)
	}
	onlyForOwner(t, filepath.Join(data, "certificates"))
	s = startLine(t, data, nil, line) // nobody is asked again: it would not be trusted
	if got := serialOf(t, s, trust).String(); got != serial {
		t.Errorf("after a restart certificate %s is served, before it was %s", got, serial)
	}
	s.stop(t)
}

// onlyForOwner looks for files that others may read in a folder of keys.
func onlyForOwner(t *testing.T, folder string) {
	t.Helper()
	n := 0
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".key" {
			return err
		}
		n++
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %v", d.Name(), info.Mode())
		}
		return err
	})
	if err != nil || n == 0 {
		t.Errorf("%d keys: %v", n, err)
	}
}

// TestAuthorityOutOfReach: without its authority the server runs, says so, and has no https yet.
func TestAuthorityOutOfReach(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--tls", "auto", "--domain", "chat.example.test", "--acme-directory", "https://127.0.0.1:1/dir", "--plain-listen", "127.0.0.1:0")
	s.logs(t, "level=ERROR msg=\"no certificate could be obtained; it is tried again\"")
	if _, err := tls.Dial("tcp", s.addr, &tls.Config{ServerName: "chat.example.test"}); err == nil || !strings.Contains(err.Error(), "remote error") {
		t.Errorf("without a certificate a client is told %v", err)
	}
	sentOnToHTTPS(t, s.addr, s.addr)
	s.stop(t)
}
