package signaling

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"neochat/wire"
)

// until waits for figures that fit.
func (w *world) until(what string, fits func(Stats) bool) Stats {
	w.t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		st := w.srv.Stats()
		if fits(st) {
			return st
		}
		if time.Now().After(end) {
			w.t.Fatalf("%s: %+v", what, st)
		}
	}
}

func (s Stats) of(kind string) [statClasses]uint64 {
	for _, a := range s.Answers {
		if a.MessageType == kind {
			return a.ByClass
		}
	}
	return [statClasses]uint64{}
}

func TestStatsOfConnections(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	w.dial("/message")
	a, a2, b := w.login("a", "1"), w.login("a", "2"), w.login("b", "1")
	w.until("four connections", func(s Stats) bool { return s.Connections == 4 && s.Devices == 3 && s.Accounts == 2 })
	a.answered("200", "message_type", "text", "friends", "b", "text", "hello")
	b.expect("message_type", "text", "user_account", "a")
	for i := range 20 {
		a.answered("400", "message_type", fmt.Sprintf("nothing%d", i))
	}
	// What has arrived may not be counted yet.
	st := w.until("what was sent", func(s Stats) bool { return s.Pushed >= 2 && s.TextsOut >= 26 })
	if st.of("text")[2] != 1 || st.of(UnknownType)[4] != 20 || st.of("login")[2] != 3 || st.FramesIn != 24 || st.FramesOut == 0 || st.BytesOut < 100 {
		t.Errorf("%+v", st)
	}
	if len(st.Answers) != len(w.srv.commands)+1 {
		t.Errorf("%d message types are told", len(st.Answers))
	}
	a.answered("200", "message_type", "logout")
	a2.answered("200", "message_type", "device", "type", "DELETE", "device", "2")
	st = w.until("two have gone", func(s Stats) bool {
		return s.Connections == 2 && s.Closed[wire.CloseNormal]+s.Closed[wire.ClosePolicy] == 2
	})
	if st.Devices != 1 || st.Accounts != 1 {
		t.Errorf("%d devices of %d accounts stay", st.Devices, st.Accounts)
	}
}

func TestStatsOfCalls(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("call", "friends", "b")
	b.expect("message_type", "call", "cell_key", key)
	w.until("it rings", func(s Stats) bool { return s.Calls == 1 && s.Ringing == 1 && s.Participants == 0 })
	b.answered("200", "message_type", "cell", "cell_type", "404", "cell_key", key)
	w.until("it was refused", func(s Stats) bool {
		return s.Calls == 0 && s.Ringing == 0 && s.Outcomes["refused"] == 1 && s.Outcomes["answered"] == 0
	})
}

// Too many guesses at a password, and a reader that reads nothing.
func TestStatsOfRefusals(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	c := w.dial("/message")
	for range 10 {
		c.answered("404", "message_type", "login", "user_account", "a", "user_password", "a wrong one")
	}
	c.answered("429", "message_type", "login", "user_account", "a", "user_password", password)
	if st := w.srv.Stats(); st.Refused["failed_logins"] != 1 || st.Refused["logins"] != 0 || st.of("login")[4] != 11 {
		t.Errorf("%v, %v", st.Refused, st.of("login"))
	}
	w.login("b", "1")
	slow := w.served("b")
	large := item{data: []byte(strings.Repeat("x", maxPushed+1)), push: true}
	slow.push(large)
	st := w.until("it was closed", func(s Stats) bool { return s.Closed[wire.CloseTryLater] == 1 })
	if st.Overflows != 1 {
		t.Errorf("%d overflows", st.Overflows)
	}
}
