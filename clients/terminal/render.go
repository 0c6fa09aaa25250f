package terminal

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"neochat/clients/sdk"
)

// render makes the lines that show a message: of the present conversation (here) in
// its short form, else with where it was said.
func (c *chat) render(m sdk.Message, t, present target, here bool) string {
	c.remember(m)
	head := c.stamp(m.Time, m.Seq, here) + " "
	return c.newDay(m.Time) + head + indent(c.whose(m.Author, t, present, here)+c.body(m)+c.marks(m, t), width(head))
}

// whose names an author, and where it was where that is not here.
func (c *chat) whose(account string, t, present target, here bool) string {
	who := visible(account, false)
	if account == c.client.Account() {
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
	return who
}

// stamp is the time of day, and for people the number by which commands know a message that is here.
func (c *chat) stamp(t time.Time, seq int64, here bool) string {
	if here && c.opt.Interactive && seq > 0 {
		return fmt.Sprintf("[%s #%d]", t.Local().Format("15:04"), seq)
	}
	return stamp(t)
}

// body is what stands behind the author.
func (c *chat) body(m sdk.Message) string {
	switch m.Type {
	case sdk.TypeText:
		return c.answering(m) + ": " + c.text(m.Text)
	case sdk.TypeVoice:
		return c.answering(m) + ": " + c.voice(m.Voice)
	case sdk.TypeDeleted:
		return ": (deleted)"
	case sdk.TypeMemberRecord:
		return " " + c.memberRecord(m)
	case sdk.TypeCallRecord:
		return " " + callRecord(m)
	}
	return fmt.Sprintf(" [%s]", visible(m.Type, false))
}

// marks is what stands behind a message.
func (c *chat) marks(m sdk.Message, t target) string {
	var b strings.Builder
	if !m.Edited.IsZero() {
		b.WriteString(" (edited)")
	}
	if c.mentionsMe(m.Mentions) && m.Author != c.client.Account() {
		b.WriteString(" ← you are meant")
	}
	if len(m.Reactions) > 0 {
		all := make([]string, 0, len(m.Reactions))
		for _, r := range m.Reactions {
			all = append(all, fmt.Sprintf("%s %d", visible(r.Reaction, false), r.Count))
		}
		b.WriteString("  [" + strings.Join(all, ", ") + "]")
	}
	if m.Author == c.client.Account() && (m.Type == sdk.TypeText || m.Type == sdk.TypeVoice) && c.opt.Interactive {
		if mark := c.seenMark(t, m.Seq); mark != "" {
			b.WriteString(" " + mark)
		}
	}
	return b.String()
}

func (c *chat) mentionsMe(mentions []string) bool {
	return slices.Contains(mentions, c.client.Account()) || slices.Contains(mentions, "all")
}

// answering says which message one answers.
func (c *chat) answering(m sdk.Message) string {
	if m.ReplyTo == "" {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return " (" + c.quoteLocked(m.ReplyTo) + ")"
}

// quoteLocked shows a message by its number and first words.
func (c *chat) quoteLocked(id string) string {
	at, ok := c.ids[id]
	if !ok {
		return "to an earlier message"
	}
	m := c.said[at]
	words := m.Text
	if m.Type == sdk.TypeVoice {
		words = "voice message"
	}
	return fmt.Sprintf("to #%d “%s”", m.Seq, cut(visible(literalFiles(words), false), 24))
}

// lookUp fetches a message that is to be quoted, where it was not shown here.
func (c *chat) lookUp(ctx context.Context, conversation, id string) {
	c.mu.Lock()
	_, known := c.ids[id]
	c.mu.Unlock()
	n, isOne := strings.CutPrefix(id, conversation+"-")
	seq, err := strconv.ParseInt(n, 10, 64)
	if known || !isOne || err != nil {
		return
	}
	page, _, err := c.client.History(ctx, conversation, sdk.HistoryQuery{BeforeSeq: seq + 1, Limit: 1})
	if err == nil && len(page) == 1 && page[0].ID == id {
		c.remember(page[0])
	}
}

// remembered is how many messages are kept to be named by number.
const remembered = 5000

// place is where a message stands.
type place struct {
	conversation string
	seq          int64
}

// remember keeps a message that was shown, so that commands find it and replies can quote it.
func (c *chat) remember(m sdk.Message) {
	if m.ID == "" || m.Seq == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	at := place{m.Conversation, m.Seq}
	if _, ok := c.said[at]; !ok {
		c.order = append(c.order, at)
	}
	m.Wire.Fields = nil // not needed, and large
	c.said[at] = m
	c.ids[m.ID] = at
	if len(c.order) > remembered {
		old := c.order[0]
		c.order = c.order[1:]
		delete(c.ids, c.said[old].ID)
		delete(c.said, old)
	}
}

func (c *chat) memberRecord(m sdk.Message) string {
	friends := slices.Clone(m.Friends)
	if at := slices.Index(friends, c.client.Account()); at >= 0 && c.opt.Interactive {
		friends[at] = "you"
	}
	whom := visible(strings.Join(friends, ", "), false)
	switch m.Event {
	case "left":
		return "left the group"
	case "created":
		if whom != "" {
			return "made the group with " + whom
		}
		return "made the group"
	case "invited":
		return "invited " + whom
	case "removed":
		return "removed " + whom
	case "described":
		return "changed what is said of the group"
	case "dissolved":
		return "dissolved the group"
	case "permissions":
		return "made " + whom + " " + visible(m.Permissions, false)
	}
	return visible(strings.TrimSpace(m.Event+" "+whom), false)
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

// voice shows a voice message: how long it is, what it looks like, and how to get it.
func (c *chat) voice(v sdk.Voice) string {
	d := v.Duration.Round(time.Second)
	look := waveform(v.Waveform, 24)
	if look != "" {
		look += " "
	}
	return fmt.Sprintf("♪ %d:%02d %s%s", d/time.Minute, d%time.Minute/time.Second, look, c.fileLabel(v.File))
}

// waveform draws the heights of a sound, each a hexadecimal digit, in at most n columns.
func waveform(heights string, n int) string {
	bars := []rune("▁▁▂▂▃▃▄▄▅▅▆▆▇▇██")
	var values []int
	for _, r := range heights {
		v := strings.IndexRune("0123456789abcdef", toLower(r))
		if v < 0 {
			return "" // not a waveform
		}
		values = append(values, v)
	}
	n = min(n, len(values))
	var b strings.Builder
	for i := range n {
		highest := 0
		for _, v := range values[i*len(values)/n : (i+1)*len(values)/n] {
			highest = max(highest, v)
		}
		b.WriteRune(bars[highest])
	}
	return b.String()
}

func toLower(r rune) rune {
	if r >= 'A' && r <= 'F' {
		return r - 'A' + 'a'
	}
	return r
}

// fileInText is how a text names a file.
var fileInText = regexp.MustCompile(`<file>([A-Za-z0-9._%-]+)</file>`)

// text shows a text: files by the names people gave them, and how to get them.
func (c *chat) text(s string) string {
	return withFiles(s, c.fileLabel)
}

// literalFiles shows a text with the mere names of its files.
func literalFiles(s string) string {
	return withFiles(s, func(name string) string { return visible(sdk.FileName(name), false) })
}

func withFiles(s string, label func(name string) string) string {
	var b strings.Builder
	at := 0
	for _, hit := range fileInText.FindAllStringSubmatchIndex(s, -1) {
		b.WriteString(literal(s[at:hit[0]]))
		b.WriteString(label(s[hit[2]:hit[3]]))
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
