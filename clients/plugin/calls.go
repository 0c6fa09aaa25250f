package plugin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"neochat/clients/sdk"
	"neochat/wire"
)

const (
	maxWait  = 60_000 // ms that get_message may wait
	maxOld   = 200    // messages of get_old_message
	defOld   = 50
	maxPages = 20 // requests that one get_old_message may take
)

// sentPrefix begins the client_message_id of what plugins send, on whichever device.
const sentPrefix = "plugin-"

// call is what a plugin may ask for.
type call struct {
	name  string
	needs Grant // "": nothing
	run   func(*conn, wire.Message) result
}

// calls returns all calls but register.
func calls() []call {
	return []call{
		{"get_message", Receive, (*conn).getMessage},
		{"get_user_info", People, (*conn).getUserInfo},
		{"get_current_user", People, (*conn).getCurrentUser},
		{"get_old_message", History, (*conn).getOldMessage},
		{"send_message", Send, (*conn).sendMessage},
	}
}

func refuse(stat int, format string, args ...any) result {
	return result{err: &wire.Error{Stat: stat, Reason: fmt.Sprintf(format, args...)}}
}

// carryOut finds the call of a message and looks at what it needs.
func (c *conn) carryOut(m wire.Message) result {
	name := m.Get("call")
	switch {
	case !echoable(m.Get("task_id")):
		return refuse(wire.StatBadRequest, "task_id has at most 64 bytes and no control characters")
	case m.Get("message_type") != "plugin":
		return refuse(wire.StatBadRequest, "message_type must be plugin")
	case name == "register":
		return c.register(m)
	case c.plugin == nil:
		return refuse(wire.StatLogin, "register first: call: register, plugin_name and token")
	}
	for _, known := range calls() {
		if known.name != name {
			continue
		}
		if !c.granted(known.needs) {
			return c.missing(known.needs, "")
		}
		return known.run(c, m)
	}
	return refuse(wire.StatBadRequest, "there is no such call; there are register, get_message, get_user_info, get_current_user, get_old_message and send_message")
}

// granted reports whether g is granted for any conversation.
func (c *conn) granted(g Grant) bool {
	c.h.mu.Lock()
	defer c.h.mu.Unlock()
	return c.plugin.entry.some(g)
}

// missing is the answer where a grant is.
func (c *conn) missing(g Grant, where string) result {
	return refuse(wire.StatForbidden, "the grant %s is missing%s; the person who runs the chat gives it with /plugins grant %s %s", g, where, c.plugin.name, g)
}

// register says which plugin this is. Any other connection of it ends first.
func (c *conn) register(m wire.Message) result {
	mode := m.Get("mode")
	switch {
	case c.plugin != nil:
		return refuse(wire.StatConflict, "this connection has registered")
	case mode != "" && mode != "pull" && mode != "push":
		return refuse(wire.StatBadRequest, "mode is pull or push")
	}
	p := c.h.claim(c, m.Get("plugin_name"), m.Get("token"))
	if p == nil {
		return refuse(wire.StatForbidden, "this chat knows no plugin of that name with that token; /plugins add NAME makes one known")
	}
	_ = c.nc.SetReadDeadline(time.Time{}) // a connection that cannot be set is about to fail
	c.plugin, c.push = p, mode == "push"
	r := result{}
	p.queue.poke() // a token may have been lost with the connection before
	if c.push {
		r.push = p
	}
	add := func(name, value string) { r.lines = append(r.lines, wire.Field{Name: name, Value: value}) }
	add("plugin_name", p.name)
	add("user_account", c.h.opt.Client.Account())
	c.h.mu.Lock()
	grants := p.entry.grants()
	c.h.mu.Unlock()
	for _, g := range Grants() {
		if l := grants[g]; l != nil {
			add(string(g), strings.Join(l, ","))
		}
	}
	return r
}

// claim makes c the connection of a plugin, once the one before is over; nil: name and token do not fit.
func (h *Host) claim(c *conn, name, token string) *plugin {
	for {
		h.mu.Lock()
		p := h.plugins[name]
		if p == nil || !knows(p.entry.Token, token) && !knows(p.child, token) {
			h.mu.Unlock()
			return nil
		}
		before := p.conn
		if before == nil {
			p.conn, p.opened = c, true
			h.mu.Unlock()
			return p
		}
		h.mu.Unlock()
		before.cancel()
		select {
		case <-before.done:
		case <-c.ctx.Done():
			return nil
		}
	}
}

