package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// LeaveGroup ends account's membership with a member_record ("left"), the last
// message account can read there; account is among its recipients. Where the creator leaves,
// a member_record ("permissions") goes before it: the admin who has been there longest is the
// creator then, or else the member who has. With the last one the group is dissolved.
// ErrNotFound: not account's group.
func (s *Store) LeaveGroup(account, group string, done func([]Posted, error)) {
	s.writer.enqueue(&groupChange{
		act:  func(c *groupChange, b *batch) error { return c.leave(b, account, group) },
		done: answer(done),
	})
}

func (c *groupChange) leave(b *batch, account, group string) error {
	t, mine, err := b.rank(account, group)
	if err != nil {
		return err
	}
	if mine == Creator {
		if err := c.bequeath(b, t, account); err != nil {
			return err
		}
	}
	if err := c.end(b, t, account, "left", []string{account}); err != nil {
		return err
	}
	if len(t.present) > 0 {
		return nil
	}
	return b.dissolve(group)
}

// dissolve marks a group that has no members any more.
func (b *batch) dissolve(group string) error {
	var g Group
	if err := b.queryRow(wDescription, group).Scan(&g.Name, &g.Introduction, &g.Avatar, &g.History); err != nil {
		return fmt.Errorf("read group: %w", err)
	}
	if _, err := b.exec(wDissolve, group); err != nil {
		return fmt.Errorf("dissolve group: %w", err)
	}
	return b.loosen(g.Avatar)
}

// bequeath makes somebody else creator in the place of one who leaves.
func (c *groupChange) bequeath(b *batch, t *talk, account string) error {
	var heir string
	err := b.queryRow(wHeir, t.group, account).Scan(&heir)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the next creator: %w", err)
	}
	return c.handOver(b, t, account, heir)
}

// handOver makes heir creator and the former one an admin.
func (c *groupChange) handOver(b *batch, t *talk, creator, heir string) error {
	if _, err := c.record(b, t, creator, groupRecord{"permissions", []string{heir}, Creator}); err != nil {
		return err
	}
	if err := b.setPermissions(t.group, []string{creator}, Admin); err != nil {
		return err
	}
	return b.setPermissions(t.group, []string{heir}, Creator)
}

// RemoveMembers ends the membership of accounts with one member_record ("removed"), the last
// message they can read there; they are among its recipients. ErrNotFound: not by's group, or one
// of accounts is not in it. ErrPermissions: an admin may remove members, the creator everybody
// but itself.
func (s *Store) RemoveMembers(by, group string, accounts []string, done func([]Posted, error)) {
	accounts = unique(accounts)
	s.writer.enqueue(&groupChange{
		act:  func(c *groupChange, b *batch) error { return c.remove(b, by, group, accounts) },
		done: answer(done),
	})
}

func (c *groupChange) remove(b *batch, by, group string, accounts []string) error {
	t, mine, err := b.rank(by, group)
	if err != nil {
		return err
	}
	if mine == Plain || slices.Contains(accounts, by) {
		return fmt.Errorf("remove members: %w", ErrPermissions)
	}
	for _, a := range accounts {
		_, theirs, err := b.rank(a, group)
		if err != nil {
			return err
		}
		if mine != Creator && theirs != Plain {
			return fmt.Errorf("remove members: %w", ErrPermissions)
		}
	}
	if len(accounts) == 0 {
		return nil
	}
	return c.end(b, t, by, "removed", accounts)
}

// end takes accounts out of the group with a record that is the last thing they see.
func (c *groupChange) end(b *batch, t *talk, by, event string, accounts []string) error {
	m, err := c.record(b, t, by, groupRecord{Event: event, Friends: accounts})
	if err != nil {
		return err
	}
	for _, a := range accounts {
		since, _ := t.stay(a)
		if _, err := b.exec(wLeaveConversation, m.Seq, m.Change, t.id, a, since); err != nil {
			return fmt.Errorf("end membership: %w", err)
		}
		if _, err := b.exec(wLeaveGroup, t.group, a); err != nil {
			return fmt.Errorf("leave group: %w", err)
		}
	}
	t.remove(accounts...)
	return b.noteLost(accounts, t.group)
}

// noteLost tells the accounts' other devices, by sync, that they are no longer in the group.
func (b *batch) noteLost(accounts []string, group string) error {
	carry, err := json.Marshal(map[string]string{"type": "DELETE", "group_id": group})
	if err != nil {
		return fmt.Errorf("encode lost group: %w", err)
	}
	change, err := b.nextChange()
	if err != nil {
		return err
	}
	args := make([]any, 0, 4*len(accounts))
	for _, a := range accounts {
		args = append(args, a, change, "member", string(carry))
	}
	if err := b.w.multis[mAccountChanges].exec(b.ctx, args); err != nil {
		return fmt.Errorf("note lost group: %w", err)
	}
	return nil
}

// SetPermissions makes accounts Admin or Plain, or one account Creator, the former one then
// being an admin, and posts a member_record ("permissions") unless they are that already.
// ErrNotFound: not by's group, or one of accounts is not in it. ErrPermissions: by is not the
// creator, or is to be made less without somebody else being made creator.
func (s *Store) SetPermissions(by, group string, accounts []string, permissions string, done func([]Posted, error)) {
	accounts = unique(accounts)
	s.writer.enqueue(&groupChange{
		act:  func(c *groupChange, b *batch) error { return c.permit(b, by, group, accounts, permissions) },
		done: answer(done),
	})
}

