package media

import (
	"maps"
	"testing"

	"github.com/pion/webrtc/v4"
)

func (h Histogram) count() (n uint64) {
	for _, c := range h.Counts {
		n += c
	}
	return n
}

// figures waits until what the server tells fits.
func (c *client) figures(what string, fits func(Stats) bool) {
	c.t.Helper()
	c.wait(what, func() bool { return fits(c.peer.room.sfu.Stats()) })
}

func TestTheFiguresOfACallMove(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publishLayers(threeLayers(10))
	a.publish(Microphone, 1)
	mid := b.arrives("a", Camera, 12, 20)
	b.figures("the largest layer", func(st Stats) bool {
		return st.Peers == 2 && st.Publications == 2 && st.Subscriptions == 2 && maps.Equal(st.Pictures, map[string]int{"none": 0, "only": 0, "small": 0, "middle": 0, "large": 1})
	})
	if st := s.Stats(); st.FirstPicture.count() != 0 {
		t.Errorf("who came when nobody sent a picture counts as waiting for one: %+v", st.FirstPicture)
	}
	before := s.Stats()
	b.subscribe("a", 300, 170)
	b.comesAlone(mid, 10, 20)
	b.figures("a smaller layer", func(st Stats) bool { return st.Smaller == before.Smaller+1 && st.Pictures["small"] == 1 })
	b.subscribe("a", 640, 360)
	b.comesAlone(mid, 11, 20)
	b.figures("a larger layer", func(st Stats) bool { return st.Larger == before.Larger+1 && st.Pictures["middle"] == 1 })
	b.subscribe("a", 0, 0)
	b.figures("none", func(st Stats) bool { return st.Pictures["none"] == 1 && st.Pictures["middle"] == 0 })

	c := join(t, s, "room", "c")
	c.arrives("a", Camera, 12, 1)
	c.figures("the first picture timed", func(st Stats) bool {
		return st.FirstPicture.count() == 1 && st.FirstPicture.Sum > 0 && st.FirstPicture.Sum < patience.Seconds()
	})
	c.publish(Screen, 9)
	b.arrives("c", Screen, 9, 20)
	b.figures("a picture in one layer, and none of the other", func(st Stats) bool { return st.Pictures["only"] == 2 && st.Pictures["none"] == 1 })
	c.close()
	b.figures("one has left", func(st Stats) bool { return st.Gone["left"] == 1 && st.Pictures["only"] == 0 && st.Peers == 2 })
	if st := s.Stats(); st.PacketsIn <= before.PacketsIn || st.BytesOut <= before.BytesOut || st.Delivered <= before.Delivered || st.PLIsOut == 0 || st.FirstPicture.count() != 1 {
		t.Errorf("before %+v\nafter  %+v", before, st)
	}
}

func TestWhatEndedAPeerIsCounted(t *testing.T) {
	s := listen(t)
	states := map[string][]webrtc.PeerConnectionState{
		"unconnected": {webrtc.PeerConnectionStateConnecting, webrtc.PeerConnectionStateFailed},
		"lost":        {webrtc.PeerConnectionStateConnected, webrtc.PeerConnectionStateDisconnected, webrtc.PeerConnectionStateFailed},
	}
	ends := map[string]func(*Peer){
		"left":     (*Peer).Leave,
		"flood":    func(p *Peer) { p.inlets.Store(1 << 20); p.end(byFlood) },
		"shutdown": func(*Peer) { _ = s.Close() },
	}
	for cause, list := range states {
		ends[cause] = func(p *Peer) {
			for _, x := range list {
				p.stateChanged(nil, x)
			}
		}
	}
	for _, cause := range []string{"left", "lost", "unconnected", "flood", "shutdown"} { // the last one ends all
		l := newListener()
		close(l.hold)
		p, err := s.Join("room", "somebody", nil, l)
		if err != nil {
			t.Fatal(err)
		}
		before := s.Stats().Gone[cause]
		ends[cause](p)
		p.Leave() // once is enough
		if got := s.Stats().Gone; got[cause] != before+1 {
			t.Errorf("%s: %v", cause, got)
		}
	}
	st := s.Stats()
	if sum := st.Gone["left"] + st.Gone["lost"] + st.Gone["unconnected"] + st.Gone["flood"] + st.Gone["shutdown"]; sum != 5 {
		t.Errorf("five peers ended %d times: %v", sum, st.Gone)
	}
	if len(st.Gone) != int(endings) {
		t.Errorf("causes %v", st.Gone)
	}
}

func TestLayersHaveNames(t *testing.T) {
	for of, want := range map[int][]string{1: {"only"}, 2: {"small", "large"}, 3: {"small", "middle", "large"}} {
		for chosen, name := range want {
			if got := layerName(chosen, of); got != name {
				t.Errorf("layer %d of %d is called %q", chosen, of, got)
			}
		}
		if got := layerName(-1, of); got != "none" {
			t.Errorf("no layer is called %q", got)
		}
	}
}
