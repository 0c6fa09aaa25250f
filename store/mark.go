package store

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// receiptPause is the least time between two transactions that tell others of receipts.
const receiptPause = 200 * time.Millisecond

// Watermark is up to which seq somebody has read, and received, a conversation.
type Watermark struct{ Read, Delivered int64 }

// raised never falls, and having read is having received.
func (w Watermark) raised(to Watermark) Watermark {
	read := max(w.Read, to.Read)
	return Watermark{read, max(read, w.Delivered, to.Delivered)}
}

// Receipt is how far somebody has come.
type Receipt struct {
	Account      string
	Conversation int64
	Group        string // "" in a pair
	Watermark
	Change     int64
	Recipients []string // who is to be told: in groups above 50 only Account. Shared: read only
	By         any      // what Mark was given, if all steps since the last Receipt came with the same
}

// step is a move of a watermark that others are to be told of.
type step struct {
	Watermark
	by any
}

// and joins two steps.
func (s step) and(next step) step {
	if s.by != next.by && s.Watermark != (Watermark{}) {
		next.by = nil
	}
	next.Watermark = s.raised(next.Watermark)
	return next
}

// mark is a Mark on its way.
type mark struct {
	account      string
	conversation int64
	to           Watermark
	by           any
	done         func(Watermark, error)
	reached      Watermark
	refused      error // a domain error found in settle
}

// Mark notes how far account has read and received a conversation, and returns at once; done is told how
// far it now is. It never falls and never passes the last message account may see. Who sends has read and received
// everything up to there, without a Mark. What moved is told to the Listener, with by, which must be comparable.
// ErrNotFound: not a member, ever.
func (s *Store) Mark(account string, conversation int64, to Watermark, by any, done func(Watermark, error)) {
	s.writer.enqueue(&mark{account: account, conversation: conversation, to: to, by: by, done: done})
}

func (m *mark) changes() int { return 1 }

// run waits for the messages of the batch to get their seq.
func (m *mark) run(b *batch) error {
	m.reached, m.refused = Watermark{}, nil
	b.marks = append(b.marks, m)
	return nil
}

func (m *mark) finish(err error) {
	if err == nil {
		err = m.refused
	}
	if err != nil {
		m.done(Watermark{}, err)
		return
	}
	m.done(m.reached, nil)
}

func (m *mark) settle(b *batch) error {
	var since, until, last int64
	var stored Watermark
	err := absent(b.queryRow(wMark, m.conversation, m.account).Scan(&since, &until, &stored.Read, &stored.Delivered, &last), "conversation")
	if errors.Is(err, ErrNotFound) {
		m.refused = err
		return nil
	}
	if err != nil {
		return err
	}
	key := stayKey{m.conversation, m.account, since}
	stored = stored.raised(b.reads[key])
	seen := min(until, last)
	m.reached = stored.raised(Watermark{min(m.to.Read, seen), min(m.to.Delivered, seen)})
	if m.reached != stored {
		b.raise(key, m.reached)
		b.moved[key] = b.moved[key].and(step{m.reached, m.by})
	}
	return nil
}

// tell is the operation that tells of the receipts that were held back.
type tell struct{ w *writer }

func (t *tell) changes() int { return len(t.w.untold) }

func (t *tell) run(b *batch) error {
	b.telling = true
	return nil
}

// finish tries again later where it failed, unless the store is closed: then the last batch tells.
func (t *tell) finish(err error) {
	if err == nil {
		return
	}
	t.w.mu.RLock()
	defer t.w.mu.RUnlock()
	if !t.w.closed {
		time.AfterFunc(10*receiptPause, func() { t.w.enqueue(t) })
	}
}

// tellReceipts gives what moved its change, at most every receiptPause: many steps of somebody are one. What
// is held back is durable all the same; only a crash within the pause leaves it untold until the next step.
func (b *batch) tellReceipts() error {
	w := b.w
	if !b.telling && (len(w.untold) > 0 || b.now-w.toldAt < receiptPause.Milliseconds()) {
		return nil
	}
	b.telling = true
	for key, to := range b.moved {
		w.untold[key] = w.untold[key].and(to) // a rollback leaves it there: told once too often is harmless
	}
	b.args = b.args[:0]
	for key, to := range w.untold {
		if err := b.tellReceipt(key, to); err != nil {
			return err
		}
	}
	if err := w.multis[mReceiptChange].exec(b.ctx, b.args); err != nil {
		return fmt.Errorf("store receipts: %w", err)
	}
	return nil
}

func (b *batch) tellReceipt(key stayKey, to step) error {
	t, err := b.talk(key.conversation)
	if err != nil {
		return err
	}
	change, err := b.nextChange()
	if err != nil {
		return err
	}
	b.args = append(b.args, key.conversation, key.account, key.since, change)
	b.touch(key.conversation, change)
	r := Receipt{Account: key.account, Conversation: key.conversation, Group: t.group, Watermark: to.Watermark, Change: change,
		Recipients: []string{key.account}, By: to.by}
	if _, present := t.stay(key.account); present && len(t.present) <= smallGroup {
		r.Recipients = t.present
	}
	b.receipts = append(b.receipts, r)
	return nil
}

// toldReceipts is called after a commit.
func (w *writer) toldReceipts(b *batch) {
	if b.telling {
		clear(w.untold)
		w.toldAt, w.armed = b.now, false
		return
	}
	for key, to := range b.moved {
		w.untold[key] = w.untold[key].and(to)
	}
	if len(w.untold) > 0 && !w.armed {
		w.armed = true
		time.AfterFunc(receiptPause, func() { w.enqueue(&tell{w}) })
	}
}

// Receipts tells how far the present members of a conversation are, by account; in groups above 50 only
// how far account itself is. ErrNotFound: account is no member. Change and Recipients are not set.
func (s *Store) Receipts(ctx context.Context, account string, conversation int64) ([]Receipt, error) {
	all, err := collect(ctx, s.read(qReceipts), func(r scanner) (x Receipt, err error) {
		x.Conversation = conversation
		err = r.Scan(&x.Account, &x.Read, &x.Delivered)
		x.Watermark = x.raised(Watermark{})
		return x, err
	}, conversation, stillHere)
	if err != nil {
		return nil, readFailed("receipts", err)
	}
	for i, r := range all {
		if r.Account == account && len(all) > smallGroup {
			return all[i : i+1], nil
		}
		if r.Account == account {
			return all, nil
		}
	}
	return nil, fmt.Errorf("conversation: %w", ErrNotFound)
}

// delivered is a Delivered on its way.
type delivered struct {
	key    deviceKey
	change int64
}

// Delivered notes that everything up to change has reached the device. It
// returns at once, never falls, and may be lost (the device then sees something
// twice) when the database fails.
func (s *Store) Delivered(account, device string, change int64) {
	s.writer.enqueue(&delivered{deviceKey{account, device}, change})
}

func (d *delivered) changes() int { return 0 }

func (d *delivered) run(b *batch) error {
	if err := b.account(d.key.account); err != nil {
		return fmt.Errorf("delivered: %w", err)
	}
	c := b.cursors[d.key]
	c.delivered = max(c.delivered, d.change)
	b.cursors[d.key] = c
	return nil
}

func (d *delivered) finish(error) {}
