package signaling

import (
	"strconv"

	"neochat/store"
	"neochat/wire"
)

const (
	maxGroupName    = 200  // bytes
	maxIntroduction = 2000 // bytes
	memberPage      = 500
)

func createGroup(q *request) error {
	name, err := q.text("name", maxGroupName)
	if err != nil {
		return err
	}
	introduction, err := q.introduction()
	if err != nil {
		return err
	}
	history, err := q.historySetting()
	if err != nil {
		return err
	}
	members, err := q.friends()
	if err != nil {
		return err
	}
	if !q.begin() {
		return nil
	}
	c := q.c
	g := store.Group{Name: name, Introduction: introduction, Founder: c.account, History: history}
	c.srv.store.CreateGroup(g, members, func(g store.Group, posted []store.Posted, err error) {
		defer q.end()
		if err != nil {
			q.refuse(err)
			return
		}
		q.ok("group_id", g.ID, "conversation", strconv.FormatInt(g.Conversation, 10), "name", g.Name)
		c.srv.deliver(posted, nil)
	})
	return nil
}

func showGroup(q *request) error {
	ctx, cancel := q.context()
	defer cancel()
	id, ok := q.m.Lookup("group_id")
	if !ok {
		groups, err := q.c.srv.store.Groups(ctx, q.c.account)
		if err != nil {
			return err
		}
		var items []byte
		for i := range groups {
			items = wire.End(appendGroup(items, &groups[i]))
		}
		q.list(len(groups), items, false)
		return nil
	}
	g, err := q.c.srv.store.Group(ctx, q.c.account, id)
	if err != nil {
		return err
	}
	q.c.answer(item{data: wire.End(appendGroup(q.head(wire.StatOK), &g))})
	return nil
}

func appendGroup(b []byte, g *store.Group) []byte {
	b = wire.Append(b, "group_id", g.ID)
	b = wire.AppendInt(b, "conversation", g.Conversation)
	b = wire.Append(b, "name", g.Name)
	b = wire.Append(b, "introduction", g.Introduction)
	b = wire.Append(b, "founder", g.Founder)
	b = wire.AppendInt(b, "create_time", g.CreateTime)
	b = wire.AppendInt(b, "members", int64(g.Members))
	b = wire.Append(b, "history", g.History)
	b = wire.Append(b, "permissions", g.Permissions)
	if g.Avatar != "" {
		b = wire.Append(b, "avatar", g.Avatar)
	}
	return b
}

func listMembers(q *request) error {
	group, err := q.text("group_id", wire.MaxName)
	if err != nil {
		return err
	}
	ctx, cancel := q.context()
	defer cancel()
	members, err := q.c.srv.store.Members(ctx, q.c.account, group, q.m.Get("after"), memberPage)
	if err != nil {
		return err
	}
	var items []byte
	for _, m := range members {
		items = wire.Append(items, "user_account", m.Account)
		items = wire.Append(items, "user_name", m.Name)
		items = wire.Append(items, "permissions", m.Permissions)
		items = wire.End(wire.AppendInt(items, "join_time", m.JoinTime))
	}
	q.list(len(members), items, len(members) == memberPage)
	return nil
}

func invite(q *request) error {
	group, accounts, err := q.groupAndFriends()
	if err == nil && len(accounts) == 0 {
		err = refusal(wire.StatBadRequest, "friends is missing: whom do you invite?")
	}
	if err != nil {
		return err
	}
	if !q.begin() {
		return nil
	}
	q.c.srv.store.Invite(q.c.account, group, accounts, q.membership)
	return nil
}
