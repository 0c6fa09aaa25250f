package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"
)

// hostsOf are Host headers, and the name or address in each.
var hostsOf = map[string]string{
	"chat.example.org": "chat.example.org", "chat.example.org:8080": "chat.example.org", "Chat.Example.ORG": "Chat.Example.ORG", "localhost:1": "localhost", "x": "x", "1": "1", "a-b.c": "a-b.c",
	"203.0.113.5": "203.0.113.5", "203.0.113.5:8080": "203.0.113.5", "[2001:db8::5]:8080": "2001:db8::5", "[2001:DB8:0::5]": "2001:db8::5", "2001:db8::5": "2001:db8::5",
	"[::ffff:203.0.113.5]:1": "::ffff:203.0.113.5", "[203.0.113.5]": "203.0.113.5",
	"": "", ":8080": "", "[]": "", "[": "", "]": "", "[203.0.113.5": "", "203.0.113.5]": "", "[chat.example.org": "", "[::1]x": "", "[fe80::1%eth0]:1": "", "a b": "", "a/b": "", "a?b": "", "a#b": "", "a@b": "",
	"-a": "", "a-": "", ".a": "", "a.": "", "a_b": "", "ä.example": "", "a\n": "", "a\x00": "", "1:2:3": "", "a:b:c": "", "a,b": "", strings.Repeat("a", 254): "", strings.Repeat("a", 253): strings.Repeat("a", 253),
}

func TestHostOf(t *testing.T) {
	for header, want := range hostsOf {
		if got := hostOf(header); got != want {
			t.Errorf("%q: %q, not %q", header, got, want)
		}
	}
}

// FuzzHostOf: what is taken out of a header makes a URL of the relay that means that host and nothing more.
func FuzzHostOf(f *testing.F) {
	for header := range hostsOf {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		host := hostOf(header)
		if host == "" {
			return
		}
		if again := hostOf(host); again != host {
			t.Errorf("%q is taken for %q, and that for %q", header, host, again)
		}
		uri, err := stun.ParseURI("turn:" + net.JoinHostPort(host, "3478") + "?transport=tcp")
		if err != nil || uri.Host != host || uri.Port != 3478 || uri.Proto != stun.ProtoTypeTCP {
			t.Errorf("%q is taken for %q, of which %v is made (%v)", header, host, uri, err)
		}
		if strings.ContainsAny(host, ", \r\n\t") {
			t.Errorf("%q is taken for %q, which breaks a list of URLs", header, host)
		}
	})
}

// book answers look-ups, and counts them.
type book struct {
	mu    sync.Mutex
	asked []string // guarded by mu
	names map[string][]netip.Addr
	wait  bool // until the context is done
}

func (b *book) lookup(ctx context.Context, _, host string) ([]netip.Addr, error) {
	b.mu.Lock()
	b.asked = append(b.asked, host)
	b.mu.Unlock()
	if b.wait {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if addrs, ok := b.names[host]; ok {
		return addrs, nil
	}
	return nil, errors.New("no such host")
}

func (b *book) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.asked)
}

func addrs(list ...string) []netip.Addr {
	var out []netip.Addr
	for _, s := range list {
		out = append(out, netip.MustParseAddr(s))
	}
	return out
}

func newBook(names map[string][]netip.Addr) (*hosts, *book) {
	b := &book{names: names}
	h := newHosts()
	h.lookup = b.lookup
	return h, b
}

func TestHostsSeen(t *testing.T) {
	h, b := newBook(map[string][]netip.Addr{"chat.example.org": addrs("203.0.113.9", "2001:db8::9"), "mixed.example": addrs("127.0.0.1", "::1", "fe80::1", "0.0.0.0", "203.0.113.8", "::ffff:203.0.113.7"), "home.example": addrs("127.0.0.1")})
	for header, want := range map[string][]netip.Addr{
		"203.0.113.5:8080": addrs("203.0.113.5"), "[2001:db8::5]:1": addrs("2001:db8::5"), "192.168.1.2": addrs("192.168.1.2"), "169.254.1.2": addrs("169.254.1.2"), "[::ffff:203.0.113.5]": addrs("203.0.113.5"),
		"chat.example.org": addrs("203.0.113.9", "2001:db8::9"), "CHAT.example.org:443": addrs("203.0.113.9", "2001:db8::9"), "mixed.example": addrs("203.0.113.8", "203.0.113.7"), "home.example": nil, "nowhere.example": nil,
		"127.0.0.1:8080": nil, "[::1]": nil, "0.0.0.0": nil, "224.0.0.1": nil, "255.255.255.255": nil, "[::]:1": nil, "[ff02::1]": nil, "[fe80::1]": nil, "localhost:8080": nil, "a.localhost": nil, "LOCALHOST": nil, "": nil, "a b": nil,
	} {
		if got := h.seen(t.Context(), header); !slices.Equal(got, want) {
			t.Errorf("%q: %v, not %v", header, got, want)
		}
	}
	slices.Sort(b.asked)
	if want := []string{"chat.example.org", "home.example", "mixed.example", "nowhere.example"}; !slices.Equal(b.asked, want) {
		t.Errorf("%q were looked up, not %q", b.asked, want)
	}
}

// Answers are remembered, also that there was none, for a while and not too many.
func TestHostsRemember(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, b := newBook(nil)
		for range 3 {
			h.seen(t.Context(), "a.example")
		}
		if b.count() != 1 {
			t.Errorf("one name was looked up %d times", b.count())
		}
		time.Sleep(hostsLast + time.Second)
		h.seen(t.Context(), "a.example")
		if b.count() != 2 {
			t.Errorf("after a while it was looked up %d times", b.count())
		}
		for i := range 10 * hostsKept {
			h.seen(t.Context(), fmt.Sprintf("%d.example", i))
			if len(h.known) > hostsKept {
				t.Fatalf("%d names are remembered", len(h.known))
			}
		}
	})
}

// A name server that does not answer holds nobody up for long, and is not asked without end.
func TestHostsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, b := newBook(nil)
		b.wait = true
		begun := time.Now()
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { h.seen(t.Context(), fmt.Sprintf("%d.example", i)) })
		}
		all.Wait()
		if b.count() != hostsAtOnce || time.Since(begun) > hostsTimeout {
			t.Errorf("%d look-ups in %v", b.count(), time.Since(begun))
		}
		b.wait = false
		h.seen(t.Context(), "0.example")
		if b.count() != hostsAtOnce+1 {
			t.Error("that there was no answer in time is remembered")
		}
	})
}
