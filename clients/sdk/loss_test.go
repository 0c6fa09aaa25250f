package sdk_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"neochat/clients/sdk"
	"neochat/clients/sdk/sdktest"
	"neochat/wire"
)

func TestUnacknowledgedTextIsSentAgainAndOnce(t *testing.T) {
	s := world(t)
	a, b := dial(t, s, ann, "x"), dial(t, s, bob, "x")
	s.Fail(sdktest.Faults{LoseAnswer: 1})
	go drain(b)
	if _, err := a.Text(ctx(t), sdk.To{Account: bob}, "once"); err != nil {
		t.Fatal(err)
	}
	want(t, s.Texts(ann, bob), []string{"once"})
	await[sdk.Offline](t, a)
	await[sdk.Online](t, a)
	settle(t, s, a, ann)
	if s.Logins() != 3 {
		t.Errorf("%d logins", s.Logins())
	}
}

func TestOwnSendsDoNotComeBack(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	s.Fail(sdktest.Faults{LoseAnswer: 2})
	for i := range 5 {
		if _, err := a.Text(ctx(t), sdk.To{Account: bob}, fmt.Sprint("mine ", i)); err != nil {
			t.Fatal(err)
		}
	}
	s.Say(bob, ann, "last")
	want(t, texts(t, a, 1), []string{"6 last"})
	want(t, len(s.Texts(ann, bob)), 6)
}

func TestMissedMessagesAreFetched(t *testing.T) {
	for _, code := range []int{0, wire.CloseRestart, wire.CloseTryLater} {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			s := world(t)
			s.Say(ann, bob, "seen")
			b, comeBack := gated(t, s, bob)
			s.Drop(bob, code)
			await[sdk.Offline](t, b)
			for i := range 450 { // three pages
				s.Say(ann, bob, fmt.Sprint(i))
			}
			s.Say(carl, bob, "new pair 1")
			s.Say(carl, bob, "new pair 2")
			comeBack()
			got := texts(t, b, 452)
			want(t, []string{got[0], got[449], got[450], got[451]}, []string{"2 0", "451 449", "1 new pair 1", "2 new pair 2"})
			await[sdk.Online](t, b)
			s.Say(ann, bob, "live")
			want(t, texts(t, b, 1), []string{"452 live"})
		})
	}
}

func TestPlainDeviceGetsWhatItMissed(t *testing.T) {
	s := world(t)
	for i := range 3 {
		s.Say(ann, bob, fmt.Sprint(i))
	}
	b := dial(t, s, bob, "")
	want(t, texts(t, b, 3), []string{"1 0", "2 1", "3 2"})
}

func TestUnreadEventsAreNotLost(t *testing.T) {
	s := world(t)
	b := dial(t, s, bob, "x")
	const n = 5000 // more than the inbox holds
	for i := range n {
		s.Say(ann, bob, fmt.Sprint(i))
	}
	if _, err := b.Profile(ctx(t), ""); err != nil { // answers get through though nobody reads events
		t.Fatal(err)
	}
	got := texts(t, b, n)
	for i, g := range got {
		if g != fmt.Sprintf("%d %d", i+1, i) {
			t.Fatalf("at %d: %s", i, g)
		}
	}
}

func TestTextWaitsForTheConnection(t *testing.T) {
	s := world(t)
	a, comeBack := gated(t, s, ann)
	s.Drop(ann, 0)
	await[sdk.Offline](t, a)
	done := make(chan error)
	for i := range 3 {
		go func() { _, err := a.Text(ctx(t), sdk.To{Account: bob}, fmt.Sprint(i)); done <- err }()
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Text(ended, sdk.To{Account: bob}, "given up"); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	comeBack()
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	got := s.Texts(ann, bob)
	slices.Sort(got)
	want(t, got, []string{"0", "1", "2"})
}

// Both sides lose their connections again and again, answers and pushes get lost: every
// text arrives once, in order.
func TestManyLosses(t *testing.T) {
	s := world(t)
	a, b := dial(t, s, ann, "x"), dial(t, s, bob, "x")
	go drain(a)
	const n = 300
	failed := make(chan error, 1)
	go func() {
		for i := range n {
			switch i % 10 {
			case 3:
				s.Drop(bob, wire.CloseTryLater)
			case 5:
				s.Drop(ann, 0)
			case 7:
				s.Fail(sdktest.Faults{LoseAnswer: 1})
			}
			if _, err := a.Text(ctx(t), sdk.To{Account: bob}, fmt.Sprint(i)); err != nil {
				failed <- err
				return
			}
		}
		failed <- nil
	}()
	for i, got := range texts(t, b, n) {
		if got != fmt.Sprint(i+1, " ", i) {
			t.Fatalf("at %d: %s", i, got)
		}
	}
	if err := <-failed; err != nil {
		t.Error(err)
	}
}

func TestNotNowIsTriedAgain(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	s.Fail(sdktest.Faults{AnswerText: []int{503, 503}})
	if _, err := a.Text(ctx(t), sdk.To{Account: bob}, "x"); err != nil {
		t.Fatal(err)
	}
	want(t, s.Texts(ann, bob), []string{"x"})
}

func TestRequestThatMayNotBeRepeatedFails(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	s.Fail(sdktest.Faults{LoseAnswer: 1})
	var m wire.Message
	m.Add("message_type", "text")
	m.Add("friends", bob)
	m.Add("text", "without an id")
	if _, _, err := a.Do(ctx(t), m); !errors.Is(err, sdk.ErrConnectionLost) {
		t.Error(err)
	}
	want(t, s.Texts(ann, bob), []string{"without an id"})
}

// Who is invited while away gets a group from the invitation on, not its past.
func TestInvitedWhileAway(t *testing.T) {
	s := world(t)
	a := dial(t, s, ann, "x")
	go drain(a)
	b, comeBack := gated(t, s, bob)
	s.Drop(bob, 0)
	await[sdk.Offline](t, b)
	g, err := a.CreateGroup(ctx(t), "Team", "", carl)
	if err != nil {
		t.Fatal(err)
	}
	for _, do := range []func() error{
		func() error { _, err := a.Text(ctx(t), sdk.To{GroupID: g.ID}, "past"); return err },
		func() error { return a.Invite(ctx(t), g.ID, bob) },
		func() error { _, err := a.Text(ctx(t), sdk.To{GroupID: g.ID}, "present"); return err },
	} {
		if err := do(); err != nil {
			t.Fatal(err)
		}
	}
	comeBack()
	want(t, texts(t, b, 2), []string{"3 ", "4 present"})
}
