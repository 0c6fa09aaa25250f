package process

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// busy is a TCP address that is in use.
func busy(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l.Addr().String()
}

// inUse makes a refusal of further flags, the last of which takes the address of a port in use.
func inUse(flag string, more ...string) func(*testing.T, string) []string {
	return func(t *testing.T, dir string) []string {
		return plain(dir, append(more, flag, busy(t))...)
	}
}

// pair makes a refusal of --tls with two files that prepare has made.
func pair(prepare func(t *testing.T, certificate, key string)) func(*testing.T, string) []string {
	return func(t *testing.T, dir string) []string {
		certificate, key := filepath.Join(dir, "site.crt"), filepath.Join(dir, "site.key")
		prepare(t, certificate, key)
		return plain(dir, "--tls", certificate+","+key)
	}
}

// tlsRefusals are about certificates, and what belongs to https.
func tlsRefusals() []refusal {
	good := func(t *testing.T, certificate, key string) {
		newIssuer(t).issue(t, certificate, key, time.Now().Add(time.Hour))
	}
	return []refusal{
		{"TLS that is none", false, flags("--tls", "nonsense"), []string{"--tls", "nonsense", "self-signed", "auto"}},
		{"automatic TLS for nobody", false, flags("--tls", "auto"), []string{"--tls auto", "--domain"}},
		{"no certificate", false, pair(func(t *testing.T, certificate, key string) {
			good(t, certificate, key)
			if err := os.Remove(certificate); err != nil {
				t.Fatal(err)
			}
		}), []string{"--tls", "site.crt", "missing"}},
		{"no key", false, pair(func(t *testing.T, certificate, key string) {
			good(t, certificate, key)
			if err := os.Remove(key); err != nil {
				t.Fatal(err)
			}
		}), []string{"--tls", "site.key", "missing"}},
		{"certificate of another key", false, pair(func(t *testing.T, certificate, key string) {
			good(t, certificate, key)
			good(t, certificate, filepath.Join(t.TempDir(), "other.key"))
		}), []string{"--tls", "site.crt", "site.key", "not a pair"}},
		{"certificate that is none", false, pair(func(t *testing.T, certificate, key string) {
			good(t, certificate, key)
			write(t, certificate, "rubbish")
		}), []string{"--tls", "site.crt", "no certificate"}},
		{"key that is none", false, pair(func(t *testing.T, certificate, key string) {
			good(t, certificate, key)
			write(t, key, "rubbish")
		}), []string{"--tls", "site.key", "no key"}},
		{"certificate that is a folder", false, pair(func(t *testing.T, certificate, key string) {
			good(t, filepath.Join(t.TempDir(), "x"), key)
			if err := os.Mkdir(certificate, 0o700); err != nil {
				t.Fatal(err)
			}
		}), []string{"--tls", "site.crt"}},
		{"certificate that has expired", false, pair(func(t *testing.T, certificate, key string) {
			newIssuer(t).issue(t, certificate, key, time.Now().Add(-time.Minute))
		}), []string{"--tls", "site.crt", "expired"}},
		{"TCP port in use, with TLS", false, inUse("--listen", "--tls", "self-signed"), []string{"in use", "--listen"}},
		{"port for plain HTTP in use", false, inUse("--plain-listen", "--tls", "self-signed"), []string{"in use", "--plain-listen"}},
		{"port for plain HTTP without https", false, flags("--plain-listen", "127.0.0.1:0"), []string{"--plain-listen", "--tls"}},
		{"data served by another process, with TLS", false, func(t *testing.T, dir string) []string {
			return plain(dir, "--data", start(t, t.TempDir()).data, "--tls", "self-signed")
		}, []string{"another neochat", "--data"}},
		{"database that is none, with TLS", true, func(t *testing.T, dir string) []string {
			write(t, filepath.Join(dir, "data", "neochat.db"), "not a database, not a database")
			return plain(dir, "--tls", "self-signed")
		}, []string{"neochat.db", "not a database"}},
		{"data where nobody may write, with TLS", false, flags("--data", "/proc/neochat", "--tls", "self-signed"), []string{"data folder", "--data"}},
		{"mail for no authority", false, flags("--acme-mail", "a@example.org"), []string{"--acme-mail", "--tls auto"}},
		{"directory of no authority", false, flags("--acme-directory", "https://localhost:14000/dir", "--tls", "self-signed"), []string{"--acme-directory", "--tls auto"}},
		{"directory that is no URL", false, flags("--acme-directory", "letsencrypt", "--tls", "auto", "--domain", "a.example"), []string{"--acme-directory", "letsencrypt", "https://"}},
		{"domain that is none", false, flags("--domain", "https://chat.example.org/"), []string{"--domain", "https://chat.example.org/"}},
	}
}

