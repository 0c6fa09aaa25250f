package cert

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// How long a certificate of our own holds, and when the next is made. Some clients take none for more than 825 days.
const (
	validity    = 820 * 24 * time.Hour
	renewBefore = 30 * 24 * time.Hour
	renewCheck  = time.Hour
	clockSkew   = 24 * time.Hour // clocks of clients that are behind
)

// SelfSignedConfig says what to make.
type SelfSignedConfig struct {
	Folder string       // where it is kept, as self-signed.crt and self-signed.key; made if missing
	Hosts  []string     // names and addresses under which clients reach the server, at least one
	Logger *slog.Logger // nil: slog.Default
	// Now is the clock; nil: time.Now.
	Now func() time.Time
}

// SelfSigned is a certificate that the server made for itself, for a network of one's own: clients are shown its fingerprint and asked whether to trust it.
type SelfSigned struct {
	config  SelfSignedConfig
	current atomic.Pointer[tls.Certificate]
	stop    chan struct{}
	once    sync.Once
	running sync.WaitGroup
}

// OpenSelfSigned takes the certificate from the folder, or makes one where there is none, it is for other hosts, or is about to expire. It is made anew before it expires.
func OpenSelfSigned(config SelfSignedConfig) (*SelfSigned, error) {
	if len(config.Hosts) == 0 {
		return nil, errors.New("a certificate needs at least one host")
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	s := &SelfSigned{config: config, stop: make(chan struct{})}
	if err := s.refresh(); err != nil {
		return nil, err
	}
	s.running.Go(s.watch)
	return s, nil
}

func (s *SelfSigned) certificateFile() string {
	return filepath.Join(s.config.Folder, "self-signed.crt")
}
func (s *SelfSigned) keyFile() string { return filepath.Join(s.config.Folder, "self-signed.key") }

// refresh sees to it that a usable certificate is in use.
func (s *SelfSigned) refresh() error {
	pair := s.current.Load()
	if pair == nil {
		if kept, err := tls.LoadX509KeyPair(s.certificateFile(), s.keyFile()); err == nil {
			pair = &kept
		}
	}
	if pair != nil && s.holds(pair.Leaf) {
		s.current.Store(pair)
		return nil
	}
	made, err := s.make()
	if err != nil {
		return fmt.Errorf("making a certificate: %w", err)
	}
	s.current.Store(made)
	s.config.Logger.Info("a self-signed certificate has been made", "fingerprint", s.Fingerprint(), "end", made.Leaf.NotAfter)
	return nil
}

// holds reports whether a certificate is for our hosts, for a while yet.
func (s *SelfSigned) holds(c *x509.Certificate) bool {
	now := s.config.Now()
	if now.Before(c.NotBefore) || now.After(c.NotAfter.Add(-renewBefore)) {
		return false
	}
	names, addresses := subjects(s.config.Hosts)
	return slices.Equal(c.DNSNames, names) && slices.EqualFunc(c.IPAddresses, addresses, net.IP.Equal)
}

// subjects sorts hosts into names and addresses.
func subjects(hosts []string) (names []string, addresses []net.IP) {
	sorted := slices.Sorted(slices.Values(hosts))
	for _, h := range slices.Compact(sorted) {
		if ip := net.ParseIP(strings.Trim(h, "[]")); ip != nil {
			addresses = append(addresses, ip)
		} else {
			names = append(names, h)
		}
	}
	return names, addresses
}

// make makes a key and its certificate and writes both down. It is no authority: trusting it is trusting this server alone.
func (s *SelfSigned) make() (*tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	now := s.config.Now()
	names, addresses := subjects(s.config.Hosts)
	template := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "NeoChat " + s.config.Hosts[0]}, NotBefore: now.Add(-clockSkew), NotAfter: now.Add(validity - clockSkew),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
		DNSNames: names, IPAddresses: addresses}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	certificatePEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	if err := os.MkdirAll(s.config.Folder, 0o700); err != nil {
		return nil, err
	}
	// A crash between the two leaves a pair that does not match, which is made anew.
	if err := errors.Join(replace(s.keyFile(), keyPEM, 0o600), replace(s.certificateFile(), certificatePEM, 0o644)); err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificatePEM, keyPEM)
	return &pair, err
}

// replace writes a file whole or not at all.
func replace(name string, content []byte, mode os.FileMode) error {
	t, err := os.CreateTemp(filepath.Dir(name), ".new-")
	if err != nil {
		return err
	}
	_, err = t.Write(content)
	if err = errors.Join(err, t.Chmod(mode), t.Sync(), t.Close()); err == nil {
		err = os.Rename(t.Name(), name)
	}
	if err != nil {
		os.Remove(t.Name())
	}
	return err
}

func (s *SelfSigned) watch() {
	ticker := time.NewTicker(renewCheck)
	defer ticker.Stop()
	for {
		select {
		case <-s.stop:
			return
		case <-ticker.C:
			if err := s.refresh(); err != nil {
				s.config.Logger.Error("the self-signed certificate cannot be renewed", "error", err)
			}
		}
	}
}

// TLS is the configuration for a listener.
func (s *SelfSigned) TLS() *tls.Config {
	return modern(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return s.current.Load(), nil })
}

// Fingerprint is the SHA-256 of the certificate in use, as browsers show it.
func (s *SelfSigned) Fingerprint() string { return fingerprint(s.current.Load().Certificate[0]) }

// Trusted is false: nobody trusts it unasked.
func (s *SelfSigned) Trusted() bool { return false }

// Close ends the renewal.
func (s *SelfSigned) Close() error {
	s.once.Do(func() { close(s.stop) })
	s.running.Wait()
	return nil
}
