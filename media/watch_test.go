package media

import (
	"errors"
	"sync"
	"testing"
)

// watch is join for a client that only receives, of everybody or of one.
func watch(t *testing.T, s *SFU, room, name, only string) *client {
	t.Helper()
	c := newClient(t, name)
	c.change = sync.NewCond(&c.mu)
	c.connect()
	var err error
	if c.peer, err = s.Watch(room, name, only, nil, c); err != nil {
		t.Fatal(err)
	}
	c.work.Go(c.serve)
	t.Cleanup(c.close)
	return c
}

func TestWatchersReceiveAndAreNotSeen(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Camera, 1)
	everybody, onlyB := watch(t, s, "room", "w1", ""), watch(t, s, "room", "w2", "b")
	b.publish(Camera, 2)
	everybody.arrives("a", Camera, 1, 20)
	everybody.arrives("b", Camera, 2, 20)
	onlyB.arrives("b", Camera, 2, 20)
	onlyB.mu.Lock()
	if len(onlyB.tracks) != 1 || len(onlyB.got) != 1 {
		t.Errorf("who watches b is told of %v, and sent %v", onlyB.tracks, onlyB.got)
	}
	onlyB.mu.Unlock()
	var mistake *Error
	if err := onlyB.peer.Publish("0", Camera, false); !errors.As(err, &mistake) {
		t.Errorf("a watcher publishes: %v", err)
	}
}

func TestWatchersHaveALimitOfTheirOwn(t *testing.T) {
	s := listen(t, func(c *Config) { c.MaxPeers, c.MaxWatchers = 1, 2 })
	join(t, s, "room", "a")
	w := watch(t, s, "room", "w1", "")
	watch(t, s, "room", "w2", "")
	if _, err := s.Watch("room", "w3", "", nil, w); !errors.Is(err, ErrRoomFull) {
		t.Errorf("a third watcher: %v", err)
	}
	if _, err := s.Join("room", "b", nil, w); !errors.Is(err, ErrRoomFull) {
		t.Errorf("a second peer: %v", err)
	}
	w.peer.Leave()
	watch(t, s, "room", "w3", "")
}
