package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"strings"
	"time"
)

// secure looks at the certificate. What is wrong with it keeps the rest from being looked at only where there is no TLS at all.
func (w *visit) secure(ctx context.Context) bool {
	if w.tls == nil {
		return true
	}
	address := net.JoinHostPort(w.host, w.port)
	conn, err := w.dial(ctx, w.port)
	if err != nil {
		w.tell(judgeConnect(address, w.port, err))
		return false
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(w.Timeout))
	client := tls.Client(conn, w.tls)
	if err := client.HandshakeContext(ctx); err != nil {
		w.tell(found("", "tls-none", facts{"address", address, "host", w.host, "error", brief(err)}))
		return false
	}
	f := judgeChain(client.ConnectionState().PeerCertificates, w.host, w.Roots, w.Network.Now())
	w.trusted = f.State == OK
	w.tell(f)
	return true
}

// JudgeServed holds what a server shows against the name it is for; roots are those this machine trusts.
func JudgeServed(chain []*x509.Certificate, name string, now time.Time) Finding {
	return judgeChain(chain, name, nil, now)
}

// judgeChain holds a certificate against a name and a time.
func judgeChain(chain []*x509.Certificate, host string, roots *x509.CertPool, now time.Time) Finding {
	leaf, between := chain[0], x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	known := facts{"host", host, "end", day(leaf.NotAfter), "start", day(leaf.NotBefore), "names", namesOf(leaf), "issuer", leaf.Issuer.String()}
	var unknown x509.UnknownAuthorityError
	_, err := leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, Intermediates: between, CurrentTime: now})
	switch {
	case now.After(leaf.NotAfter):
		return found("", "tls-expired", known)
	case now.Before(leaf.NotBefore):
		return found("", "tls-not-yet", known)
	case leaf.VerifyHostname(host) != nil:
		return found("", "tls-wrong-host", known)
	case errors.As(err, &unknown) || err != nil:
		return found("", "tls-untrusted", known)
	}
	return good("tls", "the certificate is for "+host+", trusted, and valid until "+day(leaf.NotAfter))
}

// namesOf lists what a certificate is for.
func namesOf(c *x509.Certificate) string {
	names := append([]string(nil), c.DNSNames...)
	for _, ip := range c.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

func day(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
