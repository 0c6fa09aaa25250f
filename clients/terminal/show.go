package terminal

import (
	"context"
	"fmt"
	"strings"
	"time"

	"neochat/clients/sdk"
)

// showEvents shows what the server tells until the client ends.
func (c *chat) showEvents(ctx context.Context) {
	for e := range c.client.Events() {
		switch v := e.(type) {
		case sdk.Message:
			c.tellPlugins(v)
			c.arrived(ctx, v)
		case sdk.Edit, sdk.Deletion, sdk.Reaction:
			c.changed(ctx, e)
		case sdk.Receipt:
			c.noteReceipt(v)
		case sdk.Typing:
			c.noteTyping(v)
		case sdk.Presence:
			c.notePresence(v)
		case sdk.FriendEvent:
			c.showFriend(v)
		case sdk.GroupLost:
			c.scr.note("you are no longer in " + visible(c.nameOf(v.Conversation, v.GroupID), false))
		case sdk.Ring:
			c.showRing(v)
		case sdk.RingEnd:
			c.scr.print(fmt.Sprintf("%s ☎ %s: it rings no more (%s)", stamp(time.Now()), visible(v.Account, false), visible(v.Cause, false)))
		case sdk.Resent:
			c.showResent(v)
		case sdk.Offline:
			c.scr.note("the connection is lost; what you write is kept and sent when it is back")
			c.refreshStatus()
		case sdk.Online:
			c.scr.note("connected again")
			c.refreshStatus()
		}
	}
}

func (c *chat) showRing(r sdk.Ring) {
	kind := "call"
	if r.Video {
		kind = "video call"
	}
	c.scr.print(fmt.Sprintf("%s ☎ %s: incoming %s; open %s in a browser to answer it", stamp(time.Now()), visible(r.Account, false), kind, c.opt.URL))
}

// showResent tells what became of a text that an earlier chat could not send.
func (c *chat) showResent(r sdk.Resent) {
	if r.Err != nil {
		c.scr.note("! what you wrote before the last end was refused: " + visible(r.Err.Error(), false))
		return
	}
	for _, s := range r.Sent {
		c.scr.note("what you wrote before the last end was sent to " + visible(c.nameOf(s.Conversation, ""), false))
	}
}

// arrived shows a new message.
func (c *chat) arrived(ctx context.Context, m sdk.Message) {
	t := c.where(ctx, m)
	if m.Event == "described" {
		t = c.renamed(ctx, t)
	}
	present, _ := c.here() // none: nothing is here
	here := t.same(present)
	c.stoppedTyping(m.Conversation, m.Author)
	c.lookUp(ctx, m.Conversation, m.ReplyTo)
	c.scr.print(c.render(m, t, present, here))
	if here {
		c.shown(m)
	}
	c.refreshStatus()
}

// renamed learns what a group is called by now.
func (c *chat) renamed(ctx context.Context, t target) target {
	g, err := c.client.Group(ctx, t.group)
	if err != nil || g.Name == t.name {
		return t // it is called what it was, or we are no longer in it
	}
	t.name = g.Name
	c.learn(t)
	c.mu.Lock()
	here := c.present.same(t)
	if here {
		c.present.name = t.name
	}
	c.mu.Unlock()
	if here {
		c.showPrompt()
	}
	return t
}

// changed shows what happened to a message.
func (c *chat) changed(ctx context.Context, e sdk.Event) {
	var account, conversation, what string
	var seq int64
	switch v := e.(type) {
	case sdk.Edit:
		c.amend(v.Conversation, v.Seq, func(m *sdk.Message) { m.Text, m.Edited, m.Mentions = v.Text, v.Time, v.Mentions })
		account, conversation, seq = v.Account, v.Conversation, v.Seq
		what = fmt.Sprintf("changed #%d: %s", v.Seq, c.text(v.Text))
	case sdk.Deletion:
		c.amend(v.Conversation, v.Seq, func(m *sdk.Message) { m.Type, m.Text = sdk.TypeDeleted, "" })
		account, conversation, seq = v.Account, v.Conversation, v.Seq
		what = fmt.Sprintf("deleted #%d", v.Seq)
	case sdk.Reaction:
		account, conversation, seq = v.Account, v.Conversation, v.Seq
		what = fmt.Sprintf("%s to #%d", visible(v.Reaction, false), v.Seq)
		if v.Gone {
			what = fmt.Sprintf("took %s back from #%d", visible(v.Reaction, false), v.Seq)
		}
	}
	present, _ := c.here()
	t := c.target(ctx, conversation)
	here := t.same(present)
	if r, ok := e.(sdk.Reaction); ok {
		if !here {
			return // a person hears of it when looking there
		}
		c.lookUp(ctx, r.Conversation, r.MessageID)
	}
	if account == "" { // deleted while we were away: by whom is not told
		account, what = "somebody", strings.TrimSpace(what)
	}
	head := stamp(time.Now()) + " "
	c.scr.print(head + indent(c.whose(account, t, present, here)+" "+what+c.firstWords(conversation, seq, e), width(head)))
}

// firstWords quotes what was reacted to.
func (c *chat) firstWords(conversation string, seq int64, e sdk.Event) string {
	if _, ok := e.(sdk.Reaction); !ok {
		return ""
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m, ok := c.said[place{conversation, seq}]
	if !ok || m.Text == "" {
		return ""
	}
	return fmt.Sprintf(" “%s”", cut(visible(literalFiles(m.Text), false), 30))
}

// amend changes what is remembered of a message.
func (c *chat) amend(conversation string, seq int64, change func(*sdk.Message)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := place{conversation, seq}
	if m, ok := c.said[at]; ok {
		change(&m)
		c.said[at] = m
	}
}

func (c *chat) showFriend(e sdk.FriendEvent) {
	me := c.client.Account()
	other := e.Account
	if other == me {
		other = e.Friend
	}
	name := visible(other, false)
	switch {
	case e.State == sdk.FriendAsked && e.Account != me:
		text := ""
		if e.Text != "" {
			text = ": “" + visible(e.Text, false) + "”"
		}
		c.scr.note(fmt.Sprintf("%s asks to be your friend%s; /friend accept %s or /friend refuse %s", name, text, name, name))
	case e.State == sdk.FriendAccepted:
		c.scr.note("you and " + name + " are friends now")
	case e.State == sdk.FriendRefused && e.Account != me:
		c.scr.note(name + " does not want to be your friend")
	case e.State == sdk.FriendEnded && e.Account != me:
		c.scr.note("you and " + name + " are no longer friends")
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

// target returns a conversation by its id, asking the server where it is not known.
func (c *chat) target(ctx context.Context, conversation string) target {
	c.mu.Lock()
	t, ok := c.convs[conversation]
	c.mu.Unlock()
	if ok {
		return t
	}
	if _, err := c.refresh(ctx); err != nil {
		return target{id: conversation, name: conversation}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.convs[conversation]; ok {
		return t
	}
	return target{id: conversation, name: conversation}
}

// nameOf returns what a conversation is called here, or else.
func (c *chat) nameOf(conversation, otherwise string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if t, ok := c.convs[conversation]; ok {
		return t.name
	}
	for _, t := range c.convs {
		if otherwise != "" && t.group == otherwise {
			return t.name
		}
	}
	return otherwise
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
