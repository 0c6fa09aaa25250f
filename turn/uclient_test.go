package turn

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/netip"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	lostPackets = regexp.MustCompile(`(?m)Total lost packets (\d+)`)
	received    = regexp.MustCompile(`(?m)tot_send_msgs=(\d+), tot_recv_msgs=(\d+)`)
)

// selfMade is a certificate that nobody vouches for.
func selfMade(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serveTLS ends TLS in front of the relay.
func (g *rig) serveTLS(t testing.TB) net.Addr {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = tls.NewListener(l, &tls.Config{MinVersion: tls.VersionTLS10, Certificates: []tls.Certificate{selfMade(t)}})
	if err := g.ServeStreams(l, TLS); err != nil {
		t.Fatal(err)
	}
	return l.Addr()
}

// TestUclient has coturn's client drive the relay: what it sends to a peer that echoes comes back.
func TestUclient(t *testing.T) {
	g := newRig(t, func(c *Config) { c.Outside, c.Limits.AllocationsPerAccount = loopback(nil), 100 })
	secure := g.serveTLS(t)
	other := peer(t, "127.0.0.1:0")
	for _, mode := range []struct {
		name  string
		to    net.Addr
		flags string
	}{
		{"udp", g.udp, ""},
		{"udp send", g.udp, "-s"},
		{"udp client to client", g.udp, "-y"},
		{"udp padded", g.udp, "-D"},
		{"udp again and again", g.udp, "-G"},
		{"tcp", g.tcp, "-t"},
		{"tcp send", g.tcp, "-t -s"},
		{"tcp client to client", g.tcp, "-t -y"},
		{"tls", secure, "-t -S"},
		{"tls send", secure, "-t -S -s"},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel() // it waits more than it works
			user, pass, _, err := g.Credentials("alice@example.org", strings.ReplaceAll(mode.name, " ", "-"))
			if err != nil {
				t.Fatal(err)
			}
			at := addrPortOf(mode.to)
			args := []string{"-c", "-m", "4", "-n", "10", "-l", "171", "-u", user, "-w", pass, "-p", portString(at), "-z", "5"}
			if !strings.Contains(mode.flags, "-y") {
				args = append(args, "-e", other.Addr().String(), "-r", portString(other))
			}
			args = append(args, strings.Fields(mode.flags)...)
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, "turnutils_uclient", append(args, at.Addr().String())...).CombinedOutput()
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			lost := lostPackets.FindAllSubmatch(out, -1)
			if len(lost) == 0 || string(lost[len(lost)-1][1]) != "0" {
				t.Errorf("packets were lost\n%s", out)
			}
			counts := received.FindAllSubmatch(out, -1)
			if len(counts) == 0 || string(counts[len(counts)-1][1]) != string(counts[len(counts)-1][2]) || string(counts[len(counts)-1][2]) != "40" {
				t.Errorf("not all came back\n%s", out)
			}
		})
	}
}

func portString(a netip.AddrPort) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}
