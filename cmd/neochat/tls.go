package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"neochat/port/cert"
)

// certificates is where the server's certificates come from.
type certificates interface {
	TLS() *tls.Config
	Trusted() bool      // by everybody
	Expires() time.Time // zero: there is none yet
	Close() error
	host() string // the main name it is for; "" if it is not known
	note() string // what a person should know of it
	reload() error
}

// challenged is a source that an ACME authority examines.
type challenged interface {
	Start(secure, plain net.Addr) error
	HTTPChallenge(next http.Handler) http.Handler
}

// noTLS reports that nothing is encrypted.
func (c *networkFlags) noTLS() bool { return c.TLS == "off" || c.TLS == "" }

// checkTLS refuses what makes no sense, before anything is made.
func (c *networkFlags) checkTLS() error {
	hosts := words(c.Domain)
	for _, h := range hosts {
		if hostOf(h) != h {
			return fmt.Errorf("--domain: %q is no name like chat.example.org", h)
		}
	}
	_, _, own := strings.Cut(c.TLS, ",")
	switch {
	case !own && !c.noTLS() && c.TLS != "self-signed" && c.TLS != "auto":
		return fmt.Errorf("--tls: %q is none of off, auto, self-signed and CERTIFICATE,KEY", c.TLS)
	case c.TLS == "auto" && len(hosts) == 0:
		return errors.New("--tls auto needs --domain: the name that the certificate is for")
	case c.TLS != "auto" && c.ACMEMail != "":
		return errors.New("--acme-mail is for --tls auto, which asks an authority for certificates")
	case c.TLS != "auto" && c.ACMEDirectory != "":
		return errors.New("--acme-directory is for --tls auto, which asks an authority for certificates")
	case c.PlainListen != "" && c.noTLS():
		return errors.New("--plain-listen sends browsers on to https, which --tls has to turn on")
	}
	if u, err := url.Parse(c.ACMEDirectory); c.ACMEDirectory != "" && (err != nil || u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("--acme-directory: %q is no https:// URL", c.ACMEDirectory)
	}
	return nil
}

// filesOfOthers opens the two files that --tls names; nil: it names none.
func (c *networkFlags) filesOfOthers(log *slog.Logger) (certificates, error) {
	certificate, key, two := strings.Cut(c.TLS, ",")
	if !two {
		return nil, nil
	}
	f, err := cert.OpenFiles(cert.FilesConfig{Certificate: certificate, Key: key, Logger: log})
	if err != nil {
		return nil, fmt.Errorf("--tls: %w", err)
	}
	return ownFiles{f, first(words(c.Domain))}, nil
}

// certificates opens those that this server keeps itself, below its data folder; nil: there is no TLS.
func (c *networkFlags) certificates(data string, log *slog.Logger) (certificates, error) {
	hosts := words(c.Domain)
	folder := filepath.Join(data, "certificates")
	switch c.TLS {
	case "self-signed":
		s, err := cert.OpenSelfSigned(cert.SelfSignedConfig{Folder: folder, Hosts: append(hosts, c.machineHosts()...), Logger: log})
		if err != nil {
			return nil, fmt.Errorf("--tls self-signed: %w", err)
		}
		return selfSigned{s, first(hosts)}, nil
	case "auto":
		a, err := cert.NewAutomatic(cert.AutomaticConfig{Hosts: hosts, Email: c.ACMEMail, Directory: c.ACMEDirectory, Folder: folder, Logger: log})
		if err != nil {
			return nil, fmt.Errorf("--tls auto: %w", err)
		}
		return automatic{a, hosts[0]}, nil
	}
	return nil, nil
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

// machineHosts are the names and addresses that clients on this machine's networks may use.
func (c *networkFlags) machineHosts() []string {
	hosts := append([]string{"localhost"}, words(c.PublicIP)...)
	if name, err := os.Hostname(); err == nil && name != "" {
		hosts = append(hosts, name)
	}
	addrs, _ := net.InterfaceAddrs() // without them there are still the names
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && !p.Addr().IsLinkLocalUnicast() {
			hosts = append(hosts, p.Addr().Unmap().String())
		}
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// withHSTS tells browsers to come back over https only, where that is safe.
func withHSTS(next http.Handler, source certificates) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS != nil {
			if v := cert.HSTS(source); v != "" {
				w.Header().Set("Strict-Transport-Security", v)
			}
		}
		next.ServeHTTP(w, r)
	})
}

type selfSigned struct {
	*cert.SelfSigned
	name string
}

func (s selfSigned) host() string  { return s.name }
func (s selfSigned) reload() error { return nil }
func (s selfSigned) note() string {
	return "self-signed; browsers ask whether to trust it. Its SHA-256 fingerprint is\n              " + s.Fingerprint()
}

type automatic struct {
	*cert.Automatic
	name string
}

func (a automatic) host() string  { return a.name }
func (a automatic) reload() error { return nil }
func (a automatic) note() string {
	if a.Ready() {
		return "from an ACME authority, renewed by itself"
	}
	return "is being fetched from an ACME authority; https works when it is there (the log says so)"
}

type ownFiles struct {
	*cert.Files
	name string
}

func (f ownFiles) host() string  { return f.name }
func (f ownFiles) reload() error { return f.Reload() }
func (f ownFiles) note() string  { return "from files, read again when they change and on SIGHUP" }
