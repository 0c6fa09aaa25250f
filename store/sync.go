package store

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// SyncItem is something that changed: one of its pointers is set.
type SyncItem struct {
	Change   int64
	Message  *Message // as History gives it
	Reaction *Reaction
	Receipt  *Receipt // without Recipients
	Account  *AccountChange
}

// AccountChange concerns an account alone.
type AccountChange struct {
	Kind  string            // the protocol's message_type
	Lines map[string]string // what it is told with
}

// SyncPage is a part of what changed.
type SyncPage struct {
	Items []SyncItem // ascending by Change; several never share one
	UpTo  int64      // everything up to here was in this page or one before
	More  bool       // there may be more above it
}

// Sync returns at most limit things that account may see and that changed after the given change, as they are
// now. Changes become visible in their order, so nothing ever appears below UpTo; what changes once more while the
// page is read is left to a later one.
func (s *Store) Sync(ctx context.Context, account string, after int64, limit int) (SyncPage, error) {
	var last int64
	if err := s.row(ctx, qChange).Scan(&last); err != nil {
		return SyncPage{}, readFailed("sync", err)
	}
	r := syncRead{s: s, ctx: ctx, account: account}
	if err := r.lookAround(after); err != nil {
		return SyncPage{}, readFailed("sync", err)
	}
	page := SyncPage{UpTo: min(max(after, 0), last)}
	limit = max(limit, 1)
	width := int64(limit)
	if len(r.stays) == 0 {
		width = last // only the account's own changes are left to read
	}
	for page.UpTo < last && len(page.Items) < limit {
		items, upTo, err := r.window(page.UpTo, min(last, page.UpTo+width), limit-len(page.Items))
		if err != nil {
			return SyncPage{}, readFailed("sync", err)
		}
		page.Items = append(page.Items, items...)
		page.UpTo = upTo
		width *= 4 // what is mine may be far between
	}
	page.More = page.UpTo < last
	return page, nil
}

// syncRead is the reading of a page.
type syncRead struct {
	s       *Store
	ctx     context.Context
	account string
	stays   map[int64][]stay // where something happened, by conversation
}

func (r *syncRead) lookAround(after int64) error {
	rows, err := r.s.read(qTouched).QueryContext(r.ctx, r.account, after)
	if err != nil {
		return err
	}
	defer rows.Close()
	r.stays = map[int64][]stay{}
	for rows.Next() {
		var conversation int64
		var pairA, pairB, group sql.NullString
		var st stay
		if err := rows.Scan(&conversation, &st.since, &st.until, &st.untilChange, &pairA, &pairB, &group); err != nil {
			return err
		}
		st.pairA, st.pairB, st.group = pairA.String, pairB.String, group.String
		r.stays[conversation] = append(r.stays[conversation], st)
	}
	return rows.Err()
}

func (r *syncRead) bound(conversation int64) int64 { return bound(r.stays[conversation]) }

// window reads what changed in (low, high], at most limit items; upTo is how far they reach.
func (r *syncRead) window(low, high int64, limit int) (items []SyncItem, upTo int64, err error) {
	upTo = high
	for _, read := range []func(low, high int64, limit int) ([]SyncItem, error){r.messages, r.reactions, r.receipts, r.accountChanges} {
		some, err := read(low, high, limit)
		if err != nil {
			return nil, 0, err
		}
		if len(some) == limit { // there may be more of this behind the last one
			upTo = min(upTo, some[limit-1].Change)
		}
		items = append(items, some...)
	}
	slices.SortFunc(items, func(a, b SyncItem) int { return cmp.Compare(a.Change, b.Change) })
	if len(items) > limit {
		upTo = min(upTo, items[limit-1].Change)
	}
	items = slices.DeleteFunc(items, func(i SyncItem) bool { return i.Change > upTo || !r.mine(&i) })
	return items, upTo, r.addTallies(items)
}

// mine tells whether the account may learn of it: of what was done after it left it may not.
func (r *syncRead) mine(i *SyncItem) bool {
	switch {
	case i.Message != nil:
		return i.Change <= r.bound(i.Message.Conversation)
	case i.Reaction != nil:
		return i.Change <= r.bound(i.Reaction.Conversation)
	}
	return true
}