// getMessage answers the next message, waiting for one if asked to.
func (c *conn) getMessage(m wire.Message) result {
	if c.push {
		return refuse(wire.StatConflict, "a plugin in mode push is sent its messages")
	}
	wait, ok := numeral(m, "wait_ms", 0, 0, maxWait)
	if !ok {
		return refuse(wire.StatBadRequest, "wait_ms is a number up to %d", maxWait)
	}
	ctx, cancel := context.WithTimeout(c.ctx, time.Duration(wait)*time.Millisecond)
	defer cancel()
	q := c.plugin.queue
	for {
		it, missed, ok := c.h.next(c.plugin)
		if ok {
			return got(q, it, missed)
		}
		select {
		case <-q.wake:
		case <-c.gone:
			return result{list: true}
		case <-ctx.Done():
			return result{list: true}
		}
	}
}

// got is the answer with a message, which goes back where it cannot be written.
func got(q *queue, it item, missed int) result {
	r := result{list: true, undo: func() { q.putBack(it, missed) }}
	if missed > 0 {
		r.lines = []wire.Field{{Name: "missed", Value: strconv.Itoa(missed)}}
	}
	m, err := wire.NewReader(strings.NewReader(string(it.encoded)), false, wire.Limits{Header: 1 << 20}).Next()
	if err != nil {
		return refuse(wire.StatFailed, "a message cannot be passed on")
	}
	r.items = []wire.Message{m}
	return r
}

// getUserInfo passes on what the server tells of accounts.
func (c *conn) getUserInfo(m wire.Message) result {
	who := m.Get("friends")
	if who == "" {
		return refuse(wire.StatBadRequest, "friends is missing: one account, or several separated by commas")
	}
	return c.ask(wire.Field{Name: "message_type", Value: "profile"}, wire.Field{Name: "type", Value: "GET"}, wire.Field{Name: "friends", Value: who})
}

// getCurrentUser passes on the person's own profile.
func (c *conn) getCurrentUser(wire.Message) result {
	return c.ask(wire.Field{Name: "message_type", Value: "profile"}, wire.Field{Name: "type", Value: "GET"})
}

// getOldMessage answers the last messages of a conversation.
func (c *conn) getOldMessage(m wire.Message) result {
	n, ok := numeral(m, "number", defOld, 1, maxOld)
	if !ok {
		return refuse(wire.StatBadRequest, "number is from 1 to %d", maxOld)
	}
	conversation, r := c.target(m, History)
	if r != nil {
		return *r
	}
	var items []wire.Message
	before := ""
	for range maxPages {
		lines := []wire.Field{{Name: "message_type", Value: "history"}, {Name: "type", Value: "GET"},
			{Name: "conversation", Value: conversation}, {Name: "limit", Value: strconv.Itoa(n - len(items))}}
		if before != "" {
			lines = append(lines, wire.Field{Name: "before_seq", Value: before})
		}
		page := c.ask(lines...)
		if page.err != nil {
			return page
		}
		items = append(page.items, items...)
		if len(page.items) == 0 || len(items) >= n || !slices.Contains(page.lines, wire.Field{Name: "more", Value: "yes"}) {
			break
		}
		before = items[0].Get("seq")
	}
	return result{list: true, items: items}
}

