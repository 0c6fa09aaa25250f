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
	l = tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{selfMade(t)}})
	if err := g.ServeStreams(l, TLS); err != nil {
		t.Fatal(err)
	}
	return l.Addr()
}

// TestUclient has coturn's client drive the relay: what it sends to a peer that echoes comes back.
func TestUclient(t *testing.T) {
	if testing.Short() {
		t.Skip("it starts processes")
	}
	g := newRig(t, func(c *Config) { c.Outside, c.Limits.AllocationsPerAccount = loopback(nil), 100 })
	secure := g.serveTLS(t)
	other := peer(t, "127.0.0.1:0")
	var names []string
	var checks []func(*testing.T)
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
		out := make(chan string, 1) // they wait more than they work, so all run at once
		go func() { out <- g.uclient(mode.to, strings.ReplaceAll(mode.name, " ", "-"), other, mode.flags) }()
		checks = append(checks, func(t *testing.T) {
			text := <-out
			lost, counts := lostPackets.FindAllStringSubmatch(text, -1), received.FindAllStringSubmatch(text, -1)
			if len(lost) == 0 || lost[len(lost)-1][1] != "0" {
				t.Errorf("packets were lost\n%s", text)
			}
			if len(counts) == 0 || counts[len(counts)-1][1] != "40" || counts[len(counts)-1][2] != "40" {
				t.Errorf("not all came back\n%s", text)
			}
		})
		names = append(names, mode.name)
	}
	for i, check := range checks {
		t.Run(names[i], check)
	}
}

// uclient runs coturn's client and gives all it says, with why it failed if it did.
func (g *rig) uclient(to net.Addr, device string, peer netip.AddrPort, flags string) string {
	user, pass, _, err := g.Credentials("alice@example.org", device)
	if err != nil {
		return err.Error()
	}
	at := addrPortOf(to)
	args := []string{"-c", "-m", "4", "-n", "10", "-l", "171", "-u", user, "-w", pass, "-p", portString(at)}
	if !strings.Contains(flags, "-y") {
		args = append(args, "-e", peer.Addr().String(), "-r", portString(peer))
	}
	args = append(args, strings.Fields(flags)...)
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "turnutils_uclient", append(args, at.Addr().String())...).CombinedOutput()
	if err != nil {
		return err.Error() + "\n" + string(out)
	}
	return string(out)
}

func portString(a netip.AddrPort) string {
	_, port, _ := net.SplitHostPort(a.String())
	return port
}
