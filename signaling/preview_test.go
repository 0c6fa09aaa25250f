package signaling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"neochat/store"
)

// keepFile stores a file of an account.
func (w *world) keepFile(owner, name, content string) store.File {
	w.t.Helper()
	hash, size, err := w.srv.cfg.Blobs.Put(context.Background(), strings.NewReader(content))
	if err != nil {
		w.t.Fatal(err)
	}
	f := store.File{Name: name, Owner: owner, Hash: hash, Size: size, ContentType: http.DetectContentType([]byte(content))}
	w.srv.measure(context.Background(), &f)
	return w.furnishFile(f)
}

const video = "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"

// However many ask for a preview, it is made once, and kept with the file.
func TestPreviewIsMadeOnce(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	content := fakePicture(40, 30, "a cat")
	w.keepFile("ann", "ann_1_cat.png", content)
	const asking = 40
	var waiting sync.WaitGroup
	waiting.Add(asking)
	w.pictures.begun = func(context.Context) { waiting.Wait() }
	ann := w.caller("ann")
	var all sync.WaitGroup
	for range asking {
		all.Go(func() {
			waiting.Done()
			r := ann.do("GET", "/files/ann_1_cat.png/preview", nil)
			if r.StatusCode != 200 || r.body != "\xff\xd8\xff small: "+content || r.Header.Get("Content-Type") != "image/jpeg" {
				t.Errorf("%s %v %q", r.Status, r.Header, r.body)
			}
		})
	}
	all.Wait()
	r := ann.do("HEAD", "/files/ann_1_cat.png/preview", nil)
	tag := r.Header.Get("ETag")
	if r.StatusCode != 200 || r.body != "" || r.ContentLength == 0 || tag == "" || !strings.Contains(r.Header.Get("Cache-Control"), "private") || r.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("HEAD: %s %v", r.Status, r.Header)
	}
	if r := ann.do("GET", "/files/ann_1_cat.png/preview", nil, "If-None-Match", tag); r.StatusCode != 304 {
		t.Errorf("If-None-Match: %s", r.Status)
	}
	if file := ann.do("HEAD", "/files/ann_1_cat.png", nil); file.Header.Get("ETag") == tag {
		t.Error("the file and its preview have one ETag")
	}
	if n := w.pictures.made.Load(); n != 1 {
		t.Errorf("it was made %d times", n)
	}
	f, err := w.store.ReadableFile(t.Context(), "ann", "ann_1_cat.png")
	if err != nil || `"`+f.Preview+`"` != tag || f.Width != 40 {
		t.Errorf("%+v, %v; ETag %s", f, err, tag)
	}
}

// A preview is for who may read the file.
func TestPreviewRights(t *testing.T) {
	w := newWorld(t, Times{}, "ann", "bob", "eve")
	w.keepFile("ann", "ann_1_x", fakePicture(40, 30, ""))
	w.keepFile("ann", "ann_2_x", video)
	const path = "/files/ann_1_x/preview"
	ann, bob, eve := w.caller("ann"), w.caller("bob"), w.caller("eve")
	for name, c := range map[string]*caller{"a stranger": eve, "bob, too early": bob} {
		there, absent := c.do("GET", path, nil), c.do("GET", "/files/ann_9_x/preview", nil)
		if there.StatusCode != 404 || there.body != absent.body {
			t.Errorf("%s: %s %q, not %q", name, there.Status, there.body, absent.body)
		}
		there, absent = c.do("PUT", path, strings.NewReader("x")), c.do("PUT", "/files/ann_9_x/preview", strings.NewReader("x"))
		if there.StatusCode != 404 || there.body != absent.body {
			t.Errorf("%s, PUT: %s %q, not %q", name, there.Status, there.body, absent.body)
		}
	}
	if n := w.pictures.made.Load(); n != 0 {
		t.Errorf("a preview was made for who may not see it")
	}
	conn := w.login("ann", "d")
	if m := conn.ask("message_type", "text", "friends", "bob", "text", "<file>ann_1_x</file> <file>ann_2_x</file>"); m.Get("stat") != "200" {
		t.Fatalf("%q", m.Fields)
	}
	if r := bob.do("GET", path, nil); r.StatusCode != 200 {
		t.Errorf("bob: %s %q", r.Status, r.body)
	}
	if r := bob.do("PUT", "/files/ann_2_x/preview", strings.NewReader(fakePicture(4, 3, ""))); r.StatusCode != 403 {
		t.Errorf("bob, PUT: %s %q", r.Status, r.body)
	}
	nobody := &caller{t, w.http.URL, "", w.http.Client()}
	if r := nobody.do("GET", path, nil); r.StatusCode != 401 {
		t.Errorf("nobody: %s", r.Status)
	}
	url := conn.ask("message_type", "file", "type", "GET", "want", "address", "file", "ann_1_x").Get("url")
	name, key, _ := strings.Cut(url, "?")
	if r := nobody.do("GET", name+"/preview?"+key, nil); r.StatusCode != 200 {
		t.Errorf("by a signed address: %s %q", r.Status, r.body)
	}
	if r := nobody.do("GET", "/files/ann_2_x/preview?"+key, nil); r.StatusCode != 404 {
		t.Errorf("by another's address: %s %q", r.Status, r.body)
	}
	if r := ann.do("PUT", path, strings.NewReader("x"), "Origin", "https://elsewhere.example"); r.StatusCode != 403 {
		t.Errorf("PUT from another page: %s", r.Status)
	}
	if r := ann.do("DELETE", path, nil); r.StatusCode != 405 || r.Header.Get("Allow") != "GET, HEAD, PUT" {
		t.Errorf("DELETE: %s", r.Status)
	}
}

