package sdk_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"neochat/clients/sdk"
	"neochat/clients/sdk/sdktest"
	"neochat/wire"
)

const (
	ann   = "+86101"
	bob   = "+8200001"
	carl  = "carl"
	right = "right password"
)

// world is a server with three accounts, and a leak check at its end.
func world(t *testing.T) *sdktest.Server {
	t.Helper()
	before := goleak.IgnoreCurrent()
	s := sdktest.New()
	for _, a := range []string{ann, bob, carl} {
		s.AddAccount(a, right)
	}
	t.Cleanup(func() {
		s.Close()
		goleak.VerifyNone(t, before)
	})
	return s
}

func dial(t *testing.T, s *sdktest.Server, account, device string) *sdk.Client {
	t.Helper()
	c, err := sdk.Dial(t.Context(), options(t, s, account, device))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func options(t *testing.T, s *sdktest.Server, account, device string) sdk.Options {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return sdk.Options{URL: s.URL, Account: account, Password: right, Device: device, HTTPClient: &http.Client{Transport: transport},
		Backoff: func(int) time.Duration { return time.Millisecond }}
}

// gated dials a client that comes back from a loss only once comeBack was called.
func gated(t *testing.T, s *sdktest.Server, account string) (c *sdk.Client, comeBack func()) {
	t.Helper()
	gate := make(chan struct{})
	opt := options(t, s, account, "x")
	opt.Backoff = func(int) time.Duration { <-gate; return 0 }
	c, err := sdk.Dial(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	comeBack = sync.OnceFunc(func() { close(gate) })
	t.Cleanup(comeBack)
	return c, comeBack
}

// ctx is long past what any of these tests needs.
func ctx(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return c
}

// texts waits for n messages and returns "seq text" of each, passing over other events.
func texts(t *testing.T, c *sdk.Client, n int) []string {
	t.Helper()
	var got []string
	for len(got) < n {
		select {
		case e, ok := <-c.Events():
			if !ok {
				t.Fatalf("the client ended: %v, after %q", c.Err(), got)
			}
			if m, ok := e.(sdk.Message); ok {
				got = append(got, fmt.Sprint(m.Seq, " ", m.Text))
			}
		case <-ctx(t).Done():
			t.Fatalf("only %q", got)
		}
	}
	return got
}

// await reads events until one of type E comes.
func await[E sdk.Event](t *testing.T, c *sdk.Client) E {
	t.Helper()
	for {
		select {
		case e, ok := <-c.Events():
			if !ok {
				t.Fatal("the client ended: ", c.Err())
			}
			if v, ok := e.(E); ok {
				return v
			}
		case <-ctx(t).Done():
			t.Fatal("the event did not come")
		}
	}
}

func want(t *testing.T, got, want any) {
	t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Fatalf("got %q, want %q", got, want)
	}
}

// settle returns once the deliverer has passed everything that came before.
func settle(t *testing.T, s *sdktest.Server, c *sdk.Client, account string) {
	t.Helper()
	s.Push(account, "message_type", "marker")
	await[sdk.Push](t, c)
}

func TestTextGoesBothWays(t *testing.T) {
	s := world(t)
	a, b := dial(t, s, ann, "x"), dial(t, s, bob, "x")
	sent, err := a.Text(ctx(t), sdk.To{Account: bob}, "hello\n  你好\n")
	if err != nil || sent.Seq != 1 || sent.Conversation == "" {
		t.Fatalf("%+v %v", sent, err)
	}
	m := await[sdk.Message](t, b)
	want(t, m.Text, "hello\n  你好\n")
	want(t, m.Author, ann)
	if _, err := b.Text(ctx(t), sdk.To{Conversation: m.Conversation}, "back"); err != nil {
		t.Fatal(err)
	}
	want(t, texts(t, a, 1), []string{"2 back"})
}

func TestErrorsAreTyped(t *testing.T) {
	s := world(t)
	opt := options(t, s, ann, "")
	opt.Password = "wrong"
	if _, err := sdk.Dial(ctx(t), opt); sdk.Stat(err) != wire.StatNotFound {
		t.Error("wrong password:", err)
	}
	opt.URL = "ftp://x"
	if _, err := sdk.Dial(ctx(t), opt); err == nil {
		t.Error("ftp was taken")
	}
	a := dial(t, s, ann, "x")
	_, err := a.Text(ctx(t), sdk.To{Account: "nobody"}, "x")
	if sdk.Stat(err) != wire.StatNotFound || !strings.Contains(err.Error(), "nobody here") {
		t.Error(err)
	}
	if _, err := a.Text(ctx(t), sdk.To{Account: bob}, "nul \x00"); err == nil || sdk.Stat(err) != 0 {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := a.Do(ended, wire.Message{}); err != nil && !errors.Is(err, context.Canceled) && sdk.Stat(err) == 0 {
		t.Error(err)
	}
}

func drain(c *sdk.Client) {
	for range c.Events() { //nolint:revive // only emptied
	}
}

func TestSeveralMessagesInAFrame(t *testing.T) {
	s := world(t)
	b := dial(t, s, bob, "x")
	s.Batch(func() {
		s.Say(ann, bob, "one")
		s.Push(bob, "message_type", "call", "user_account", ann, "cell_key", "k", "conversation", "c")
		s.Say(carl, bob, "two")
		s.Push(bob, "message_type", "call", "type", "DELETE", "user_account", ann, "cell_key", "k", "cause", "timeout")
		s.Push(bob, "message_type", "cell", "type", "PATCH", "connection_key", "k", "call", "videocall", "group_id", "g", "participants", "3", "joined", "+1,+2", "guests", "1")
		s.Push(bob, "message_type", "cell", "type", "DELETE", "cell_key", "k", "cause", "removed")
	})
	want(t, texts(t, b, 1), []string{"1 one"})
	if r := await[sdk.Ring](t, b); r.CellKey != "k" || r.Account != ann || r.Video {
		t.Errorf("%+v", r)
	}
	want(t, texts(t, b, 1), []string{"1 two"})
	want(t, await[sdk.RingEnd](t, b).Cause, "timeout")
	if p := await[sdk.CellPeople](t, b); p.Key != "k" || p.GroupID != "g" || !p.Video || p.Participants != 3 || len(p.Joined) != 2 || p.Guests != 1 {
		t.Errorf("%+v", p)
	}
	if c := await[sdk.Cell](t, b); !c.Over || !c.Removed {
		t.Error("the end of a cell was not understood")
	}
}

func TestSessionThatIsVoidFallsBackToThePassword(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	s.Revoke()
	s.Drop(ann, wire.ClosePolicy)
	await[sdk.Online](t, a)
	if s.Logins() != 2 {
		t.Error(s.Logins())
	}
}

func TestRefusedReloginEndsTheClient(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	s.Fail(sdktest.Faults{RefuseLogin: 9})
	s.Drop(ann, wire.ClosePolicy)
	for range a.Events() { // until it is closed
		continue
	}
	if sdk.Stat(a.Err()) != wire.StatNotFound {
		t.Error(a.Err())
	}
	if _, _, err := a.Do(ctx(t), wire.Message{}); sdk.Stat(err) != wire.StatNotFound {
		t.Error(err)
	}
}

func TestLogoutEndsTheClient(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	s.Drop(ann, wire.CloseNormal)
	for range a.Events() {
		continue
	}
	if !errors.Is(a.Err(), sdk.ErrLoggedOut) {
		t.Error(a.Err())
	}
}

func TestRegisterAndProfile(t *testing.T) {
	s := world(t)
	opt := options(t, s, "dora", "x")
	if err := sdk.Register(ctx(t), opt, sdk.Profile{Name: "Dora"}, ""); err != nil {
		t.Fatal(err)
	}
	if err := sdk.Register(ctx(t), opt, sdk.Profile{}, ""); sdk.Stat(err) != wire.StatConflict {
		t.Error(err)
	}
	p, err := dial(t, s, "dora", "x").Profile(ctx(t), bob)
	if err != nil || p.Account != bob {
		t.Errorf("%+v %v", p, err)
	}
}

func TestGroups(t *testing.T) {
	s := world(t)
	a, b := dial(t, s, ann, "x"), dial(t, s, bob, "x")
	g, err := a.CreateGroup(ctx(t), "Team", "what for", bob)
	if err != nil || g.ID == "" {
		t.Fatal(g, err)
	}
	if r := await[sdk.Message](t, b); r.Type != sdk.TypeMemberRecord || r.Event != "created" || r.GroupID != g.ID {
		t.Errorf("%+v", r)
	}
	if err := a.Invite(ctx(t), g.ID, carl); err != nil {
		t.Fatal(err)
	}
	members, err := a.Members(ctx(t), g.ID)
	if err != nil || len(members) != 3 || members[2].Account != carl {
		t.Errorf("%+v %v", members, err)
	}
	if _, err := a.Text(ctx(t), sdk.To{GroupID: g.ID}, "all"); err != nil {
		t.Fatal(err)
	}
	want(t, texts(t, b, 2), []string{"2 ", "3 all"})
	if err := b.Leave(ctx(t), g.ID); err != nil {
		t.Fatal(err)
	}
	if groups, err := b.Groups(ctx(t)); err != nil || len(groups) != 0 {
		t.Error(groups, err)
	}
	if got, err := a.Group(ctx(t), g.ID); err != nil || got.Name != "Team" || got.Members != 2 {
		t.Error(got, err)
	}
	sent, err := a.TextToAll(ctx(t), []string{bob, carl}, "both")
	if err != nil || len(sent) != 2 {
		t.Error(sent, err)
	}
}

func TestConversationsAndReceipts(t *testing.T) {
	s := world(t)
	for i := range 7 {
		s.Say(ann, bob, fmt.Sprint(i))
	}
	s.Say(carl, bob, "from carl")
	b := dial(t, s, bob, "x")
	all, err := b.AllConversations(ctx(t))
	if err != nil || len(all) != 2 || all[0].Account != carl || all[1].LastSeq != 7 {
		t.Fatalf("%+v %v", all, err)
	}
	if err := b.MarkRead(ctx(t), all[1].ID, 5); err != nil || s.ReadSeq(bob, ann) != 5 {
		t.Error(err)
	}
	page, more, err := b.History(ctx(t), all[1].ID, sdk.HistoryQuery{BeforeSeq: 6, Limit: 2})
	if err != nil || !more || len(page) != 2 || page[0].Seq != 4 || page[1].Text != "4" {
		t.Errorf("%+v %v %v", page, more, err)
	}
}

func TestFiles(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	content := bytes.Repeat([]byte("0123456789\x00\n\n"), 20_000)
	s.Fail(sdktest.Faults{LoseUpload: 1})
	name, err := a.Upload(ctx(t), "a b.png", bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	want(t, sdk.FileName(name), "a b.png")
	f, err := a.Download(ctx(t), name)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(f)
	if err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"none", "../session", "", "a?b"} {
		if _, err := a.Download(ctx(t), bad); sdk.Stat(err) != wire.StatNotFound {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := a.Upload(ctx(t), "x", io.MultiReader(strings.NewReader("x"), broken{})); err == nil || errors.Is(err, sdk.ErrConnectionLost) {
		t.Error(err)
	}
	if _, err := a.Text(ctx(t), sdk.To{Account: bob}, sdk.FileText(name)); err != nil { // lives on
		t.Error(err)
	}
}

// elsewhere answers downloads by sending the client to another server, which it notes the headers of.
type elsewhere struct {
	http.RoundTripper
	to   string
	seen atomic.Pointer[http.Header]
}

func (e *elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	switch {
	case strings.HasPrefix(r.URL.Path, "/files/"):
		w := httptest.NewRecorder()
		http.Redirect(w, r, e.to, http.StatusFound)
		return w.Result(), nil
	case r.URL.String() == e.to:
		e.seen.Store(&r.Header)
		w := httptest.NewRecorder()
		_, _ = w.WriteString("from there")
		return w.Result(), nil
	}
	return e.RoundTripper.RoundTrip(r)
}

// The store of files is not shown the session, though it be on the same host as the server.
func TestDownloadFromElsewhere(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	name, err := a.Upload(ctx(t), "a", strings.NewReader("content"))
	if err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"store.example", base.Hostname() + ":9"} {
		e := &elsewhere{to: "http://" + host + "/bucket/x?signature=y"}
		o := options(t, s, ann, "y")
		e.RoundTripper, o.HTTPClient = o.HTTPClient.Transport, &http.Client{Transport: e}
		b, err := sdk.Dial(ctx(t), o)
		if err != nil {
			t.Fatal(err)
		}
		f, err := b.Download(ctx(t), name)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f)
		if err != nil || string(got) != "from there" || f.Close() != nil {
			t.Errorf("%q, %v", got, err)
		}
		if seen := e.seen.Load(); seen == nil || seen.Get("Authorization") != "" {
			t.Errorf("%s was shown %v", host, seen)
		}
		b.Close()
	}
}

func TestTooLargeIsNotTriedAgain(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	go drain(a)
	for _, n := range []int{100 << 10, 10 << 20} { // the second ends the connection
		if _, err := a.Text(ctx(t), sdk.To{Account: bob}, strings.Repeat("x", n)); sdk.Stat(err) != wire.StatTooLarge {
			t.Errorf("a text of %d bytes: %v", n, err)
		}
	}
	for _, n := range []int{1<<20 + 1, 30 << 20} {
		if _, err := a.Upload(ctx(t), "x", bytes.NewReader(make([]byte, n))); sdk.Stat(err) != wire.StatTooLarge && !errors.Is(err, sdk.ErrConnectionLost) {
			t.Errorf("a file of %d bytes: %v", n, err)
		}
	}
	if _, err := a.Text(ctx(t), sdk.To{Account: bob}, "still here"); err != nil {
		t.Error(err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestCloseFailsWhatWaits(t *testing.T) {
	s := world(t)
	opt := options(t, s, ann, "x")
	opt.Backoff = func(int) time.Duration { return time.Hour }
	a, err := sdk.Dial(ctx(t), opt)
	if err != nil {
		t.Fatal(err)
	}
	s.Drop(ann, 0)
	await[sdk.Offline](t, a)
	done := make(chan error)
	go func() { _, err := a.Text(ctx(t), sdk.To{Account: bob}, "x"); done <- err }()
	a.Close()
	if err := <-done; !errors.Is(err, sdk.ErrClosed) {
		t.Error(err)
	}
	a.Close()
}