// sendMessage sends a text in the person's name.
func (c *conn) sendMessage(m wire.Message) result {
	id := m.Get("client_message_id")
	if len(id) > 64 {
		return refuse(wire.StatBadRequest, "client_message_id has at most 64 bytes")
	}
	to, r := c.recipient(m)
	if r != nil {
		return *r
	}
	if wait := c.plugin.sends.take(time.Now()); wait > 0 {
		r := refuse(wire.StatTooOften, "this plugin sends too often")
		r.retry = wait
		return r
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.h.opt.Limits.Answer)
	defer cancel()
	draft := sdk.Draft{Text: sdk.EscapeText(m.Get("text")), ClientMessageID: sentPrefix + newToken()}
	if id != "" {
		sum := sha256.Sum256([]byte(c.plugin.name + "\x00" + id)) // one plugin's must not meet another's
		draft.ClientMessageID = sentPrefix + hex.EncodeToString(sum[:16])
	}
	sent, err := c.h.opt.Client.Send(ctx, to, draft)
	if err != nil {
		return failed(err)
	}
	c.h.opt.Sent(c.plugin.name, sdk.Message{Type: sdk.TypeText, Author: c.h.opt.Client.Account(), Conversation: sent.Conversation,
		Seq: sent.Seq, ID: sent.MessageID, Time: sent.Time, GroupID: to.GroupID, Friends: accounts(to.Account), Text: draft.Text})
	return result{lines: []wire.Field{{Name: "message_id", Value: sent.MessageID}, {Name: "conversation", Value: sent.Conversation},
		{Name: "seq", Value: strconv.FormatInt(sent.Seq, 10)}, {Name: "time", Value: strconv.FormatInt(sent.Time.UnixMilli(), 10)}}}
}

func accounts(account string) []string {
	if account == "" {
		return nil
	}
	return []string{account}
}

// recipient reads whom a text is for, and looks at the grant.
func (c *conn) recipient(m wire.Message) (sdk.To, *result) {
	to, r := readTo(m)
	if r != nil || c.h.allowed(c.plugin, Send, "") {
		return to, r
	}
	conversation, r := c.target(m, Send)
	return sdk.To{Conversation: conversation}, r
}

// readTo reads friends, group_id or conversation, of which there must be one.
func readTo(m wire.Message) (sdk.To, *result) {
	to := sdk.To{Account: m.Get("friends"), GroupID: m.Get("group_id"), Conversation: m.Get("conversation")}
	n := 0
	for _, v := range []string{to.Account, to.GroupID, to.Conversation} {
		if v != "" {
			n++
		}
	}
	if n != 1 || to.Account != "" && !wire.ValidAccount(to.Account) {
		r := refuse(wire.StatBadRequest, "say where with one of friends (one account), group_id and conversation")
		return to, &r
	}
	return to, nil
}

// target returns the conversation that a message names, where g is granted there. Where it is
// not, the answer does not tell whether there is one.
func (c *conn) target(m wire.Message, g Grant) (string, *result) {
	to, r := readTo(m)
	if r != nil {
		return "", r
	}
	conversation, r := c.h.places.find(c, to)
	switch {
	case r != nil && r.err.Stat != wire.StatNotFound:
		return "", r
	case !c.h.allowed(c.plugin, g, conversation):
		no := c.missing(g, " for this conversation")
		return "", &no
	}
	return conversation, r
}

// ask asks the server, and returns the answer's lines and items for the plugin. All plugins
// share what the server grants an account.
func (c *conn) ask(fields ...wire.Field) result {
	if wait := c.h.shared.take(time.Now()); wait > 0 {
		r := refuse(wire.StatTooOften, "the plugins of this chat ask the server too often")
		r.retry = wait
		return r
	}
	ctx, cancel := context.WithTimeout(c.ctx, c.h.opt.Limits.Answer)
	defer cancel()
	answer, items, err := c.h.opt.Client.Do(ctx, wire.Message{Fields: fields})
	if err != nil {
		return failed(err)
	}
	r := result{items: items}
	_, r.list = answer.Lookup("count")
	for _, f := range answer.Fields {
		if !slices.Contains([]string{"task_id", "message_type", "type", "stat", "count"}, f.Name) {
			r.lines = append(r.lines, f)
		}
	}
	return r
}

// failed makes of a failure the answer a plugin gets: the server's, or 503.
func failed(err error) result {
	var stat *sdk.StatError
	var mistake *wire.Error
	switch {
	case errors.As(err, &stat):
		r := refuse(stat.Stat, "%s", stat.Reason)
		r.retry = stat.RetryAfter
		return r
	case errors.As(err, &mistake):
		return result{err: mistake}
	}
	return refuse(wire.StatUnavailable, "the server cannot be reached now; try again")
}

// numeral reads a whole number from least to most; def where there is none.
func numeral(m wire.Message, name string, def, least, most int) (n int, ok bool) {
	v, there := m.Lookup(name)
	if !there {
		return def, true
	}
	n, err := strconv.Atoi(v)
	return n, err == nil && n >= least && n <= most
}
