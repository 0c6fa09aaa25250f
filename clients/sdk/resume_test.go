package sdk_test

import (
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"neochat/clients/sdk"
	"neochat/clients/sdk/sdktest"
	"neochat/wire"
)

// memory is a State that outlives clients, as a file does.
type memory struct {
	mu     sync.Mutex
	values map[string]string // guarded by mu
}

func (m *memory) Load() (map[string]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.values), nil
}

func (m *memory) Save(change map[string]string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.values == nil {
		m.values = map[string]string{}
	}
	for name, value := range change {
		if m.values[name] = value; value == "" {
			delete(m.values, name)
		}
	}
	return nil
}

// dialWith dials a client that takes up where the one before with the same state ended.
func dialWith(t *testing.T, s *sdktest.Server, account string, state sdk.State) *sdk.Client {
	t.Helper()
	opt := options(t, s, account, "x")
	opt.State = state
	c, err := sdk.Dial(t.Context(), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// happened reads n events that are told by the server, in a short form.
func happened(t *testing.T, c *sdk.Client, n int) []string {
	t.Helper()
	var got []string
	for len(got) < n {
		var e sdk.Event
		var ok bool
		select {
		case e, ok = <-c.Events():
		case <-ctx(t).Done():
			t.Fatalf("only %q", got)
		}
		if !ok {
			t.Fatalf("the client ended: %v, after %q", c.Err(), got)
		}
		switch v := e.(type) {
		case sdk.Message:
			got = append(got, fmt.Sprintf("%s %d %s", v.Type, v.Seq, v.Text))
		case sdk.Edit:
			got = append(got, fmt.Sprintf("edit %d %s", v.Seq, v.Text))
		case sdk.Deletion:
			got = append(got, fmt.Sprintf("deletion %d all=%v", v.Seq, v.ForAll))
		case sdk.Reaction:
			got = append(got, fmt.Sprintf("reaction %d %s gone=%v", v.Seq, v.Reaction, v.Gone))
		case sdk.Receipt:
			if v.ReadSeq > 0 {
				got = append(got, fmt.Sprintf("%s read %d", v.Account, v.ReadSeq))
			}
		}
	}
	return got
}

// must fails the test where one of what was done failed.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func send(t *testing.T, c *sdk.Client, to, text string) sdk.Sent {
	t.Helper()
	sent, err := c.Text(ctx(t), sdk.To{Account: to}, text)
	must(t, err)
	return sent
}

// whileAway does all that one person can do to what another one sees, and returns what
// the other is told of it where it was away meanwhile.
func whileAway(t *testing.T, a *sdk.Client, conversation string, first sdk.Sent) []string {
	t.Helper()
	edited, plain := send(t, a, bob, "two"), send(t, a, bob, "three")
	gone := send(t, a, bob, "four")
	must(t, a.Edit(ctx(t), edited.MessageID, "two, edited"), a.Delete(ctx(t), gone.MessageID, true),
		a.Edit(ctx(t), first.MessageID, "one, edited"), a.React(ctx(t), plain.MessageID, "👍"), a.React(ctx(t), plain.MessageID, "❤"),
		a.Unreact(ctx(t), plain.MessageID, "❤"), a.MarkRead(ctx(t), conversation, plain.Seq))
	return []string{"text 3 three", "text 2 two, edited", "deleted 4 ", "edit 1 one, edited", "reaction 3 👍 gone=false",
		"reaction 3 ❤ gone=true", ann + " read 3"}
}

func TestWhatHappenedWhileAwayComesOnce(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	go drain(a)
	b, comeBack := gated(t, s, bob)
	first := send(t, a, bob, "one")
	want(t, happened(t, b, 1), []string{"text 1 one"})
	s.Drop(bob, 0)
	await[sdk.Offline](t, b)
	expected := whileAway(t, a, first.Conversation, first)
	comeBack()
	want(t, happened(t, b, len(expected)), expected)
	await[sdk.Online](t, b)
	last := send(t, a, bob, "five")
	must(t, a.Edit(ctx(t), last.MessageID, "five, edited"))
	want(t, happened(t, b, 2), []string{"text 5 five", "edit 5 five, edited"})
}

// What was done to a message before it was edited has a lower change than the message, and comes after it all the
// same; a program that ends in between is told of both again.
func TestReactionsComeAfterTheirMessage(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	go drain(a)
	old := send(t, a, bob, "old")
	state := &memory{}
	b := dialWith(t, s, bob, state)
	b.Close()
	one := send(t, a, bob, "one")
	must(t, a.React(ctx(t), old.MessageID, "❤"), a.React(ctx(t), one.MessageID, "👍"), a.Edit(ctx(t), one.MessageID, "one, edited"))
	send(t, a, bob, "two")

	b = dialWith(t, s, bob, state)
	want(t, happened(t, b, 2), []string{"reaction 1 ❤ gone=false", "text 2 one, edited"})
	b.Close()
	b = dialWith(t, s, bob, state)
	want(t, happened(t, b, 3), []string{"reaction 2 👍 gone=false", "edit 2 one, edited", "text 3 two"})
}

// A restart of the program takes up where it ended: after Close exactly there, after a crash
// with the event that was last taken.
func TestRestartTakesUpWhereItEnded(t *testing.T) {
	for _, crash := range []bool{false, true} {
		t.Run(fmt.Sprint("crash ", crash), func(t *testing.T) {
			s := world(t)
			a := dial(t, s, ann, "x")
			go drain(a)
			s.Say(carl, bob, "before the first start")
			state := &memory{}
			b := dialWith(t, s, bob, state)
			first := send(t, a, bob, "one")
			send(t, b, carl, "mine")
			want(t, happened(t, b, 1), []string{"text 1 one"})
			if crash {
				values, err := state.Load() // what a file holds when the program dies here
				must(t, err)
				state = &memory{values: values}
			}
			b.Close()
			expected := whileAway(t, a, first.Conversation, first)
			if crash {
				expected[3] = "text 1 one, edited" // it comes again, as it is by then
			}
			b = dialWith(t, s, bob, state)
			want(t, happened(t, b, len(expected)), expected)
			s.Say(carl, bob, "live")
			want(t, happened(t, b, 1), []string{"text 3 live"})
			b.Close()
			b = dialWith(t, s, bob, state)
			s.Say(carl, bob, "and on")
			want(t, happened(t, b, 1), []string{"text 4 and on"})
		})
	}
}

func TestFailingSyncIsTriedAgain(t *testing.T) {
	s := world(t)
	b, comeBack := gated(t, s, bob)
	s.Drop(bob, 0)
	await[sdk.Offline](t, b)
	s.Say(ann, bob, "missed")
	s.Fail(sdktest.Faults{FailSync: 3})
	comeBack()
	want(t, happened(t, b, 1), []string{"text 1 missed"})
}

func TestSyncsWhenTold(t *testing.T) {
	s := world(t)
	b := dialWith(t, s, bob, &memory{})
	s.Doubt(ann, bob, "told nobody")
	s.Say(ann, bob, "told")
	want(t, happened(t, b, 2), []string{"text 1 told nobody", "text 2 told"})
}

func TestStateIsOneAccounts(t *testing.T) {
	s := world(t)
	state := &memory{}
	dialWith(t, s, bob, state).Close()
	opt := options(t, s, ann, "x")
	opt.State = state
	if _, err := sdk.Dial(ctx(t), opt); !errors.Is(err, sdk.ErrState) {
		t.Error(err)
	}
}

// What was not acknowledged when the program died is sent by the next, before all else, and once.
func TestOutboxOutlivesTheProgram(t *testing.T) {
	s := world(t)
	path := filepath.Join(t.TempDir(), "state")
	file, err := sdk.OpenFileState(path)
	must(t, err)
	opt := options(t, s, ann, "x")

	opt.State = file
	opt.Backoff = func(int) time.Duration { return time.Hour }
	a, err := sdk.Dial(ctx(t), opt)
	must(t, err)
	s.Fail(sdktest.Faults{LoseAnswer: 1}) // it is stored, and the client never hears of it
	done := make(chan error)
	go func() { _, err := a.Text(ctx(t), sdk.To{Account: bob}, "lost answer"); done <- err }()
	await[sdk.Offline](t, a)
	go func() {
		_, err := a.Send(ctx(t), sdk.To{Account: "nobody"}, sdk.Draft{Text: "refused", ClientMessageID: "refused"})
		done <- err
	}()
	for waiting(t, file) < 2 { // until both are kept
		continue
	}

	a.Close()
	for range 2 {
		if err := <-done; !errors.Is(err, sdk.ErrClosed) {
			t.Error(err)
		}
	}
	must(t, file.Close())

	file, err = sdk.OpenFileState(path)
	must(t, err)
	a = dialWith(t, s, ann, file)
	r := await[sdk.Resent](t, a)
	if r.Err != nil || len(r.Sent) != 1 || r.Sent[0].Seq != 1 {
		t.Errorf("%+v", r)
	}
	if r := await[sdk.Resent](t, a); r.ClientMessageID != "refused" || sdk.Stat(r.Err) != wire.StatNotFound || r.Sent != nil {
		t.Errorf("%+v", r)
	}
	send(t, a, bob, "next")
	want(t, s.Texts(ann, bob), []string{"lost answer", "next"})
	settle(t, s, a, ann)
	a.Close()
	if n := waiting(t, file); n != 0 {
		t.Errorf("%d are still kept", n)
	}
	must(t, file.Close())
}

// waiting counts what a state keeps to be sent.
func waiting(t *testing.T, state sdk.State) int {
	t.Helper()
	values, err := state.Load()
	must(t, err)
	n := 0
	for name := range values {
		if len(name) > 7 && name[:7] == "unsent/" {
			n++
		}
	}
	return n
}

func TestReceivedIsConfirmed(t *testing.T) {
	s := world(t)
	a, b := dial(t, s, ann, "x"), dial(t, s, bob, "x")
	send(t, a, bob, "one")
	want(t, texts(t, b, 1), []string{"1 one"})
	if r := await[sdk.Receipt](t, a); r.Account != bob || r.DeliveredSeq != 1 || r.ReadSeq != 0 {
		t.Errorf("%+v", r)
	}
	want(t, s.Received(bob, ann), 1)
}

// Several devices of one account, each losing its connection in the middle of everything, see the same, once.
func TestSeveralDevices(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	go drain(a)
	const n = 100
	devices := make([]*sdk.Client, 3)
	seen := make([][]string, len(devices))
	var over sync.WaitGroup
	for i := range devices {
		devices[i] = dial(t, s, bob, fmt.Sprint("device", i))
	}
	for i := range devices {
		over.Go(func() {
			for e := range devices[i].Events() {
				switch v := e.(type) {
				case sdk.Message:
					seen[i] = append(seen[i], v.ID)
				case sdk.Edit:
					seen[i] = append(seen[i], "edit "+v.MessageID)
				}
				if m, ok := e.(sdk.Message); ok && m.Text == "the end" {
					return
				}
			}
		})
	}
	var ids []string
	for i := range n {
		sent := send(t, a, bob, fmt.Sprint(i))
		ids = append(ids, sent.MessageID)
		if i%10 == 3 {
			s.Drop(bob, wire.CloseTryLater)
		}
	}
	send(t, a, bob, "the end")
	over.Wait()
	for i := range devices {
		if len(seen[i]) != n+1 || fmt.Sprint(seen[i][:n]) != fmt.Sprint(ids) {
			t.Errorf("device %d saw %q", i, seen[i])
		}
	}
}
