package store

import (
	"context"
	"fmt"
)

// maxRelations is how many friends, open questions and blocks one account may have.
const maxRelations = 5000

// Ended and Refused are states that FriendEvent tells and no row keeps.
const (
	friendEnded   = "ended"
	friendRefused = "refused"
)

// FriendEvent is what happened between two accounts.
type FriendEvent struct {
	By, Friend string // who did it, and to whom
	State      string // asked, accepted, refused, ended; "" : nothing happened
	Text       string // what came with a question
	ByChange   int64  // the change as By's own sync counts it
	Change     int64  // the change as Friend's sync counts it
}

// AskFriend asks friend to be account's friend, or says yes where friend has asked. Asking again changes nothing.
// It returns at once; done may get ErrNotFound: no such account; ErrRefused: it has blocked account;
// ErrConflict: account has blocked it; ErrTooLarge: too many friends.
func (s *Store) AskFriend(account, friend, text string, done func(FriendEvent, error)) {
	s.relate(account, friend, done, func(b *batch, e *FriendEvent, mine, theirs string) error {
		switch {
		case theirs == stateBlocked:
			return fmt.Errorf("asking this account: %w", ErrRefused)
		case mine == stateBlocked:
			return fmt.Errorf("asking a blocked account: %w", ErrConflict)
		case mine != "":
			return nil
		case theirs == stateAsked:
			return b.befriend(e)
		}
		if err := b.roomForFriends(account); err != nil {
			return err
		}
		e.State, e.Text = stateAsked, text
		return b.putRelation(account, friend, stateAsked, text)
	})
}

// AnswerFriend says yes or no to friend's question. done may get ErrNotFound: friend did not ask; ErrTooLarge: too many friends.
func (s *Store) AnswerFriend(account, friend string, yes bool, done func(FriendEvent, error)) {
	s.relate(account, friend, done, func(b *batch, e *FriendEvent, _, theirs string) error {
		if theirs != stateAsked {
			return fmt.Errorf("question: %w", ErrNotFound)
		}
		if yes {
			return b.befriend(e)
		}
		e.State = friendRefused
		return b.dropRelation(friend, account)
	})
}

// EndFriend ends a friendship, or takes account's question back. done may get ErrNotFound: there is neither.
func (s *Store) EndFriend(account, friend string, done func(FriendEvent, error)) {
	s.relate(account, friend, done, func(b *batch, e *FriendEvent, mine, theirs string) error {
		if mine != stateAsked && mine != stateAccepted {
			return fmt.Errorf("friend: %w", ErrNotFound)
		}
		e.State = friendEnded
		if err := b.dropRelation(account, friend); err != nil || theirs != stateAccepted {
			return err
		}
		return b.dropRelation(friend, account)
	})
}

// relate runs act with what the two think of each other, and notes for both what became of it.
func (s *Store) relate(account, friend string, done func(FriendEvent, error), act func(b *batch, e *FriendEvent, mine, theirs string) error) {
	var e FriendEvent
	s.writer.enqueue(&errand{draws: 2, done: func(err error) { done(e, err) }, act: func(b *batch) error {
		e = FriendEvent{By: account, Friend: friend}
		if err := b.accounts([]string{account, friend}); err != nil {
			return err
		}
		mine, theirs, err := b.relations(account, friend)
		if err != nil {
			return err
		}
		if err := act(b, &e, mine, theirs); err != nil || e.State == "" {
			return err
		}
		return b.noteFriend(&e)
	}})
}

func (b *batch) relations(account, friend string) (mine, theirs string, err error) {
	if mine, err = b.relation(account, friend); err != nil {
		return "", "", err
	}
	theirs, err = b.relation(friend, account)
	return mine, theirs, err
}

// befriend makes two accounts friends, one of which asked.
func (b *batch) befriend(e *FriendEvent) error {
	if err := b.roomForFriends(e.By); err != nil {
		return err
	}
	e.State = stateAccepted
	if err := b.putRelation(e.By, e.Friend, stateAccepted, ""); err != nil {
		return err
	}
	return b.putRelation(e.Friend, e.By, stateAccepted, "")
}

func (b *batch) roomForFriends(account string) error {
	var n int
	if err := b.queryRow(wRelations, account).Scan(&n); err != nil {
		return fmt.Errorf("count friends: %w", err)
	}
	if n >= maxRelations {
		return fmt.Errorf("%d friends: %w", n, ErrTooLarge)
	}
	return nil
}

func (b *batch) putRelation(account, friend, state, text string) error {
	b.unsettle(account, friend)
	if _, err := b.exec(wPutRelation, account, friend, state == stateAccepted, state, text, b.now); err != nil {
		return fmt.Errorf("write relationship: %w", err)
	}
	return nil
}

