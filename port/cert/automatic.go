package cert

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// LetsEncrypt is the directory of the authority that is asked unless another is named.
const LetsEncrypt = certmagic.LetsEncryptProductionCA

// AutomaticConfig says what certificates to get, and from whom.
type AutomaticConfig struct {
	Hosts     []string // names under which the internet reaches the server, at least one; the first is for clients that name none
	Email     string   // where the authority writes to if something is wrong; may be empty
	Directory string   // of the ACME authority (RFC 8555, section 7.1.1), whose terms are agreed to; empty: Let's Encrypt
	Folder    string   // where keys and certificates are kept; made if missing
	// Roots are trusted when speaking to the authority, and as those that everybody trusts; nil: those of this system.
	Roots  *x509.CertPool
	Logger *slog.Logger // nil: slog.Default
}

// Automatic has certificates from an ACME authority, and renews them.
type Automatic struct {
	config  AutomaticConfig
	verdict verdict
	started atomic.Pointer[running]
	mu      sync.Mutex // held while starting and closing
	closed  bool       // guarded by mu
}

// running is what there is between Start and Close.
type running struct {
	magic  *certmagic.Config
	issuer *certmagic.ACMEIssuer
	cache  *certmagic.Cache
	cancel context.CancelFunc
}

var errNotStarted = errors.New("certificates are not being looked after yet")

// NewAutomatic prepares; Start begins.
func NewAutomatic(config AutomaticConfig) (*Automatic, error) {
	if len(config.Hosts) == 0 {
		return nil, errors.New("automatic certificates need at least one host name")
	}
	if config.Directory == "" {
		config.Directory = LetsEncrypt
	}
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	return &Automatic{config: config}, nil
}

// Start takes the certificates from the folder, and in the background gets those that are missing or expire. The authority connects to port 443, and to port 80 if
// TLS-ALPN-01 (RFC 8737) does not work: secure is the address of the listener with our TLS configuration, where connections to 443 arrive; plain that of the
// listener with HTTPChallenge, where connections to 80 arrive, or nil: there is none. Both must be open.
func (a *Automatic) Start(secure, plain net.Addr) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.started.Load() != nil {
		return errors.New("automatic certificates are started once")
	}
	at, ok := secure.(*net.TCPAddr)
	if !ok {
		return fmt.Errorf("automatic certificates need a TCP address, not %v", secure)
	}
	r := &running{}
	logger := zap.New(slogCore{a.config.Logger})
	r.cache = certmagic.NewCache(certmagic.CacheOptions{Logger: logger, GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return r.magic, nil }})
	r.magic = certmagic.New(r.cache, certmagic.Config{Storage: &certmagic.FileStorage{Path: a.config.Folder}, DefaultServerName: a.config.Hosts[0], Logger: logger,
		OnEvent: a.said, ShouldEmitFunc: func(event string) bool { return event == "cert_obtained" || event == "cert_failed" }})
	template := certmagic.ACMEIssuer{CA: a.config.Directory, Email: a.config.Email, Agreed: true, TrustedRoots: a.config.Roots, Logger: logger,
		ListenHost: host(at), AltTLSALPNPort: at.Port, DisableHTTPChallenge: plain == nil}
	if p, ok := plain.(*net.TCPAddr); ok {
		template.AltHTTPPort = p.Port
	}
	r.issuer = certmagic.NewACMEIssuer(r.magic, template)
	r.magic.Issuers = []certmagic.Issuer{r.issuer}
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(context.Background())
	for _, h := range a.config.Hosts { // or the first clients after a restart would find none
		if _, err := r.magic.CacheManagedCertificate(ctx, h); err != nil && !errors.Is(err, fs.ErrNotExist) {
			a.config.Logger.Warn("a certificate that was kept cannot be used; another is obtained", "host", h, "error", err)
		}
	}
	if err := r.magic.ManageAsync(ctx, a.config.Hosts); err != nil {
		r.close()
		return fmt.Errorf("looking after certificates: %w", err)
	}
	a.started.Store(r)
	return nil
}

// host is what certmagic asks whether somebody listens at already; empty: every address.
func host(at *net.TCPAddr) string {
	if at.IP.IsUnspecified() {
		return ""
	}
	return at.IP.String()
}

// said logs what matters to the operator.
func (a *Automatic) said(_ context.Context, event string, data map[string]any) error {
	switch event {
	case "cert_obtained":
		a.config.Logger.Info("a certificate has been obtained", "host", data["identifier"])
	case "cert_failed":
		a.config.Logger.Error("no certificate could be obtained; it is tried again", "host", data["identifier"], "error", data["error"])
	}
	return nil
}

// TLS is the configuration for the listener that the authority reaches on port 443.
func (a *Automatic) TLS() *tls.Config {
	c := modern(a.get)
	c.NextProtos = []string{"acme-tls/1"}
	return c
}

func (a *Automatic) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	r := a.started.Load()
	if r == nil {
		return nil, errNotStarted
	}
	return r.magic.GetCertificate(hello)
}

// HTTPChallenge answers the authority on port 80 (HTTP-01, RFC 8555 section 8.3), and leaves everything else to next.
func (a *Automatic) HTTPChallenge(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if started := a.started.Load(); started != nil && started.issuer.HandleHTTPChallenge(w, r) {
			return
		}
		next.ServeHTTP(w, r)
	})
}

// Ready reports whether every host has a certificate that holds.
func (a *Automatic) Ready() bool {
	for _, h := range a.config.Hosts {
		if a.kept(h) == nil {
			return false
		}
	}
	return true
}

// kept is the certificate of a host; nil: there is none that holds.
func (a *Automatic) kept(host string) *tls.Certificate {
	r := a.started.Load()
	if r == nil {
		return nil
	}
	now := time.Now()
	for _, c := range r.cache.AllMatchingCertificates(host) {
		if c.Leaf != nil && now.Before(c.Leaf.NotAfter) {
			return &c.Certificate
		}
	}
	return nil
}

// Trusted reports whether the first host's certificate leads to an authority that everybody trusts, which one of a directory of one's own need not be.
func (a *Automatic) Trusted() bool {
	c := a.kept(a.config.Hosts[0])
	return c != nil && a.verdict.of(c, a.config.Roots)
}

// Close ends the renewal, and what is being obtained.
func (a *Automatic) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.started.Load(); r != nil && !a.closed {
		r.close()
	}
	a.closed = true
	return nil
}

func (r *running) close() {
	r.cancel()
	r.cache.Stop()
}