// What cannot be made is not tried for everybody who asks.
func TestNoPreview(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	w.keepFile("ann", "ann_1_x", fakePicture(40, 30, "broken"))
	w.keepFile("ann", "ann_2_x", "text")
	w.keepFile("ann", "ann_3_x", fakePicture(40, 30, "broken"))
	ann := w.caller("ann")
	for range 3 {
		for _, name := range []string{"ann_1_x", "ann_2_x", "ann_3_x"} {
			if r := ann.do("GET", "/files/"+name+"/preview", nil); r.StatusCode != 404 || !strings.Contains(r.body, "no preview") {
				t.Errorf("%s: %s %q", name, r.Status, r.body)
			}
		}
	}
	if n := w.pictures.made.Load(); n != 1 {
		t.Errorf("it was tried %d times", n)
	}
	p := w.srv.previews
	for i := range 3 * maxNone {
		p.remember(strconv.Itoa(i))
	}
	if len(p.noneOf) > maxNone || !p.none(strconv.Itoa(3*maxNone-1)) {
		t.Errorf("%d are remembered", len(p.noneOf))
	}
}

// What fails for another reason is tried again.
func TestPreviewWhileTheStoreIsAway(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	w.keepFile("ann", "ann_1_x", fakePicture(40, 30, ""))
	ann := w.caller("ann")
	away := errors.New("away")
	w.pictures.failing = away
	if r := ann.do("GET", "/files/ann_1_x/preview", nil); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("reading fails: %s %q", r.Status, r.body)
	}
	w.pictures.failing = nil
	kept := w.srv.cfg.Blobs.(*memory)
	blobs := &brittle{}
	blobs.memory.kept = kept.kept
	blobs.err.Store(&away)
	w.srv.cfg.Blobs = blobs
	if r := ann.do("GET", "/files/ann_1_x/preview", nil); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("the store is away: %s %q", r.Status, r.body)
	}
	blobs.err.Store(nil)
	if r := ann.do("GET", "/files/ann_1_x/preview", nil); r.StatusCode != 200 {
		t.Errorf("it is back: %s %q", r.Status, r.body)
	}
	blobs.err.Store(&away)
	if r := ann.do("GET", "/files/ann_1_x/preview", nil); r.StatusCode != 503 {
		t.Errorf("the preview is there, and the store away: %s %q", r.Status, r.body)
	}
	blobs.err.Store(nil)
	f, err := w.store.ReadableFile(t.Context(), "ann", "ann_1_x")
	if err != nil {
		t.Fatal(err)
	}
	if err := blobs.Remove(t.Context(), f.Preview); err != nil {
		t.Fatal(err)
	}
	if r := ann.do("GET", "/files/ann_1_x/preview", nil); r.StatusCode != 200 || w.pictures.made.Load() != 3 {
		t.Errorf("it was lost: %s %q, made %d times", r.Status, r.body, w.pictures.made.Load())
	}
}

