package terminal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"neochat/clients/sdk"
)

// numbered takes the number of a message of the present conversation off an argument.
func (c *chat) numbered(ctx context.Context, arg string) (m sdk.Message, rest string, err error) {
	n, rest, _ := strings.Cut(arg, " ")
	seq, err := strconv.ParseInt(strings.TrimPrefix(n, "#"), 10, 64)
	if err != nil || seq < 1 {
		return sdk.Message{}, "", errUsage
	}
	t, err := c.here()
	if err != nil {
		return sdk.Message{}, "", err
	}
	c.mu.Lock()
	m, ok := c.said[place{t.id, seq}]
	c.mu.Unlock()
	if ok {
		return m, strings.TrimSpace(rest), nil
	}
	none := fmt.Errorf("no message has the number %d here; /history shows the numbers", seq)
	if t.id == "" {
		return sdk.Message{}, "", none
	}
	page, _, err := c.client.History(ctx, t.id, sdk.HistoryQuery{BeforeSeq: seq + 1, Limit: 1})
	if err != nil {
		return sdk.Message{}, "", err
	}
	if len(page) != 1 || page[0].Seq != seq {
		return sdk.Message{}, "", none
	}
	return page[0], strings.TrimSpace(rest), nil
}

func (c *chat) reply(ctx context.Context, arg string) error {
	m, text, err := c.numbered(ctx, arg)
	if err != nil {
		return err
	}
	if text == "" {
		return errUsage
	}
	return c.send(ctx, sdk.Draft{Text: sdk.EscapeText(text), ReplyTo: m.ID, Mentions: mentions(text)})
}

func (c *chat) edit(ctx context.Context, arg string) error {
	m, text, err := c.numbered(ctx, arg)
	if err != nil {
		return err
	}
	if text == "" {
		return errUsage
	}
	text = sdk.EscapeText(text)
	if err := c.client.Edit(ctx, m.ID, text, mentions(text)...); err != nil {
		return err
	}
	c.amend(m.Conversation, m.Seq, func(m *sdk.Message) { m.Text = text })
	c.scr.note(fmt.Sprintf("#%d is changed", m.Seq))
	return nil
}

func (c *chat) remove(ctx context.Context, arg string) error {
	m, whom, err := c.numbered(ctx, arg)
	if err != nil {
		return err
	}
	if whom != "all" && whom != "me" {
		return errUsage
	}
	if err := c.client.Delete(ctx, m.ID, whom == "all"); err != nil {
		return err
	}
	c.amend(m.Conversation, m.Seq, func(m *sdk.Message) { m.Type, m.Text = sdk.TypeDeleted, "" })
	c.scr.note(fmt.Sprintf("#%d is deleted for %s", m.Seq, whom))
	return nil
}

func (c *chat) react(ctx context.Context, arg string) error {
	m, sign, err := c.numbered(ctx, arg)
	if err != nil {
		return err
	}
	if sign != "" {
		if err := c.client.React(ctx, m.ID, sign); err != nil {
			return err
		}
		c.scr.note(fmt.Sprintf("%s to #%d", visible(sign, false), m.Seq))
		return nil
	}
	all, err := c.client.Reactions(ctx, m.ID)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		c.scr.print(fmt.Sprintf("nobody has reacted to #%d", m.Seq))
	}
	for _, r := range all {
		c.scr.print("  " + visible(r.Reaction, false) + " " + visible(r.Account, false))
	}
	return nil
}

func (c *chat) unreact(ctx context.Context, arg string) error {
	m, sign, err := c.numbered(ctx, arg)
	if err != nil {
		return err
	}
	if sign == "" {
		return errUsage
	}
	return c.client.Unreact(ctx, m.ID, sign)
}

func (c *chat) history(ctx context.Context, arg string) error {
	n := 20
	if arg != "" {
		var err error
		if n, err = strconv.Atoi(arg); err != nil || n < 1 {
			return errUsage
		}
	}
	t, err := c.here()
	if err != nil {
		return err
	}
	return c.showHistory(ctx, t, n)
}

// showHistory shows the last n messages of a conversation, asking page by page.
func (c *chat) showHistory(ctx context.Context, t target, n int) error {
	if t.id == "" {
		c.scr.print("nothing was said here yet")
		return nil
	}
	all, err := c.before(ctx, t, 0, n)
	if err != nil {
		return err
	}
	c.quotable(ctx, all)
	for _, m := range all {
		c.scr.print(c.render(m, t, t, true))
		c.shown(m)
	}
	return nil
}