func (b *batch) dropRelation(account, friend string) error {
	b.unsettle(account, friend)
	if _, err := b.exec(wDropRelation, account, friend); err != nil {
		return fmt.Errorf("delete relationship: %w", err)
	}
	return nil
}

// friendNote is a FriendEvent as sync tells it.
type friendNote struct {
	By     string `json:"user_account"`
	Friend string `json:"friends"`
	State  string `json:"state"`
	Text   string `json:"text,omitempty"`
}

func (b *batch) noteFriend(e *FriendEvent) (err error) {
	note := friendNote{e.By, e.Friend, e.State, e.Text}
	if e.ByChange, err = b.noteAccount(e.By, "friend", note); err != nil {
		return err
	}
	e.Change, err = b.noteAccount(e.Friend, "friend", note)
	return err
}

// BlockEvent is what Block and Unblock did.
type BlockEvent struct {
	Change int64       // 0: nothing changed
	Ended  FriendEvent // the friendship or question that ended with it; State "": there was none
}

// blockNote is a block, or with type DELETE its end, as sync tells it.
type blockNote struct {
	By     string `json:"user_account"`
	Type   string `json:"type,omitempty"`
	Friend string `json:"friends"`
}

// Block lets nothing more from friend reach account. It returns at once; done may get ErrNotFound: no
// such account; ErrTooLarge: too many friends and blocks.
func (s *Store) Block(account, friend string, done func(BlockEvent, error)) {
	var e BlockEvent
	s.writer.enqueue(&errand{draws: 3, done: func(err error) { done(e, err) }, act: func(b *batch) error {
		e = BlockEvent{}
		if err := b.accounts([]string{account, friend}); err != nil {
			return err
		}
		return b.block(account, friend, &e)
	}})
}

func (b *batch) block(account, friend string, e *BlockEvent) (err error) {
	mine, theirs, err := b.relations(account, friend)
	if err != nil || mine == stateBlocked {
		return err
	}
	if mine == "" {
		if err := b.roomForFriends(account); err != nil {
			return err
		}
	}
	if err := b.putRelation(account, friend, stateBlocked, ""); err != nil {
		return err
	}
	if theirs != stateBlocked {
		if err := b.dropRelation(friend, account); err != nil {
			return err
		}
	}
	if e.Change, err = b.noteAccount(account, "block", blockNote{By: account, Friend: friend}); err != nil {
		return err
	}
	e.Ended = FriendEvent{By: account, Friend: friend}
	switch {
	case mine == stateAccepted, mine == stateAsked:
		e.Ended.State = friendEnded
	case theirs == stateAsked:
		e.Ended.State = friendRefused
	default:
		return nil
	}
	return b.noteFriend(&e.Ended)
}

// Unblock ends a block. done may get ErrNotFound: there is none.
func (s *Store) Unblock(account, friend string, done func(BlockEvent, error)) {
	var e BlockEvent
	s.writer.enqueue(&errand{draws: 1, done: func(err error) { done(e, err) }, act: func(b *batch) error {
		mine, err := b.relation(account, friend)
		if err == nil && mine != stateBlocked {
			err = fmt.Errorf("block: %w", ErrNotFound)
		}
		if err != nil {
			return err
		}
		if err := b.dropRelation(account, friend); err != nil {
			return err
		}
		e.Change, err = b.noteAccount(account, "block", blockNote{By: account, Type: "DELETE", Friend: friend})
		return err
	}})
}

// Friend is a line of an account's list of friends, questions or blocks.
type Friend struct {
	Account, Name string
	State         string // accepted, asked (by the account), asking (it asked the account), blocked
	Text          string // what came with the question
	Time          int64  // Unix ms
}

// Friends lists at most limit friends and open questions of account, by account, after the one named by after.
func (s *Store) Friends(ctx context.Context, account, after string, limit int) ([]Friend, error) {
	limit = max(limit, 1)
	all, err := collect(ctx, s.read(qFriends), scanFriend, account, after, account, after, limit)
	return all, readFailed("friends", err)
}

// Blocks lists at most limit accounts that account has blocked, by account, after the one named by after.
func (s *Store) Blocks(ctx context.Context, account, after string, limit int) ([]Friend, error) {
	all, err := collect(ctx, s.read(qBlocks), scanFriend, account, after, max(limit, 1))
	return all, readFailed("blocks", err)
}

func scanFriend(row scanner) (f Friend, err error) {
	err = row.Scan(&f.Account, &f.Name, &f.State, &f.Text, &f.Time)
	return f, err
}
