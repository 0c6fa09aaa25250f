package sdk

import (
	"slices"
	"strings"
)

// arrivals is how many messages are given of a group that the client came to know
// while it was away: at most the last of them.
const arrivals = 50

// deliverer gives out events. It is one goroutine, the only one that asks for history by itself.
type deliverer struct {
	c     *Client
	convs map[string]*order
}

// deliver runs until the client ends. start is where the conversations stand.
func (c *Client) deliver(start []Conversation) {
	defer close(c.events)
	d := &deliverer{c: c, convs: map[string]*order{}}
	for _, conv := range start {
		d.convs[conv.ID] = &order{first: conv.LastSeq + 1, last: conv.LastSeq, fresh: true}
	}
	for {
		item, ok := c.inbox.take(c.ctx)
		if !ok {
			return
		}
		switch v := item.(type) {
		case linkUp:
			d.linkUp(v)
		case linkDown:
			d.emit(Offline{v.err})
		case place:
			d.ownSend(v)
		case fetch:
			d.behind(v.conversation)
		case Message:
			d.message(v)
		case Event:
			d.emit(v)
		}
	}
}

// emit gives out one event, waiting for its reader.
func (d *deliverer) emit(e Event) {
	select {
	case d.c.events <- e:
	case <-d.c.ctx.Done():
	}
}

// give gives out a message unless it is one this client sent.
func (d *deliverer) give(m Message) {
	if m.Author == d.c.opt.Account && (strings.HasPrefix(m.ClientMessageID, d.c.prefix) || d.c.isOwn(m)) {
		return
	}
	d.emit(m)
}

func (c *Client) isOwn(m Message) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.own[place{m.Conversation, m.Seq}]
	return ok
}

// message gives out a pushed message in its order.
func (d *deliverer) message(m Message) {
	d.at(m.Conversation, m.Seq, func() { d.give(m) })
}

// ownSend counts a message that this client sent as given.
func (d *deliverer) ownSend(at place) {
	d.at(at.conversation, at.seq, func() {})
	d.c.mu.Lock()
	delete(d.c.own, at)
	d.c.mu.Unlock()
}

// at does what give does at the place of a message, and fetches what is missing around it.
func (d *deliverer) at(conversation string, seq int64, give func()) {
	o := d.convs[conversation]
	if o == nil {
		d.convs[conversation] = &order{first: seq, last: seq}
		give()
		return
	}
	v, after, before := o.look(seq)
	switch v {
	case duplicate:
		return
	case next:
		d.fill(conversation, after, before)
		give()
	case older:
		give()
		d.fill(conversation, after, before)
	}
	o.note(seq)
}

// fill gives out what the history has between after and before, both left out. What
// cannot be had (it is no longer ours to read) stays a hole.
func (d *deliverer) fill(conversation string, after, before int64) {
	for after+1 < before {
		page, more, err := d.c.History(d.c.ctx, conversation, HistoryQuery{AfterSeq: after, FromStart: true, Limit: 200})
		if err != nil {
			if d.c.ctx.Err() == nil {
				d.c.log.Warn("messages cannot be fetched", "conversation", conversation, "after_seq", after, "err", err)
			}
			return
		}
		reached := after
		for _, m := range page {
			if m.Seq > reached && m.Seq < before {
				d.give(m)
				reached = m.Seq
			}
		}
		if !more || reached == after {
			return
		}
		after = reached
	}
}

// behind gives out all that a conversation has beyond what was given.
func (d *deliverer) behind(conversation string) {
	last := int64(0)
	if o := d.convs[conversation]; o != nil {
		last = o.last
	}
	page, _, err := d.c.History(d.c.ctx, conversation, HistoryQuery{Limit: 1})
	if err != nil || len(page) == 0 || page[len(page)-1].Seq <= last {
		return
	}
	newest := page[len(page)-1]
	if last == 0 {
		d.newcomer(Conversation{ID: conversation, LastSeq: newest.Seq, GroupID: newest.GroupID})
		return
	}
	d.message(newest) // which fetches all before it
}

// linkUp compares what the server has with what was given, and fetches the rest.
func (d *deliverer) linkUp(up linkUp) {
	for _, p := range up.sent {
		select {
		case <-p.done:
		case <-up.down:
		case <-d.c.ctx.Done():
		}
	}
	all, err := d.c.AllConversations(d.c.ctx)
	if err != nil {
		if d.c.ctx.Err() == nil {
			d.c.log.Warn("conversations cannot be fetched", "err", err)
		}
		return
	}
	for _, conv := range slices.Backward(all) { // the one that changed last comes last
		switch o := d.convs[conv.ID]; {
		case o == nil:
			d.newcomer(conv)
		case conv.LastSeq > o.last:
			d.fill(conv.ID, o.last, conv.LastSeq+1)
			o.note(conv.LastSeq)
		}
	}
	d.emit(Online{})
}

// newcomer gives out what is new to us of a conversation that began while the client
// was away: all of a pair, of a group at most the last messages, from our invitation on.
func (d *deliverer) newcomer(conv Conversation) {
	if conv.LastSeq == 0 {
		return
	}
	d.convs[conv.ID] = &order{first: 1, last: conv.LastSeq} // pushes of what is given here may still lie in the inbox
	if conv.GroupID == "" {
		d.fill(conv.ID, 0, conv.LastSeq+1)
		return
	}
	page, _, err := d.c.History(d.c.ctx, conv.ID, HistoryQuery{BeforeSeq: conv.LastSeq + 1, Limit: arrivals})
	if err != nil {
		d.c.log.Warn("messages cannot be fetched", "conversation", conv.ID, "err", err)
		return
	}
	from := 0
	for i, m := range page {
		if m.Type == TypeMemberRecord && slices.Contains(m.Friends, d.c.opt.Account) && m.Event != "left" {
			from = i
		}
	}
	for _, m := range page[from:] {
		d.give(m)
	}
}
