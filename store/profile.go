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
		avatar, named := set["avatar"]
		before, err := b.newAvatar(account, avatar, named)
		if err != nil {
			return err
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
		if err := b.loosen(before); err != nil {
			return err
		}
		if from, named := set["messages_from"]; named {
			p.friendsOnly = from == fromFriends
		}
		change, err = b.noteAccount(account, "profile", set)
		return err
	}})
}

// newAvatar gives account's avatar another file (""; none) where that is named, and returns the one before it. ErrForbidden: account
// may not read it.
func (b *batch) newAvatar(account, avatar string, named bool) (before string, err error) {
	if !named {
		return "", nil
	}
	if avatar != "" {
		files, err := b.mayName(account, []string{avatar})
		if err != nil {
			return "", err
		}
		if err := b.fasten(files); err != nil {
			return "", err
		}
	}
	if err := b.queryRow(wAvatarOf, account).Scan(&before); err != nil {
		return "", fmt.Errorf("read avatar: %w", err)
	}
	return before, nil
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
