package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"time"
)

// The times a Visit takes where nothing else is said.
const (
	DefaultTimeout  = 6 * time.Second
	DefaultPatience = 70 * time.Second
)

// Visit looks at a server from outside.
type Visit struct {
	URL      string // https://host, http://host:port
	Account  string // "": nothing that needs one is tried
	Password string
	Timeout  time.Duration  // for one step; 0: DefaultTimeout
	Patience time.Duration  // how long an idle WebSocket is watched; 0: DefaultPatience
	TimeFrom string         // URL of a web server whose clock is right; "": only the server's clock is compared
	Roots    *x509.CertPool // nil: those this machine trusts
	Network  Network
	Each     func(Finding) // told each finding at once; may be nil
}

// visit is a Visit under way. Only one goroutine uses it, but for the watch of the WebSocket, which has its own socket.
type visit struct {
	Visit
	at       *url.URL
	host     string
	port     string
	tls      *tls.Config // nil: http
	addrs    []netip.Addr
	reached  netip.Addr // the address that took the connection
	trusted  bool       // a password may be sent
	reach    *Reach     // nil: the server does not tell
	offset   time.Duration
	socket   *socket // nil: there is none
	findings []Finding
}

// Look goes through the checks, and returns what they found. An error means that it could not begin.
func (v Visit) Look(ctx context.Context) ([]Finding, error) {
	w, err := v.begin()
	if err != nil {
		return nil, err
	}
	defer w.leave()
	for _, step := range []func(context.Context) bool{w.dns, w.tcp, w.secure, w.http} {
		if !step(ctx) || ctx.Err() != nil {
			return w.findings, ctx.Err()
		}
	}
	w.clock(ctx)
	watched := w.talk(ctx)
	w.udp(ctx)
	w.relay(ctx)
	if watched != nil {
		select {
		case f := <-watched:
			w.tell(f)
		case <-ctx.Done():
		}
	}
	return w.findings, ctx.Err()
}

func (v Visit) begin() (*visit, error) {
	at, err := url.Parse(v.URL)
	if err != nil || at.Hostname() == "" || at.Scheme != "http" && at.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address of a server like https://chat.example.org or http://192.168.1.10:8080", v.URL)
	}
	if v.Timeout == 0 {
		v.Timeout = DefaultTimeout
	}
	if v.Patience == 0 {
		v.Patience = DefaultPatience
	}
	v.Network = v.Network.withDefaults()
	w := &visit{Visit: v, at: &url.URL{Scheme: at.Scheme, Host: at.Host}, host: at.Hostname(), port: at.Port()}
	if w.port == "" {
		w.port = map[string]string{"http": "80", "https": "443"}[at.Scheme]
	}
	if at.Scheme == "https" {
		// What is wrong with a certificate is found by a check of its own; the others go on, but send no password.
		w.tls = &tls.Config{ServerName: w.host, InsecureSkipVerify: true}
	}
	w.trusted = w.tls == nil
	return w, nil
}

func (w *visit) leave() {
	if w.socket != nil {
		w.socket.close()
	}
}

// tell notes findings.
func (w *visit) tell(all ...Finding) {
	for _, f := range all {
		w.findings = append(w.findings, f)
		if w.Each != nil {
			w.Each(f)
		}
	}
}

// dial opens a TCP connection to the address that was reached.
func (w *visit) dial(ctx context.Context, port string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	return w.Network.Dial(ctx, "tcp", net.JoinHostPort(w.reached.String(), port))
}

func (w *visit) address(port int) string {
	return net.JoinHostPort(w.reached.String(), strconv.Itoa(port))
}
