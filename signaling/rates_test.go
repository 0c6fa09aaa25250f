package signaling

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/coder/websocket"

	"neochat/store"
)

func TestLimiter(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := newLimiter(2, 3)
	for i, c := range []struct {
		key   string
		after time.Duration // since the last
		wait  time.Duration
	}{
		{"a", 0, 0}, {"a", 0, 0}, {"a", 0, 0}, {"a", 0, time.Second / 2}, {"b", 0, 0},
		{"a", time.Second / 4, time.Second / 4}, {"a", time.Second / 4, 0}, {"a", 0, time.Second / 2},
		{"a", time.Hour, 0}, {"a", 0, 0}, {"a", 0, 0}, {"a", 0, time.Second / 2}, // no more than a burst is saved up
		{"a", -time.Minute, time.Second / 2}, // a clock that goes back
	} {
		now = now.Add(c.after)
		if got := l.take(c.key, now); (got - c.wait).Abs() > time.Microsecond {
			t.Errorf("step %d: wait %v, want %v", i, got, c.wait)
		}
	}
	for range 10_000 {
		if newLimiter(0, 0).take("a", now) != 0 {
			t.Fatal("without a limit there is one")
		}
	}
}

func TestLimiterIsBounded(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	l := newLimiter(1, 2)
	for i := range maxBuckets + 10 {
		l.take(strconv.Itoa(i), now)
	}
	if n := len(l.buckets); n != maxBuckets {
		t.Fatalf("%d buckets", n)
	}
	if l.take("late", now) == 0 && l.take("later", now) == 0 && l.take("last", now) == 0 {
		t.Error("who comes when it is full is not bounded")
	}
	now = now.Add(time.Minute)
	if wait := l.take("new", now); wait != 0 || len(l.buckets) != 1 {
		t.Errorf("wait %v, %d buckets: those that are full again should have gone", wait, len(l.buckets))
	}
}

func TestAddress(t *testing.T) {
	prefixes := func(list ...string) (out []netip.Prefix) {
		for _, p := range list {
			out = append(out, netip.MustParsePrefix(p))
		}
		return out
	}
	proxies := prefixes("127.0.0.1/32", "10.0.0.0/8", "fd00::/8")
	for _, c := range []struct {
		remote    string
		forwarded []string
		trusted   []netip.Prefix
		want      string
	}{
		{"192.0.2.1:7", nil, nil, "192.0.2.1"},
		{"192.0.2.1:7", []string{"1.2.3.4"}, proxies, "192.0.2.1"},
		{"127.0.0.1:7", []string{"1.2.3.4"}, nil, "127.0.0.1"},
		{"127.0.0.1:7", []string{"1.2.3.4"}, proxies, "1.2.3.4"},
		{"127.0.0.1:7", []string{"6.6.6.6, 1.2.3.4"}, proxies, "1.2.3.4"}, // what a client makes up stands before what proxies add
		{"127.0.0.1:7", []string{"1.2.3.4, 10.1.1.1"}, proxies, "1.2.3.4"},
		{"127.0.0.1:7", []string{"1.2.3.4", "10.1.1.1"}, proxies, "1.2.3.4"},
		{"127.0.0.1:7", []string{"10.2.2.2"}, proxies, "10.2.2.2"},
		{"127.0.0.1:7", []string{"rubbish"}, proxies, "127.0.0.1"},
		{"127.0.0.1:7", nil, proxies, "127.0.0.1"},
		{"[::ffff:127.0.0.1]:7", []string{"1.2.3.4"}, proxies, "1.2.3.4"},
		{"[fd00::1]:7", []string{"2001:db8:1:2:3:4:5:6"}, proxies, "2001:db8:1:2::/64"},
		{"[2001:db8:1:2::9]:7", nil, nil, "2001:db8:1:2::/64"},
		{"@", nil, nil, "@"},
	} {
		s := &Server{cfg: Config{TrustedProxies: c.trusted}, log: slog.New(slog.DiscardHandler)}
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.forwarded}}
		if got := s.address(r); got != c.want {
			t.Errorf("%s forwarding %q: %s, want %s", c.remote, c.forwarded, got, c.want)
		}
	}
}

