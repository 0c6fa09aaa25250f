package store

import (
	"context"
	"fmt"
)

// fromFriends is a value of User.MessagesFrom, and of User.PresenceTo.
const fromFriends = "friends"

// ProfileColumns are the columns of a profile that its owner may change; they are called alike in the protocol.
func ProfileColumns() []string {
	return []string{"user_name", "user_phone", "sex", "birthday", "address", "avatar", "messages_from", "presence_to"}
}

// SetProfile changes the columns in set, by ProfileColumns' names; the caller has checked their values. It
// returns at once; done may get ErrForbidden: the avatar is no file that account may read.
func (s *Store) SetProfile(account string, set map[string]string, done func(change int64, err error)) {
	var change int64
	s.writer.enqueue(&errand{draws: 1, done: func(err error) { done(change, err) }, act: func(b *batch) (err error) {
		p, err := b.person(account)
		if err != nil {
			return err
		}
		if avatar := set["avatar"]; avatar != "" {
			if err := b.mayName(account, []string{avatar}); err != nil {
				return err
			}
		}
		var args []any
		for _, column := range ProfileColumns() {
			value, named := set[column]
			if !named {
				args = append(args, nil)
				continue
			}
			args = append(args, value)
		}
		if _, err := b.exec(wSetProfile, append(args, account)...); err != nil {
			return fmt.Errorf("change profile: %w", err)
		}
		if from, named := set["messages_from"]; named {
			p.friendsOnly = from == fromFriends
		}
		change, err = b.noteAccount(account, "profile", set)
		return err
	}})
}

// Card is what everybody may see of an account.
type Card struct{ Account, Name, Avatar string }

// Cards returns those of accounts that exist, in the order asked for.
func (s *Store) Cards(ctx context.Context, accounts []string) ([]Card, error) {
	var all []Card
	for _, account := range accounts {
		found, err := collect(ctx, s.read(qCard), func(row scanner) (c Card, err error) {
			err = row.Scan(&c.Account, &c.Name, &c.Avatar)
			return c, err
		}, account)
		if err != nil {
			return nil, readFailed("profiles", err)
		}
		all = append(all, found...)
	}
	return all, nil
}
