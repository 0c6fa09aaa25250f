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
	c.refreshStatus()
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
	t := target{id: conv.ID, group: conv.GroupID, account: conv.Account, name: conv.Account, unread: conv.Unread, left: conv.Left}
	if t.group != "" {
		t.account, t.name = "", conv.Name
	}
	if t.name == "" {
		t.name = t.group
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
	var others []string
	for _, conv := range all {
		c.learn(readTarget(conv))
		if conv.GroupID == "" && len(others) < watchAtMost {
			others = append(others, conv.Account)
		}
	}
	c.watch(ctx, others...)
	for _, conv := range all {
		c.scr.print(c.listLine(conv, readTarget(conv)))
	}
	return nil
}

// listLine shows a conversation in one row: name, what is unread, when, and the last words.
func (c *chat) listLine(conv sdk.Conversation, t target) string {
	unread := ""
	if t.unread > 0 && conv.Author != c.client.Account() {
		unread = fmt.Sprintf("%d new", t.unread)
	}
	if conv.Mentions > 0 {
		unread += fmt.Sprintf(" @%d", conv.Mentions)
	}
	return fmt.Sprintf("%s %s %s %s  %s", c.sign(conv), pad(cut(visible(t.name, false), 24), 24), pad(unread, 10), pad(when(conv.Time), 6),
		cut(visible(c.lastWords(conv), false), 34))
}

// sign tells at a glance what a conversation is like: ● who is here, ○ who is away, # a group, - a group left.
func (c *chat) sign(conv sdk.Conversation) string {
	switch {
	case conv.Left:
		return "-"
	case conv.GroupID != "":
		return "#"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.life.presence[conv.Account].State {
	case sdk.StateOnline:
		return "●"
	case sdk.StateAway:
		return "○"
	}
	return " "
}

func (c *chat) lastWords(conv sdk.Conversation) string {
	who := conv.Author
	if who == c.client.Account() {
		who = "you"
	}
	words := ""
	switch conv.LastType {
	case sdk.TypeText:
		words = literalFiles(conv.Text)
	case sdk.TypeVoice:
		words = "♪ voice message"
	case sdk.TypeDeleted:
		words = "(deleted)"
	case sdk.TypeCallRecord:
		words = "☎"
	case "":
		return ""
	default:
		return who + " …"
	}
	if conv.GroupID != "" || who == "you" {
		return who + ": " + words
	}
	return words
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