// Only so many are made at one time, and of one owner's files one after the other; whoever asks for more is told to come again.
func TestPreviewsAreBounded(t *testing.T) {
	owners := []string{"a", "b", "c", "d"}
	w := newWorld(t, Times{}, owners...)
	begun, release := make(chan struct{}, 2*maxMaking), make(chan struct{})
	w.pictures.begun = func(context.Context) { begun <- struct{}{}; <-release }
	var all sync.WaitGroup
	callers := map[string]*caller{}
	for _, owner := range owners {
		callers[owner] = w.caller(owner)
	}
	get := func(owner string, i, want int) {
		if r := callers[owner].do("GET", fmt.Sprintf("/files/%s_%d_x/preview", owner, i), nil); r.StatusCode != want {
			t.Errorf("%s, %d: %s %q", owner, i, r.Status, r.body)
		}
	}
	asked := map[string]int{"a": maxOwner, "b": maxOwner, "c": maxMaking - 2*maxOwner, "d": 0}
	for _, owner := range owners {
		for i := range asked[owner] + 1 {
			w.keepFile(owner, fmt.Sprintf("%s_%d_x", owner, i), fakePicture(40, 30, strconv.Itoa(i)))
		}
		for i := range asked[owner] {
			all.Go(func() { get(owner, i, 200) })
		}
	}
	for range 3 { // one of each owner
		<-begun
	}
	for i := 0; w.srv.previews.count() < maxMaking; i++ {
		if i == int(patience/time.Millisecond) {
			t.Fatalf("%d are made or wait", w.srv.previews.count())
		}
		time.Sleep(time.Millisecond)
	}
	for _, owner := range owners {
		get(owner, asked[owner], 503)
	}
	if len(begun) > 0 {
		t.Errorf("%d more were begun", len(begun))
	}
	close(release)
	all.Wait()
	for _, owner := range owners {
		get(owner, asked[owner], 200)
	}
	if w.srv.previews.count() != 0 || len(w.srv.previews.owners) != 0 {
		t.Error("some are still counted")
	}
}

// count is how many are made or wait.
func (p *previews) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.now
}

// A picture that was not measured when it came is measured with its preview.
func TestPreviewMeasures(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	w.pictures.failing = errors.New("away")
	w.keepFile("ann", "ann_1_x", fakePicture(40, 30, ""))
	w.pictures.failing = nil
	if r := w.caller("ann").do("GET", "/files/ann_1_x/preview", nil); r.StatusCode != 200 {
		t.Errorf("%s %q", r.Status, r.body)
	}
	if f, err := w.store.ReadableFile(t.Context(), "ann", "ann_1_x"); err != nil || f.Width != 40 || f.Height != 30 {
		t.Errorf("%+v, %v", f, err)
	}
}

// A server that ends waits for no preview.
func TestPreviewEndsWithTheServer(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	w.keepFile("ann", "ann_1_x", fakePicture(40, 30, ""))
	ann := w.caller("ann")
	begun := make(chan struct{})
	w.pictures.begun = func(ctx context.Context) { close(begun); <-ctx.Done() }
	answered := make(chan reply)
	go func() {
		r, err := ann.try("GET", "/files/ann_1_x/preview", nil)
		if err != nil {
			t.Error(err)
		}
		answered <- r
	}()
	<-begun
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	w.srv.Shutdown(ctx)
	if r := <-answered; r.Response == nil || r.StatusCode != 503 {
		t.Errorf("%+v", r)
	}
	w.pictures.begun = nil
	if r := ann.do("GET", "/files/ann_1_x/preview", nil); r.StatusCode != 503 || w.pictures.made.Load() != 1 {
		t.Errorf("after the end: %s %q", r.Status, r.body)
	}
}

