package store

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxMembers of a group, and maxGroups that one account may be in.
const (
	maxMembers = 5000
	maxGroups  = 1000
)

// recordKind is the Kind of the lines that tell of a group's comings and goings.
const recordKind = "member_record"

// Group is a group as its members see it.
type Group struct {
	ID           string // 10 lower-case base32 characters, random
	Name         string
	Introduction string
	Founder      string
	CreateTime   int64 // Unix ms
	Conversation int64
	Members      int    // present ones
	Avatar       string // a file's name, or ""
	History      string // HistoryJoin or HistoryAll
	Permissions  string // the asker's own
}

// What those who are invited from then on may read: what is said since, or everything.
const (
	HistoryJoin = "join"
	HistoryAll  = "all"
)

// A member's permissions. A group that has members has exactly one creator.
const (
	Creator = "creator"
	Admin   = "admin"
	Plain   = "member"
)

// Member is one present member of a group.
type Member struct {
	Account     string
	Name        string // of the person
	Permissions string // creator, admin or member
	JoinTime    int64  // Unix ms
}

// groupChange is an operation on a group: it posts at most two records, and notes
// a change of the accounts that are no longer in it.
type groupChange struct {
	act     func(*groupChange, *batch) error
	done    func(*groupChange, error)
	group   Group // of CreateGroup
	results []result
}

func (c *groupChange) changes() int { return 3 }

// run writes what is staged before it changes who the members are.
func (c *groupChange) run(b *batch) error {
	c.results = nil
	if err := b.flush(); err != nil {
		return err
	}
	return c.act(c, b)
}

func (c *groupChange) finish(err error) { c.done(c, err) }

func answer(done func([]Posted, error)) func(*groupChange, error) {
	return func(c *groupChange, err error) {
		if err != nil {
			done(nil, err)
			return
		}
		done(posted(c.results), nil)
	}
}

// CreateGroup makes a group of g.Founder and members, and posts a member_record
// with Carry {"event":"created","friends":[...]} in it. Of g, Name, Introduction,
// History ("": HistoryJoin) and Founder are taken. It returns at once; done gets the group and the record.
// ErrNotFound: an unknown account. ErrTooLarge: more than 5,000 members.
func (s *Store) CreateGroup(g Group, members []string, done func(Group, []Posted, error)) {
	friends := without(unique(members), g.Founder)
	s.writer.enqueue(&groupChange{
		act: func(c *groupChange, b *batch) error { return c.create(b, g, friends) },
		done: func(c *groupChange, err error) {
			if err != nil {
				done(Group{}, nil, err)
				return
			}
			done(c.group, posted(c.results), nil)
		},
	})
}

func (c *groupChange) create(b *batch, g Group, friends []string) error {
	if len(friends)+1 > maxMembers {
		return fmt.Errorf("%d members: %w", len(friends)+1, ErrTooLarge)
	}
	if err := b.accounts(append([]string{g.Founder}, friends...)); err != nil {
		return err
	}
	if err := b.roomForGroup(append([]string{g.Founder}, friends...)); err != nil {
		return err
	}
	var err error
	if g.ID, err = b.freeGroupID(); err != nil {
		return err
	}
	g.CreateTime, g.Members, g.Permissions, g.Avatar = b.now, len(friends)+1, Creator, ""
	if g.History == "" {
		g.History = HistoryJoin
	}
	t, err := b.insertGroup(g)
	if err != nil {
		return err
	}
	g.Conversation = t.id
	if err := b.join(t, []string{g.Founder}, Creator, 0, 0); err != nil {
		return err
	}
	if err := b.join(t, friends, Plain, 0, 0); err != nil {
		return err
	}
	c.group = g
	_, err = c.record(b, t, g.Founder, groupRecord{Event: "created", Friends: friends})
	return err
}

func (b *batch) insertGroup(g Group) (*talk, error) {
	if _, err := b.exec(wNewGroup, g.ID, g.Name, g.Introduction, g.Founder, g.CreateTime, g.History); err != nil {
		return nil, fmt.Errorf("insert group: %w", err)
	}
	result, err := b.exec(wNewGroupConversation, g.ID)
	if err != nil {
		return nil, fmt.Errorf("make the group's conversation: %w", err)
	}
	id, err := result.LastInsertId()
	if err != nil {
		return nil, fmt.Errorf("id of the group's conversation: %w", err)
	}
	t := &talk{id: id, group: g.ID, since: map[string]int64{}}
	b.w.cache.keep(t)
	return t, nil
}

// Invite adds accounts to a group that by is in; those already there are
// skipped, and if that is all of them nothing is posted and done gets an empty
// list. Otherwise it gets the member_record ("invited"), the new members among
// its recipients: it is the first message they can read, unless the group's History
// is HistoryAll. ErrNotFound: not by's group, or an unknown account. ErrTooLarge: more than 5,000 members.
func (s *Store) Invite(by, group string, accounts []string, done func([]Posted, error)) {
	accounts = unique(accounts)
	s.writer.enqueue(&groupChange{
		act:  func(c *groupChange, b *batch) error { return c.invite(b, by, group, accounts) },
		done: answer(done),
	})
}

