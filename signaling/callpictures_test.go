package signaling

import (
	"slices"
	"strings"
	"testing"
)

func TestSubscribe(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("videocall", "friends", "b")
	a.join(key)
	id := b.join(key)
	if m := b.ask("message_type", "subscribe", "connection_key", key, "tracks", "1 camera 640x360\n1 screen none"); m.Get("stat") != "200" {
		t.Fatalf("%q", m.Fields)
	}
	p := w.calls.peer(t, key+"/"+id)
	if want := []string{"1 camera 640 360", "1 screen 0 0"}; !slices.Equal(p.shown, want) {
		t.Errorf("got %q", p.shown)
	}
	for _, bad := range []string{"", "1 camera", "1 camera 640", "1 camera 0x5", "1 camera 5x0", "1 camera -1x5", "1 camera 640x360x2", "1  640x360",
		"1 camera 99999x1", "1 camera 640x360\n", "1 camera NONE", strings.Repeat("1 camera none\n", maxSubscriptions) + "1 camera none"} {
		if m := b.ask("message_type", "subscribe", "connection_key", key, "tracks", bad); m.Get("stat") != "400" || m.Get("reason") == "" {
			t.Errorf("%.40q: %q", bad, m.Fields)
		}
	}
	if len(p.shown) != 2 {
		t.Errorf("a refused subscribe changed something: %q", p.shown)
	}
	p.events().Layers("camera", []string{"q", "h"})
	b.await("message_type", "subscribe", "connection_key", key, "source", "camera", "rids", "q,h")
	p.events().Quality("none", "loss")
	b.await("message_type", "quality", "connection_key", key, "pictures", "none", "cause", "loss")
	p.events().Quality("full", "")
	if m := b.await("message_type", "quality", "connection_key", key, "pictures", "full"); m.Get("cause") != "" {
		t.Errorf("%q", m.Fields)
	}
	p.events().Speakers([]string{"2", "1"}, []int{-20, -31})
	b.await("message_type", "speakers", "connection_key", key, "participants", "2,1", "levels", "-20,-31")
	p.events().Speakers(nil, nil)
	b.await("message_type", "speakers", "participants", "")
}
