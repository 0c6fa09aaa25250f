package terminal

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"neochat/clients/sdk"
)

const (
	typingLasts = 8 * time.Second // how long somebody who said so counts as writing
	typingEvery = 4 * time.Second // how often it is said at most
	watchAtMost = 200             // accounts whose presence is watched, as the server allows
)

// life is what changes by itself: who is here, who writes, who has read. All of it is guarded by chat.mu.
type life struct {
	typing   map[writer]time.Time              // until when
	presence map[string]sdk.Presence           // by account
	receipts map[string]map[string]sdk.Receipt // by conversation and account
	mine     map[string]int64                  // by conversation: the last message of one's own
	watched  []string
	away     bool
	sending  string // what is said of the file that is on its way
}

func newLife() life {
	return life{typing: map[writer]time.Time{}, presence: map[string]sdk.Presence{},
		receipts: map[string]map[string]sdk.Receipt{}, mine: map[string]int64{}}
}

// writer is somebody who writes a text.
type writer struct{ conversation, account string }

func (c *chat) noteTyping(t sdk.Typing) {
	c.mu.Lock()
	if t.Stopped {
		delete(c.life.typing, writer{t.Conversation, t.Account})
	} else {
		c.life.typing[writer{t.Conversation, t.Account}] = time.Now().Add(typingLasts)
		c.fade.Reset(typingLasts + 100*time.Millisecond)
	}
	c.mu.Unlock()
	c.refreshStatus()
}

// stoppedTyping: who has said something has finished writing it.
func (c *chat) stoppedTyping(conversation, account string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.life.typing, writer{conversation, account})
}

func (c *chat) notePresence(p sdk.Presence) {
	c.mu.Lock()
	c.life.presence[p.Account] = p
	c.mu.Unlock()
	c.refreshStatus()
}

func (c *chat) noteReceipt(r sdk.Receipt) {
	c.mu.Lock()
	of := c.life.receipts[r.Conversation]
	if of == nil {
		of = map[string]sdk.Receipt{}
		c.life.receipts[r.Conversation] = of
	}
	was := of[r.Account]
	r.ReadSeq, r.DeliveredSeq = max(r.ReadSeq, was.ReadSeq), max(r.DeliveredSeq, r.ReadSeq, was.DeliveredSeq)
	of[r.Account] = r
	c.mu.Unlock()
	c.refreshStatus()
}

// noteOwn notes a message of one's own.
func (c *chat) noteOwn(m sdk.Message) {
	c.remember(m)
	c.mu.Lock()
	c.life.mine[m.Conversation] = max(c.life.mine[m.Conversation], m.Seq)
	c.mu.Unlock()
	c.refreshStatus()
}

// seenMark is ✓ where a message of one's own was delivered, ✓✓ where it was read: by the other
// one of two, by everybody of a group.
func (c *chat) seenMark(t target, seq int64) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	delivered, read, of := c.seenLocked(t.id, seq)
	switch {
	case of == 0:
		return ""
	case read == of:
		return "✓✓"
	case delivered == of:
		return "✓"
	}
	return ""
}

// seenLocked counts the others of a conversation, and to how many a message was delivered and
// how many have read it.
func (c *chat) seenLocked(conversation string, seq int64) (delivered, read, of int) {
	for account, r := range c.life.receipts[conversation] {
		if account == c.client.Account() {
			continue
		}
		of++
		if r.DeliveredSeq >= seq {
			delivered++
		}
		if r.ReadSeq >= seq {
			read++
		}
	}
	return delivered, read, of
}

// refreshStatus shows the status of the present conversation.
func (c *chat) refreshStatus() {
	if !c.opt.Interactive {
		return
	}
	online := c.client.Online()
	c.mu.Lock()
	status := c.statusLocked(time.Now(), online)
	c.mu.Unlock()
	c.scr.setStatus(status)
}

