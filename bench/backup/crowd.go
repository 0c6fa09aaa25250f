package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"
)

// crowd are people who write texts, each when the one before was answered.
type crowd struct {
	cancel context.CancelFunc
	all    sync.WaitGroup

	mu     sync.Mutex
	waited []time.Duration // for each answer since it was last taken; guarded by mu
	err    error           // the first; guarded by mu
}

func startCrowd(ctx context.Context, addr string, o options) (*crowd, error) {
	ctx, cancel := context.WithCancel(ctx)
	c := &crowd{cancel: cancel}
	for n := range o.people {
		ws, _, err := websocket.Dial(ctx, "ws://"+addr+"/message", &websocket.DialOptions{Subprotocols: []string{"neochat.v1"}})
		if err != nil {
			return nil, errors.Join(err, c.end())
		}
		ws.SetReadLimit(-1)
		c.all.Go(func() {
			defer ws.CloseNow()
			if err := c.write(ctx, ws, n, o); ctx.Err() == nil { // it writes until something fails
				c.mu.Lock()
				c.err = errors.Join(c.err, err)
				c.mu.Unlock()
			}
		})
	}
	return c, nil
}

func (c *crowd) write(ctx context.Context, ws *websocket.Conn, n int, o options) error {
	if _, err := ask(ctx, ws, "message_type: login", "user_account: "+account(n), "user_password: "+password, "device: bench"); err != nil {
		return err
	}
	friend := "friends: " + account((n+1)%o.people)
	for at := 0; ctx.Err() == nil; at++ {
		waited, err := ask(ctx, ws, "message_type: text", friend, fmt.Sprintf("client_message_id: bench-%d-%d", n, at), "text: "+strings.Repeat("while it is backed up ", 4))
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.waited = append(c.waited, waited)
		c.mu.Unlock()
		time.Sleep(o.pause)
	}
	return nil
}

// ask sends a request and waits for its answer; others' messages are passed over.
func ask(ctx context.Context, ws *websocket.Conn, lines ...string) (time.Duration, error) {
	begun := time.Now()
	if err := ws.Write(ctx, websocket.MessageText, []byte(strings.Join(lines, "\n")+"\n\n")); err != nil {
		return 0, err
	}
	for {
		_, frame, err := ws.Read(ctx)
		if err != nil {
			return 0, err
		}
		if text := string(frame); strings.Contains(text, "\nstat: ") {
			if !strings.Contains(text, "\nstat: 200\n") {
				return 0, fmt.Errorf("%s is answered %s", lines[0], text)
			}
			return time.Since(begun), nil
		}
	}
}

// take sums up how long answers took since it was last called.
func (c *crowd) take() string {
	c.mu.Lock()
	all := c.waited
	c.waited = nil
	c.mu.Unlock()
	if len(all) == 0 {
		return "no answers"
	}
	slices.Sort(all)
	at := func(p float64) time.Duration { return all[int(p*float64(len(all)-1))].Round(10 * time.Microsecond) }
	return fmt.Sprintf("%d texts; median %v, p99 %v, worst %v", len(all), at(0.5), at(0.99), at(1))
}

func (c *crowd) end() error {
	c.cancel()
	c.all.Wait()
	return c.err
}
