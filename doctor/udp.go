package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"syscall"
	"time"
)

// udp looks at the way that calls take: the port, large packets on it, and the addresses that are offered.
func (w *visit) udp(ctx context.Context) {
	if w.reach == nil {
		for _, check := range []string{"udp", "mtu", "candidates"} {
			w.tell(skipped(check, "the server does not tell its UDP port"))
		}
		return
	}
	address := w.address(w.reach.UDP)
	seen, err := askUDP(ctx, w.Network, address, 0, w.Timeout)
	if err != nil {
		w.tell(judgeUDP(address, w.reach, w.reached, err), skipped("mtu", "no UDP passes at all"))
	} else {
		w.tell(good("udp", fmt.Sprintf("UDP %s answers, and sees this machine at %s", address, seen)), w.mtu(ctx, address))
	}
	w.tell(w.candidates(ctx, err == nil))
}

// judgeUDP tells where UDP is held up, by what the server knows of itself.
func judgeUDP(address string, r *Reach, reached netip.Addr, err error) Finding {
	known := facts{"address", address, "port", strconv.Itoa(r.UDP), "own", join(r.Own), "error", brief(err)}
	switch {
	case r.UDPHeard > 0:
		return found("", "udp-here", known)
	case len(r.Own) > 0 && !slices.Contains(r.Own, reached) && !slices.ContainsFunc(r.Own, func(a netip.Addr) bool { return !private(a) }):
		return found("", "udp-unpublished", known)
	case errors.Is(err, syscall.ECONNREFUSED):
		return found("", "udp-refused", known)
	}
	return found("", "udp-blocked", known)
}

func (w *visit) mtu(ctx context.Context, address string) Finding {
	if _, err := askUDP(ctx, w.Network, address, large, w.Timeout); err != nil {
		return found("", "mtu-small", facts{"size", strconv.Itoa(large), "address", address})
	}
	return good("mtu", fmt.Sprintf("UDP packets of %d bytes pass", large))
}

// candidates looks at the addresses that a call is offered. One that leads here is enough, but public ones must all do.
func (w *visit) candidates(ctx context.Context, answers bool) Finding {
	known := facts{"reached", w.reached.String(), "offered", join(w.reach.offered())}
	for _, a := range w.reach.Public {
		if a == w.reached || a.Is6() != w.reached.Is6() || private(a) || !answers {
			continue
		}
		if _, err := askUDP(ctx, w.Network, net.JoinHostPort(a.String(), strconv.Itoa(w.reach.UDP)), 0, min(w.Timeout, 3*time.Second)); err != nil {
			return found("", "candidates-wrong", append(known, "address", a.String()))
		}
	}
	if !slices.Contains(w.reach.offered(), w.reached) && !slices.ContainsFunc(w.reach.Public, func(a netip.Addr) bool { return !private(a) }) {
		return found("", "candidates-private", known)
	}
	return good("candidates", "calls are offered "+join(w.reach.offered()))
}
