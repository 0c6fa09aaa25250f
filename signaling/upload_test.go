package signaling

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/coder/websocket"

	"neochat/wire"
)

// brittle is a store of files that fails from the moment it is told to.
type brittle struct {
	memory
	err atomic.Pointer[error]
}

func (b *brittle) Put(ctx context.Context, r io.Reader) (string, int64, error) {
	if err := b.err.Load(); err != nil {
		_, _ = io.Copy(io.Discard, r)
		return "", 0, fmt.Errorf("storing: %w", *err)
	}
	return b.memory.Put(ctx, r)
}

func (b *brittle) Open(ctx context.Context, hash string) (io.ReadSeekCloser, error) {
	if err := b.err.Load(); err != nil {
		return nil, fmt.Errorf("opening: %w", *err)
	}
	return b.memory.Open(ctx, hash)
}

// store uploads a small file and returns the answer.
func (c *client) store(at string) *wire.Message {
	c.t.Helper()
	frame := append(encode("message_type", "file", "time", at, "file_name", "x"), "\x00bytes"...)
	if err := c.ws.Write(c.t.Context(), websocket.MessageBinary, frame); err != nil {
		c.t.Fatal(err)
	}
	return c.next()
}

func TestFilesThatFail(t *testing.T) {
	for _, c := range []struct {
		name                     string
		err                      error
		read, store, storeReason string
	}{
		{"away", syscall.ECONNREFUSED, "503", "503", "cannot be stored now"},
		{"full", syscall.ENOSPC, "503", "507", "no room"},
		{"lost", fs.ErrNotExist, "500", "503", "cannot be stored now"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w, blobs := newWorld(t, Times{}, "ann"), &brittle{memory: memory{kept: map[string][]byte{}}}
			w.srv.cfg.Blobs = blobs // nobody is connected yet
			a := w.dial("/message")
			a.send("message_type", "login", "user_account", "ann", "user_password", password, "device", "d")
			token := a.expect("stat", "200").Get("session")
			file := a.store("1").Get("file")
			blobs.err.Store(&c.err)
			if m := a.store("2"); m.Get("stat") != c.store || !strings.Contains(m.Get("reason"), c.storeReason) {
				t.Errorf("storing: %q", m.Fields)
			}
			a.send("message_type", "file", "type", "GET", "file", file)
			a.expect("message_type", "file", "stat", c.read)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, w.http.URL+"/files/"+file, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+token)
			resp, err := w.http.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if fmt.Sprint(resp.StatusCode) != c.read {
				t.Errorf("over HTTP it is answered %s", resp.Status)
			}
		})
	}
}
