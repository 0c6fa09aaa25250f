package signaling

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"neochat/wire"
)

// Rates bound what accounts and addresses may ask. A zero field bounds nothing.
type Rates struct {
	Requests      int // of one account, a second over time; ten times as many at once
	Logins        int // with a password, of one address, a minute
	Registrations int // of one address, an hour
}

const (
	maxBuckets  = 20_000      // that one limiter remembers; what comes then shares one
	sweepEvery  = time.Second // between two looks for buckets that are full again
	burstFactor = 10          // seconds of requests that may come at once
)

// limiter is a token bucket for each key.
type limiter struct {
	rate  float64 // tokens a second
	burst float64 // tokens in a full bucket

	mu      sync.Mutex
	buckets map[string]*bucket // guarded by mu
	rest    *bucket            // of the keys that found no room
	swept   time.Time          // guarded by mu
}

// bucket holds the tokens of one key.
type bucket struct {
	of *limiter

	mu     sync.Mutex
	tokens float64   // guarded by mu
	at     time.Time // when there were so many; guarded by mu
}

// newLimiter returns nil, which bounds nothing, for a rate of 0.
func newLimiter(rate, burst float64) *limiter {
	if rate <= 0 {
		return nil
	}
	l := &limiter{rate: rate, burst: burst, buckets: map[string]*bucket{}}
	l.rest = &bucket{of: l, tokens: burst}
	return l
}

// bucket returns that of a key; nil, which is never empty, where nothing is bounded.
func (l *limiter) bucket(key string, now time.Time) *bucket {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if b := l.buckets[key]; b != nil {
		return b
	}
	if len(l.buckets) >= maxBuckets && now.Sub(l.swept) >= sweepEvery {
		l.swept = now
		for k, b := range l.buckets {
			if b.full(now) {
				delete(l.buckets, k)
			}
		}
	}
	if len(l.buckets) >= maxBuckets {
		return l.rest
	}
	b := &bucket{of: l, tokens: l.burst, at: now}
	l.buckets[key] = b
	return b
}

// take returns how long to wait before the next try; 0: a token was taken.
func (l *limiter) take(key string, now time.Time) time.Duration {
	return l.bucket(key, now).take(now)
}

func (b *bucket) take(now time.Time) time.Duration {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fillLocked(now)
	if b.tokens < 1 {
		return time.Duration((1 - b.tokens) / b.of.rate * float64(time.Second))
	}
	b.tokens--
	return 0
}

func (b *bucket) fillLocked(now time.Time) {
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = min(b.of.burst, b.tokens+passed*b.of.rate)
		b.at = now
	}
}

func (b *bucket) full(now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fillLocked(now)
	return b.tokens >= b.of.burst
}

// address is who sent a request: the peer or, where that is a proxy the operator trusts, whom it names. It
// has no port, and of an IPv6 address only what stands for a network: a person has all the rest.
func (s *Server) address(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	peer, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	forwarded := r.Header.Values("X-Forwarded-For")
	if len(forwarded) > 0 && !s.trusts(peer) && peer.IsLoopback() {
		s.untrusted.Do(func() {
			s.log.Warn("a proxy on this machine forwards requests, and all of them count as one address; name it with --trusted-proxy")
		})
	}
	hops := strings.Split(strings.Join(forwarded, ","), ",")
	for i := len(hops) - 1; i >= 0 && s.trusts(peer); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		peer = hop
	}
	return network(peer)
}

func (s *Server) trusts(peer netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(peer.Unmap()) {
			return true
		}
	}
	return false
}

func network(a netip.Addr) string {
	a = a.Unmap()
	if a.Is4() {
		return a.String()
	}
	p, err := a.WithZone("").Prefix(64)
	if err != nil {
		return a.String()
	}
	return p.String()
}

// allowed refuses the request of an account that asks too often.
func (q *request) allowed() error {
	if q.c.requests == nil { // not worth a look at the clock
		return nil
	}
	if wait := q.c.requests.take(time.Now()); wait > 0 {
		return &tooOften{of: boundRequests, after: wait, what: "too many requests of this account; wait"}
	}
	return nil
}

// mayRegister refuses an address that makes too many accounts.
func (q *request) mayRegister() error {
	if wait := q.c.srv.registrations.take(q.c.address, time.Now()); wait > 0 {
		return &tooOften{of: boundRegistrations, after: wait, what: "too many registrations from this address; wait"}
	}
	return nil
}

// quotaReader fails with 413 once more than left bytes were read.
type quotaReader struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (q *quotaReader) Read(p []byte) (int, error) {
	n, err := q.r.Read(p)
	if q.left -= int64(n); q.left < 0 {
		return 0, errQuota()
	}
	return n, err
}

func errQuota() *wire.Error {
	return &wire.Error{Stat: wire.StatTooLarge, Reason: "your files would be more than this server keeps for one account"}
}
