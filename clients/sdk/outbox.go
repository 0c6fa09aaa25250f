package sdk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"neochat/wire"
)

// Resent: what an earlier client with the same State had sent, and was not told whether it arrived,
// has (Sent; several where it went to several accounts), or was refused (Err).
type Resent struct {
	ClientMessageID string
	Sent            []Sent
	Err             error
}

func (Resent) event() {}

// send sends m, which carries a client_message_id, until the server takes or refuses it, or ctx
// ends. Until then it is kept in the State.
func (c *Client) send(ctx context.Context, m wire.Message) (Answer, error) {
	lines, err := wire.Encode(m)
	if err != nil {
		return Answer{}, err
	}
	id := m.Get("client_message_id")
	c.mu.Lock()
	c.unsent++
	key := fmt.Sprintf("%s%s-%012d", stateUnsent, c.run, c.unsent)
	c.sending[id] = struct{}{}
	c.mu.Unlock()
	if err := c.state.Save(map[string]string{key: string(lines)}); err != nil {
		return Answer{}, fmt.Errorf("keep what is to be sent: %w", err)
	}
	p, l, err := c.enqueue(m, false)
	if err != nil {
		return Answer{}, err
	}
	c.transmit(p, l)
	return c.insist(ctx, m, key, p)
}

// insist waits for the answer to p, and sends m again while the server says "not now".
func (c *Client) insist(ctx context.Context, m wire.Message, key string, p *pending) (Answer, error) {
	a, err := c.await(ctx, p)
	for attempt := 1; err != nil && c.retry(ctx, attempt, err); attempt++ {
		a, err = c.exchange(ctx, m)
	}
	c.mu.Lock()
	delete(c.sending, m.Get("client_message_id"))
	c.mu.Unlock()
	if c.Err() != nil && Stat(err) == 0 && err != nil {
		return a, err // the next client sends it
	}
	if serr := c.state.Save(map[string]string{key: ""}); serr != nil {
		c.log.Warn("the state cannot be saved", "err", serr)
	}
	return a, err
}

// isOwn reports whether a client_message_id is one that this client made or uses.
func (c *Client) isOwn(id string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, sending := c.sending[id]
	return sending || strings.HasPrefix(id, c.prefix)
}

// unsent is what an earlier client had not been told of.
type unsent struct {
	key string
	m   wire.Message
	p   *pending
}

// takeUnsent puts what was left unsent before everything else that will be sent.
func (c *Client) takeUnsent(saved map[string]string) []unsent {
	var keys []string
	for name := range saved {
		if strings.HasPrefix(name, stateUnsent) {
			keys = append(keys, name)
		}
	}
	slices.SortFunc(keys, func(a, b string) int { // runs have no leading zeros
		return cmp.Or(len(a)-len(b), strings.Compare(a, b))
	})
	var all []unsent
	for _, key := range keys {
		m, err := wire.NewReader(strings.NewReader(saved[key]), false, readLimits()).Next()
		if err != nil {
			c.log.Error("what was left unsent cannot be read", "err", err)
			continue
		}
		p, _, err := c.enqueue(m, false)
		if err != nil {
			continue
		}
		c.sending[m.Get("client_message_id")] = struct{}{} // nobody else has c yet
		all = append(all, unsent{key, m, p})
	}
	return all
}

// awaitUnsent tells what became of what was left unsent.
func (c *Client) awaitUnsent(all []unsent) {
	for _, u := range all {
		a, err := c.insist(c.ctx, u.m, u.key, u.p)
		if err != nil && (errors.Is(err, ErrClosed) || c.ctx.Err() != nil) {
			return
		}
		c.inbox.put(Resent{ClientMessageID: u.m.Get("client_message_id"), Sent: sentOf(a), Err: err})
	}
}

// sentOf reads the answer to a text.
func sentOf(a Answer) []Sent {
	if a.Message.Get("stat") != "200" {
		return nil
	}
	if len(a.Items) == 0 {
		return []Sent{readSent(a.Message)}
	}
	sent := make([]Sent, 0, len(a.Items))
	for _, item := range a.Items {
		sent = append(sent, readSent(item))
	}
	return sent
}
