package cert

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// lookInterval is how often the files are looked at; a renewed certificate is in use a minute later at the latest.
const lookInterval = time.Minute

// expirySoon is how long before the end the log begins to say so: by then, whatever renews the files should have.
const expirySoon = 14 * 24 * time.Hour

// Why files cannot be used; they come wrapped.
var (
	ErrExpired  = errors.New("the certificate has expired")
	ErrNotYet   = errors.New("the certificate is not valid yet; is the clock right?")
	ErrMismatch = errors.New("the certificate and the key are not a pair")
)

// FilesConfig says where the certificate is.
type FilesConfig struct {
	Certificate string         // PEM: the server's certificate, then those that lead to the authority
	Key         string         // PEM
	Roots       *x509.CertPool // who is trusted by everybody; nil: those this system trusts
	Every       time.Duration  // how often to look for changes; 0: a minute
	Logger      *slog.Logger   // nil: slog.Default
}

// Files is a certificate in files that somebody else renews.
type Files struct {
	config  FilesConfig
	current atomic.Pointer[tls.Certificate]
	verdict verdict
	stop    chan struct{}
	once    sync.Once
	running sync.WaitGroup

	mu    sync.Mutex
	stamp [2]stamp // of what was tried last; guarded by mu
}

// stamp tells one content of a file from the next.
type stamp struct {
	modified time.Time
	size     int64
}

// OpenFiles reads the files, and again whenever they change.
func OpenFiles(config FilesConfig) (*Files, error) {
	if config.Every == 0 {
		config.Every = lookInterval
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	f := &Files{config: config, stop: make(chan struct{})}
	if err := f.Reload(); err != nil {
		return nil, err
	}
	f.running.Go(f.watch)
	return f, nil
}

// Reload reads the files now, as on SIGHUP. Where that fails, what was in use stays so.
func (f *Files) Reload() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stamp = f.look()
	return f.loadLocked()
}

func (f *Files) loadLocked() error {
	pair, err := load(f.config.Certificate, f.config.Key)
	if err != nil {
		return err
	}
	f.current.Store(pair)
	if left := time.Until(pair.Leaf.NotAfter); left < expirySoon {
		f.config.Logger.Warn("the certificate expires soon", "file", f.config.Certificate, "end", pair.Leaf.NotAfter)
	}
	return nil
}

// look stamps both files; one that is not there has a zero stamp.
func (f *Files) look() (s [2]stamp) {
	for i, name := range []string{f.config.Certificate, f.config.Key} {
		if info, err := os.Stat(name); err == nil {
			s[i] = stamp{info.ModTime(), info.Size()}
		}
	}
	return s
}

// watch looks for changes. Between the writing of the one file and the other they do not match; the next change is tried anew.
func (f *Files) watch() {
	ticker := time.NewTicker(f.config.Every)
	defer ticker.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-ticker.C:
			f.reloadChanged()
		}
	}
}

func (f *Files) reloadChanged() {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.look()
	if now == f.stamp {
		return
	}
	f.stamp = now
	if err := f.loadLocked(); err != nil {
		f.config.Logger.Error("the changed certificate cannot be used; the one before stays in use", "error", err)
		return
	}
	f.config.Logger.Info("the certificate has been exchanged", "end", f.current.Load().Leaf.NotAfter)
}

// load reads a certificate and its key, and says what is wrong with them.
func load(certificate, key string) (*tls.Certificate, error) {
	certificatePEM, err := read("certificate", certificate)
	if err != nil {
		return nil, err
	}
	keyPEM, err := read("key", key)
	if err != nil {
		return nil, err
	}
	pair, err := tls.X509KeyPair(certificatePEM, keyPEM)
	if err != nil {
		return nil, explain(err, certificate, key, certificatePEM)
	}
	switch now := time.Now(); {
	case now.After(pair.Leaf.NotAfter):
		return nil, fmt.Errorf("%s: %w (%s)", certificate, ErrExpired, pair.Leaf.NotAfter.Format(time.RFC3339))
	case now.Before(pair.Leaf.NotBefore):
		return nil, fmt.Errorf("%s: %w (%s)", certificate, ErrNotYet, pair.Leaf.NotBefore.Format(time.RFC3339))
	}
	return &pair, nil
}

func read(what, name string) ([]byte, error) {
	b, err := os.ReadFile(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("the %s file is missing: %w", what, err)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("the %s file may not be read by this user: %w", what, err)
	case err != nil:
		return nil, fmt.Errorf("reading the %s file: %w", what, err)
	}
	return b, nil
}

// explain says which of the two files is to blame.
func explain(err error, certificate, key string, certificatePEM []byte) error {
	switch {
	case firstCertificate(certificatePEM) == nil:
		return fmt.Errorf("no certificate can be read from %s: %w", certificate, err)
	case strings.Contains(err.Error(), "does not match"): // crypto/tls has no error value for it
		return fmt.Errorf("%s and %s: %w", certificate, key, ErrMismatch)
	}
	return fmt.Errorf("no key can be read from %s: %w", key, err)
}

// firstCertificate is the server's own certificate of a PEM file; nil: there is none that can be read.
func firstCertificate(content []byte) *x509.Certificate {
	for {
		var block *pem.Block
		if block, content = pem.Decode(content); block == nil {
			return nil
		}
		if block.Type == "CERTIFICATE" {
			c, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil
			}
			return c
		}
	}
}

// TLS is the configuration for a listener.
func (f *Files) TLS() *tls.Config {
	return modern(func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return f.current.Load(), nil })
}

// Trusted reports whether the chain in use leads to an authority that everybody trusts.
func (f *Files) Trusted() bool { return f.verdict.of(f.current.Load(), f.config.Roots) }

// Close ends looking for changes.
func (f *Files) Close() error {
	f.once.Do(func() { close(f.stop) })
	f.running.Wait()
	return nil
}
