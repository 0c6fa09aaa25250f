package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coder/websocket"

	"neochat/wire"
)

const (
	frameLimit = 64 << 20 // bytes of one WebSocket message from the server
	pingEvery  = 25 * time.Second
	pongWithin = 20 * time.Second
	writeLimit = 60 * time.Second // for one message; then the connection counts as broken
)

// readLimits are wide: a server may be set to longer messages than the default.
func readLimits() wire.Limits { return wire.Limits{Header: 1 << 20, Body: 32 << 20} }

// Answer is what a request brought.
type Answer struct {
	Message wire.Message
	Items   []wire.Message // where the answer is a list
	Body    []byte         // where it came in a binary frame; at most 32 MiB
}

// link is one WebSocket connection. Its reader ends with it.
type link struct {
	conn   *websocket.Conn
	log    *slog.Logger
	answer func(Answer)       // called by the reader, must not wait
	push   func(wire.Message) // called by the reader, must not wait
	ctx    context.Context    // ends with the connection
	cancel context.CancelFunc
	done   chan struct{} // closed when nothing of the link runs any more
	err    error         // why it ended; read after done

	mu      sync.Mutex
	waiting map[string]chan Answer // by task_id, before login only; guarded by mu
}

// openLink connects. ctx bounds the handshake.
func openLink(ctx context.Context, base *url.URL, client *http.Client, log *slog.Logger, answer func(Answer), push func(wire.Message)) (*link, error) {
	conn, _, err := websocket.Dial(ctx, base.JoinPath("message").String(), &websocket.DialOptions{
		HTTPClient:   client,
		Subprotocols: []string{wire.Subprotocol},
	})
	if err != nil {
		var inner *url.Error // what lies around it repeats itself
		if errors.As(err, &inner) {
			err = inner.Err
		}
		return nil, fmt.Errorf("connect to %s: %w", base, err)
	}
	conn.SetReadLimit(frameLimit)
	l := &link{conn: conn, log: log, answer: answer, push: push, done: make(chan struct{}), waiting: map[string]chan Answer{}}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	go l.run()
	return l, nil
}

// run reads until the connection ends, and pings meanwhile: a dead peer is noticed only so.
func (l *link) run() {
	var pinging sync.WaitGroup
	pinging.Go(l.keepAlive)
	l.err = l.read()
	l.cancel()
	_ = l.conn.CloseNow() // it has ended; this only frees it
	pinging.Wait()
	close(l.done)
}

func (l *link) keepAlive() {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-l.ctx.Done():
			return
		case <-tick.C:
		}
		ctx, cancel := context.WithTimeout(l.ctx, pongWithin)
		err := l.conn.Ping(ctx)
		cancel()
		if err != nil {
			l.cancel() // ends the reader
			return
		}
	}
}

// close says good-bye, or, where now, just drops the connection.
func (l *link) close(now bool) {
	if !now {
		_ = l.conn.Close(websocket.StatusNormalClosure, "") // whatever comes of it, the connection is gone
	}
	l.cancel()
	<-l.done
}

// read takes frames until the connection ends, and returns why it did.
func (l *link) read() error {
	for {
		kind, src, err := l.conn.Reader(l.ctx)
		if err != nil {
			return err
		}
		r := wire.NewReader(src, kind == websocket.MessageBinary, readLimits())
		if err := l.frame(r); err != nil {
			var closing *wire.CloseError
			if errors.As(err, &closing) {
				_ = l.conn.Close(websocket.StatusCode(closing.Code), "") // the reason is returned below
			}
			return fmt.Errorf("read from the server: %w", err)
		}
	}
}

// frame takes the messages of one WebSocket message.
func (l *link) frame(r *wire.Reader) error {
	for {
		m, err := r.Next()
		var mistake *wire.Error
		switch {
		case err == io.EOF:
			return r.Discard()
		case errors.As(err, &mistake):
			l.log.Warn("a message of the server cannot be read", "reason", mistake.Reason, "message_type", m.Get("message_type"))
			continue
		case err != nil:
			return err
		}
		if _, ok := m.Lookup("stat"); !ok {
			l.push(m)
			continue
		}
		if err := l.answered(r, m); err != nil {
			return err
		}
	}
}

// answered takes what belongs to an answer, and hands it on.
func (l *link) answered(r *wire.Reader, m wire.Message) error {
	a := Answer{Message: m}
	for range number(m, "count") {
		item, err := r.Next()
		if err != nil {
			return fmt.Errorf("an answer has fewer items than it says: %w", err)
		}
		a.Items = append(a.Items, item)
	}
	if r.HasBody() {
		var err error
		if a.Body, err = io.ReadAll(r); err != nil {
			return fmt.Errorf("read the body of an answer: %w", err)
		}
	}
	l.mu.Lock()
	wait := l.waiting[m.Get("task_id")]
	delete(l.waiting, m.Get("task_id"))
	l.mu.Unlock()
	if wait != nil {
		wait <- a // has room for it
		return nil
	}
	l.answer(a)
	return nil
}

// write sends one frame of whole messages. An error means the connection is gone.
func (l *link) write(frame []byte) error {
	ctx, cancel := context.WithTimeout(l.ctx, writeLimit)
	defer cancel()
	return l.conn.Write(ctx, websocket.MessageText, frame)
}

// ask sends a request on a connection that has not logged in, and waits for its answer.
func (l *link) ask(ctx context.Context, task string, m wire.Message) (wire.Message, error) {
	frame, err := wire.Encode(withTask(task, m))
	if err != nil {
		return wire.Message{}, err
	}
	got := make(chan Answer, 1)
	l.mu.Lock()
	l.waiting[task] = got
	l.mu.Unlock()
	if err := l.write(frame); err != nil {
		return wire.Message{}, err
	}
	select {
	case a := <-got:
		return a.Message, statError(a.Message)
	case <-l.done:
		return wire.Message{}, fmt.Errorf("the server hung up: %w", l.err)
	case <-ctx.Done():
		return wire.Message{}, ctx.Err()
	}
}

// withTask returns m with the line task_id before all others.
func withTask(task string, m wire.Message) wire.Message {
	out := wire.Message{Fields: make([]wire.Field, 0, len(m.Fields)+1)}
	out.Add("task_id", task)
	for _, f := range m.Fields {
		if f.Name != "task_id" {
			out.Fields = append(out.Fields, f)
		}
	}
	return out
}
