package sdk

import (
	"context"
	"strconv"
	"time"
)

// MarkRead says that this account has read up to seq. It never falls.
func (c *Client) MarkRead(ctx context.Context, conversation string, seq int64) error {
	_, _, err := c.Do(ctx, message("message_type", "receipt", "conversation", conversation, "read_seq", strconv.FormatInt(seq, 10)))
	return err
}

// Receipts returns how far the members of a conversation have received and read it; in
// groups of more than 50 only how far this account has.
func (c *Client) Receipts(ctx context.Context, conversation string) ([]Receipt, error) {
	_, items, err := c.Do(ctx, message("message_type", "receipt", "type", "GET", "conversation", conversation))
	if err != nil {
		return nil, err
	}
	all := make([]Receipt, 0, len(items))
	for _, m := range items {
		r := readReceipt(m)
		r.Conversation = conversation
		all = append(all, r)
	}
	return all, nil
}

// confirmEvery is the least time between two receipts of what was received.
const confirmEvery = 100 * time.Millisecond

// confirm notes that this device has received a message.
func (c *Client) confirm(conversation string, seq int64) {
	c.mu.Lock()
	c.received[conversation] = max(c.received[conversation], seq)
	c.mu.Unlock()
	select {
	case c.receipts <- struct{}{}:
	default:
	}
}

// confirmReceived tells the server what this device has received, of each conversation the latest only.
func (c *Client) confirmReceived() {
	for {
		select {
		case <-c.receipts:
		case <-c.ctx.Done():
			return
		}
		c.mu.Lock()
		received := c.received
		c.received = map[string]int64{}
		c.mu.Unlock()
		for conversation, seq := range received {
			_, _, err := c.Do(c.ctx, message("message_type", "receipt", "conversation", conversation, "delivered_seq", strconv.FormatInt(seq, 10)))
			if err != nil && c.ctx.Err() == nil {
				c.log.Info("what was received cannot be confirmed; the next one makes up for it", "conversation", conversation, "err", err)
			}
			if !c.sleep(confirmEvery) {
				return
			}
		}
	}
}
