package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/coder/websocket"
)

const (
	account  = "bench"
	password = "correct horse battery"
)

// contents counts the bodies that were made: no two are the same.
var contents atomic.Uint64

// noise is one megabyte that bodies are made of.
var noise = func() []byte {
	b := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{7}).Read(b)
	return b
}()

// body yields size bytes that were never yielded before, for next to no work.
func body(size int64) io.Reader {
	head := binary.BigEndian.AppendUint64(nil, contents.Add(1))
	return io.LimitReader(io.MultiReader(bytes.NewReader(head), &repeated{}), size)
}

type repeated struct{ at int }

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, noise[r.at:])
	r.at = (r.at + n) % len(noise)
	return n, nil
}

// person is an account on a server, and what its requests carry.
type person struct {
	at, token string
	plain     bool         // it is the reference, which serves files at / and answers 200
	sent      atomic.Int64 // files
}

// register makes the account over a WebSocket, as any client does.
func register(ctx context.Context, addr string) (*person, error) {
	ws, _, err := websocket.Dial(ctx, "ws://"+addr+"/message", &websocket.DialOptions{Subprotocols: []string{"neochat.v1"}})
	if err != nil {
		return nil, err
	}
	defer ws.CloseNow()
	var answer string
	for _, lines := range []string{"message_type: registered\n", "message_type: login\ndevice: bench\n"} {
		if err := ws.Write(ctx, websocket.MessageText, []byte(lines+"user_account: "+account+"\nuser_password: "+password+"\n\n")); err != nil {
			return nil, err
		}
		_, frame, err := ws.Read(ctx)
		if err != nil {
			return nil, err
		}
		if answer = string(frame); !strings.Contains(answer, "\nstat: 200\n") {
			return nil, fmt.Errorf("%q is answered %q", lines, answer)
		}
	}
	_, token, _ := strings.Cut(answer, "\nsession: ")
	token, _, _ = strings.Cut(token, "\n")
	return &person{at: "http://" + addr, token: token}, nil
}

// upload sends a file by tus, one creation and one piece, and returns its name.
func (p *person) upload(ctx context.Context, size int64) (name string, err error) {
	called := base64.StdEncoding.EncodeToString([]byte("x.bin"))
	when := base64.StdEncoding.EncodeToString([]byte(strconv.FormatInt(p.sent.Add(1), 10)))
	made, err := p.do(ctx, http.MethodPost, p.at+"/uploads/", http.NoBody, 0, http.StatusCreated, "Upload-Length", strconv.FormatInt(size, 10),
		"Upload-Metadata", "filename "+called+",time "+when)
	if err != nil {
		return "", err
	}
	made.Body.Close()
	kept, err := p.do(ctx, http.MethodPatch, p.at+made.Header.Get("Location"), body(size), size, http.StatusNoContent, "Upload-Offset", "0",
		"Content-Type", "application/offset+octet-stream")
	if err != nil {
		return "", err
	}
	kept.Body.Close()
	if name = kept.Header.Get("Neochat-File"); name == "" {
		return "", errors.New("the upload has all its bytes and is no file")
	}
	return name, nil
}

// put sends a file in one request.
func (p *person) put(ctx context.Context, size int64) (name string, err error) {
	name = fmt.Sprintf("%s_%d_x.bin", account, p.sent.Add(1))
	stat := http.StatusCreated
	if p.plain {
		stat = http.StatusOK
	}
	resp, err := p.do(ctx, http.MethodPut, p.url(name), body(size), size, stat)
	if err != nil {
		return "", err
	}
	return name, resp.Body.Close()
}

func (p *person) url(name string) string {
	if p.plain {
		return p.at + "/" + name
	}
	return p.at + "/files/" + name
}

// fetch reads a file to its end.
func (p *person) fetch(ctx context.Context, name string, size int64) error {
	resp, err := p.do(ctx, http.MethodGet, p.url(name), http.NoBody, 0, http.StatusOK)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return all(resp.Body, size)
}

func (p *person) do(ctx context.Context, method, url string, from io.Reader, size int64, want int, headers ...string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, from)
	if err != nil {
		return nil, err
	}
	r.ContentLength = size
	r.Header.Set("Tus-Resumable", "1.0.0")
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != want {
		defer resp.Body.Close()
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
		return nil, fmt.Errorf("%s is answered %s: %s", method, resp.Status, text)
	}
	return resp, nil
}

// all reads size bytes and the end after them.
func all(r io.Reader, size int64) error {
	n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r}, make([]byte, 256<<10))
	if err == nil && n != size {
		err = fmt.Errorf("%d bytes came, not %d", n, size)
	}
	return err
}
