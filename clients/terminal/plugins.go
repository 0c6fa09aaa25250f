package terminal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"neochat/clients/plugin"
	"neochat/clients/sdk"
	"neochat/wire"
)

// PluginOptions say which plugins a chat hosts; docs/plugins.md describes them.
type PluginOptions struct {
	Commands []plugin.Command // started and ended with the chat
	Address  string           // a loopback address and port where plugins may connect too; "": none
}

// hostPlugins begins to host plugins where the options ask for it.
func (c *chat) hostPlugins() error {
	if c.opt.Plugins == nil {
		return nil
	}
	u, err := url.Parse(c.opt.URL)
	if err != nil {
		return &exitError{ExitUsage, err} // it was good enough to connect, so this does not happen
	}
	socket, grants, err := plugin.Paths(u.Host, c.client.Account())
	if err == nil {
		c.plugins, err = plugin.Start(plugin.Options{Client: c.client, Socket: socket, Grants: grants,
			Commands: c.opt.Plugins.Commands, Address: c.opt.Plugins.Address, Logger: c.opt.Logger,
			Note: func(text string) { c.scr.note(visible(text, false)) }, Sent: c.pluginSaid})
	}
	if err != nil {
		return &exitError{ExitUsage, fmt.Errorf("plugins cannot be hosted: %w", err)}
	}
	return nil
}

func (c *chat) endPlugins() {
	if c.plugins != nil {
		c.plugins.Close()
	}
}

// tellPlugins gives plugins a message that came, or that was typed here.
func (c *chat) tellPlugins(m sdk.Message) {
	if c.plugins == nil {
		return
	}
	if len(m.Wire.Fields) == 0 {
		m.Wire = asPushed(m)
	}
	c.plugins.Deliver(m)
}

// asPushed is one's own message as another device of the account is told it.
func asPushed(m sdk.Message) wire.Message {
	var w wire.Message
	for _, f := range []wire.Field{{Name: "user_account", Value: m.Author}, {Name: "message_type", Value: m.Type}, {Name: "text", Value: m.Text},
		{Name: "message_id", Value: m.ID}, {Name: "conversation", Value: m.Conversation}, {Name: "seq", Value: strconv.FormatInt(m.Seq, 10)},
		{Name: "time", Value: strconv.FormatInt(m.Time.UnixMilli(), 10)}, {Name: "group_id", Value: m.GroupID}, {Name: "friends", Value: strings.Join(m.Friends, ",")},
		{Name: "reply_to", Value: m.ReplyTo}, {Name: "mentions", Value: strings.Join(m.Mentions, ",")}} {
		if f.Value != "" {
			w.Fields = append(w.Fields, f)
		}
	}
	return w
}

// pluginSaid shows what a plugin said in the person's name.
func (c *chat) pluginSaid(name string, m sdk.Message) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	t := c.target(ctx, m.Conversation)
	present, _ := c.here() // none: nothing is here
	here := t.same(present)
	c.noteOwn(m)
	head := c.stamp(m.Time, m.Seq, here) + " "
	c.scr.print(c.newDay(m.Time) + head + indent(fmt.Sprintf("%s (the plugin %s)%s", c.whose(m.Author, t, present, here), name, c.body(m)), width(head)))
}

var errNoPlugins = errors.New("this chat hosts no plugins; start it with --plugins, or with --plugin NAME=COMMAND")

// managePlugins lists plugins and changes what they may do.
func (c *chat) managePlugins(_ context.Context, arg string) error {
	if c.plugins == nil {
		return errNoPlugins
	}
	words := strings.Fields(arg)
	switch {
	case len(words) == 0:
		return c.listPlugins()
	case words[0] == "add" && len(words) == 2:
		return c.addPlugin(words[1])
	case words[0] == "remove" && len(words) == 2:
		if err := c.plugins.Remove(words[1]); err != nil {
			return err
		}
		c.scr.print("forgotten")
		return nil
	case (words[0] == "grant" || words[0] == "revoke") && (len(words) == 3 || len(words) == 4 && words[3] == plugin.All):
		return c.grantPlugin(words[0] == "grant", words[1], plugin.Grant(words[2]), len(words) == 4)
	}
	return errUsage
}

func (c *chat) addPlugin(name string) error {
	token, err := c.plugins.Add(name)
	if err != nil {
		return err
	}
	c.scr.print(fmt.Sprintf("%s may connect to %s with the token %s, which is not shown again", name, c.plugins.Socket(), token))
	return nil
}

// grantPlugin gives or takes back a grant: in all conversations, or in this one.
func (c *chat) grantPlugin(give bool, name string, g plugin.Grant, all bool) error {
	if !slices.Contains(plugin.Grants(), g) {
		return fmt.Errorf("there is no grant %q; there are receive, history, people and send", string(g))
	}
	conversation := plugin.All
	if !all && g != plugin.People {
		t, err := c.here()
		if err != nil {
			return fmt.Errorf("%w; or add the word all, for all conversations", err)
		}
		if conversation = t.id; conversation == "" {
			return errors.New("nothing was said here yet: say something first, or add the word all, for all conversations")
		}
	}
	change := c.plugins.Revoke
	if give {
		change = c.plugins.Grant
	}
	if err := change(name, g, conversation); err != nil {
		return err
	}
	for _, p := range c.plugins.Plugins() {
		if p.Name == name {
			c.scr.print(c.pluginLine(p))
		}
	}
	return nil
}

func (c *chat) listPlugins() error {
	all := c.plugins.Plugins()
	if len(all) == 0 {
		c.scr.print("no plugins yet; /plugins add NAME makes one known")
	}
	for _, p := range all {
		c.scr.print(c.pluginLine(p))
	}
	where := "they connect to " + c.plugins.Socket()
	if a := c.plugins.Address(); a != "" {
		where += " or " + a
	}
	c.scr.print(where)
	return nil
}

// pluginLine shows a plugin in one row.
func (c *chat) pluginLine(p plugin.Plugin) string {
	state := "not connected"
	if p.Connected {
		state = "connected"
	}
	if p.Started {
		state = "started here, " + state
	}
	var may []string
	for _, g := range slices.Sorted(maps.Keys(p.Grants)) {
		var where []string
		for _, conversation := range p.Grants[g] {
			if name := c.nameOf(conversation, ""); name != "" {
				conversation = visible(name, false)
			}
			where = append(where, conversation)
		}
		may = append(may, string(g)+" ("+strings.Join(where, ", ")+")")
	}
	if len(may) == 0 {
		may = []string{"nothing"}
	}
	return fmt.Sprintf("  %s %s; may: %s", pad(p.Name, 16), state, strings.Join(may, ", "))
}
