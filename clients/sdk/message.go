package sdk

import (
	"context"
	"strconv"
	"strings"
	"time"

	"neochat/wire"
)

// Edit replaces the text of a message of one's own, and whom it mentions.
func (c *Client) Edit(ctx context.Context, messageID, text string, mentions ...string) error {
	m := message("message_type", "edit", "message_id", messageID, "mentions", strings.Join(mentions, ","))
	m.Add("text", text)
	_, _, err := c.Do(ctx, m)
	return err
}

// Delete deletes a message: for this account alone, or for all, as its author or an admin of its group.
func (c *Client) Delete(ctx context.Context, messageID string, forAll bool) error {
	whom := "me"
	if forAll {
		whom = "all"
	}
	_, _, err := c.Do(ctx, message("message_type", "delete", "message_id", messageID, "for", whom))
	return err
}

// React adds a reaction of this account to a message: 1 to 32 bytes without spaces, such as 👍.
func (c *Client) React(ctx context.Context, messageID, reaction string) error {
	_, _, err := c.Do(ctx, message("message_type", "react", "message_id", messageID, "reaction", reaction))
	return err
}

// Unreact takes a reaction back.
func (c *Client) Unreact(ctx context.Context, messageID, reaction string) error {
	_, _, err := c.Do(ctx, message("message_type", "react", "type", "DELETE", "message_id", messageID, "reaction", reaction))
	return err
}

// Reactions returns who reacted to a message, and how.
func (c *Client) Reactions(ctx context.Context, messageID string) ([]Reaction, error) {
	_, items, err := c.Do(ctx, message("message_type", "react", "type", "GET", "message_id", messageID))
	if err != nil {
		return nil, err
	}
	all := make([]Reaction, 0, len(items))
	for _, m := range items {
		all = append(all, Reaction{Account: m.Get("user_account"), MessageID: messageID, Reaction: m.Get("reaction")})
	}
	return all, nil
}

// SearchQuery says what is looked for. Only Text is needed.
type SearchQuery struct {
	Text         string // words, all of which must be there; of 中文 one character is enough
	Conversation string
	Author       string
	Since, Until time.Time
	BeforeChange int64 // for the next page: Change of the last message of the page before
	Limit        int   // 0: the server's default, 20; at most 100
}

// Search returns messages that this account may read, latest first, and whether there are more.
func (c *Client) Search(ctx context.Context, q SearchQuery) (page []Message, more bool, err error) {
	m := message("message_type", "search", "type", "GET", "conversation", q.Conversation, "friends", q.Author)
	m.Add("text", q.Text)
	addNumber(&m, "since", unixMilli(q.Since))
	addNumber(&m, "until", unixMilli(q.Until))
	addNumber(&m, "before_change", q.BeforeChange)
	addNumber(&m, "limit", int64(q.Limit))
	answer, items, err := c.Do(ctx, m)
	if err != nil {
		return nil, false, err
	}
	return readMessages(items), answer.Get("more") == "yes", nil
}

// addNumber adds a line unless n is 0.
func addNumber(m *wire.Message, name string, n int64) {
	if n != 0 {
		m.Add(name, strconv.FormatInt(n, 10))
	}
}

func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}