// The sender of a video gives it its preview.
func TestPoster(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	w.keepFile("ann", "ann_1_x", video)
	ann, conn := w.caller("ann"), w.login("ann", "d")
	const path = "/files/ann_1_x/preview"
	if r := ann.do("GET", path, nil); r.StatusCode != 404 || w.pictures.made.Load() != 0 {
		t.Errorf("before: %s", r.Status)
	}
	poster := fakePicture(160, 90, "a frame")
	for _, c := range []struct {
		name string
		body io.Reader
		stat int
	}{
		{"no picture", strings.NewReader("text"), 400},
		{"nothing", strings.NewReader(""), 400},
		{"a broken one", strings.NewReader(fakePicture(160, 90, "broken")), 400},
		{"too large", strings.NewReader(strings.Repeat("x", maxPoster+1)), 413},
		{"too large, which it does not say", io.MultiReader(strings.NewReader(strings.Repeat("x", maxPoster+1))), 413},
		{"a picture", strings.NewReader(poster), 201},
		{"it again", strings.NewReader(poster), 200},
		{"another", strings.NewReader(fakePicture(160, 90, "another")), 409},
	} {
		if r := ann.do("PUT", path, c.body); r.StatusCode != c.stat || !strings.Contains(r.body, "stat: "+strconv.Itoa(c.stat)) {
			t.Errorf("%s: %s %q", c.name, r.Status, r.body)
		}
	}
	r := ann.do("GET", path, nil)
	if r.StatusCode != 200 || r.body != "\xff\xd8\xff small: "+poster {
		t.Errorf("after: %s %q", r.Status, r.body)
	}
	m := conn.ask("message_type", "file", "type", "GET", "want", "stat", "file", "ann_1_x")
	if m.Get("preview") != "yes" || m.Get("width") != "160" || m.Get("height") != "90" {
		t.Errorf("%q", m.Fields)
	}
	// With its file the preview is garbage.
	f, err := w.store.ReadableFile(t.Context(), "ann", "ann_1_x")
	if err != nil {
		t.Fatal(err)
	}
	if m := conn.ask("message_type", "file", "type", "DELETE", "file", "ann_1_x"); m.Get("stat") != "200" {
		t.Fatalf("%q", m.Fields)
	}
	if hashes, err := w.store.TakeGarbage(t.Context(), time.Now().Add(time.Hour)); err != nil || len(hashes) != 2 || !strings.Contains(fmt.Sprint(hashes), f.Preview) {
		t.Errorf("%q, %v", hashes, err)
	}
	if r := ann.do("PUT", path, strings.NewReader(poster)); r.StatusCode != 404 {
		t.Errorf("of a file that is gone: %s", r.Status)
	}
}

// Bytes of a preview that are just being removed are not given to a file.
func TestPreviewThatIsBeingRemoved(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	content := fakePicture(40, 30, "")
	w.keepFile("ann", "ann_1_x", content)
	w.keepFile("ann", "ann_2_x", content)
	ann, conn := w.caller("ann"), w.login("ann", "d")
	if r := ann.do("GET", "/files/ann_1_x/preview", nil); r.StatusCode != 200 {
		t.Fatal(r.Status)
	}
	if m := conn.ask("message_type", "file", "type", "DELETE", "file", "ann_1_x"); m.Get("stat") != "200" {
		t.Fatalf("%q", m.Fields)
	}
	hashes, err := w.store.TakeGarbage(t.Context(), time.Now().Add(time.Hour))
	if err != nil || len(hashes) != 1 {
		t.Fatalf("%q, %v", hashes, err)
	}
	if r := ann.do("GET", "/files/ann_2_x/preview", nil); r.StatusCode != 503 || r.Header.Get("Retry-After") == "" {
		t.Errorf("%s %q", r.Status, r.body)
	}
	if err := w.srv.cfg.Blobs.Remove(t.Context(), hashes[0]); err != nil {
		t.Fatal(err)
	}
	if err := w.store.GarbageRemoved(t.Context(), hashes); err != nil {
		t.Fatal(err)
	}
	if r := ann.do("GET", "/files/ann_2_x/preview", nil); r.StatusCode != 200 {
		t.Errorf("%s %q", r.Status, r.body)
	}
}

// Messages tell that a picture has a preview before anybody has asked for it.
func TestFileInfoOfAPicture(t *testing.T) {
	w := newWorld(t, Times{}, "ann", "bob")
	ann, bob := w.login("ann", "d"), w.login("bob", "d")
	body := fakePicture(40, 30, "")
	ann.uploadFrame("1", body)
	ann.uploadFrame("2", pictureHead+" no dimensions")
	ann.ask("message_type", "text", "friends", "bob", "text", "<file>ann_1_x</file><file>ann_2_x</file>")
	want := fmt.Sprintf("ann_1_x %d image/png 40x30 - preview\nann_2_x %d image/png - - -", len(body), len(pictureHead+" no dimensions"))
	if m := bob.next(); m.Get("file_info") != want {
		t.Errorf("%q, not %q", m.Get("file_info"), want)
	}
}
