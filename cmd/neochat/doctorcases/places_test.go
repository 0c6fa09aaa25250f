package doctorcases

import (
	"bufio"
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// authority signs the certificates of one test, and is trusted by what the test runs.
type authority struct {
	t    testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t testing.TB, dir string) *authority {
	t.Helper()
	a := &authority{t: t, dir: dir, file: filepath.Join(dir, "ca.pem")}
	a.key = newKey(t)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "authority of a test"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().Add(24 * time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &a.key.PublicKey, a.key)
	if err == nil {
		a.cert, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	writePEM(t, a.file, "CERTIFICATE", der)
	return a
}

// issue makes a certificate for a name until a time, and returns its two files.
func (a *authority) issue(name string, until time.Time) (certificate, key string) {
	a.t.Helper()
	private := newKey(a.t)
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: until,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	certificate, key = filepath.Join(a.dir, name+".pem"), filepath.Join(a.dir, name+".key")
	writePEM(a.t, certificate, "CERTIFICATE", der)
	writePEM(a.t, key, "PRIVATE KEY", secret)
	return certificate, key
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func writePEM(t testing.TB, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// zone is what a name server knows: addresses by name.
type zone map[string][]string

// serveNames answers questions of DNS at an address, until the test ends.
func (s *space) serveNames(address string, known zone) {
	s.lab.t.Helper()
	var conn net.PacketConn
	if err := s.within(func() (err error) { conn, err = net.ListenPacket("udp", address+":53"); return err }); err != nil {
		s.lab.t.Fatal(err)
	}
	s.lab.t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			if answer, err := known.answer(buf[:n]); err == nil {
				conn.WriteTo(answer, from)
			}
		}
	}()
}

func (z zone) answer(question []byte) ([]byte, error) {
	var m dnsmessage.Message
	if err := m.Unpack(question); err != nil || len(m.Questions) != 1 {
		return nil, io.ErrUnexpectedEOF
	}
	q := m.Questions[0]
	m.Header.Response, m.Header.Authoritative, m.Additionals = true, true, nil
	addresses, ok := z[strings.TrimSuffix(q.Name.String(), ".")]
	if !ok {
		m.Header.RCode = dnsmessage.RCodeNameError
	}
	for _, s := range addresses {
		a, head := netip.MustParseAddr(s), dnsmessage.ResourceHeader{Name: q.Name, Class: q.Class, TTL: 1}
		switch {
		case a.Is4() && q.Type == dnsmessage.TypeA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AResource{A: a.As4()}})
		case a.Is6() && q.Type == dnsmessage.TypeAAAA:
			m.Answers = append(m.Answers, dnsmessage.Resource{Header: head, Body: &dnsmessage.AAAAResource{AAAA: a.As16()}})
		}
	}
	return m.Pack()
}

// serveTime is a web server whose clock is off.
func (s *space) serveTime(address string, off time.Duration) {
	l := s.listen(address)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(off).UTC().Format(http.TimeFormat))
	})}
	go server.Serve(l) // ends with the listener
}

// bend is what a proxy does to a WebSocket.
type bend struct {
	strip  bool          // does not pass the upgrade on
	hold   bool          // keeps what the server says
	cutoff time.Duration // ends the connection after so long; 0: never
}

// serveProxy ends TLS at an address and passes requests on, one for each connection, bent in some way.
func (s *space) serveProxy(address, to, certificate, key string, b bend) {
	s.lab.t.Helper()
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		s.lab.t.Fatal(err)
	}
	l := tls.NewListener(s.listen(address), &tls.Config{Certificates: []tls.Certificate{pair}})
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go s.pass(client, to, b)
		}
	}()
}

// pass carries one connection.
func (s *space) pass(client net.Conn, to string, b bend) {
	defer client.Close()
	in := bufio.NewReader(client)
	req, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	socket := req.Header.Get("Upgrade") != ""
	if socket && b.strip {
		req.Header.Del("Upgrade")
		req.Header.Del("Connection")
	}
	server, err := s.dial(to)
	if err != nil {
		return
	}
	defer server.Close()
	host, _, _ := net.SplitHostPort(client.RemoteAddr().String())
	req.Header.Set("X-Forwarded-For", host)
	var head bytes.Buffer
	if req.Write(&head) != nil {
		return
	}
	server.Write(head.Bytes())
	if socket && b.cutoff > 0 {
		defer time.AfterFunc(b.cutoff, func() { client.Close(); server.Close() }).Stop()
	}
	go func() { io.Copy(server, in); server.Close() }()
	out := bufio.NewReader(server)
	if socket && b.hold {
		for line := ""; line != "\r\n"; {
			if line, err = out.ReadString('\n'); err != nil {
				return
			}
			io.WriteString(client, line)
		}
		io.Copy(io.Discard, out)
		return
	}
	io.Copy(client, out)
}
