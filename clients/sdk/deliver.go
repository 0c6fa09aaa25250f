package sdk

import (
	"strconv"
	"strings"

	"neochat/wire"
)

// deliverer gives out events. It is one goroutine, the only one that syncs.
type deliverer struct {
	c      *Client
	me     string
	known  map[string]*known // by conversation
	cursor int64             // everything up to this change was given out
	synced int64             // what sync brought up to; a push of it is old
	gap    bool              // pushes do not follow on the cursor: sync brings what they tell
	own    map[ownChange]struct{}
	began  map[string]int64  // highest seq by conversation that the sync under way gave
	held   []Event           // of the sync under way: about messages that were not given out so far
	taken  map[string]string // what to save once the event last taken was handled
}

// Names of what is saved in a State.
const (
	stateAccount = "account"
	stateCursor  = "cursor"
	statePrefix  = "prefix" // begins every client_message_id made with this State
	stateRun     = "run"    // how often it was used
	stateSeq     = "seq/"   // and a conversation: a known
	stateUnsent  = "unsent/"
)

// newDeliverer takes up where saved says that the client was.
func newDeliverer(c *Client, saved map[string]string) *deliverer {
	d := &deliverer{c: c, me: c.opt.Account, known: map[string]*known{}, own: map[ownChange]struct{}{}, taken: map[string]string{}}
	for name, value := range saved {
		if conversation, ok := strings.CutPrefix(name, stateSeq); ok {
			d.known[conversation] = parseKnown(value)
		}
	}
	d.cursor, _ = strconv.ParseInt(saved[stateCursor], 10, 64) // 0: there is none
	return d
}

// run gives out events until the client ends.
func (d *deliverer) run() {
	defer close(d.c.events)
	if d.gap {
		d.sync()
	}
	for {
		item, ok := d.c.inbox.take(d.c.ctx)
		if !ok {
			return
		}
		switch v := item.(type) {
		case linkBegins:
			// the plain device is sent what it missed; a cursor, once there is one, brings more than that
			d.gap = d.c.opt.Device != "" || d.cursor > 0
		case linkUp:
			d.linkUp(v)
		case linkDown:
			d.emit(Offline{v.err})
		case place:
			d.know(v.conversation).note(v.seq)
			d.keepSeq(v.conversation)
		case ownChange:
			d.own[v] = struct{}{}
		case resync:
			d.sync()
		case Event:
			d.pushed(v)
		}
	}
}

// emit gives out one event, waiting for its reader. That it was taken means that the one
// before it was handled. False: it was not, the client has ended.
func (d *deliverer) emit(e Event) bool {
	select {
	case d.c.events <- e:
		d.save()
		return true
	case <-d.c.ctx.Done():
		return false
	}
}

// save keeps what is true of the events that were handled.
func (d *deliverer) save() {
	if len(d.taken) == 0 {
		return
	}
	if err := d.c.state.Save(d.taken); err != nil {
		d.c.log.Warn("the state cannot be saved", "err", err)
	}
	clear(d.taken)
}

func (d *deliverer) know(conversation string) *known {
	k := d.known[conversation]
	if k == nil {
		k = &known{}
		d.known[conversation] = k
	}
	return k
}

func (d *deliverer) keepSeq(conversation string) {
	d.taken[stateSeq+conversation] = d.known[conversation].String()
}

// advance moves the cursor. What is saved of it stays behind what is held.
func (d *deliverer) advance(change int64) {
	if change <= d.cursor {
		return
	}
	d.cursor = change
	if len(d.held) == 0 {
		d.taken[stateCursor] = strconv.FormatInt(change, 10)
	}
	for own := range d.own {
		if int64(own) <= change {
			delete(d.own, own)
		}
	}
}

// pushed gives out what the server told on its own.
func (d *deliverer) pushed(e Event) {
	if p, ok := e.(Push); ok && p.Wire.Get("message_type") == "sync" {
		if d.c.opt.Device != "" || d.cursor > 0 {
			d.sync() // there may be something that was not pushed
		}
		return
	}
	change := changeOf(e)
	if change > 0 && (d.gap || change <= d.synced) {
		return
	}
	m, isMessage := e.(Message)
	switch {
	case isMessage && d.give(m):
		d.know(m.Conversation).upTo(m.Seq) // pushes come in order
		d.keepSeq(m.Conversation)
	case isMessage || !d.emit(e):
		return
	}
	d.advance(change)
}

// give gives out a message unless it is one this client sent. False: the client has ended.
func (d *deliverer) give(m Message) bool {
	if m.Author == d.me && (d.c.isOwn(m.ClientMessageID) || d.know(m.Conversation).has(m.Seq)) {
		return true
	}
	if !d.emit(m) {
		return false
	}
	if d.c.opt.Device != "" && m.Author != d.me {
		d.c.confirm(m.Conversation, m.Seq) // a plain device's pongs say it
	}
	return true
}

