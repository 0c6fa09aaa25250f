package terminal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"neochat/clients/sdk"
)

// command is what a line that begins with a slash does.
type command struct {
	name, args, help string
	run              func(*chat, context.Context, string) error
}

// commands returns all commands, in the order of /help. A head without a name begins a part of it.
func commands() []command {
	return []command{
		{"", "", "Conversations", nil},
		{"list", "", "yours, latest first: what is new, @ what mentions you", (*chat).list},
		{"to", "ACCOUNT|GROUP", "talk to somebody, or in a group (its name or id)", (*chat).to},
		{"history", "[N]", "the last N messages of this conversation (20)", (*chat).history},
		{"search", "WORDS", "find messages; also in:here from:A since:DAY until:DAY; without WORDS: more", (*chat).search},
		{"jump", "N", "go to what /search found", (*chat).jump},
		{"", "", "Messages, by the number shown behind the time", nil},
		{"reply", "N TEXT", "answer one", (*chat).reply},
		{"edit", "N TEXT", "change one of yours", (*chat).edit},
		{"delete", "N all|me", "delete one, for all or only for you", (*chat).remove},
		{"react", "N [SIGN]", "react to one, such as /react 7 👍; without a sign: who did", (*chat).react},
		{"unreact", "N SIGN", "take that back", (*chat).unreact},
		{"file", "PATH", "send a file", (*chat).file},
		{"save", "NAME [PATH]", "save a file or a voice message, by its number or its name", (*chat).save},
		{"", "", "Groups", nil},
		{"group", "[new NAME [A,B]]", "about this group; make one, with quotes around a NAME with spaces", (*chat).group},
		{"group", "name|about TEXT", "change what is said of this group", (*chat).group},
		{"group", "history join|all", "what those who are invited from now on see of the past", (*chat).group},
		{"group", "admin|member|creator A", "change permissions; creator hands the group over", (*chat).group},
		{"group", "remove A,B", "end the membership of others", (*chat).group},
		{"group", "dissolve NAME", "end this group for all", (*chat).group},
		{"groups", "", "your groups", (*chat).groups},
		{"members", "", "who is in this group, and their permissions", (*chat).members},
		{"invite", "A,B", "invite accounts into this group", (*chat).invite},
		{"leave", "", "leave this group", (*chat).leave},
		{"", "", "People", nil},
		{"who", "[ACCOUNT]", "who that is, and whether they are here", (*chat).who},
		{"friend", "[ask A [WORDS]]", "your friends; ask somebody to be one", (*chat).friend},
		{"friend", "accept|refuse|end A", "answer, or end it", (*chat).friend},
		{"block", "[A]", "hear nothing more from somebody; without A: whom you blocked", (*chat).block},
		{"unblock", "A", "take that back", (*chat).unblock},
		{"away", "", "show that you are away, until you write the next line", (*chat).goAway},
		{"", "", "You", nil},
		{"profile", "[WHAT VALUE]", "your profile; change name, phone, sex, birthday, address, avatar (a PATH), messages-from or presence-to", (*chat).profile},
		{"password", "", "change your password; it is asked for", (*chat).password},
		{"devices", "[end N]", "where you are logged in; log one of them out", (*chat).showDevices},
		{"account", "[delete]", "what your account may and has; delete it for good", (*chat).account},
		{"plugins", "[add|remove NAME]", "programs that chat for you, and what they may do", (*chat).managePlugins},
		{"plugins", "grant|revoke NAME GRANT [all]", "let one receive, history, people or send: here, or in all conversations", (*chat).managePlugins},
		{"help", "", "this list", (*chat).help},
		{"quit", "", "end (so does Ctrl-D)", func(*chat, context.Context, string) error { return errQuit }},
	}
}

