package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pion/logging"
	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// Why a way through the relay is of no use; they come wrapped.
var (
	errRefused = errors.New("refused")
	errNoData  = errors.New("no data")
)

// relay takes every way through the relay, with data.
func (w *visit) relay(ctx context.Context) {
	urls, username, password, err := w.access(ctx)
	checks := []string{"relay-udp", "relay-tcp", "relay-tls"}
	if w.reach == nil || len(urls) == 0 {
		why := "it takes an account (--account) that can log in"
		switch {
		case w.reach != nil && w.reach.Relay == "off":
			why = "the relay is turned off"
		case err != nil:
			why = "the server did not lend the relay: " + brief(err)
		}
		for _, check := range checks {
			w.tell(skipped(check, why))
		}
		return
	}
	var all []Finding
	for _, check := range checks {
		all = append(all, w.through(ctx, check, urls, username, password))
	}
	w.tell(weigh(all)...)
}

// weigh makes a warning of a closed way where TCP or TLS is open: calls find that by themselves.
func weigh(all []Finding) []Finding {
	open := false
	for _, f := range all {
		open = open || f.State == OK && f.Check != "relay-udp"
	}
	for i, f := range all {
		if open && f.Fault == "relay-silent" {
			all[i].State = Warn
		}
	}
	return all
}

// through tries one way.
func (w *visit) through(ctx context.Context, check string, urls []string, username, password string) Finding {
	way := strings.ToUpper(strings.TrimPrefix(check, "relay-"))
	port, protocol := w.reach.TCP, "tcp"
	if way == "UDP" {
		port, protocol = w.reach.UDP, "udp"
	}
	switch {
	case way == "UDP" && (w.failed("udp") || w.failed("mtu")):
		return skipped(check, "UDP does not pass as it should anyway")
	case way == "TLS" && !strings.Contains(strings.Join(urls, ","), "turns:"):
		return skipped(check, "the server has no TLS")
	}
	address := w.address(port)
	err := w.carry(ctx, way, address, username, password)
	known := facts{"way", way, "protocol", protocol, "address", address, "port", strconv.Itoa(port), "reached", w.reached.String(), "error", brief(err)}
	switch {
	case err == nil:
		return good(check, "the relay at "+address+" carries data over "+way)
	case errors.Is(err, errNoData):
		return found(check, "relay-no-data", known)
	case errors.Is(err, errRefused):
		return found(check, "relay-refused", known)
	}
	return found(check, "relay-silent", known)
}

// failed tells whether a check has found something.
func (w *visit) failed(check string) bool {
	for _, f := range w.findings {
		if f.Check == check && (f.State == Fail || f.State == Warn) {
			return true
		}
	}
	return false
}

// carry opens an allocation (RFC 8656) and has the server's own media port answer through it.
func (w *visit) carry(ctx context.Context, way, address, username, password string) error {
	ctx, cancel := context.WithTimeout(ctx, w.Timeout)
	defer cancel()
	conn, err := w.relayConn(ctx, way, address)
	if err != nil {
		return err
	}
	quiet := &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}
	client, err := turn.NewClient(&turn.ClientConfig{Conn: conn, STUNServerAddr: address, TURNServerAddr: address, Username: username, Password: password, LoggerFactory: quiet})
	if err != nil {
		conn.Close()
		return err
	}
	defer conn.Close()
	defer client.Close()
	if err := client.Listen(); err != nil {
		return err
	}
	relayed, err := client.AllocateWithContext(ctx)
	if err != nil {
		if refusal := new(stun.TurnError); errors.As(err, &refusal) {
			return fmt.Errorf("%w: %w", errRefused, err)
		}
		return err
	}
	defer relayed.Close()
	return w.echo(ctx, relayed)
}

// relayConn opens the way to the relay as the library wants it.
func (w *visit) relayConn(ctx context.Context, way, address string) (net.PacketConn, error) {
	if way == "UDP" {
		conn, err := w.Network.Dial(ctx, "udp", address)
		if err != nil {
			return nil, err
		}
		return connected{conn}, nil
	}
	conn, err := w.Network.Dial(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if way == "TLS" {
		client := tls.Client(conn, &tls.Config{ServerName: w.host, InsecureSkipVerify: true}) // its own check looks at the certificate
		if err := client.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		conn = client
	}
	return turn.NewSTUNConn(conn), nil
}

// connected is a UDP socket of one peer as a net.PacketConn.
type connected struct{ net.Conn }

// ReadFrom implements net.PacketConn.
func (c connected) ReadFrom(p []byte) (int, net.Addr, error) {
	n, err := c.Read(p)
	return n, c.RemoteAddr(), err
}

// WriteTo implements net.PacketConn.
func (c connected) WriteTo(p []byte, _ net.Addr) (int, error) { return c.Write(p) }

// echo has a STUN request answered by the media port, through the relay.
func (w *visit) echo(ctx context.Context, relayed net.PacketConn) error {
	to := &net.UDPAddr{IP: w.peer().AsSlice(), Port: w.reach.UDP}
	request := binding(large)
	stop := context.AfterFunc(ctx, func() { relayed.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 2048)
	for ctx.Err() == nil {
		if _, err := relayed.WriteTo(request.Raw, to); err != nil {
			return fmt.Errorf("%w: %w", errNoData, err)
		}
		relayed.SetReadDeadline(time.Now().Add(sendEvery))
		for {
			n, _, err := relayed.ReadFrom(buf)
			if err != nil {
				break
			}
			if _, err := mapped(buf[:n], request); err == nil {
				return nil
			}
		}
	}
	return fmt.Errorf("%w: %w", errNoData, ctx.Err())
}

// peer is an address of the server's media, of the family that was reached if it has one.
func (w *visit) peer() netip.Addr {
	for _, a := range append(append([]netip.Addr(nil), w.reach.Public...), w.reach.Own...) {
		if a.Is6() == w.reached.Is6() {
			return a
		}
	}
	return w.reached
}
