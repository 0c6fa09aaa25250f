package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"neochat/media"
	"neochat/port"
)

// networkFlags say how the server is reached.
type networkFlags struct {
	Listen        string `help:"TCP address for HTTP, WebSocket, the relay and calls over TCP; :443 is port 443 of every address of this machine." default:"127.0.0.1:8080" env:"NEOCHAT_LISTEN"`
	MediaPort     int    `help:"UDP port for the sound and pictures of calls, and for the relay; -1 is the number that --listen has, 0 takes any free one." default:"-1" env:"NEOCHAT_MEDIA_PORT"`
	Domain        string `help:"Names under which people reach this server, separated by commas, the main one first. Certificates are for them." default:"" env:"NEOCHAT_DOMAIN"`
	TLS           string `name:"tls" help:"off; auto: certificates for --domain from an ACME authority, which must reach --listen on port 443; self-signed: one of this server's own making, for a network without names; or CERTIFICATE,KEY: two PEM files, read again when they change and on SIGHUP." default:"off" env:"NEOCHAT_TLS"`
	ACMEMail      string `name:"acme-mail" help:"Where the authority of --tls auto writes to if something is wrong." default:"" env:"NEOCHAT_ACME_MAIL"`
	ACMEDirectory string `name:"acme-directory" help:"URL of another ACME authority than Let's Encrypt, whose terms are agreed to by naming it." default:"" env:"NEOCHAT_ACME_DIRECTORY"`
	PlainListen   string `help:"TCP address, usually :80, that sends browsers on to https, and answers the authority of --tls auto where it cannot use port 443. Nothing means there is none." default:"" env:"NEOCHAT_PLAIN_LISTEN"`
	PublicIP      string `name:"public-ip" help:"Address under which the internet reaches this machine, if it is not the machine's own (cloud, port forwarding); several separated by commas." default:"" env:"NEOCHAT_PUBLIC_IP"`
	StunServer    string `help:"host:port of a STUN server (RFC 8489) that is asked for the public address, now and every five minutes." default:"" env:"NEOCHAT_STUN_SERVER"`
	relayFlags    `embed:""`
}

// doors is everything the server is reached through.
type doors struct {
	bound   bound
	tcp     *port.TCP
	relay   *port.TCP // for the relay and calls over TCP alone; nil: they use tcp
	udp     *port.UDP
	cert    certificates // nil: there is no TLS
	plain   *http.Server // nil: there is none
	plainAt net.Addr     // of plain
	public  *publicAddresses
}

// bound are the TCP ports as they were taken, before anybody is served on them; nil: there is none.
type bound struct {
	tcp, relay, plain net.Listener
}

// bind takes the ports, and reads what the operator has given: it makes nothing, so that a start that is refused here has changed nothing.
// What it took is in d also where it fails.
func (c *networkFlags) bind(d *doors, log *slog.Logger) (err error) {
	if err := c.check(); err != nil {
		return err
	}
	if d.public, err = newPublicAddresses(c.PublicIP, log); err != nil {
		return err
	}
	if d.cert, err = c.filesOfOthers(log); err != nil {
		return err
	}
	for _, p := range []struct {
		listener      *net.Listener
		address, flag string
	}{{&d.bound.tcp, c.Listen, "--listen"}, {&d.bound.relay, c.RelayListen, "--relay-listen"}, {&d.bound.plain, c.PlainListen, "--plain-listen"}} {
		if p.address == "" && p.flag != "--listen" {
			continue
		}
		if *p.listener, err = port.Open(p.address); err != nil {
			return explainListen(err, p.address, p.flag)
		}
	}
	number := c.MediaPort
	if number == -1 {
		number = tcpPort(d.bound.tcp.Addr())
	}
	if d.udp, err = port.ListenUDP(port.UDPConfig{Address: ":" + strconv.Itoa(number), Logger: log}); err != nil {
		return explainListen(err, "UDP port "+strconv.Itoa(number), "--media-port")
	}
	return nil
}

func (c *networkFlags) check() error {
	if c.MediaPort < -1 || c.MediaPort > 65535 {
		return fmt.Errorf("--media-port: %d is no UDP port; they are 1 to 65535, 0 takes any free one, -1 that of --listen", c.MediaPort)
	}
	if c.StunServer != "" {
		host, number, err := net.SplitHostPort(c.StunServer)
		if n, bad := strconv.ParseUint(number, 10, 16); err != nil || bad != nil || n == 0 || host == "" {
			return fmt.Errorf("--stun-server: %q is not host:port", c.StunServer)
		}
	}
	return errors.Join(c.checkTLS(), c.checkRelay())
}

// open begins to serve on what bind took. data is the folder where certificates are kept.
func (c *networkFlags) open(d *doors, data string, behindProxy bool, log *slog.Logger) (err error) {
	if d.cert == nil {
		if d.cert, err = c.certificates(data, log); err != nil {
			return err
		}
	}
	config := port.TCPConfig{Listener: d.bound.tcp, PlainHTTP: behindProxy, Logger: log}
	if d.cert != nil {
		config.TLS = d.cert.TLS()
	}
	if d.tcp, err = port.Listen(config); err != nil {
		return err
	}
	if config.Listener = d.bound.relay; config.Listener != nil {
		if d.relay, err = port.Listen(config); err != nil {
			return err
		}
	}
	return d.openPlain(log)
}

