package store

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
)

// SetPassword replaces the password and ends the account's sessions.
func (s *Store) SetPassword(ctx context.Context, account, password string) error {
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.write(ctx, func(b *batch) error { return b.setPassword(account, hash) })
}

func (b *batch) setPassword(account, hash string) error {
	if err := b.account(account); err != nil {
		return err
	}
	if _, err := b.exec(wSetPassword, hash, account); err != nil {
		return fmt.Errorf("set password: %w", err)
	}
	return b.dropSessions(account)
}

// ChangePassword is SetPassword for somebody who goes on with a session of its own: the only one there is then.
func (s *Store) ChangePassword(ctx context.Context, account, password, device string) (Login, error) {
	stored, err := s.passwords.hash(ctx, password)
	if err != nil {
		return Login{}, err
	}
	token, hash := newToken()
	err = s.write(ctx, func(b *batch) error {
		if err := b.setPassword(account, stored); err != nil {
			return err
		}
		return b.newSession(account, device, hash)
	})
	if err != nil {
		return Login{}, err
	}
	return Login{Token: token, ID: hex.EncodeToString(hash)}, nil
}

// SetSuspended suspends the account, which ends its sessions, or lifts that.
func (s *Store) SetSuspended(ctx context.Context, account string, suspended bool) error {
	return s.write(ctx, func(b *batch) error {
		if err := b.account(account); err != nil {
			return err
		}
		if _, err := b.exec(wSetSuspended, suspended, account); err != nil {
			return fmt.Errorf("set suspended: %w", err)
		}
		if !suspended {
			return nil
		}
		return b.dropSessions(account)
	})
}

func (b *batch) dropSessions(account string) error {
	if _, err := b.exec(wDropSessions, account); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// DeleteAccount takes an account out of its groups and deletes it: its sessions, friends and profile
// go, what it wrote stays, and nobody gets the name again. left is called with each record of its
// leaving, ended with what those are told who were its friends or had a question open, both as callbacks
// are. ErrNotFound: there is no such account. Where it fails midway it may be called again.
func (s *Store) DeleteAccount(ctx context.Context, account string, left func([]Posted), ended func([]FriendEvent)) error {
	for {
		groups, err := s.Groups(ctx, account)
		if err != nil {
			return err
		}
		for _, g := range groups {
			if err := s.leaveNow(ctx, account, g.ID, left); err != nil && !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		err = s.deleteNow(ctx, account, ended)
		if !errors.Is(err, ErrConflict) { // else somebody invited it meanwhile
			return err
		}
	}
}

// leaveNow is LeaveGroup, waited for.
func (s *Store) leaveNow(ctx context.Context, account, group string, left func([]Posted)) error {
	answer := make(chan error, 1)
	s.LeaveGroup(account, group, func(posted []Posted, err error) {
		if err == nil {
			left(posted)
		}
		answer <- err
	})
	return await(ctx, answer)
}

func (s *Store) deleteNow(ctx context.Context, account string, ended func([]FriendEvent)) error {
	answer := make(chan error, 1)
	var events []FriendEvent
	s.writer.enqueue(&errand{draws: 1, act: func(b *batch) (err error) {
		events, err = b.deleteAccount(account)
		return err
	}, done: func(err error) {
		if err == nil {
			ended(events)
		}
		answer <- err
	}})
	return await(ctx, answer)
}

func await(ctx context.Context, answer <-chan error) error {
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// deleteAccount returns ErrConflict while the account is in a group.
func (b *batch) deleteAccount(account string) ([]FriendEvent, error) {
	if err := b.account(account); err != nil {
		return nil, err
	}
	var groups int
	if err := b.queryRow(wGroupsOf, account).Scan(&groups); err != nil {
		return nil, fmt.Errorf("count groups: %w", err)
	}
	if groups > 0 {
		return nil, fmt.Errorf("%d groups: %w", groups, ErrConflict)
	}
	if err := b.flush(); err != nil {
		return nil, err
	}
	ended, err := b.endRelations(account)
	if err != nil {
		return nil, err
	}
	var avatar string
	if err := b.queryRow(wAvatarOf, account).Scan(&avatar); err != nil {
		return nil, fmt.Errorf("read avatar: %w", err)
	}
	for _, q := range []writeQuery{wDropSessions, wDropDevices, wDropAccountChanges, wEmptyUser} {
		if _, err := b.exec(q, account); err != nil {
			return nil, fmt.Errorf("delete account: %w", err)
		}
	}
	b.w.cache = newCache() // it may be known in many places there
	return ended, b.loosen(avatar)
}

// endRelations deletes what account and others think of each other, and notes it for the others.
func (b *batch) endRelations(account string) ([]FriendEvent, error) {
	others, err := collect(b.ctx, b.w.stmts[wRelationsOf], func(row scanner) (other string, err error) {
		return other, row.Scan(&other)
	}, account, account)
	if err != nil {
		return nil, fmt.Errorf("read relationships: %w", err)
	}
	var ended []FriendEvent
	for _, other := range others {
		e := FriendEvent{By: account, Friend: other, State: friendEnded}
		if e.Change, err = b.noteAccount(other, "friend", friendNote{By: account, Friend: other, State: friendEnded}); err != nil {
			return nil, err
		}
		ended = append(ended, e)
	}
	if _, err := b.exec(wDropRelations, account, account); err != nil {
		return nil, fmt.Errorf("delete relationships: %w", err)
	}
	return ended, nil
}

// Forget makes the store read again what it remembers of accounts and groups: another program has changed some.
func (s *Store) Forget(ctx context.Context) error {
	return s.write(ctx, func(b *batch) error {
		if err := b.flush(); err != nil {
			return err
		}
		b.w.cache = newCache()
		return nil
	})
}
