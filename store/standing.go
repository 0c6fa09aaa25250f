package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// States of a relationship, as the database has them. A row says what user_account thinks of friend_account.
const (
	stateAsked    = "asked"
	stateAccepted = "accepted"
	stateBlocked  = "blocked"
)

// person is an account as the writer knows it.
type person struct {
	friendsOnly bool // takes messages from friends only
}

// standing is what the two of a pair think of each other.
type standing struct {
	a, b    *person
	friends bool
	byA     bool // a has blocked b
	byB     bool
}

// person returns ErrNotFound unless the account exists and was not deleted.
func (b *batch) person(account string) (*person, error) {
	c := b.w.cache
	if p := c.accounts[account]; p != nil {
		return p, nil
	}
	var from string
	if err := b.queryRow(wAccount, account).Scan(&from); err != nil {
		return nil, absent(err, "account")
	}
	p := &person{friendsOnly: from == fromFriends}
	c.accounts[account] = p
	c.size++
	return p, nil
}

// account returns ErrNotFound unless the account exists.
func (b *batch) account(account string) error {
	_, err := b.person(account)
	return err
}

// relation returns what account thinks of friend; "" if nothing.
func (b *batch) relation(account, friend string) (state string, err error) {
	err = b.queryRow(wRelation, account, friend).Scan(&state)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("read relationship: %w", err)
	}
	return state, nil
}

// mayWrite returns ErrRefused if the other of the pair takes nothing from author, and ErrNotFound if it is no more.
func (b *batch) mayWrite(author string, pair [2]string, t *talk) error {
	if pair[0] == pair[1] {
		return nil
	}
	var s *standing
	if t != nil {
		s = t.standing
	}
	if s == nil {
		var err error
		if s, err = b.standing(pair); err != nil {
			return err
		}
		if t != nil {
			t.standing = s
		}
	}
	other, blocked := s.b, s.byB
	if author == pair[1] {
		other, blocked = s.a, s.byA
	}
	if blocked || other.friendsOnly && !s.friends {
		return fmt.Errorf("writing to this account: %w", ErrRefused)
	}
	return nil
}

// standing reads how the two of a pair stand.
func (b *batch) standing(pair [2]string) (*standing, error) {
	var s standing
	var err error
	if s.a, err = b.person(pair[0]); err != nil {
		return nil, err
	}
	if s.b, err = b.person(pair[1]); err != nil {
		return nil, err
	}
	ofA, err := b.relation(pair[0], pair[1])
	if err != nil {
		return nil, err
	}
	ofB, err := b.relation(pair[1], pair[0])
	if err != nil {
		return nil, err
	}
	s.friends, s.byA, s.byB = ofA == stateAccepted, ofA == stateBlocked, ofB == stateBlocked
	return &s, nil
}

// unsettle makes the writer look again at how two accounts stand.
func (b *batch) unsettle(x, y string) {
	if t := b.w.cache.pairs[ordered(x, y)]; t != nil {
		t.standing = nil
	}
}

// checkReach returns ErrNotFound if peer is no account, and ErrRefused if account may not write to
// it or has blocked it itself: what goes both ways, like a call, is for neither then.
func (s *Store) checkReach(ctx context.Context, account, peer string) error {
	from, ofPeer, err := s.attitude(ctx, peer, account)
	if err != nil || account == peer {
		return err
	}
	_, ofAccount, err := s.attitude(ctx, account, peer)
	if err != nil {
		return err
	}
	if ofPeer == stateBlocked || ofAccount == stateBlocked || from == fromFriends && ofPeer != stateAccepted {
		return fmt.Errorf("reaching this account: %w", ErrRefused)
	}
	return nil
}

// attitude reads from whom account takes messages, and what it thinks of other ("" if nothing).
func (s *Store) attitude(ctx context.Context, account, other string) (from, state string, err error) {
	var of sql.NullString
	err = s.row(ctx, qAttitude, other, account).Scan(&from, &of)
	return from, of.String, err
}
