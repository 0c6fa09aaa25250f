package terminal

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"

	"neochat/clients/sdk"
)

// showEvents shows what the server tells until the client ends.
func (c *chat) showEvents(ctx context.Context) {
	for e := range c.client.Events() {
		switch v := e.(type) {
		case sdk.Message:
			c.arrived(ctx, v)
		case sdk.Ring:
			kind := "call"
			if v.Video {
				kind = "video call"
			}
			c.scr.print(fmt.Sprintf("%s ☎ %s: incoming %s; open %s in a browser to answer it", stamp(time.Now()), visible(v.Account, false), kind, c.opt.URL))
		case sdk.RingEnd:
			c.scr.print(fmt.Sprintf("%s ☎ %s: it rings no more (%s)", stamp(time.Now()), visible(v.Account, false), visible(v.Cause, false)))
		case sdk.Offline:
			c.scr.note("the connection is lost; what you write is kept and sent when it is back")
		case sdk.Online:
			c.scr.note("connected again")
		}
	}
}

// arrived shows a new message.
func (c *chat) arrived(ctx context.Context, m sdk.Message) {
	t := c.where(ctx, m)
	c.mu.Lock()
	present := c.present
	c.mu.Unlock()
	here := t.same(present)
	c.scr.print(c.render(m, t, present, here))
	if here {
		c.shown(m)
	}
}

// where returns the conversation of a message, as people see it.
func (c *chat) where(ctx context.Context, m sdk.Message) target {
	c.mu.Lock()
	t, ok := c.convs[m.Conversation]
	c.mu.Unlock()
	if ok {
		return t
	}
	t = target{id: m.Conversation, group: m.GroupID}
	switch {
	case m.GroupID != "":
		t.name = m.GroupID
		if g, err := c.client.Group(ctx, m.GroupID); err == nil {
			t.name = g.Name
		}
	case m.Author != c.client.Account():
		t.account, t.name = m.Author, m.Author
	case len(m.Friends) == 1:
		t.account, t.name = m.Friends[0], m.Friends[0]
	default:
		return t
	}
	c.learn(t)
	return t
}

// learn notes a conversation, also for the present one if it had no id yet.
func (c *chat) learn(t target) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.convs[t.id] = t
	if c.present.id == "" && c.present.same(t) {
		c.present.id = t.id
	}
}

// render makes the lines that show a message: of the present conversation (here) in
// its short form, else with where it was said.
func (c *chat) render(m sdk.Message, t, present target, here bool) string {
	head := stamp(m.Time) + " "
	who := visible(m.Author, false)
	if m.Author == c.client.Account() {
		who = "you"
	}
	switch {
	case here:
	case t.group != "":
		who = visible(t.name, false) + " / " + who
	case who == "you":
		who += " → " + visible(t.name, false)
	case present.group != "":
		who += " → you" // else it would look as if it were said in the group
	}
	return c.newDay(m.Time) + head + indent(who+c.body(m), width(head))
}

// body is what stands behind the author.
func (c *chat) body(m sdk.Message) string {
	switch m.Type {
	case sdk.TypeText:
		return ": " + c.text(m.Text)
	case sdk.TypeMemberRecord:
		return " " + memberRecord(m)
	case sdk.TypeCallRecord:
		return " " + callRecord(m)
	}
	return fmt.Sprintf(" [%s]", visible(m.Type, false))
}

func memberRecord(m sdk.Message) string {
	whom := visible(strings.Join(m.Friends, ", "), false)
	switch {
	case m.Event == "left":
		return "left the group"
	case m.Event == "created" && whom != "":
		return "made the group with " + whom
	case m.Event == "created":
		return "made the group"
	case m.Event == "invited":
		return "invited " + whom
	}
	return visible(m.Event+" "+whom, false)
}

func callRecord(m sdk.Message) string {
	kind := "call"
	if m.Call == "videocall" {
		kind = "video call"
	}
	if m.Outcome == "answered" {
		return fmt.Sprintf("☎ %s, %s", kind, m.Duration.Round(time.Second))
	}
	return fmt.Sprintf("☎ %s, %s", kind, visible(m.Outcome, false))
}

// fileInText is how a text names a file.
var fileInText = regexp.MustCompile(`<file>([A-Za-z0-9._%-]+)</file>`)

// text shows a text: files by the names people gave them, and how to get them.
func (c *chat) text(s string) string {
	var b strings.Builder
	at := 0
	for _, hit := range fileInText.FindAllStringSubmatchIndex(s, -1) {
		b.WriteString(literal(s[at:hit[0]]))
		b.WriteString(c.fileLabel(s[hit[2]:hit[3]]))
		at = hit[1]
	}
	b.WriteString(literal(s[at:]))
	return b.String()
}

func literal(s string) string { return strings.ReplaceAll(visible(s, true), "&lt;file>", "<file>") }

// fileLabel numbers a file, so that a person need not copy its name.
func (c *chat) fileLabel(name string) string {
	shown := visible(sdk.FileName(name), false)
	if !c.opt.Interactive {
		return fmt.Sprintf("[file %s: %s]", shown, name)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, known := range c.files {
		if known == name {
			return fmt.Sprintf("[file %s: /save %d]", shown, i+1)
		}
	}
	c.files = append(c.files, name)
	return fmt.Sprintf("[file %s: /save %d]", shown, len(c.files))
}

// newDay returns a line with the date where the day is another one than that of the
// message shown before; today needs none at the beginning.
func (c *chat) newDay(t time.Time) string {
	day := t.Local().Format("Monday, 2 January 2006")
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.day == "" {
		c.day = time.Now().Format("Monday, 2 January 2006")
	}
	if day == c.day {
		return ""
	}
	c.day = day
	return "— " + day + " —\n"
}

func stamp(t time.Time) string { return t.Local().Format("[15:04]") }

// indent moves all lines but the first n columns to the right.
func indent(s string, n int) string {
	return strings.ReplaceAll(s, "\n", "\n"+strings.Repeat(" ", n))
}
