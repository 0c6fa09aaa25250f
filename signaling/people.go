package signaling

import (
	"errors"
	"strconv"

	"neochat/store"
	"neochat/wire"
)

const (
	maxQuestion = 200 // bytes of the text that comes with a question
	peoplePage  = 500
)

// friend returns the one other account that the message names.
func (q *request) friend() (string, error) {
	accounts, err := q.friends()
	switch {
	case err != nil:
		return "", err
	case len(accounts) != 1:
		return "", refusal(wire.StatBadRequest, "friends names whom: one account")
	case accounts[0] == q.c.account:
		return "", refusal(wire.StatBadRequest, "friends names yourself")
	}
	return accounts[0], nil
}

func askFriend(q *request) error {
	friend, err := q.friend()
	if err != nil {
		return err
	}
	text := q.m.Get("text")
	if len(text) > maxQuestion {
		return refusal(wire.StatTooLarge, "text has at most 200 bytes here")
	}
	if q.begin() {
		q.c.srv.store.AskFriend(q.c.account, friend, text, q.befriended)
	}
	return nil
}

func answerFriend(q *request) error {
	friend, err := q.friend()
	if err != nil {
		return err
	}
	yes := q.m.Get("state") == "accepted"
	if !yes && q.m.Get("state") != "refused" {
		return refusal(wire.StatBadRequest, "state is accepted or refused")
	}
	if q.begin() {
		q.c.srv.store.AnswerFriend(q.c.account, friend, yes, q.befriended)
	}
	return nil
}

func endFriend(q *request) error {
	friend, err := q.friend()
	if err == nil && q.begin() {
		q.c.srv.store.EndFriend(q.c.account, friend, q.befriended)
	}
	return err
}

// befriended answers what was done between two people, and tells both.
func (q *request) befriended(e store.FriendEvent, err error) {
	defer q.end()
	switch {
	case errors.Is(err, store.ErrConflict):
		q.fail(wire.StatConflict, "you have blocked this account; end that first")
	case errors.Is(err, store.ErrTooLarge):
		q.fail(wire.StatTooLarge, "you have too many friends, questions and blocks")
	case err != nil:
		q.refuse(err)
	default:
		q.ok("friends", q.m.Get("friends"), "state", e.State)
		q.c.srv.tellFriends(&e, q.c)
	}
}

// tellFriends tells the connections of both, but for the one that did it.
func (s *Server) tellFriends(e *store.FriendEvent, but *conn) {
	if e.State == "" {
		return
	}
	s.hub.push(e.By, item{data: friendPush(e, e.ByChange)}, but)
	s.hub.push(e.Friend, item{data: friendPush(e, e.Change)}, nil)
	s.presence.moved(e.By, e.Friend)
}

func friendPush(e *store.FriendEvent, change int64) []byte {
	b := wire.Append(nil, "user_account", e.By)
	b = wire.Append(b, "message_type", "friend")
	b = wire.Append(b, "friends", e.Friend)
	b = wire.Append(b, "state", e.State)
	if e.Text != "" {
		b = wire.Append(b, "text", e.Text)
	}
	return wire.End(wire.AppendInt(b, "change", change))
}

func block(q *request) error {
	friend, err := q.friend()
	if err == nil && q.begin() {
		q.c.srv.store.Block(q.c.account, friend, func(e store.BlockEvent, err error) { q.blocked(friend, e, err) })
	}
	return err
}

func unblock(q *request) error {
	friend, err := q.friend()
	if err == nil && q.begin() {
		q.c.srv.store.Unblock(q.c.account, friend, func(e store.BlockEvent, err error) { q.blocked(friend, e, err) })
	}
	return err
}

// blocked answers a block or its end, and tells one's other connections.
func (q *request) blocked(friend string, e store.BlockEvent, err error) {
	defer q.end()
	switch {
	case errors.Is(err, store.ErrTooLarge):
		q.fail(wire.StatTooLarge, "you have too many friends, questions and blocks")
		return
	case err != nil:
		q.refuse(err)
		return
	}
	q.ok("friends", friend)
	if e.Change == 0 {
		return
	}
	b := wire.Append(nil, "user_account", q.c.account)
	b = wire.Append(b, "message_type", "block")
	if q.verb == "DELETE" {
		b = wire.Append(b, "type", "DELETE")
	}
	b = wire.Append(b, "friends", friend)
	b = wire.End(wire.AppendInt(b, "change", e.Change))
	q.c.srv.hub.push(q.c.account, item{data: b}, q.c)
	q.c.srv.presence.moved(q.c.account)
	q.c.srv.tellFriends(&e.Ended, q.c)
}

func listFriends(q *request) error {
	ctx, cancel := q.context()
	defer cancel()
	friends, err := q.c.srv.store.Friends(ctx, q.c.account, q.m.Get("after"), peoplePage)
	if err != nil {
		return err
	}
	var items []byte
	n := 0
	for ; n < len(friends) && len(items) < maxWaiting-maxFrame; n++ {
		f := &friends[n]
		items = wire.Append(items, "friends", f.Account)
		items = wire.Append(items, "user_name", f.Name)
		items = wire.Append(items, "state", f.State)
		if f.Text != "" {
			items = wire.Append(items, "text", f.Text)
		}
		items = wire.End(wire.Append(items, "bind_time", strconv.FormatInt(f.Time, 10)))
	}
	q.list(n, items, n == peoplePage || n < len(friends))
	return nil
}

func listBlocks(q *request) error {
	ctx, cancel := q.context()
	defer cancel()
	blocks, err := q.c.srv.store.Blocks(ctx, q.c.account, q.m.Get("after"), peoplePage)
	if err != nil {
		return err
	}
	var items []byte
	for _, f := range blocks {
		items = wire.Append(items, "friends", f.Account)
		items = wire.End(wire.Append(items, "bind_time", strconv.FormatInt(f.Time, 10)))
	}
	q.list(len(blocks), items, len(blocks) == peoplePage)
	return nil
}