// limit gives the running server other rates.
func (w *world) limit(r Rates) {
	w.srv.requests = newLimiter(float64(r.Requests)/1e6, float64(burstFactor*r.Requests)) // as good as never filled again
	w.srv.logins = newLimiter(float64(r.Logins)/1e6, float64(r.Logins))
	w.srv.registrations = newLimiter(float64(r.Registrations)/1e6, float64(r.Registrations))
}

func (c *client) tooOften(lines ...string) {
	c.t.Helper()
	m := c.answered("429", lines...)
	if n, err := strconv.Atoi(m.Get("retry_after")); err != nil || n < 1 {
		c.t.Errorf("retry_after is %q", m.Get("retry_after"))
	}
}

// All of an account's connections share its requests, and nobody else's.
func TestRequestsAreLimited(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	w.limit(Rates{Requests: 1})
	a, a2, b := w.login("a", "1"), w.login("a", "2"), w.login("b", "1")
	get := []string{"message_type", "profile", "type", "GET"}
	for range burstFactor / 2 {
		a.answered("200", get...)
		a2.answered("200", get...)
	}
	a.tooOften(get...)
	a2.tooOften("message_type", "text", "friends", "b", "text", "x")
	w.goes(a2)
	w.login("a", "2").tooOften(get...) // coming back does not help
	b.quiet()
}

func TestLoginsAreLimited(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	w.limit(Rates{Logins: 3})
	token := w.token("a", "1")
	w.login("a", "1")
	w.login("b", "1")
	c := w.dial("/message")
	c.tooOften("message_type", "login", "user_account", "b", "user_password", password)
	c.answered("200", "message_type", "login", "user_account", "a", "session", token) // a token costs nothing
}

func TestRegistrationsAreLimited(t *testing.T) {
	w := newWorld(t, Times{})
	w.limit(Rates{Registrations: 2})
	c := w.dial("/message")
	register := []string{"message_type", "registered", "user_password", password, "user_account"}
	c.answered("400", append(register, "no account")...) // does not count
	for i := range 2 {
		c.answered("200", append(register, "u"+strconv.Itoa(i))...)
	}
	c.tooOften(append(register, "u2")...)
	w.dial("/message").tooOften(append(register, "u2")...)
}

// Guessing at many accounts from one address is slow too; sessions are not touched.
func TestGuessingAtManyAccounts(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	token := w.token("a", "1")
	c := w.dial("/message")
	for i := range 50 {
		c.answered("404", "message_type", "login", "user_account", fmt.Sprint("u", i), "user_password", "wrong password")
	}
	c.tooOften("message_type", "login", "user_account", "a", "user_password", password)
	c.answered("200", "message_type", "login", "user_account", "a", "session", token)
}

func TestQuotaOfUploads(t *testing.T) {
	w := newWorldWith(t, store.Config{Database: databases.Fresh(t), Quota: 1000}, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	upload := func(c *client, time string, size int, stat string) {
		t.Helper()
		frame := append(append(encode("task_id", "up", "message_type", "file", "time", time, "file_name", "x"), 0), make([]byte, size)...)
		if err := c.ws.Write(t.Context(), websocket.MessageBinary, frame); err != nil {
			t.Fatal(err)
		}
		if m := c.await("task_id", "up"); m.Get("stat") != stat || stat == "413" && m.Get("reason") != errQuota().Reason {
			t.Errorf("%s: %d bytes: %q", c.account, size, m.Fields)
		}
	}
	upload(a, "1", 1001, "413") // while it comes
	upload(a, "2", 600, "200")
	upload(a, "3", 500, "413")
	upload(a, "4", 400, "200")
	upload(a, "5", 1, "413") // before it comes
	upload(b, "1", 1000, "200")
	if m := a.answered("200", "message_type", "account", "type", "GET"); m.Get("bytes_used") != "1000" || m.Get("bytes_allowed") != "1000" {
		t.Errorf("%q", m.Fields)
	}
}
