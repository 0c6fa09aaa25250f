package store

import (
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// cacheLimit bounds what the writer remembers, counted in accounts and
// memberships (about 100 bytes each). Past it everything is forgotten.
const cacheLimit = 500_000

// cache is what the writer knows without asking the database. It holds only
// what is in the database or in the running transaction, and is dropped with it.
// Owned by the committing goroutine.
type cache struct {
	accounts map[string]*person // that exist
	pairs    map[[2]string]*talk
	groups   map[string]*talk
	byID     map[int64]*talk
	size     int
}

// talk is a conversation as the writer knows it.
type talk struct {
	id           int64
	pairA, pairB string // pairA <= pairB; empty in a group
	group        string
	present      []string         // sorted, never changed in place: callers keep it
	since        map[string]int64 // of a group's present members: their since_seq
	standing     *standing        // of a pair; nil: not looked up yet
}

func newCache() *cache {
	return &cache{
		accounts: map[string]*person{},
		pairs:    map[[2]string]*talk{},
		groups:   map[string]*talk{},
		byID:     map[int64]*talk{},
	}
}

// room forgets everything when there is too much. Called between operations only.
func (c *cache) room() {
	if c.size > cacheLimit {
		*c = *newCache()
	}
}

func (c *cache) keep(t *talk) {
	c.byID[t.id] = t
	c.size += 1 + len(t.present)
	if t.group != "" {
		c.groups[t.group] = t
		return
	}
	c.pairs[[2]string{t.pairA, t.pairB}] = t
}

// stay returns since_seq of a present member.
func (t *talk) stay(account string) (since int64, ok bool) {
	if t.group == "" {
		return 0, account == t.pairA || account == t.pairB
	}
	since, ok = t.since[account]
	return since, ok
}

// add and remove replace present, which callers may hold.
func (t *talk) add(accounts []string, since int64) {
	for _, a := range accounts {
		t.since[a] = since
	}
	t.present = slices.Sorted(maps.Keys(t.since))
}

func (t *talk) remove(accounts ...string) {
	for _, a := range accounts {
		delete(t.since, a)
	}
	t.present = slices.Sorted(maps.Keys(t.since))
}

func ordered(a, b string) [2]string {
	if b < a {
		a, b = b, a
	}
	return [2]string{a, b}
}

func pairTalk(id int64, pair [2]string) *talk {
	return &talk{id: id, pairA: pair[0], pairB: pair[1], present: slices.Compact([]string{pair[0], pair[1]})}
}

// absent turns "no row" into ErrNotFound and leaves other errors failures.
func absent(err error, what string) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fmt.Errorf("%s: %w", what, ErrNotFound)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}

// pair returns nil if the two never talked.
func (b *batch) pair(pair [2]string) (*talk, error) {
	if t := b.w.cache.pairs[pair]; t != nil {
		return t, nil
	}
	var id int64
	err := b.queryRow(wPair, pair[0], pair[1]).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read pair: %w", err)
	}
	t := pairTalk(id, pair)
	b.w.cache.keep(t)
	return t, nil
}

func (b *batch) group(group string) (*talk, error) {
	if t := b.w.cache.groups[group]; t != nil {
		return t, nil
	}
	var id int64
	if err := b.queryRow(wGroup, group).Scan(&id); err != nil {
		return nil, absent(err, "group")
	}
	return b.loadGroup(id, group)
}

func (b *batch) loadGroup(id int64, group string) (*talk, error) {
	t := &talk{id: id, group: group, since: map[string]int64{}}
	rows, err := b.w.stmts[wPresent].QueryContext(b.ctx, id, stillHere)
	if err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var account string
		var since int64
		if err := rows.Scan(&account, &since); err != nil {
			return nil, fmt.Errorf("read members: %w", err)
		}
		t.since[account] = since
		t.present = append(t.present, account)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read members: %w", err)
	}
	b.w.cache.keep(t)
	return t, nil
}

func (b *batch) talk(id int64) (*talk, error) {
	if t := b.w.cache.byID[id]; t != nil {
		return t, nil
	}
	var pairA, pairB, group sql.NullString
	if err := b.queryRow(wConversation, id).Scan(&pairA, &pairB, &group); err != nil {
		return nil, absent(err, "conversation")
	}
	if group.Valid {
		return b.loadGroup(id, group.String)
	}
	t := pairTalk(id, [2]string{pairA.String, pairB.String})
	b.w.cache.keep(t)
	return t, nil
}

// makePair creates the conversation of two existing accounts.
func (b *batch) makePair(pair [2]string) (*talk, error) {
	if t := b.w.cache.pairs[pair]; t != nil {
		return t, nil // made by this very operation
	}
	result, err := b.exec(wNewPair, pair[0], pair[1])
	if err != nil {
		return nil, fmt.Errorf("make pair: %w", err)
	}
	id, err := result.LastInsertId()
	if err != nil {
		return nil, fmt.Errorf("id of new pair: %w", err)
	}
	t := pairTalk(id, pair)
	if err := b.addStays(id, t.present, 0, 0); err != nil {
		return nil, err
	}
	b.w.cache.keep(t)
	return t, nil
}

// addStays writes the memberships of accounts from after seq since on, who have read up to read.
func (b *batch) addStays(conversation int64, accounts []string, since, read int64) error {
	args := make([]any, 0, 6*len(accounts))
	for _, a := range accounts {
		args = append(args, conversation, a, since, stillHere, stillHere, read)
	}
	if err := b.w.multis[mStays].exec(b.ctx, args); err != nil {
		return fmt.Errorf("add members: %w", err)
	}
	return nil
}

func (b *batch) queryRow(q writeQuery, args ...any) *sql.Row {
	return b.w.stmts[q].QueryRowContext(b.ctx, args...)
}

func (b *batch) exec(q writeQuery, args ...any) (sql.Result, error) {
	return b.w.stmts[q].ExecContext(b.ctx, args...)
}