func (c *groupChange) permit(b *batch, by, group string, accounts []string, permissions string) error {
	t, mine, err := b.rank(by, group)
	if err != nil {
		return err
	}
	if mine != Creator {
		return fmt.Errorf("set permissions: %w", ErrPermissions)
	}
	var others []string // those for whom it is a change
	for _, a := range accounts {
		_, theirs, err := b.rank(a, group)
		if err != nil {
			return err
		}
		if theirs != permissions {
			others = append(others, a)
		}
	}
	switch {
	case slices.Contains(others, by), permissions == Creator && len(accounts) != 1:
		return fmt.Errorf("set permissions: %w", ErrPermissions)
	case len(others) == 0:
		return nil
	case permissions == Creator:
		return c.handOver(b, t, by, others[0])
	}
	if _, err := c.record(b, t, by, groupRecord{"permissions", others, permissions}); err != nil {
		return err
	}
	return b.setPermissions(group, others, permissions)
}

func (b *batch) setPermissions(group string, accounts []string, permissions string) error {
	for _, a := range accounts {
		if _, err := b.exec(wSetPermissions, permissions, group, a); err != nil {
			return fmt.Errorf("set permissions: %w", err)
		}
	}
	return nil
}

// Description is what an admin may say of a group; nil leaves as it is.
type Description struct {
	Name         *string
	Introduction *string
	Avatar       *string // a file, or "" for none; the group's members may read it then
	History      *string // HistoryJoin or HistoryAll: of those invited afterwards
}

// DescribeGroup changes what is said of a group, and posts a member_record ("described")
// unless it is said already. ErrNotFound: not by's group. ErrPermissions: by is neither admin nor
// creator. ErrForbidden: an avatar that by may not read.
func (s *Store) DescribeGroup(by, group string, d Description, done func([]Posted, error)) {
	s.writer.enqueue(&groupChange{
		act:  func(c *groupChange, b *batch) error { return c.describe(b, by, group, d) },
		done: answer(done),
	})
}

func (c *groupChange) describe(b *batch, by, group string, d Description) error {
	t, mine, err := b.rank(by, group)
	if err != nil {
		return err
	}
	if mine == Plain {
		return fmt.Errorf("describe group: %w", ErrPermissions)
	}
	var old Group
	if err := b.queryRow(wDescription, group).Scan(&old.Name, &old.Introduction, &old.Avatar, &old.History); err != nil {
		return absent(err, "group")
	}
	g := old
	for _, f := range []struct{ to, from *string }{{&g.Name, d.Name}, {&g.Introduction, d.Introduction}, {&g.Avatar, d.Avatar}, {&g.History, d.History}} {
		if f.from != nil {
			*f.to = *f.from
		}
	}
	if g == old {
		return nil
	}
	if g.Avatar != old.Avatar && g.Avatar != "" {
		files, err := b.mayName(by, []string{g.Avatar})
		if err != nil {
			return err
		}
		if err := b.fasten(files); err != nil {
			return err
		}
	}
	if _, err := c.record(b, t, by, groupRecord{Event: "described"}); err != nil {
		return err
	}
	if _, err := b.exec(wDescribe, g.Name, g.Introduction, g.Avatar, g.History, group); err != nil {
		return fmt.Errorf("describe group: %w", err)
	}
	if g.Avatar != old.Avatar {
		return b.loosen(old.Avatar)
	}
	return nil
}

// DissolveGroup ends everybody's membership with a member_record ("dissolved"), the last
// message of the group. ErrNotFound: not by's group. ErrPermissions: by is not its creator.
func (s *Store) DissolveGroup(by, group string, done func([]Posted, error)) {
	s.writer.enqueue(&groupChange{
		act:  func(c *groupChange, b *batch) error { return c.dissolve(b, by, group) },
		done: answer(done),
	})
}

func (c *groupChange) dissolve(b *batch, by, group string) error {
	t, mine, err := b.rank(by, group)
	if err != nil {
		return err
	}
	if mine != Creator {
		return fmt.Errorf("dissolve group: %w", ErrPermissions)
	}
	m, err := c.record(b, t, by, groupRecord{Event: "dissolved"})
	if err != nil {
		return err
	}
	for _, step := range []struct {
		query writeQuery
		args  []any
	}{
		{wEmptyConversation, []any{m.Seq, m.Change, t.id, stillHere}},
		{wEmptyGroup, []any{group}},
	} {
		if _, err := b.exec(step.query, step.args...); err != nil {
			return fmt.Errorf("dissolve group: %w", err)
		}
	}
	if err := b.dissolve(group); err != nil {
		return err
	}
	members := t.present
	t.remove(members...)
	return b.noteLost(members, group)
}

// rank returns the group and the permissions of a member; to a stranger the group is not found.
func (b *batch) rank(account, group string) (*talk, string, error) {
	t, err := b.memberOf(account, group)
	if err != nil {
		return nil, "", err
	}
	var permissions string
	if err := b.queryRow(wPermissions, group, account).Scan(&permissions); err != nil {
		return nil, "", absent(err, "member")
	}
	return t, permissions, nil
}
