package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

const (
	stunEvery   = 5 * time.Minute
	stunRetry   = 20 * time.Second // after nothing was heard
	stunTimeout = 8 * time.Second
)

// publicAddresses are those under which the internet reaches this machine.
type publicAddresses struct {
	log        *slog.Logger
	configured []netip.Addr

	mu    sync.Mutex
	asked map[string]netip.Addr // guarded by mu: by network, what a STUN server saw
	all   []netip.Addr          // guarded by mu: replaced, never changed
}

func newPublicAddresses(configured string, log *slog.Logger) (*publicAddresses, error) {
	p := &publicAddresses{log: log, asked: map[string]netip.Addr{}}
	for _, s := range words(configured) {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, fmt.Errorf("--public-ip: %q is not an IP address", s)
		}
		if a = a.Unmap(); a.IsUnspecified() || a.IsMulticast() || a.Zone() != "" {
			return nil, fmt.Errorf("--public-ip: nobody can reach %s", a)
		}
		p.configured = append(p.configured, a)
	}
	p.all = p.configured
	return p, nil
}

// words splits a list of a flag.
func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

// list gives them; it is read only.
func (p *publicAddresses) list() []netip.Addr {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.all
}

// ask has a STUN server say under which address it sees us, again and again until ctx is done.
func (p *publicAddresses) ask(ctx context.Context, server string) {
	for {
		heard := false
		var errs []error
		for _, network := range []string{"udp4", "udp6"} {
			a, err := seenBy(ctx, network, server)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			heard = true
			p.learn(network, a)
		}
		pause := stunEvery
		if !heard && ctx.Err() == nil {
			pause = stunRetry
			p.log.Warn("the STUN server does not tell the public address", "server", server, "error", errors.Join(errs...))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

func (p *publicAddresses) learn(network string, a netip.Addr) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asked[network] == a {
		return
	}
	p.asked[network] = a
	p.log.Info("the public address, as a STUN server sees it", "address", a)
	all := slices.Clone(p.configured)
	for _, one := range p.asked {
		if !slices.Contains(all, one) {
			all = append(all, one)
		}
	}
	p.all = all
}

// seenBy returns the address from which a STUN server sees us (RFC 8489 section 2).
func seenBy(ctx context.Context, network, server string) (netip.Addr, error) {
	ctx, cancel := context.WithTimeout(ctx, stunTimeout)
	defer cancel()
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, server)
	if err != nil {
		return netip.Addr{}, err
	}
	client, err := stun.NewClient(conn)
	if err != nil {
		conn.Close()
		return netip.Addr{}, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	defer client.Close()
	var seen netip.Addr
	err = client.Do(stun.MustBuild(stun.TransactionID, stun.BindingRequest), func(e stun.Event) {
		var mapped stun.XORMappedAddress
		if e.Error == nil && mapped.GetFrom(e.Message) == nil {
			seen, _ = netip.AddrFromSlice(mapped.IP)
			seen = seen.Unmap()
		}
	})
	if err == nil && (!seen.IsValid() || !seen.IsGlobalUnicast()) {
		err = fmt.Errorf("%s over %s: no answer with an address", server, network)
	}
	return seen, err
}