func (c *chat) statusLocked(now time.Time, online bool) string {
	var parts []string
	add := func(s string) {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if !online {
		add("no connection")
	}
	if c.life.away {
		add("you are away")
	}
	add(c.life.sending)
	if t := c.present; !t.none() {
		if t.account != "" && t.group == "" {
			add(presenceText(c.life.presence[t.account]))
		}
		add(c.receiptLocked(t))
		add(c.typingLocked(t, now))
	}
	return visible(strings.Join(parts, " · "), false)
}

// receiptLocked says what became of one's last message.
func (c *chat) receiptLocked(t target) string {
	seq := c.life.mine[t.id]
	if t.id == "" || seq == 0 {
		return ""
	}
	delivered, read, of := c.seenLocked(t.id, seq)
	switch {
	case of == 0 || delivered == 0:
		return fmt.Sprintf("#%d sent", seq)
	case read == of:
		return fmt.Sprintf("#%d ✓✓ read", seq)
	case of > 1 && read > 0:
		return fmt.Sprintf("#%d ✓✓ read by %d of %d", seq, read, of)
	case of > 1:
		return fmt.Sprintf("#%d ✓ delivered to %d of %d", seq, delivered, of)
	}
	return fmt.Sprintf("#%d ✓ delivered", seq)
}

func (c *chat) typingLocked(t target, now time.Time) string {
	var who []string
	for w, until := range c.life.typing {
		switch {
		case now.After(until):
			delete(c.life.typing, w)
		case w.conversation == t.id && t.id != "":
			who = append(who, w.account)
		}
	}
	slices.Sort(who)
	switch len(who) {
	case 0:
		return ""
	case 1:
		return who[0] + " is writing …"
	case 2, 3:
		return strings.Join(who, ", ") + " are writing …"
	}
	return "several people are writing …"
}

// presenceText says how somebody is; "": not known.
func presenceText(p sdk.Presence) string {
	switch {
	case p.State == sdk.StateOnline || p.State == sdk.StateAway:
		return p.Account + " is " + p.State
	case !p.LastSeen.IsZero():
		return p.Account + " was here " + when(p.LastSeen)
	}
	return ""
}

// watch begins to watch how these accounts are, beside those already watched.
func (c *chat) watch(ctx context.Context, accounts ...string) {
	if !c.opt.Interactive {
		return
	}
	c.mu.Lock()
	all := slices.Clone(accounts)
	for _, a := range c.life.watched {
		if !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	all = slices.DeleteFunc(all, func(a string) bool { return a == "" || a == c.client.Account() })
	all = all[:min(len(all), watchAtMost)]
	same := len(all) == len(c.life.watched)
	for _, a := range all {
		same = same && slices.Contains(c.life.watched, a)
	}
	c.life.watched = all
	c.mu.Unlock()
	if same {
		return
	}
	states, err := c.client.Watch(ctx, all...)
	if err != nil {
		return // it is only shown, and tried again with the next conversation
	}
	c.mu.Lock()
	for _, p := range states {
		c.life.presence[p.Account] = p
	}
	c.mu.Unlock()
	c.refreshStatus()
}

// fetchReceipts asks how far the others of a conversation are.
func (c *chat) fetchReceipts(ctx context.Context, t target) {
	if !c.opt.Interactive || t.id == "" {
		return
	}
	receipts, err := c.client.Receipts(ctx, t.id)
	if err != nil {
		return // it is only shown, and the next push tells
	}
	for _, r := range receipts {
		c.noteReceipt(r)
	}
}

// busy is told by the editor that a text is being written, or was emptied.
func (c *chat) busy(writing bool) {
	select {
	case c.writing <- writing:
	default: // the next key tells
	}
}

// tellTyping tells the others of the present conversation that a text is being written.
func (c *chat) tellTyping(ctx context.Context) {
	var told target
	var last time.Time
	for {
		var writing bool
		select {
		case writing = <-c.writing:
		case <-ctx.Done():
			return
		}
		t, err := c.here()
		switch {
		case err != nil:
			continue
		case !writing && told.none():
			continue
		case writing && told.same(t) && time.Since(last) < typingEvery:
			continue
		}
		_ = c.client.Typing(ctx, t.to(), !writing) // worth no word if it fails
		told, last = t, time.Now()
		if !writing {
			told = target{}
		}
	}
}
