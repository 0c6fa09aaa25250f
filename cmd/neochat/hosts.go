package main

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"
)

const (
	hostsKept    = 64 // names whose addresses are remembered
	hostsLast    = 10 * time.Minute
	hostsTimeout = 2 * time.Second
	hostsAtOnce  = 4 // look-ups
)

// hosts tells at which addresses clients see this server, by the name they used for it. The name is the client's
// word: what comes of it is told to that client alone.
type hosts struct {
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	asking chan struct{} // a token for each look-up under way

	mu    sync.Mutex
	known map[string]hostEntry // guarded by mu
}

type hostEntry struct {
	addrs []netip.Addr
	until time.Time
}

func newHosts() *hosts {
	return &hosts{lookup: net.DefaultResolver.LookupNetIP, asking: make(chan struct{}, hostsAtOnce), known: map[string]hostEntry{}}
}

// seen returns the addresses of a Host header, none if it says nothing that helps.
func (h *hosts) seen(ctx context.Context, header string) []netip.Addr {
	host := strings.ToLower(hostOf(header))
	if a, err := netip.ParseAddr(host); err == nil {
		return reachable([]netip.Addr{a})
	}
	if host == "" || host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return nil
	}
	h.mu.Lock()
	entry, ok := h.known[host]
	h.mu.Unlock()
	if ok && time.Now().Before(entry.until) {
		return entry.addrs
	}
	return h.ask(ctx, host)
}

// ask looks a name up. Where that takes too long, or too many are being looked up, there is nothing to tell.
func (h *hosts) ask(ctx context.Context, host string) []netip.Addr {
	select {
	case h.asking <- struct{}{}:
		defer func() { <-h.asking }()
	default:
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, hostsTimeout)
	defer cancel()
	addrs, err := h.lookup(ctx, "ip", host)
	if err != nil && ctx.Err() != nil {
		return nil
	}
	addrs = reachable(addrs)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.known) >= hostsKept {
		clear(h.known)
	}
	h.known[host] = hostEntry{addrs, time.Now().Add(hostsLast)}
	return addrs
}

// reachable leaves out what no packet can be sent to from elsewhere: loopback (offered anyway where it helps), groups, everybody, nobody, and IPv6
// addresses of one link, which mean nothing without its zone.
func reachable(addrs []netip.Addr) []netip.Addr {
	var kept []netip.Addr
	for _, a := range addrs {
		if a = a.Unmap(); a.IsGlobalUnicast() || a.Is4() && a.IsLinkLocalUnicast() {
			kept = append(kept, a)
		}
	}
	return kept
}