func (c *groupChange) invite(b *batch, by, group string, accounts []string) error {
	t, err := b.memberOf(by, group)
	if err != nil {
		return err
	}
	if err := b.accounts(accounts); err != nil {
		return err
	}
	fresh := slices.DeleteFunc(slices.Clone(accounts), func(a string) bool { _, ok := t.stay(a); return ok })
	if len(fresh) == 0 {
		return nil
	}
	if n := len(t.present) + len(fresh); n > maxMembers {
		return fmt.Errorf("%d members: %w", n, ErrTooLarge)
	}
	if err := b.roomForGroup(fresh); err != nil {
		return err
	}
	m, err := c.record(b, t, by, groupRecord{Event: "invited", Friends: fresh})
	if err != nil {
		return err
	}
	if err := b.letIn(t, fresh, m.Seq-1); err != nil {
		return err
	}
	c.results[0].recipients = t.present
	return nil
}

// letIn makes accounts members who see what comes after seq, or everything where
// the group's setting says so; what they have not read begins there either way.
func (b *batch) letIn(t *talk, accounts []string, seq int64) error {
	var history string
	if err := b.queryRow(wGroupHistory, t.group).Scan(&history); err != nil {
		return absent(err, "group")
	}
	since := seq
	if history == HistoryAll {
		since = 0
		for _, a := range accounts { // one stay from the beginning takes in those of before
			if _, err := b.exec(wDropStays, t.id, a); err != nil {
				return fmt.Errorf("drop former memberships: %w", err)
			}
		}
	}
	return b.join(t, accounts, Plain, since, seq)
}

// groupRecord is the Carry of a member_record.
type groupRecord struct {
	Event       string   `json:"event"`
	Friends     []string `json:"friends"`
	Permissions string   `json:"permissions,omitempty"`
}

// record posts a member_record to those present and returns it with its seq.
func (c *groupChange) record(b *batch, t *talk, by string, r groupRecord) (*Message, error) {
	if r.Friends == nil {
		r.Friends = []string{}
	}
	carry, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encode record: %w", err)
	}
	m := &Message{Author: by, Kind: recordKind, Carry: carry}
	if err := b.stage(t, m, nil, nil); err != nil {
		return nil, err
	}
	c.results = append(c.results, result{m, t.present, false})
	return m, b.flush()
}

// join writes members who may read what comes after seq since and have read up to read.
func (b *batch) join(t *talk, accounts []string, permissions string, since, read int64) error {
	args := make([]any, 0, 4*len(accounts))
	for _, a := range accounts {
		args = append(args, t.group, a, permissions, b.now)
	}
	if err := b.w.multis[mMembers].exec(b.ctx, args); err != nil {
		return fmt.Errorf("add group members: %w", err)
	}
	t.add(accounts, since)
	b.w.cache.size += len(accounts)
	return b.addStays(t.id, accounts, since, read)
}

// memberOf returns the group, or ErrNotFound also to a stranger.
func (b *batch) memberOf(account, group string) (*talk, error) {
	t, err := b.group(group)
	if err != nil {
		return nil, err
	}
	if _, ok := t.stay(account); !ok {
		return nil, fmt.Errorf("group: %w", ErrNotFound)
	}
	return t, nil
}

// roomForGroup returns ErrTooLarge if one of accounts is in so many groups that it cannot be in another.
func (b *batch) roomForGroup(accounts []string) error {
	for _, a := range accounts {
		var n int
		if err := b.queryRow(wGroupsOf, a).Scan(&n); err != nil {
			return fmt.Errorf("count groups: %w", err)
		}
		if n >= maxGroups {
			return fmt.Errorf("%s is in %d groups: %w", a, n, ErrTooLarge)
		}
	}
	return nil
}

func (b *batch) accounts(accounts []string) error {
	for _, a := range accounts {
		if err := b.account(a); err != nil {
			return err
		}
	}
	return nil
}

func (b *batch) freeGroupID() (string, error) {
	for {
		id := randomGroupID()
		_, err := b.group(id)
		if errors.Is(err, ErrNotFound) {
			return id, nil
		}
		if err != nil {
			return "", err
		}
	}
}

func randomGroupID() string {
	var random [7]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	return strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))[:10]
}

func without(names []string, name string) []string {
	return slices.DeleteFunc(names, func(n string) bool { return n == name })
}

// Group describes a group that account is in; to others it is ErrNotFound.
func (s *Store) Group(ctx context.Context, account, id string) (Group, error) {
	g, err := scanGroup(s.row(ctx, qGroup, account, id))
	return g, readFailed("group", err)
}

// Groups lists the groups account is in, by id.
func (s *Store) Groups(ctx context.Context, account string) ([]Group, error) {
	groups, err := collect(ctx, s.read(qGroups), scanGroup, account)
	return groups, readFailed("groups", err)
}

// Members lists at most limit members of a group account is in, by account, after
// the one named by after ("" at first). To others the group is ErrNotFound.
func (s *Store) Members(ctx context.Context, account, group, after string, limit int) ([]Member, error) {
	if _, err := s.Group(ctx, account, group); err != nil {
		return nil, err
	}
	members, err := collect(ctx, s.read(qMembers), scanMember, group, after, max(limit, 1))
	return members, readFailed("members", err)
}

func scanMember(row scanner) (m Member, err error) {
	err = row.Scan(&m.Account, &m.Name, &m.Permissions, &m.JoinTime)
	return m, err
}

func scanGroup(row scanner) (g Group, err error) {
	err = row.Scan(&g.ID, &g.Name, &g.Introduction, &g.Founder, &g.CreateTime, &g.Conversation, &g.Members,
		&g.Avatar, &g.History, &g.Permissions)
	return g, err
}
