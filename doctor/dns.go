package doctor

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
)

// dns finds the addresses of the server.
func (w *visit) dns(ctx context.Context) bool {
	if a, err := netip.ParseAddr(w.host); err == nil {
		w.addrs = []netip.Addr{a.Unmap()}
		return true // there is no name to look at
	}
	ctx, cancel := context.WithTimeout(ctx, 2*w.Timeout)
	defer cancel()
	addrs, err := w.Network.Lookup(ctx, "ip", w.host)
	for _, a := range addrs {
		w.addrs = append(w.addrs, a.Unmap())
	}
	f := judgeLookup(w.host, w.addrs, err)
	w.tell(f)
	return f.State == OK
}

// judgeLookup tells a name that is not there from a name server that is not.
func judgeLookup(host string, addrs []netip.Addr, err error) Finding {
	var trouble *net.DNSError
	switch {
	case err == nil && len(addrs) > 0:
		return good("dns", host+" is "+join(addrs))
	case err == nil, errors.As(err, &trouble) && trouble.IsNotFound:
		return found("", "dns-missing", facts{"host", host})
	}
	return found("", "dns-silent", facts{"host", host, "error", brief(err)})
}

// tcp connects to each address. Each family that is announced must answer; those that this machine has no way to are passed over.
func (w *visit) tcp(ctx context.Context) bool {
	var failed, unrouted []netip.Addr
	causes := map[netip.Addr]error{}
	var reached []netip.Addr
	for _, a := range w.addrs {
		w.reached = a
		conn, err := w.dial(ctx, w.port)
		switch {
		case err == nil:
			conn.Close()
			reached = append(reached, a)
		case errors.Is(err, syscall.ENETUNREACH) && a.Is6() && len(w.addrs) > 1:
			unrouted = append(unrouted, a)
		default:
			failed = append(failed, a)
			causes[a] = err
		}
	}
	if len(reached) == 0 {
		if len(failed) == 0 {
			failed = unrouted
		}
		w.tell(judgeConnect(net.JoinHostPort(failed[0].String(), w.port), w.port, causes[failed[0]]))
		return false
	}
	w.reached = reached[0]
	w.tell(good("tcp", "TCP port "+w.port+" of "+join(reached)+" takes connections"))
	w.families(failed, unrouted)
	return true
}

func judgeConnect(address, port string, err error) Finding {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return found("", "tcp-refused", facts{"address", address, "port", port})
	}
	return found("", "tcp-silent", facts{"address", address, "port", port})
}

// families tells of announced addresses that do not answer while others do.
func (w *visit) families(failed, unrouted []netip.Addr) {
	for _, a := range failed {
		id := "ipv4-unreachable"
		if a.Is6() {
			id = "ipv6-unreachable"
		}
		w.tell(found("", id, facts{"host", w.host, "address", a.String(), "port", w.port}))
	}
	switch {
	case len(failed) > 0:
	case len(unrouted) > 0:
		w.tell(skipped("ipv6", "this machine has no IPv6, "+join(unrouted)+" was not tried"))
	case len(w.addrs) > 1:
		w.tell(good("ipv6", "every announced address answers"))
	}
}

func join(addrs []netip.Addr) string {
	words := make([]string, len(addrs))
	for i, a := range addrs {
		words[i] = a.String()
	}
	return strings.Join(words, ", ")
}

// brief is the inner part of an error, without what the reader knows already.
func brief(err error) string {
	var op *net.OpError
	var sent *url.Error
	var dns *net.DNSError
	switch {
	case err == nil:
		return "no answer"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	case errors.As(err, &dns):
		if dns.IsTimeout {
			return "no answer in time"
		}
		return dns.Err
	case errors.As(err, &op):
		return op.Err.Error()
	case errors.As(err, &sent):
		return sent.Err.Error()
	}
	return err.Error()
}
