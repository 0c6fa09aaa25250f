package live

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"neochat/clients/sdk"
)

// noise is so many bytes that no mistake leaves as they were.
func noise(n int) []byte {
	b := make([]byte, n)
	random := rand.NewChaCha8([32]byte{7})
	random.Read(b)
	return b
}

// fetched compares a file with what was sent.
func fetched(t *testing.T, p *person, name string, content []byte) {
	t.Helper()
	f, err := p.Download(ctx(t), name)
	must(t, err)
	got, err := io.ReadAll(f)
	must(t, err, f.Close())
	if !bytes.Equal(got, content) {
		t.Fatalf("%s has %d bytes, and not those %d that were sent", name, len(got), len(content))
	}
}

// at calls each of the functions once, when so many bytes have been sent.
func at(points map[int64]func()) sdk.UploadOption {
	return sdk.OnProgress(func(sent, _ int64) {
		for point, f := range points {
			if sent >= point {
				delete(points, point)
				f()
			}
		}
	})
}

func TestLargeUpload(t *testing.T) {
	w := newWorld(t, "ann")
	a := w.dial("ann", "x")
	content := noise(40<<20 + 7)
	var last, size int64
	name, err := a.Upload(ctx(t), "a b.bin", bytes.NewReader(content), sdk.OnProgress(func(sent, of int64) { last, size = sent, of }))
	must(t, err)
	want(t, sdk.FileName(name), "a b.bin")
	want(t, []int64{last, size}, []int64{int64(len(content)), int64(len(content))})
	fetched(t, a, name, content)
	behind := bytes.NewReader(content)
	_, err = behind.Seek(20<<20, io.SeekStart)
	must(t, err)
	name, err = a.Upload(ctx(t), "", behind)
	must(t, err)
	fetched(t, a, name, content[20<<20:])
}

// Connections that break, and a server that is killed, leave an upload where it was.
func TestLargeUploadGoesOn(t *testing.T) {
	w := newWorld(t, "ann")
	a := w.dialWith("ann", "x", nil)
	content := noise(40 << 20)
	cuts := 0
	cut := func() { cuts++; w.cutter.Cut() }
	name, err := a.Upload(ctx(t), "x", bytes.NewReader(content), at(map[int64]func(){1: cut, 5 << 20: cut, 17 << 20: cut, 39 << 20: cut}))
	must(t, err)
	want(t, cuts, 4)
	fetched(t, a, name, content)
}

func TestLargeUploadOutlivesTheServer(t *testing.T) {
	w := newWorld(t, "ann")
	opt := w.options("ann", "x")
	opt.Backoff = func(int) time.Duration { return time.Second }
	c, err := sdk.Dial(ctx(t), opt)
	must(t, err)
	t.Cleanup(c.Close)
	go func() {
		for range c.Events() { // nothing is waited for
		}
	}()
	content := noise(40 << 20)
	name, err := c.Upload(ctx(t), "x", bytes.NewReader(content), at(map[int64]func(){20 << 20: func() { w.server.Kill(); w.start() }}))
	must(t, err)
	f, err := c.Download(ctx(t), name)
	must(t, err)
	got, err := io.ReadAll(f)
	must(t, err, f.Close())
	if !bytes.Equal(got, content) {
		t.Fatal("these are not the bytes that were sent")
	}
}

// What was broken off for good goes on later, from where it was.
func TestUnfinishedUpload(t *testing.T) {
	w := newWorld(t, "ann")
	a := w.dial("ann", "x")
	content := noise(40 << 20)
	stopped, stop := context.WithCancel(ctx(t))
	_, err := a.Upload(stopped, "x", bytes.NewReader(content), at(map[int64]func(){25 << 20: stop}))
	var unfinished *sdk.UnfinishedError
	if !errors.As(err, &unfinished) || !errors.Is(err, context.Canceled) {
		t.Fatalf("broken off: %v", err)
	}
	first := int64(-1)
	name, err := a.Upload(ctx(t), "x", bytes.NewReader(content), sdk.GoOn(unfinished), sdk.OnProgress(func(sent, _ int64) {
		if first < 0 {
			first = sent
		}
	}))
	must(t, err)
	if first < 16<<20 {
		t.Errorf("it went on with byte %d, though a piece of 16 MiB was acknowledged", first)
	}
	fetched(t, a, name, content)
}