// before returns the last n messages of a conversation before one; 0: before its end.
func (c *chat) before(ctx context.Context, t target, before int64, n int) ([]sdk.Message, error) {
	var all []sdk.Message
	for len(all) < n {
		page, more, err := c.client.History(ctx, t.id, sdk.HistoryQuery{BeforeSeq: before, Limit: min(n-len(all), 200)})
		if err != nil {
			return nil, err
		}
		all = append(page, all...)
		if !more || len(page) == 0 {
			break
		}
		before = page[0].Seq
	}
	return all, nil
}

// quotable prepares messages to be shown: so that answers can quote what stands before.
func (c *chat) quotable(ctx context.Context, all []sdk.Message) {
	for _, m := range all {
		c.remember(m)
	}
	for _, m := range all {
		c.lookUp(ctx, m.Conversation, m.ReplyTo)
	}
}

// search is what was looked for last, and found.
type search struct {
	query sdk.SearchQuery
	found []sdk.Message
	more  bool
}

// search looks for messages; without words it shows what else the last search found.
func (c *chat) search(ctx context.Context, arg string) error {
	switch {
	case arg != "":
		q, err := c.searchQuery(arg)
		if err != nil {
			return err
		}
		c.found = search{query: q}
	case c.found.query.Text == "":
		return errUsage
	case !c.found.more:
		return errors.New("there is no more; /search WORDS begins anew")
	}
	page, more, err := c.client.Search(ctx, c.found.query)
	if err != nil {
		return err
	}
	c.found.more = more
	if len(page) == 0 {
		c.scr.print("nothing was found; what was written a moment ago can be found in two seconds")
		return nil
	}
	c.found.query.BeforeChange = page[len(page)-1].Change
	present, _ := c.here()
	for _, m := range page {
		c.found.found = append(c.found.found, m)
		c.scr.print(c.foundLine(ctx, len(c.found.found), m, present))
	}
	if more {
		c.scr.print("/search shows more, /jump N goes there")
	} else {
		c.scr.print("/jump N goes there")
	}
	return nil
}

func (c *chat) foundLine(ctx context.Context, n int, m sdk.Message, present target) string {
	t := c.target(ctx, m.Conversation)
	at := m.Time.Local().Format("2006-01-02 15:04")
	return fmt.Sprintf("%4d  %s  %s: %s", n, at, c.whose(m.Author, t, present, t.same(present)), cut(visible(literalFiles(m.Text), false), 46))
}

// searchQuery reads words and filters such as from:ACCOUNT.
func (c *chat) searchQuery(arg string) (sdk.SearchQuery, error) {
	var q sdk.SearchQuery
	var words []string
	for _, word := range strings.Fields(arg) {
		name, value, ok := strings.Cut(word, ":")
		var err error
		switch {
		case ok && name == "from":
			q.Author = value
		case ok && name == "in" && value == "here":
			var t target
			t, err = c.here()
			q.Conversation = t.id
		case ok && name == "since":
			q.Since, err = readDay(value, 0)
		case ok && name == "until":
			q.Until, err = readDay(value, 1)
		default:
			words = append(words, word)
		}
		if err != nil {
			return q, err
		}
	}
	q.Text = strings.Join(words, " ")
	if q.Text == "" {
		return q, errUsage
	}
	return q, nil
}

// around is how many messages /jump shows before and after the one that was found.
const around = 8

// jump goes to the conversation of what was found, and shows it among its neighbours.
func (c *chat) jump(ctx context.Context, arg string) error {
	n, err := strconv.Atoi(strings.TrimPrefix(arg, "#"))
	if err != nil {
		return errUsage
	}
	if n < 1 || n > len(c.found.found) {
		return fmt.Errorf("/search found nothing with the number %d", n)
	}
	m := c.found.found[n-1]
	t := c.target(ctx, m.Conversation)
	all, err := c.before(ctx, t, m.Seq+1, around+1)
	if err != nil {
		return err
	}
	after, _, err := c.client.History(ctx, t.id, sdk.HistoryQuery{AfterSeq: m.Seq, FromStart: true, Limit: around})
	if err != nil {
		return err
	}
	c.enter(ctx, t)
	all = append(all, after...)
	c.quotable(ctx, all)
	for _, near := range all { // not marked as read: what lies between was not seen
		mark := "  "
		if near.Seq == m.Seq {
			mark = "▶ "
		}
		c.scr.print(mark + indent(c.render(near, t, t, true), 2))
	}
	return nil
}