// line carries out one line of input.
func (c *chat) line(ctx context.Context, line string) error {
	c.comeBack(ctx)
	if !strings.HasPrefix(line, "/") || strings.HasPrefix(line, "//") {
		return c.say(ctx, strings.TrimPrefix(line, "/"), line)
	}
	name, arg, _ := strings.Cut(line[1:], " ")
	for _, cmd := range commands() {
		if cmd.name != name || name == "" {
			continue
		}
		err := cmd.run(c, ctx, strings.TrimSpace(arg))
		if errors.Is(err, errUsage) {
			return fmt.Errorf("write it so: %s", usage(name))
		}
		if err != nil && !errors.Is(err, errQuit) {
			return fmt.Errorf("/%s: %w", name, err)
		}
		return err
	}
	return fmt.Errorf("there is no command /%s; /help lists them, and // begins a text with a slash", name)
}

// usage shows all forms of a command.
func usage(name string) string {
	var forms []string
	for _, cmd := range commands() {
		if cmd.name == name {
			forms = append(forms, strings.TrimSpace("/"+cmd.name+" "+cmd.args))
		}
	}
	return strings.Join(forms, ", or ")
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
	if err := c.send(ctx, sdk.Draft{Text: sdk.EscapeText(text), Mentions: mentions(text)}); err != nil {
		return fmt.Errorf("not sent: %w\n  %s", err, cut(typed, 70))
	}
	return nil
}

// mentions returns the accounts that a text calls by @ACCOUNT; of @all that alone.
func mentions(text string) []string {
	var all []string
	for _, word := range strings.Fields(text) {
		account, ok := strings.CutPrefix(word, "@")
		account = strings.TrimRight(account, ".,;:!?)。，！？")
		if !ok || account == "" || strings.ContainsFunc(account, notAccount) || slices.Contains(all, account) {
			continue
		}
		if account == "all" {
			return []string{"all"}
		}
		all = append(all, account)
	}
	return all
}

func notAccount(r rune) bool {
	return !strings.ContainsRune("+._@-", r) && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
}

// send sends a message, and learns the conversation from the answer.
func (c *chat) send(ctx context.Context, d sdk.Draft) error {
	t, err := c.here()
	if err != nil {
		return err
	}
	sent, err := c.client.Send(ctx, t.to(), d)
	if err != nil {
		return err
	}
	if t.id == "" {
		t.id = sent.Conversation
		c.learn(t)
		c.fetchReceipts(ctx, t)
	}
	own := sdk.Message{Type: sdk.TypeText, Author: c.client.Account(), Conversation: sent.Conversation, Seq: sent.Seq,
		ID: sent.MessageID, Time: sent.Time, GroupID: t.group, Text: d.Text, ReplyTo: d.ReplyTo, Mentions: d.Mentions}
	if t.account != "" {
		own.Friends = []string{t.account}
	}
	c.noteOwn(own)
	c.tellPlugins(own)
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

func (c *chat) enter(ctx context.Context, t target) {
	c.mu.Lock()
	c.present = t
	c.mu.Unlock()
	c.showPrompt()
	if t.account != "" {
		c.watch(ctx, t.account)
	}
	c.fetchReceipts(ctx, t)
	c.refreshStatus()
}

// showPrompt shows where what is written goes.
func (c *chat) showPrompt() {
	t, err := c.here()
	if err != nil {
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
	c.enter(ctx, t)
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
		if len(called) == 1 && t.group == called[0].ID || len(called) == 0 && (t.account == name || t.left && t.name == name) {
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

// help lists all commands.
func (c *chat) help(context.Context, string) error {
	for _, cmd := range commands() {
		if cmd.name == "" {
			c.scr.print(cmd.help)
			continue
		}
		c.scr.print("  " + pad("/"+cmd.name+" "+cmd.args, 30) + " " + indent(wrap(cmd.help, 46), 33))
	}
	c.scr.print("Every other line is sent to the present conversation; // begins one with a slash, @ACCOUNT mentions somebody.")
	if c.opt.Interactive {
		c.scr.print("Alt-Enter begins a new line within a text; Ctrl-C ends at once. ✓ is delivered, ✓✓ read.")
	}
	return nil
}
