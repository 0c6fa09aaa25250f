package media

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

// listener writes down what it is told; it can be held up.
type listener struct {
	mu    sync.Mutex
	calls []string // guarded by mu
	hold  chan struct{}
	enter chan struct{}
}

func newListener() *listener {
	return &listener{hold: make(chan struct{}), enter: make(chan struct{}, 100)}
}

func (l *listener) say(format string, args ...any) {
	l.mu.Lock()
	l.calls = append(l.calls, fmt.Sprintf(format, args...))
	l.mu.Unlock()
	l.enter <- struct{}{}
	<-l.hold
}

func (l *listener) Sections(a, v int)                { l.say("sections %d %d", a, v) }
func (l *listener) Track(p, s, mid string, m bool)   { l.say("track %s %s %q %v", p, s, mid, m) }
func (l *listener) TrackEnded(p, s string, m string) { l.say("ended %s %s %q", p, s, m) }
func (l *listener) Layers(s string, r []string)      { l.say("layers %s %v", s, r) }
func (l *listener) Quality(p, c string)              { l.say("quality %s %s", p, c) }
func (l *listener) Speakers(p []string, d []int)     { l.say("speakers %v %v", p, d) }
func (l *listener) Gone(cause string)                { l.say("gone %s", cause) }

func TestASlowListenerIsToldTheStateNotTheHistory(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	l := newListener()
	n := newNotifier(l)
	k, gone, kept := trackKey{"a", Camera}, trackKey{"b", Camera}, trackKey{"c", Camera}
	n.track(kept, trackState{mid: "9"})
	<-l.enter // it is held up in the first call
	for i := range 1000 {
		n.track(k, trackState{mid: fmt.Sprint(i)})
		n.track(gone, trackState{mid: "x"})
		n.ended(gone)
		n.want(1, i)
		n.want(0, 0)
	}
	n.ended(kept)
	n.mu.Lock()
	if len(n.dirty) > 3 {
		t.Errorf("%d things wait", len(n.dirty))
	}
	n.mu.Unlock()
	close(l.hold)
	for range 3 {
		<-l.enter
	}
	n.end("left")
	n.end("failed")
	<-n.done
	want := []string{`track c camera "9" false`, "sections 1 999", `track a camera "999" false`, `ended c camera "9"`, "gone left"}
	if !slices.Equal(l.calls, want) {
		t.Errorf("got %q", l.calls)
	}
}
