package store

import (
	"context"
	"errors"
	"fmt"
)

// seenLimit is how many accounts one operation notes, so that it does not hold up what waits behind it.
const seenLimit = 256

// Seen notes when accounts were last here (Unix ms). It returns at once; done is called when all of it is
// stored, or with what failed. It never falls.
func (s *Store) Seen(at map[string]int64, done func(error)) {
	accounts := make([]string, 0, len(at))
	for account := range at {
		accounts = append(accounts, account)
	}
	s.seen(at, accounts, done)
}

func (s *Store) seen(at map[string]int64, accounts []string, done func(error)) {
	now := accounts[:min(len(accounts), seenLimit)]
	rest := accounts[len(now):]
	s.writer.enqueue(&errand{act: func(b *batch) error {
		for _, account := range now {
			if _, err := b.exec(wSeen, at[account], account); err != nil {
				return fmt.Errorf("note last seen: %w", err)
			}
		}
		return nil
	}, done: func(err error) {
		if err != nil || len(rest) == 0 {
			done(err)
			return
		}
		s.seen(at, rest, done)
	}})
}

// Audience is who may see whether an account is here.
type Audience struct {
	LastSeen  int64 // Unix ms; 0: never, or nobody knows
	account   string
	to        string
	relations map[string]string
}

// Sees reports whether viewer may know whether the account is here.
func (a *Audience) Sees(viewer string) bool {
	return sees(a.account, a.to, a.relations[viewer], viewer)
}

func sees(account, to, state, viewer string) bool {
	switch {
	case viewer == account:
		return true
	case state == stateBlocked:
		return false
	case to == fromFriends:
		return state == stateAccepted
	}
	return to == "everyone"
}

// Audience reads who may see account. Of an account that does not exist it is empty.
func (s *Store) Audience(ctx context.Context, account string) (*Audience, error) {
	a := &Audience{account: account, relations: map[string]string{}}
	var unused any
	err := s.row(ctx, qPresence, "", account).Scan(&a.to, &a.LastSeen, &unused)
	if err = readFailed("presence", err); errors.Is(err, ErrNotFound) {
		return a, nil
	} else if err != nil {
		return nil, err
	}
	_, err = collect(ctx, s.read(qRelations), func(row scanner) (struct{}, error) {
		var friend, state string
		err := row.Scan(&friend, &state)
		a.relations[friend] = state
		return struct{}{}, err
	}, account)
	return a, readFailed("presence", err)
}

// Presence reads whether viewer may see account, and when that was last here. Of an account that does not exist: no.
func (s *Store) Presence(ctx context.Context, viewer, account string) (visible bool, lastSeen int64, err error) {
	var to string
	var state *string
	err = readFailed("presence", s.row(ctx, qPresence, viewer, account).Scan(&to, &lastSeen, &state))
	switch {
	case errors.Is(err, ErrNotFound):
		return false, 0, nil
	case err != nil:
		return false, 0, err
	case state == nil:
		state = new(string)
	}
	return sees(account, to, *state, viewer), lastSeen, nil
}
