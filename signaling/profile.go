package signaling

import (
	"errors"
	"slices"
	"strconv"

	"neochat/store"
	"neochat/wire"
)

const (
	maxProfileValue = 200 // bytes
	maxCards        = 100 // profiles asked for at once
)

func profile(q *request) error {
	accounts, err := q.friends()
	if err == nil && len(accounts) > maxCards {
		err = refusal(wire.StatBadRequest, "friends names at most 100 accounts here")
	}
	if err != nil {
		return err
	}
	if len(accounts) == 0 {
		return q.ownProfile()
	}
	ctx, cancel := q.context()
	defer cancel()
	cards, err := q.c.srv.store.Cards(ctx, accounts)
	switch {
	case err != nil:
		return err
	case len(accounts) > 1:
		var items []byte
		for i := range cards {
			items = wire.End(appendCard(items, &cards[i]))
		}
		q.list(len(cards), items, false)
	case len(cards) == 0:
		return store.ErrNotFound
	default:
		q.c.answer(item{data: wire.End(appendCard(q.head(wire.StatOK), &cards[0]))})
	}
	return nil
}

func appendCard(b []byte, c *store.Card) []byte {
	b = wire.Append(b, "user_account", c.Account)
	if c.Name != "" {
		b = wire.Append(b, "user_name", c.Name)
	}
	if c.Avatar != "" {
		b = wire.Append(b, "avatar", c.Avatar)
	}
	return b
}

func (q *request) ownProfile() error {
	ctx, cancel := q.context()
	defer cancel()
	u, err := q.c.srv.store.User(ctx, q.c.account)
	if err != nil {
		return err
	}
	q.ok("user_account", u.Account, "user_name", u.Name, "user_phone", u.Phone, "sex", u.Sex, "birthday", u.Birthday,
		"address", u.Address, "avatar", u.Avatar, "messages_from", u.MessagesFrom, "presence_to", u.PresenceTo,
		"registration_time", strconv.FormatInt(u.RegistrationTime.UnixMilli(), 10))
	return nil
}

// changeProfile changes the columns that the message names.
func changeProfile(q *request) error {
	set := map[string]string{}
	for _, column := range store.ProfileColumns() {
		if v, ok := q.m.Lookup(column); ok {
			set[column] = v
			if err := profileMistake(column, v); err != nil {
				return err
			}
		}
	}
	if len(set) == 0 {
		return refusal(wire.StatBadRequest, "name what is to be changed: user_name, user_phone, sex, birthday, address, avatar, messages_from or presence_to")
	}
	if !q.begin() {
		return nil
	}
	q.c.srv.store.SetProfile(q.c.account, set, func(change int64, err error) {
		defer q.end()
		switch {
		case errors.Is(err, store.ErrForbidden):
			q.fail(wire.StatForbidden, "avatar names no file that you may read")
		case err != nil:
			q.refuse(err)
		default:
			q.ok("change", strconv.FormatInt(change, 10))
			q.c.srv.hub.push(q.c.account, item{data: profileChange(q.c.account, set, change)}, q.c)
			q.c.srv.presence.moved(q.c.account)
		}
	})
	return nil
}

// profileMistake says what is wrong with the value of a column, if anything.
func profileMistake(column, v string) error {
	limit := maxProfileValue
	switch column {
	case "avatar":
		if v != "" && !validFileName(v) {
			return refusal(wire.StatForbidden, "avatar names no file that you may read")
		}
		return nil
	case "messages_from":
		if v != "everyone" && v != "friends" {
			return refusal(wire.StatBadRequest, "messages_from is everyone or friends")
		}
	case "presence_to":
		if !slices.Contains([]string{"everyone", "friends", "nobody"}, v) {
			return refusal(wire.StatBadRequest, "presence_to is everyone, friends or nobody")
		}
	}
	if len(v) > limit {
		return refusal(wire.StatTooLarge, column+" has at most 200 bytes")
	}
	return nil
}

// profileChange is what the account's other connections are told.
func profileChange(account string, set map[string]string, change int64) []byte {
	b := wire.Append(nil, "user_account", account)
	b = wire.Append(b, "message_type", "profile")
	b = wire.Append(b, "type", "PATCH")
	for _, column := range store.ProfileColumns() {
		if v, ok := set[column]; ok {
			b = wire.Append(b, column, v)
		}
	}
	return wire.End(wire.AppendInt(b, "change", change))
}
