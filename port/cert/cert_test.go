package cert

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"
)

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

// authority signs certificates for tests.
type authority struct {
	leaf *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{key: newKey(t)}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	if a.leaf, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	return a
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.leaf)
	return p
}

// issue makes a certificate and its key in PEM.
func (a *authority) issue(t *testing.T, name string, from, until time.Time) (certificate, key []byte) {
	t.Helper()
	k := newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: name}, NotBefore: from, NotAfter: until,
		DNSNames: []string{name}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.leaf, &k.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
}

func (a *authority) valid(t *testing.T, name string) (certificate, key []byte) {
	return a.issue(t, name, time.Now().Add(-time.Minute), time.Now().Add(90*24*time.Hour))
}

// put writes a file whose time differs from the one before.
func put(t *testing.T, name string, content []byte) string {
	t.Helper()
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// shown is the certificate that a client is given over a real connection.
func shown(t *testing.T, server *tls.Config, client *tls.Config) (*x509.Certificate, tls.ConnectionState, error) {
	t.Helper()
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var served sync.WaitGroup
	served.Go(func() {
		if c, err := l.Accept(); err == nil {
			c.(*tls.Conn).Handshake()
			c.Close()
		}
	})
	defer served.Wait()
	c, err := tls.Dial("tcp", l.Addr().String(), client)
	if err != nil {
		return nil, tls.ConnectionState{}, err
	}
	defer c.Close()
	state := c.ConnectionState()
	return state.PeerCertificates[0], state, nil
}

func name(t *testing.T, f *Files, pool *x509.CertPool) string {
	t.Helper()
	c, _, err := shown(t, f.TLS(), &tls.Config{RootCAs: pool})
	if err != nil {
		t.Fatal(err)
	}
	return c.DNSNames[0]
}

func TestFilesAreExchanged(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	a, dir := newAuthority(t), t.TempDir()
	c, k := a.valid(t, "one.example")
	crt, key := put(t, filepath.Join(dir, "crt"), c), put(t, filepath.Join(dir, "key"), k)
	f, err := OpenFiles(FilesConfig{Certificate: crt, Key: key, Roots: a.pool(), Every: time.Millisecond, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if got := name(t, f, a.pool()); got != "one.example" {
		t.Fatal(got)
	}
	c, k = a.valid(t, "two.example-longer")
	put(t, crt, c) // for a moment, or for ever, the two do not match
	for range 5 {
		time.Sleep(2 * time.Millisecond)
		if got := name(t, f, a.pool()); got != "one.example" {
			t.Fatal("a broken pair is in use:", got)
		}
	}
	if err := f.Reload(); !errors.Is(err, ErrMismatch) {
		t.Error(err)
	}
	put(t, key, k)
	for n := 0; name(t, f, a.pool()) != "two.example-longer"; n++ {
		if n == 2000 {
			t.Fatal("the new pair is not taken")
		}
		time.Sleep(time.Millisecond)
	}
	c, k = a.valid(t, "three.example")
	put(t, key, k)
	put(t, crt, c)
	if err := f.Reload(); err != nil {
		t.Fatal(err)
	}
	if got := name(t, f, a.pool()); got != "three.example" {
		t.Error(got)
	}
	os.Remove(crt)
	if err := f.Reload(); !errors.Is(err, fs.ErrNotExist) || name(t, f, a.pool()) != "three.example" {
		t.Error(err)
	}
}

func TestFilesAreRefused(t *testing.T) {
	a, dir, now := newAuthority(t), t.TempDir(), time.Now()
	file := func(name string, content []byte) string { return put(t, filepath.Join(dir, name), content) }
	c, k := a.valid(t, "a.example")
	_, other := a.valid(t, "b.example")
	late, lateKey := a.issue(t, "c.example", now.Add(-2*time.Hour), now.Add(-time.Hour))
	early, earlyKey := a.issue(t, "d.example", now.Add(time.Hour), now.Add(2*time.Hour))
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	rsaPEM := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)})
	crt, key := file("crt", c), file("key", k)
	for what, test := range map[string]struct {
		certificate, key string
		want             error
		says             string
	}{
		"no certificate":     {filepath.Join(dir, "none"), key, fs.ErrNotExist, "certificate file is missing"},
		"no key":             {crt, filepath.Join(dir, "none"), fs.ErrNotExist, "key file is missing"},
		"a folder":           {dir, key, nil, "reading the certificate file"},
		"another key":        {crt, file("other", other), ErrMismatch, "not a pair"},
		"another kind":       {crt, file("rsa", rsaPEM), ErrMismatch, "not a pair"},
		"expired":            {file("late", late), file("late.key", lateKey), ErrExpired, "expired"},
		"not yet":            {file("early", early), file("early.key", earlyKey), ErrNotYet, "not valid yet"},
		"nonsense":           {file("nonsense", []byte("nonsense")), key, nil, "no certificate can be read from"},
		"broken certificate": {file("broken", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})), key, nil, "no certificate can be read from"},
		"nonsense as key":    {crt, file("nokey", []byte("nonsense")), nil, "no key can be read from"},
		"twice the same":     {crt, crt, nil, "no key can be read from"},
		"swapped":            {key, crt, nil, "no certificate can be read from"},
	} {
		f, err := OpenFiles(FilesConfig{Certificate: test.certificate, Key: test.key, Logger: quiet()})
		if err == nil {
			f.Close()
			t.Errorf("%s: taken", what)
			continue
		}
		if !strings.Contains(err.Error(), test.says) || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestHSTSOnlyWhereEverybodyTrusts(t *testing.T) {
	a, dir := newAuthority(t), t.TempDir()
	c, k := a.valid(t, "a.example")
	crt, key := put(t, filepath.Join(dir, "crt"), c), put(t, filepath.Join(dir, "key"), k)
	for _, test := range []struct {
		roots *x509.CertPool
		want  string
	}{{a.pool(), "max-age=31536000"}, {newAuthority(t).pool(), ""}, {nil, ""}} {
		f, err := OpenFiles(FilesConfig{Certificate: crt, Key: key, Roots: test.roots, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if got := HSTS(f); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		}
		f.Close()
	}
	s, err := OpenSelfSigned(SelfSignedConfig{Folder: dir, Hosts: []string{"a.example"}, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := HSTS(s); got != "" {
		t.Errorf("self-signed: %q", got)
	}
}

func TestSelfSigned(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) })
	dir := filepath.Join(t.TempDir(), "tls")
	open := func(hosts ...string) *SelfSigned {
		s, err := OpenSelfSigned(SelfSignedConfig{Folder: dir, Hosts: hosts, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	first := open("chat.lan", "127.0.0.1", "::1")
	trust := x509.NewCertPool()
	trust.AddCert(first.current.Load().Leaf)
	for _, host := range []string{"chat.lan", "127.0.0.1", "::1"} {
		c, state, err := shown(t, first.TLS(), &tls.Config{RootCAs: trust, ServerName: host})
		if err != nil {
			t.Fatal(host, err)
		}
		sum := sha256.Sum256(c.Raw)
		if got := strings.ToLower(strings.ReplaceAll(first.Fingerprint(), ":", "")); got != hex.EncodeToString(sum[:]) {
			t.Errorf("the fingerprint is %s", first.Fingerprint())
		}
		if state.Version != tls.VersionTLS13 || c.IsCA {
			t.Errorf("TLS %x, authority %v", state.Version, c.IsCA)
		}
	}
	if _, _, err := shown(t, first.TLS(), &tls.Config{RootCAs: trust, ServerName: "other.lan"}); err == nil {
		t.Error("holds for a host that was not named")
	}
	info, err := os.Stat(first.keyFile())
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
	if got := open("::1", "chat.lan", "127.0.0.1").Fingerprint(); got != first.Fingerprint() {
		t.Error("made again for the same hosts")
	}
	if got := open("chat.lan").Fingerprint(); got == first.Fingerprint() {
		t.Error("not made again for other hosts")
	}
	put(t, first.keyFile(), []byte("damaged"))
	open("chat.lan")
	if _, err := tls.LoadX509KeyPair(first.certificateFile(), first.keyFile()); err != nil {
		t.Error("a damaged key stays:", err)
	}
	if _, err := OpenSelfSigned(SelfSignedConfig{Folder: dir}); err == nil {
		t.Error("for no host")
	}
	if _, err := OpenSelfSigned(SelfSignedConfig{Folder: filepath.Join(first.keyFile(), "below"), Hosts: []string{"a"}, Logger: quiet()}); err == nil {
		t.Error("a file is a folder")
	}
}

func TestSelfSignedIsRenewedInTime(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s, err := OpenSelfSigned(SelfSignedConfig{Folder: dir, Hosts: []string{"chat.lan"}, Logger: quiet()})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		seen := map[string]bool{s.Fingerprint(): true}
		for range 3 * 365 {
			time.Sleep(24 * time.Hour)
			if left := time.Until(s.current.Load().Leaf.NotAfter); left < renewBefore-24*time.Hour {
				t.Fatal("still in use, with left", left)
			}
			seen[s.Fingerprint()] = true
		}
		if len(seen) != 2 {
			t.Errorf("%d certificates in three years", len(seen))
		}
	})
}

func TestOldTLSIsRefused(t *testing.T) {
	s, err := OpenSelfSigned(SelfSignedConfig{Folder: t.TempDir(), Hosts: []string{"127.0.0.1"}, Logger: quiet()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	client := func(change func(*tls.Config)) error {
		c := &tls.Config{InsecureSkipVerify: true}
		change(c)
		_, _, err := shown(t, s.TLS(), c)
		return err
	}
	if client(func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }) == nil {
		t.Error("TLS 1.1")
	}
	if client(func(c *tls.Config) {
		c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}
	}) == nil {
		t.Error("CBC")
	}
	if err := client(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }); err != nil {
		t.Error("TLS 1.2:", err)
	}
}

func TestFilesThatEndSoonAreToldOf(t *testing.T) {
	a, dir := newAuthority(t), t.TempDir()
	c, k := a.issue(t, "a.example", time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	var out bytes.Buffer
	f, err := OpenFiles(FilesConfig{Certificate: put(t, filepath.Join(dir, "crt"), c), Key: put(t, filepath.Join(dir, "key"), k), Logger: slog.New(slog.NewTextHandler(&out, nil))})
	if err != nil {
		t.Fatal(err)
	}
	f.Close()
	if !strings.Contains(out.String(), "expires soon") {
		t.Errorf("said %q", out.String())
	}
}
