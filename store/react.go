package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxReactions of one account on one message.
const maxReactions = 20

// Tally is how many have reacted to a message in one way.
type Tally struct {
	Reaction string
	Count    int
	Mine     bool // the reader has too
}

// React adds by's reaction to a message, or withdraws it, and returns at once; done is called after the
// commit. ErrNotFound: no such message that by sees, or it was deleted. ErrNotYours: by has left. ErrRefused: the
// other takes nothing from by. ErrTooLarge: more than 20 by one account on one message.
func (s *Store) React(by string, at Place, reaction string, withdraw bool, done func(Amended, error)) {
	s.writer.enqueue(&amendment{by: by, place: at, done: done, act: func(a *amendment, b *batch, l *line, t *talk) error {
		return a.react(b, l, t, reaction, withdraw)
	}})
}

func (a *amendment) react(b *batch, l *line, t *talk, reaction string, withdraw bool) error {
	a.result.Reaction, a.result.Withdrawn = reaction, withdraw
	if l.Kind == KindDeleted {
		return fmt.Errorf("deleted: %w", ErrNotFound)
	}
	if err := b.mayTell(t, a.by); err != nil {
		return err
	}
	change, removed, err := b.reaction(l, a.by, reaction)
	if err != nil {
		return err
	}
	if removed == withdraw {
		a.result.ChangeOfAct = max(change, l.posted)
		return nil
	}
	if !withdraw {
		if err := b.roomToReact(l, a.by); err != nil {
			return err
		}
	}
	if change, err = b.nextChange(); err != nil {
		return err
	}
	if _, err := b.exec(wReact, l.Conversation, l.Seq, a.by, reaction, change, withdraw); err != nil {
		return fmt.Errorf("react: %w", err)
	}
	if _, err := b.exec(wReacted, l.id); err != nil {
		return fmt.Errorf("note that it was reacted to: %w", err)
	}
	b.touch(l.Conversation, change)
	if l.Tallies, err = b.tallies(l); err != nil {
		return err
	}
	a.changed(&l.Message, change)
	return nil
}

// reaction reads what account has said; where nothing, it is as if it had been withdrawn.
func (b *batch) reaction(l *line, account, reaction string) (change int64, removed bool, err error) {
	err = b.queryRow(wReaction, l.Conversation, l.Seq, account, reaction).Scan(&change, &removed)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, true, nil
	}
	if err != nil {
		return 0, false, fmt.Errorf("read reaction: %w", err)
	}
	return change, removed, nil
}

func (b *batch) roomToReact(l *line, account string) error {
	var n int
	if err := b.queryRow(wReactions, l.Conversation, l.Seq, account).Scan(&n); err != nil {
		return fmt.Errorf("count reactions: %w", err)
	}
	if n >= maxReactions {
		return fmt.Errorf("%d reactions: %w", n+1, ErrTooLarge)
	}
	return nil
}

func (b *batch) tallies(l *line) ([]Tally, error) {
	all, err := collect(b.ctx, b.w.stmts[wTallies], func(r scanner) (t Tally, err error) {
		return t, r.Scan(&t.Reaction, &t.Count)
	}, l.Conversation, l.Seq)
	if err != nil {
		return nil, fmt.Errorf("count reactions: %w", err)
	}
	slices.SortFunc(all, mostFirst)
	return all, nil
}

func mostFirst(a, b Tally) int {
	if a.Count != b.Count {
		return b.Count - a.Count
	}
	return strings.Compare(a.Reaction, b.Reaction)
}

// Reaction is what one account thinks of a message.
type Reaction struct {
	Place
	Account, Reaction string
	Withdrawn         bool
	Change            int64
	Tallies           []Tally // of the message, for the reader
}

// reactionPage is how many Reactions returns at most; an account's are never torn apart.
const reactionPage = 500

// Reactions lists who reacted how to a message that account sees, by account, those of
// the accounts behind the one named by after ("" at first); more: there are further ones. ErrNotFound: no such message.
func (s *Store) Reactions(ctx context.Context, account string, at Place, after string) (all []Reaction, more bool, err error) {
	var one int
	err = s.row(ctx, qSeen, at.Conversation, account, at.Seq, at.Seq, at.Seq, account).Scan(&one)
	if err != nil {
		return nil, false, readFailed("reactions", err)
	}
	stays, err := collect(ctx, s.read(qStays), scanStay, at.Conversation, account)
	if err != nil {
		return nil, false, readFailed("reactions", err)
	}
	all, err = collect(ctx, s.read(qReactions), func(r scanner) (x Reaction, err error) {
		x.Place = at
		return x, r.Scan(&x.Account, &x.Reaction)
	}, at.Conversation, at.Seq, after, bound(stays), reactionPage)
	if err != nil || len(all) < reactionPage {
		return all, false, readFailed("reactions", err)
	}
	last := all[len(all)-1].Account
	return slices.DeleteFunc(all, func(x Reaction) bool { return x.Account == last }), true, nil
}

// addTallies fills in the tallies of messages that were reacted to, many with one statement.
func (s *Store) addTallies(ctx context.Context, account string, of []tallied) error {
	sizes := [...]struct {
		n     int
		query readQuery
	}{{1, qTallies1}, {8, qTallies8}, {64, qTallies64}}
	for len(of) > 0 {
		size := sizes[len(sizes)-1]
		for _, s := range sizes {
			if len(of) <= s.n {
				size = s
				break
			}
		}
		now := of[:min(len(of), size.n)]
		args := make([]any, 0, 1+3*size.n)
		args = append(args, account)
		for i := range size.n { // the last one fills up
			t := now[min(i, len(now)-1)]
			args = append(args, t.at.Conversation, t.at.Seq, t.bound)
		}
		if err := s.readTallies(ctx, size.query, args, now); err != nil {
			return err
		}
		of = of[len(now):]
	}
	return nil
}

// tallied is a message whose tallies are wanted, as of a change.
type tallied struct {
	at    Place
	bound int64
	into  *[]Tally
}

func (s *Store) readTallies(ctx context.Context, q readQuery, args []any, of []tallied) error {
	rows, err := s.read(q).QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	found := map[Place][]Tally{}
	for rows.Next() {
		var at Place
		var t Tally
		if err := rows.Scan(&at.Conversation, &at.Seq, &t.Reaction, &t.Count, &t.Mine); err != nil {
			return err
		}
		found[at] = append(found[at], t)
	}
	for _, t := range of {
		slices.SortFunc(found[t.at], mostFirst)
		*t.into = found[t.at]
	}
	return rows.Err()
}