// linkUp gives out what was missed while there was no connection.
func (d *deliverer) linkUp(up linkUp) {
	for _, p := range up.sent {
		select {
		case <-p.done:
		case <-up.down:
		case <-d.c.ctx.Done():
		}
	}
	if d.gap {
		d.sync()
	}
	for _, p := range d.c.seenAgain() {
		d.emit(p)
	}
	d.emit(Online{})
}

// takeOwn notes what this client did and was told so before now: sync must not take it for news.
func (d *deliverer) takeOwn() {
	for _, item := range d.c.inbox.takeOwn() {
		switch v := item.(type) {
		case place:
			d.know(v.conversation).note(v.seq)
			d.keepSeq(v.conversation)
		case ownChange:
			d.own[v] = struct{}{}
		}
	}
}

// sync gives out everything that changed since the cursor.
func (d *deliverer) sync() {
	d.began, d.held = map[string]int64{}, nil
	for attempt := 1; ; {
		header, items, err := d.c.Do(d.c.ctx, syncRequest(d.cursor))
		if err != nil {
			if d.c.ctx.Err() != nil {
				return
			}
			d.c.log.Error("what was missed cannot be fetched yet", "after_change", d.cursor, "err", err)
			if d.c.sleep(max(d.c.opt.Backoff(attempt), retryAfter(err))) { // to go on would leave it out for good
				attempt++
				continue
			}
			return
		}
		attempt = 1
		d.takeOwn()
		for _, item := range items {
			if !d.item(readEvent(item)) {
				return
			}
		}
		d.advance(number(header, "change"))
		if header.Get("more") != "yes" {
			break
		}
	}
	if !d.release(func(Event) bool { return true }) { // about messages from before this device began
		return
	}
	d.taken[stateCursor] = strconv.FormatInt(d.cursor, 10)
	for conversation, seq := range d.began {
		d.know(conversation).upTo(seq)
		d.keepSeq(conversation)
	}
	d.gap, d.synced, d.began = false, d.cursor, nil
}

// syncRequest asks for what happened after a change.
func syncRequest(after int64) wire.Message {
	return message("message_type", "sync", "type", "GET", "after_change", strconv.FormatInt(after, 10), "limit", "500")
}

// item gives out one item of sync, unless it is this client's doing. False: the client has ended.
func (d *deliverer) item(e Event) bool {
	change := changeOf(e)
	_, mine := d.own[ownChange(change)]
	m, isMessage := e.(Message)
	switch {
	case isMessage && !d.know(m.Conversation).has(m.Seq):
		if !d.give(m) {
			return false
		}
		d.know(m.Conversation).note(m.Seq)
		d.keepSeq(m.Conversation)
		d.began[m.Conversation] = max(d.began[m.Conversation], m.Seq)
		if !d.release(func(e Event) bool { return isAbout(e, m.Conversation, m.Seq) }) {
			return false
		}
	case mine:
	case isMessage:
		if e = asChange(m); e != nil && !d.emit(e) {
			return false
		}
	case d.early(e):
		d.held = append(d.held, e)
	case !d.emit(e):
		return false
	}
	d.advance(change)
	return true
}

// about returns the message that an event tells more of; seq 0: it is none.
func about(e Event) (conversation string, seq int64) {
	switch v := e.(type) {
	case Reaction:
		return v.Conversation, v.Seq
	case Deletion:
		return v.Conversation, v.Seq
	}
	return "", 0
}

func isAbout(e Event, conversation string, seq int64) bool {
	c, s := about(e)
	return c == conversation && s == seq
}

// early tells whether an item of sync is about a message that was not given out: one that was edited after it
// comes only then, in the order of its last change.
func (d *deliverer) early(e Event) bool {
	conversation, seq := about(e)
	return seq > 0 && !d.know(conversation).has(seq)
}

// release gives out those held that are due, in their order. False: the client has ended.
func (d *deliverer) release(due func(Event) bool) bool {
	stay := d.held[:0]
	for i, e := range d.held {
		switch {
		case !due(e):
			stay = append(stay, e)
		case !d.emit(e):
			d.held = append(stay, d.held[i:]...)
			return false
		}
	}
	d.held = stay
	return true
}

// asChange returns what happened to a message that was given out before; nil: nothing that is told.
func asChange(m Message) Event {
	switch {
	case m.Type == TypeDeleted:
		return Deletion{MessageID: m.ID, Conversation: m.Conversation, Seq: m.Seq, ForAll: m.Wire.Get("for") != "me", Change: m.Change}
	case !m.Edited.IsZero():
		return Edit{Account: m.Author, MessageID: m.ID, Conversation: m.Conversation, Seq: m.Seq, Text: m.Text,
			Mentions: m.Mentions, Time: m.Edited, Change: m.Change}
	}
	return nil
}

// changeOf returns the change of a durable event, 0 of another.
func changeOf(e Event) int64 {
	switch v := e.(type) {
	case Message:
		return v.Change
	case Edit:
		return v.Change
	case Deletion:
		return v.Change
	case Reaction:
		return v.Change
	case Receipt:
		return v.Change
	case FriendEvent:
		return v.Change
	case BlockEvent:
		return v.Change
	case ProfileEvent:
		return v.Change
	case GroupLost:
		return v.Change
	}
	return 0
}