// relayRefusals are about the relay, and the addresses that the internet sees.
func relayRefusals() []refusal {
	open := func(more ...string) func(*testing.T, string) []string {
		return flags(append([]string{"--relay", "open"}, more...)...)
	}
	return []refusal{
		{"relay that is none", false, flags("--relay", "perhaps"), []string{"--relay", "perhaps", "inside", "open", "off"}},
		{"relay port in use", false, inUse("--relay-listen"), []string{"in use", "--relay-listen"}},
		{"relay address that is none", false, flags("--relay-listen", "nonsense"), []string{"nonsense", "--relay-listen"}},
		{"relay port out of range", false, flags("--relay-listen", "127.0.0.1:99999"), []string{"99999", "--relay-listen"}},
		{"relay ports backwards", false, open("--relay-ports", "5-1"), []string{"--relay-ports", "5-1", "49152-65535"}},
		{"relay ports without an end", false, open("--relay-ports", "5000"), []string{"--relay-ports", "5000"}},
		{"relay ports from 0", false, open("--relay-ports", "0-100"), []string{"--relay-ports", "0-100"}},
		{"relay ports past the last", false, open("--relay-ports", "65000-65536"), []string{"--relay-ports", "65536"}},
		{"relay ports of three", false, open("--relay-ports", "1-2-3"), []string{"--relay-ports", "1-2-3"}},
		{"relay ports without an open relay", false, flags("--relay-ports", "5000-5010"), []string{"--relay-ports", "--relay open"}},
		{"network that is none", false, open("--relay-allow", "10.0.0.0/8,x"), []string{"--relay-allow", `"x"`, "10.0.0.0/8"}},
		{"network without an open relay", false, flags("--relay-allow", "10.0.0.0/8"), []string{"--relay-allow", "--relay open"}},
		{"no allocations", false, flags("--relay-allocations", "0"), []string{"--relay-allocations", "at least 1", "--relay off"}},
		{"no allocations at all", false, flags("--relay-total-allocations", "0"), []string{"--relay-total-allocations", "at least 1"}},
		{"no permissions", false, flags("--relay-permissions=-1"), []string{"--relay-permissions", "at least 1"}},
		{"no rate", false, flags("--relay-rate", "0"), []string{"--relay-rate", "at least 1"}},
		{"no rate of all", false, flags("--relay-total-rate", "0"), []string{"--relay-total-rate", "at least 1"}},
		{"rate past what can be counted", false, flags("--relay-rate", "9223372036854775807"), []string{"--relay-rate", "at most"}},
		{"rate that is no number", false, flags("--relay-rate", "fast"), []string{"--relay-rate", "fast"}},
		{"STUN server without a port", false, flags("--stun-server", "x"), []string{"--stun-server", `"x"`, "host:port"}},
		{"STUN server without a host", false, flags("--stun-server", ":3478"), []string{"--stun-server", ":3478", "host:port"}},
		{"STUN server with a strange port", false, flags("--stun-server", "stun.example:seventy"), []string{"--stun-server", "seventy", "host:port"}},
		{"public address of everybody", false, flags("--public-ip", "0.0.0.0"), []string{"--public-ip", "0.0.0.0"}},
		{"public address of a group", false, flags("--public-ip", "224.0.0.1"), []string{"--public-ip", "224.0.0.1"}},
		{"public address with a zone", false, flags("--public-ip", "fe80::1%eth0"), []string{"--public-ip", "fe80::1%eth0"}},
		{"UDP port below", false, flags("--media-port=-2"), []string{"--media-port", "-2", "0"}},
	}
}
