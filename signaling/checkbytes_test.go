package signaling

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// thieving is a store of files that, once it is told to, has removed what somebody stored before it is looked for: tus looks once for its type.
type thieving struct {
	*memory
	looks atomic.Int32 // so many more succeed; negative: all do
}

func (b *thieving) Open(ctx context.Context, hash string) (io.ReadSeekCloser, error) {
	if left := b.looks.Load(); left >= 0 {
		if left == 0 {
			_ = b.Remove(ctx, hash)
		} else {
			b.looks.Add(-1)
		}
	}
	return b.memory.Open(ctx, hash)
}

// What was removed between being stored and having a file is not answered 200, and leaves no file.
func TestBytesRemovedBeforeTheyHaveAFile(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	blobs := &thieving{memory: w.memory()}
	blobs.looks.Store(-1)
	w.srv.cfg.Blobs = blobs // nobody is connected yet
	ann, a := w.login("ann", "1"), w.caller("ann")
	gone := func(what, file string) {
		t.Helper()
		if m := ann.ask("message_type", "file", "type", "GET", "want", "stat", "file", file); m.Get("stat") != "404" {
			t.Errorf("%s: there is a file: %q", what, m.Fields)
		}
		w.uploads("ann", 0)
		blobs.looks.Store(-1)
	}
	blobs.looks.Store(0)
	if m := ann.store("1"); m.Get("stat") != "503" {
		t.Errorf("a frame: %q", m.Fields)
	}
	gone("a frame", "ann_1_x")
	if m := ann.store("1"); m.Get("stat") != "200" {
		t.Errorf("a frame again: %q", m.Fields)
	}
	blobs.looks.Store(0)
	a.do(http.MethodPut, "/files/ann_2_x", strings.NewReader("other")).says(t, 503)
	ann.ask("message_type", "file", "type", "DELETE", "file", "ann_1_x")
	gone("PUT", "ann_2_x")
	at := a.create(5, "filename", "x", "time", "3")
	blobs.looks.Store(1)
	a.patch(at, 0, strings.NewReader("third")).says(t, 503)
	gone("tus", "ann_3_x")
	a.tus(http.MethodHead, at, nil).says(t, 404)
}

// Bytes whose removal has begun are not taken for those of a new file.
func TestBytesThatAreBeingRemoved(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	ann, a := w.login("ann", "1"), w.caller("ann")
	ann.store("1")
	ann.ask("message_type", "file", "type", "DELETE", "file", "ann_1_x")
	hashes, err := w.store.TakeGarbage(context.Background(), time.Now().Add(time.Hour))
	if err != nil || len(hashes) != 1 {
		t.Fatalf("%q, %v", hashes, err)
	}
	if m := ann.store("2"); m.Get("stat") != "503" || !strings.Contains(m.Get("reason"), "being removed") {
		t.Errorf("a frame: %q", m.Fields)
	}
	a.do(http.MethodPut, "/files/ann_3_x", strings.NewReader("bytes")).says(t, 503)
	at := a.create(5, "filename", "x", "time", "4")
	a.patch(at, 0, strings.NewReader("bytes")).says(t, 503)
	if err := w.store.GarbageRemoved(context.Background(), hashes); err != nil {
		t.Fatal(err)
	}
	a.tus(http.MethodHead, at, nil).says(t, 200, "Neochat-File", "ann_4_x")
	if _, err := w.store.ReadableFile(context.Background(), "ann", "ann_4_x"); err != nil {
		t.Error(err)
	}
}