func (r *syncRead) messages(low, high int64, limit int) ([]SyncItem, error) {
	if len(r.stays) == 0 {
		return nil, nil
	}
	rows, err := collect(r.ctx, r.s.read(qSyncMessages), func(from scanner) (row, error) { return scanMessage(from, nil) },
		r.account, r.account, low, low, high, limit)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if stays := r.stays[rows[i].Conversation]; len(stays) > 0 {
			rows[i].PairA, rows[i].PairB, rows[i].Group = stays[0].pairA, stays[0].pairB, stays[0].group
		}
	}
	// What is above the bound is dropped afterwards: it would show as something that was deleted.
	changes := make([]int64, len(rows))
	for i := range rows {
		changes[i] = rows[i].Change
	}
	messages, err := r.s.shown(r.ctx, r.account, rows, r.bound)
	items := make([]SyncItem, len(messages))
	for i := range messages {
		items[i] = SyncItem{Change: changes[i], Message: &messages[i]}
	}
	return items, err
}

func (r *syncRead) reactions(low, high int64, limit int) ([]SyncItem, error) {
	if len(r.stays) == 0 {
		return nil, nil
	}
	return collect(r.ctx, r.s.read(qSyncReactions), func(from scanner) (SyncItem, error) {
		x := &Reaction{}
		err := from.Scan(&x.Conversation, &x.Seq, &x.Account, &x.Reaction, &x.Withdrawn, &x.Change)
		return SyncItem{Change: x.Change, Reaction: x}, err
	}, r.account, low, low, high, r.account, limit)
}

func (r *syncRead) receipts(low, high int64, limit int) ([]SyncItem, error) {
	if len(r.stays) == 0 {
		return nil, nil
	}
	return collect(r.ctx, r.s.read(qSyncReceipts), func(from scanner) (SyncItem, error) {
		x := &Receipt{}
		err := from.Scan(&x.Conversation, &x.Account, &x.Read, &x.Delivered, &x.Change)
		x.Watermark = x.raised(Watermark{})
		if stays := r.stays[x.Conversation]; len(stays) > 0 {
			x.Group = stays[0].group
		}
		return SyncItem{Change: x.Change, Receipt: x}, err
	}, r.account, stillHere, low, low, high, limit)
}

func (r *syncRead) accountChanges(low, high int64, limit int) ([]SyncItem, error) {
	return collect(r.ctx, r.s.read(qSyncAccount), func(from scanner) (SyncItem, error) {
		var carry []byte
		i := SyncItem{Account: &AccountChange{}}
		if err := from.Scan(&i.Change, &i.Account.Kind, &carry); err != nil {
			return i, err
		}
		if err := json.Unmarshal(carry, &i.Account.Lines); err != nil {
			return i, fmt.Errorf("account change %d: %w", i.Change, err)
		}
		return i, nil
	}, r.account, low, high, limit)
}

// addTallies gives each reaction what its message has by now: who keeps only numbers replaces them.
func (r *syncRead) addTallies(items []SyncItem) error {
	var wanted []tallied
	for i := range items {
		if x := items[i].Reaction; x != nil {
			wanted = append(wanted, tallied{x.Place, r.bound(x.Conversation), &x.Tallies})
		}
	}
	return r.s.addTallies(r.ctx, r.account, wanted)
}

// cursors returns up to which change a device was delivered texts, and up to which it said that it has everything.
func (s *Store) cursors(ctx context.Context, account, device string) (delivered, synced int64, err error) {
	err = s.row(ctx, qSynced, account, device).Scan(&delivered, &synced)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return delivered, synced, err
}

// Cursor is up to which change a device has everything; the plain device ("") what it was delivered.
func (s *Store) Cursor(ctx context.Context, account, device string) (int64, error) {
	delivered, synced, err := s.cursors(ctx, account, device)
	if device == "" {
		synced = delivered
	}
	return synced, readFailed("cursor", err)
}

// Synced notes that a device has everything up to change, and returns how far it now is: it never falls and
// never passes the last change there is.
func (s *Store) Synced(ctx context.Context, account, device string, change int64) (int64, error) {
	err := s.write(ctx, func(b *batch) error {
		if err := b.account(account); err != nil {
			return err
		}
		key := deviceKey{account, device}
		c := b.cursors[key]
		to := min(change, b.drawn)
		if device == "" {
			c.delivered = max(c.delivered, to)
		} else {
			c.synced = max(c.synced, to)
		}
		b.cursors[key] = c
		return nil
	})
	if err != nil {
		return 0, err
	}
	return s.Cursor(ctx, account, device)
}