// openPlain serves what is on port 80 beside https.
func (d *doors) openPlain(log *slog.Logger) error {
	a, examined := d.cert.(challenged)
	var at net.Addr
	if d.bound.plain != nil {
		at = d.bound.plain.Addr()
		d.plainAt = at
		handler := toHTTPS(tcpPort(at), tcpPort(d.tcp.Addr()))
		if examined {
			handler = a.HTTPChallenge(handler)
		}
		d.plain = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
			ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
		go d.plain.Serve(d.bound.plain) // ends with close
	}
	if examined {
		return a.Start(d.tcp.Addr(), at)
	}
	return nil
}

// toHTTPS sends browsers on. Who found the plain port under the number it has here comes through nothing that translates
// ports, and so finds https under the number that has here; all others find it at 443.
func toHTTPS(plain, secure int) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if plain != 80 {
			host = strings.TrimSuffix(host, ":"+strconv.Itoa(plain))
		} else {
			host = strings.TrimSuffix(host, ":80")
		}
		if secure != 443 && (host != r.Host || plain == 80) {
			host += ":" + strconv.Itoa(secure)
		}
		r.Host = host
		port.ToHTTPS(w, r)
	})
}

// streams is the TCP port that calls and the relay are offered on.
func (d *doors) streams() *port.TCP {
	if d.relay != nil {
		return d.relay
	}
	return d.tcp
}

// listenMedia gives the calls their part of the ports.
func (d *doors) listenMedia(log *slog.Logger) (*media.SFU, error) {
	return media.Listen(media.Config{Conn: d.udp.Media(), Streams: d.streams().ICE(), PublicAddresses: d.public.list, Loopback: local(d.tcp.Addr()), Logger: log})
}

// close gives the ports back. Who was given a part of them has closed it before.
func (d *doors) close() {
	if d.plain != nil {
		d.plain.Close()
	}
	for _, l := range []net.Listener{d.bound.tcp, d.bound.relay, d.bound.plain} {
		if l != nil {
			l.Close()
		}
	}
	for _, t := range []*port.TCP{d.tcp, d.relay} {
		if t != nil {
			t.Close()
		}
	}
	if d.udp != nil {
		d.udp.Close()
	}
	if d.cert != nil {
		d.cert.Close()
	}
}

// openHTTP makes the server of the one port, and of a second one what is not for HTTP there.
func (d *doors) openHTTP(handler http.Handler, log *slog.Logger) *http.Server {
	if d.cert != nil {
		handler = withHSTS(handler, d.cert)
	}
	if d.relay != nil {
		d.relay.HTTP().Close()
		d.tcp.ICE().Close()
	}
	return &http.Server{Handler: d.tcp.Handler(handler), ConnContext: d.tcp.ConnContext, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 32 << 10, ErrorLog: slog.NewLogLogger(log.With("part", "http").Handler(), slog.LevelDebug)}
}

// announce tells a person where to go and what is open.
func (d *doors) announce() (open, listens string) {
	scheme, at := "http", d.tcp.Addr().(*net.TCPAddr)
	host := at.IP.String()
	if at.IP.IsLoopback() || at.IP.IsUnspecified() {
		host = "localhost"
	}
	if d.cert != nil {
		scheme = "https"
		if name := d.cert.host(); name != "" {
			host = name
		}
	}
	open = scheme + "://" + net.JoinHostPort(host, strconv.Itoa(at.Port))
	listens = fmt.Sprintf("%s (TCP: HTTP, WebSocket, relay, calls), %d (UDP: calls, relay)", at, d.udp.LocalAddr().Port())
	if d.relay != nil {
		listens += fmt.Sprintf(", %s (TCP: relay, calls)", d.relay.Addr())
	}
	if d.plain != nil {
		listens += fmt.Sprintf(", %s (TCP: sends on to https)", d.bound.plain.Addr())
	}
	return open, listens
}

func tcpPort(a net.Addr) int { return a.(*net.TCPAddr).Port }

// inside is the calls as the relay reaches them: without a wire.
type inside struct {
	*media.SFU
	udp *port.UDP
}

// Attach implements turn.Inside. Whoever asks for his address through the relay is answered, as he is without it: so a
// client can find out whether the relay carries data.
func (i inside) Attach(relayed netip.AddrPort, deliver func([]byte, netip.AddrPort)) (func([]byte, netip.AddrPort), func(), error) {
	send, detach, err := i.udp.Attach(relayed, deliver)
	if err != nil {
		return nil, nil, err
	}
	return func(packet []byte, to netip.AddrPort) {
		if answer := answerBinding(packet, relayed); answer != nil {
			deliver(answer, to)
			return
		}
		send(packet, to)
	}, detach, nil
}

// watch looks for the public address until ctx is done.
func (c *networkFlags) watch(ctx context.Context, d *doors) {
	if c.StunServer != "" {
		go d.public.ask(ctx, c.StunServer)
	}
}
