package terminal

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"neochat/clients/sdk"
)

// command is what a line that begins with a slash does.
type command struct {
	name, args, help string
	run              func(*chat, context.Context, string) error
}

// commands returns all commands, in the order of /help.
func commands() []command {
	return []command{
		{"list", "", "your conversations, latest first", (*chat).list},
		{"to", "ACCOUNT|GROUP", "talk to somebody, or in a group (its name or id)", (*chat).to},
		{"history", "[N]", "the last N messages of this conversation (20)", (*chat).history},
		{"group", "new NAME [A,B]", "make a group; quotes around a NAME with spaces", (*chat).group},
		{"groups", "", "your groups", (*chat).groups},
		{"members", "", "who is in this group", (*chat).members},
		{"invite", "A,B", "invite accounts into this group", (*chat).invite},
		{"leave", "", "leave this group", (*chat).leave},
		{"file", "PATH", "send a file", (*chat).file},
		{"save", "NAME [PATH]", "save a file, by its number or its name", (*chat).save},
		{"who", "[ACCOUNT]", "who that is", (*chat).who},
		{"help", "", "this list", (*chat).help},
		{"quit", "", "end (so does Ctrl-D)", func(*chat, context.Context, string) error { return errQuit }},
	}
}

// line carries out one line of input.
func (c *chat) line(ctx context.Context, line string) error {
	if !strings.HasPrefix(line, "/") || strings.HasPrefix(line, "//") {
		return c.say(ctx, strings.TrimPrefix(line, "/"), line)
	}
	name, arg, _ := strings.Cut(line[1:], " ")
	for _, cmd := range commands() {
		if cmd.name != name {
			continue
		}
		err := cmd.run(c, ctx, strings.TrimSpace(arg))
		if errors.Is(err, errUsage) {
			return fmt.Errorf("write it so: %s", strings.TrimSpace("/"+cmd.name+" "+cmd.args))
		}
		if err != nil && !errors.Is(err, errQuit) {
			return fmt.Errorf("/%s: %w", name, err)
		}
		return err
	}
	return fmt.Errorf("there is no command /%s; /help lists them, and // begins a text with a slash", name)
}

var (
	errUsage    = errors.New("usage")
	errNowhere  = errors.New("say to whom first: /to ACCOUNT or /to GROUP")
	errNotGroup = errors.New("this is not a group; /to GROUP goes to one, /groups lists them")
)

// say sends a text to the present conversation.
func (c *chat) say(ctx context.Context, text, typed string) error {
	if strings.TrimSpace(text) == "" {
		return nil
	}
	if err := c.send(ctx, sdk.EscapeText(text)); err != nil {
		return fmt.Errorf("not sent: %w\n  %s", err, cut(typed, 70))
	}
	return nil
}

// send sends a text, and learns the conversation from the answer.
func (c *chat) send(ctx context.Context, text string) error {
	t, err := c.here()
	if err != nil {
		return err
	}
	sent, err := c.client.Text(ctx, t.to(), text)
	if err != nil {
		return err
	}
	if t.id == "" {
		t.id = sent.Conversation
		c.learn(t)
	}
	return nil
}

// here returns the present conversation.
func (c *chat) here() (target, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.present.none() {
		return target{}, errNowhere
	}
	return c.present, nil
}

func (c *chat) hereGroup() (target, error) {
	t, err := c.here()
	if err == nil && t.group == "" {
		err = errNotGroup
	}
	return t, err
}

func (c *chat) enter(t target) {
	c.mu.Lock()
	c.present = t
	c.mu.Unlock()
	if t.none() {
		c.scr.setPrompt("> ")
		return
	}
	c.scr.setPrompt(visible(t.name, false) + "> ")
}

// to goes to a conversation: a group by id or name, else an account.
func (c *chat) to(ctx context.Context, arg string) error {
	name := strings.Trim(arg, `"`)
	if name == "" {
		return errUsage
	}
	t, err := c.find(ctx, name)
	if err != nil {
		return err
	}
	c.enter(t)
	unread := min(t.unread, 50)
	if unread > 0 && c.opt.Interactive {
		return c.showHistory(ctx, t, int(unread))
	}
	return nil
}

