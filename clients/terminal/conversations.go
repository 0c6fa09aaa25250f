package terminal

import (
	"context"
	"fmt"
	"time"

	"neochat/clients/sdk"
)

// greeted is how many conversations are shown at the beginning.
const greeted = 15

// greet says who is here, and what there is.
func (c *chat) greet(ctx context.Context) {
	c.scr.note(fmt.Sprintf("logged in as %s; /help lists the commands", c.client.Account()))
	if err := c.showList(ctx, greeted); err != nil {
		c.scr.note("! the conversations cannot be shown: " + visible(err.Error(), false))
	}
	c.scr.setPrompt("> ")
}

func (c *chat) list(ctx context.Context, _ string) error { return c.showList(ctx, 500) }

// refresh asks for the latest conversations.
func (c *chat) refresh(ctx context.Context) ([]target, error) {
	all, err := c.client.Conversations(ctx, 0, 500)
	if err != nil {
		return nil, err
	}
	targets := make([]target, 0, len(all))
	for _, conv := range all {
		targets = append(targets, readTarget(conv))
		c.learn(targets[len(targets)-1])
	}
	return targets, nil
}

func readTarget(conv sdk.Conversation) target {
	t := target{id: conv.ID, group: conv.GroupID, account: conv.Account, name: conv.Account, unread: conv.LastSeq - conv.ReadSeq}
	if t.group != "" {
		t.account, t.name = "", conv.Name
	}
	return t
}

// showList shows the n latest conversations.
func (c *chat) showList(ctx context.Context, n int) error {
	all, err := c.client.Conversations(ctx, 0, n)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		c.scr.print("no conversations yet; /to ACCOUNT begins one")
	}
	for _, conv := range all {
		t := readTarget(conv)
		c.learn(t)
		c.scr.print(c.listLine(conv, t))
	}
	return nil
}

// listLine shows a conversation in one row: name, what is unread, when, and the last words.
func (c *chat) listLine(conv sdk.Conversation, t target) string {
	unread := ""
	if t.unread > 0 && conv.Author != c.client.Account() {
		unread = fmt.Sprintf("%d new", t.unread)
	}
	who := conv.Author
	if who == c.client.Account() {
		who = "you"
	}
	last := ""
	switch {
	case conv.LastType != sdk.TypeText && conv.LastType != "":
		last = who + " …"
	case t.group != "" || who == "you":
		last = who + ": " + conv.Text
	default:
		last = conv.Text
	}
	return fmt.Sprintf("  %s %s %s  %s", pad(cut(visible(t.name, false), 24), 24), pad(unread, 7), pad(when(conv.Time), 6),
		cut(visible(last, false), 38))
}

// when is the time of day, or the date of what is older.
func when(t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case time.Since(t) < 20*time.Hour:
		return t.Local().Format("15:04")
	}
	return t.Local().Format("2 Jan")
}
