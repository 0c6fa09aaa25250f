package sdk

import (
	"context"
	"strconv"
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
