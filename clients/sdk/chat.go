package sdk

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"neochat/wire"
)

// To names a conversation. Exactly one field is set.
type To struct {
	Account      string
	GroupID      string
	Conversation string
}

// Sent says where a text stands now that it is stored.
type Sent struct {
	MessageID    string
	Conversation string
	Seq          int64
	Time         time.Time
	Account      string // to whom, where it went to several accounts
}

// Draft is a message to be sent: a text, or a voice message.
type Draft struct {
	Text     string   // `<file>NAME</file>` in it names an uploaded file; see EscapeText
	ReplyTo  string   // ID of a message of the same conversation; "": none
	Mentions []string // accounts, or "all" alone; not with a voice message
	Voice    *Voice   // then Text is not sent

	// ClientMessageID is the caller's, of up to 64 bytes; "": one is made. The same one with the same
	// content, at any later time, returns the first answer.
	ClientMessageID string
}

// Text sends a text; see Send.
func (c *Client) Text(ctx context.Context, to To, text string) (Sent, error) {
	return c.Send(ctx, to, Draft{Text: text})
}

// Send sends a message and returns once it is stored. It is delivered once however
// often the connection breaks: it carries a client_message_id. While the
// server says "not now" (503) or "too often" (429) it waits and tries again, until
// ctx ends.
func (c *Client) Send(ctx context.Context, to To, d Draft) (Sent, error) {
	if d.ClientMessageID == "" {
		d.ClientMessageID = c.NewMessageID()
	}
	m := message("message_type", TypeText, "friends", to.Account, "group_id", to.GroupID,
		"conversation", to.Conversation, "client_message_id", d.ClientMessageID, "reply_to", d.ReplyTo,
		"mentions", strings.Join(d.Mentions, ","))
	if v := d.Voice; v != nil {
		m.Fields[0].Value = TypeVoice
		m.Add("file", v.File)
		m.Add("duration_ms", strconv.FormatInt(v.Duration.Milliseconds(), 10))
		m.Add("waveform", v.Waveform)
	} else {
		m.Add("text", d.Text)
	}
	a, err := c.send(ctx, m)
	if err != nil {
		return Sent{}, err
	}
	return readSent(a.Message), nil
}

// TextToAll sends a text to several accounts, to each in its own conversation: to all or to none.
func (c *Client) TextToAll(ctx context.Context, accounts []string, text string) ([]Sent, error) {
	m := message("message_type", TypeText, "friends", strings.Join(accounts, ","), "client_message_id", c.NewMessageID())
	m.Add("text", text)
	a, err := c.send(ctx, m)
	if err != nil {
		return nil, err
	}
	return sentOf(a), nil
}

// retry waits before a send that was answered "not now" is sent again; false: do not.
func (c *Client) retry(ctx context.Context, attempt int, err error) bool {
	var wait time.Duration
	var stat *StatError
	switch {
	case !errors.As(err, &stat):
		return false
	case stat.Stat == wire.StatTooOften:
		wait = max(stat.RetryAfter, time.Second)
	case stat.Stat == wire.StatUnavailable:
		wait = c.opt.Backoff(attempt)
	default:
		return false
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-c.ctx.Done():
	}
	return false
}

func readSent(m wire.Message) Sent {
	return Sent{MessageID: m.Get("message_id"), Conversation: m.Get("conversation"), Seq: number(m, "seq"),
		Time: millis(m, "time"), Account: m.Get("friends")}
}

// HistoryQuery says which part of a history is wanted; zero: its end.
type HistoryQuery struct {
	BeforeSeq int64 // the last ones before it; 0: not asked
	AfterSeq  int64 // the first ones after it; asked if BeforeSeq is 0 and it is not 0, or FromStart
	FromStart bool  // the first ones
	Limit     int   // 0: the server's default, 50; at most 200
}

// History returns messages of a conversation in the order of Seq, and whether there
// are more in the direction asked for.
func (c *Client) History(ctx context.Context, conversation string, q HistoryQuery) (page []Message, more bool, err error) {
	m := message("message_type", "history", "type", "GET", "conversation", conversation)
	switch {
	case q.BeforeSeq > 0:
		m.Add("before_seq", strconv.FormatInt(q.BeforeSeq, 10))
	case q.AfterSeq > 0 || q.FromStart:
		m.Add("after_seq", strconv.FormatInt(q.AfterSeq, 10))
	}
	if q.Limit > 0 {
		m.Add("limit", strconv.Itoa(q.Limit))
	}
	answer, items, err := c.Do(ctx, m)
	if err != nil {
		return nil, false, err
	}
	return readMessages(items), answer.Get("more") == "yes", nil
}

// Conversation is one of the account's conversations.
type Conversation struct {
	ID       string
	Account  string // the other one of a pair
	GroupID  string // of a group
	Name     string // of a group
	LastSeq  int64
	ReadSeq  int64
	Unread   int64 // how many are after ReadSeq
	Mentions int64 // how many of those mention this account
	Left     bool  // no longer a member
	Change   int64 // rises with every change of any conversation
	Time     time.Time
	Author   string // of the last message
	LastType string // its type
	Text     string // its beginning, at most 200 bytes
}

// Conversations returns one page, latest change first: those that changed before
// beforeChange (0: from the latest), at most limit (0: the server's default, 100).
func (c *Client) Conversations(ctx context.Context, beforeChange int64, limit int) ([]Conversation, error) {
	m := message("message_type", "conversation", "type", "GET")
	if beforeChange > 0 {
		m.Add("before_change", strconv.FormatInt(beforeChange, 10))
	}
	if limit > 0 {
		m.Add("limit", strconv.Itoa(limit))
	}
	_, items, err := c.Do(ctx, m)
	if err != nil {
		return nil, err
	}
	page := make([]Conversation, 0, len(items))
	for _, item := range items {
		page = append(page, readConversation(item))
	}
	return page, nil
}

// AllConversations returns all of them, latest change first.
func (c *Client) AllConversations(ctx context.Context) ([]Conversation, error) {
	const page = 500
	var all []Conversation
	before := int64(0)
	for {
		some, err := c.Conversations(ctx, before, page)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
		if len(some) < page || some[len(some)-1].Change <= 0 {
			return all, nil
		}
		before = some[len(some)-1].Change
	}
}

func readConversation(m wire.Message) Conversation {
	return Conversation{
		ID: m.Get("conversation"), Account: m.Get("friends"), GroupID: m.Get("group_id"), Name: m.Get("name"),
		LastSeq: number(m, "last_seq"), ReadSeq: number(m, "read_seq"), Unread: number(m, "unread"),
		Mentions: number(m, "mentioned"), Left: m.Get("left") == "yes", Change: number(m, "change"),
		Time: millis(m, "time"), Author: m.Get("author"), LastType: m.Get("last_type"), Text: m.Get("text"),
	}
}

// EscapeText makes what looks like the name of a file in s ordinary text.
func EscapeText(s string) string { return strings.ReplaceAll(s, "<file>", "&lt;file>") }

// FileText returns the text that names an uploaded file.
func FileText(name string) string { return "<file>" + name + "</file>" }
