// Package cert has the certificates of the server from one of three sources: an ACME authority (Automatic), files that somebody else keeps (Files),
// or its own making (SelfSigned). Each gives a tls.Config whose certificate is exchanged while the server runs.
package cert

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"strings"
	"sync/atomic"
)

// modern is TLS 1.3, and 1.2 with forward secrecy and authenticated encryption only (RFC 9325, section 4.2).
func modern(get func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: get, CipherSuites: []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}}
}

// HSTS is the value of the Strict-Transport-Security header (RFC 6797): a year, or nothing, in which case the header must not be sent. Browsers that have seen it refuse a
// certificate that they do not trust without a way around, so it is for certificates only that everybody trusts.
func HSTS(source interface{ Trusted() bool }) string {
	if !source.Trusted() {
		return ""
	}
	return "max-age=31536000"
}

// verdict remembers of the last certificate whether everybody trusts it: a check takes 100 µs and more.
type verdict struct {
	last atomic.Pointer[judged]
}

type judged struct {
	leaf    *x509.Certificate
	trusted bool
}

// of checks the chain of a certificate; roots nil: what this system trusts.
func (v *verdict) of(c *tls.Certificate, roots *x509.CertPool) bool {
	if j := v.last.Load(); j != nil && j.leaf == c.Leaf {
		return j.trusted
	}
	j := &judged{c.Leaf, chainVerifies(c, roots)}
	v.last.Store(j)
	return j.trusted
}

func chainVerifies(c *tls.Certificate, roots *x509.CertPool) bool {
	between := x509.NewCertPool()
	for _, der := range c.Certificate[1:] {
		if parsed, err := x509.ParseCertificate(der); err == nil {
			between.AddCert(parsed)
		}
	}
	_, err := c.Leaf.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between})
	return err == nil
}

// fingerprint is the SHA-256 of a certificate as browsers show it: pairs of digits, separated by colons.
func fingerprint(der []byte) string {
	sum := sha256.Sum256(der)
	pairs := make([]string, len(sum))
	for i, b := range sum {
		pairs[i] = strings.ToUpper(hex.EncodeToString([]byte{b}))
	}
	return strings.Join(pairs, ":")
}
