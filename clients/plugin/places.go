package plugin

import (
	"sync"

	"neochat/clients/sdk"
	"neochat/wire"
)

// places knows the conversations of accounts and groups, for grants are given for conversations.
type places struct {
	h *Host

	mu     sync.Mutex
	groups map[string]string // conversation by group_id; guarded by mu
	pairs  map[string]string // conversation by account; guarded by mu
}

// maxPlaces bounds what is remembered of each kind; past it all is asked for anew.
const maxPlaces = 10_000

func newPlaces(h *Host) *places {
	return &places{h: h, groups: map[string]string{}, pairs: map[string]string{}}
}

// learn notes where a message was said.
func (p *places) learn(m sdk.Message) {
	switch {
	case m.GroupID != "":
		p.note(p.groups, m.GroupID, m.Conversation)
	case m.Author != p.h.opt.Client.Account():
		p.note(p.pairs, m.Author, m.Conversation)
	case len(m.Friends) == 1:
		p.note(p.pairs, m.Friends[0], m.Conversation)
	}
}

func (p *places) note(in map[string]string, name, conversation string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(in) >= maxPlaces {
		clear(in)
	}
	in[name] = conversation
}

// find returns the conversation of a target; a result where there is none, or the server
// could not be asked.
func (p *places) find(c *conn, to sdk.To) (string, *result) {
	if to.Conversation != "" {
		return to.Conversation, nil
	}
	in, name := p.groups, to.GroupID
	if to.Account != "" {
		in, name = p.pairs, to.Account
	}
	p.mu.Lock()
	conversation := in[name]
	p.mu.Unlock()
	if conversation != "" {
		return conversation, nil
	}
	if to.GroupID != "" {
		return p.askGroup(c, to.GroupID)
	}
	return p.askPair(c, to.Account)
}

func (p *places) askGroup(c *conn, group string) (string, *result) {
	r := c.ask(wire.Field{Name: "message_type", Value: "group"}, wire.Field{Name: "type", Value: "GET"}, wire.Field{Name: "group_id", Value: group})
	if r.err != nil {
		return "", &r
	}
	m := wire.Message{Fields: r.lines}
	p.note(p.groups, group, m.Get("conversation"))
	return m.Get("conversation"), nil
}

// askPair looks through the person's conversations.
func (p *places) askPair(c *conn, account string) (string, *result) {
	before := ""
	for {
		lines := []wire.Field{{Name: "message_type", Value: "conversation"}, {Name: "type", Value: "GET"}, {Name: "limit", Value: "500"}}
		if before != "" {
			lines = append(lines, wire.Field{Name: "before_change", Value: before})
		}
		r := c.ask(lines...)
		if r.err != nil {
			return "", &r
		}
		for _, item := range r.items {
			if item.Get("friends") == account && item.Get("group_id") == "" {
				p.note(p.pairs, account, item.Get("conversation"))
				return item.Get("conversation"), nil
			}
		}
		if len(r.items) < 500 || r.items[len(r.items)-1].Get("change") == before {
			none := refuse(wire.StatNotFound, "there is no conversation with that account")
			return "", &none
		}
		before = r.items[len(r.items)-1].Get("change")
	}
}