func (c *chat) find(ctx context.Context, name string) (target, error) {
	groups, err := c.client.Groups(ctx)
	if err != nil {
		return target{}, err
	}
	var called []sdk.Group
	for _, g := range groups {
		if g.ID == name {
			called = []sdk.Group{g}
			break
		}
		if g.Name == name {
			called = append(called, g)
		}
	}
	if len(called) > 1 {
		ids := make([]string, 0, len(called))
		for _, g := range called {
			ids = append(ids, g.ID)
		}
		return target{}, fmt.Errorf("%d groups are called so; use an id: %s", len(called), strings.Join(ids, ", "))
	}
	all, err := c.refresh(ctx)
	if err != nil {
		return target{}, err
	}
	for _, t := range all {
		if len(called) == 1 && t.group == called[0].ID || len(called) == 0 && t.account == name {
			return t, nil
		}
	}
	if len(called) == 1 {
		return target{id: called[0].Conversation, group: called[0].ID, name: called[0].Name}, nil
	}
	p, err := c.client.Profile(ctx, name)
	if err != nil {
		return target{}, fmt.Errorf("no group and no account of yours is called %q: %w", name, err)
	}
	return target{account: p.Account, name: p.Account}, nil
}

func (c *chat) group(ctx context.Context, arg string) error {
	verb, rest, _ := strings.Cut(arg, " ")
	name, members := nameAndRest(strings.TrimSpace(rest))
	if verb != "new" || name == "" || strings.ContainsAny(members, ` "`) {
		return errUsage
	}
	g, err := c.client.CreateGroup(ctx, name, "", split(members)...)
	if err != nil {
		return err
	}
	t := target{id: g.Conversation, group: g.ID, name: name}
	c.learn(t)
	c.enter(t)
	c.scr.print(fmt.Sprintf("made the group %s (%s); what you write goes there now", visible(name, false), visible(g.ID, false)))
	return nil
}

// nameAndRest cuts a name, in quotes or without spaces, off an argument.
func nameAndRest(s string) (name, rest string) {
	if quoted, ok := strings.CutPrefix(s, `"`); ok {
		name, rest, _ = strings.Cut(quoted, `"`)
	} else {
		name, rest, _ = strings.Cut(s, " ")
	}
	return name, strings.TrimSpace(rest)
}

func split(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' })
}

func (c *chat) groups(ctx context.Context, _ string) error {
	groups, err := c.client.Groups(ctx)
	if err != nil {
		return err
	}
	if len(groups) == 0 {
		c.scr.print("no groups yet; /group new NAME A,B makes one")
	}
	for _, g := range groups {
		c.scr.print(fmt.Sprintf("  %s %s", pad(visible(g.Name, false), 24), visible(g.ID, false)))
	}
	return nil
}

func (c *chat) members(ctx context.Context, _ string) error {
	t, err := c.hereGroup()
	if err != nil {
		return err
	}
	members, err := c.client.Members(ctx, t.group)
	if err != nil {
		return err
	}
	for _, m := range members {
		role := m.Permissions
		if role == "member" {
			role = ""
		}
		c.scr.print(strings.TrimRight("  "+pad(visible(m.Account, false), 24)+" "+visible(role, false), " "))
	}
	return nil
}

func (c *chat) invite(ctx context.Context, arg string) error {
	t, err := c.hereGroup()
	if err != nil {
		return err
	}
	if len(split(arg)) == 0 {
		return errUsage
	}
	return c.client.Invite(ctx, t.group, split(arg)...)
}

func (c *chat) leave(ctx context.Context, _ string) error {
	t, err := c.hereGroup()
	if err != nil {
		return err
	}
	if err := c.client.Leave(ctx, t.group); err != nil {
		return err
	}
	c.enter(target{})
	c.scr.print("you left " + visible(t.name, false))
	return nil
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
	var all []sdk.Message
	before := int64(0)
	for len(all) < n {
		page, more, err := c.client.History(ctx, t.id, sdk.HistoryQuery{BeforeSeq: before, Limit: min(n-len(all), 200)})
		if err != nil {
			return err
		}
		all = append(page, all...)
		if !more || len(page) == 0 {
			break
		}
		before = page[0].Seq
	}
	for _, m := range all {
		c.scr.print(c.render(m, t, t, true))
		c.shown(m)
	}
	return nil
}

func (c *chat) who(ctx context.Context, arg string) error {
	p, err := c.client.Profile(ctx, arg)
	if err != nil {
		return err
	}
	c.scr.print(strings.TrimRight("  "+visible(p.Account, false)+"  "+visible(p.Name, false), " "))
	return nil
}

func (c *chat) help(context.Context, string) error {
	for _, cmd := range commands() {
		c.scr.print("  " + pad("/"+cmd.name+" "+cmd.args, 22) + " " + cmd.help)
	}
	c.scr.print("Every other line is sent to the present conversation; // begins one with a slash.")
	if c.opt.Interactive {
		c.scr.print("Alt-Enter begins a new line within a text; Ctrl-C ends at once.")
	}
	return nil
}
