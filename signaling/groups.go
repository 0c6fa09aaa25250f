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

func createGroup(q *request) {
	name, err := q.text("name", maxGroupName)
	if err != nil {
		q.refuse(err)
		return
	}
	introduction := q.m.Get("introduction")
	if len(introduction) > maxIntroduction {
		q.fail(wire.StatTooLarge, "introduction has at most 2000 bytes")
		return
	}
	members, err := q.friends()
	if err != nil {
		q.refuse(err)
		return
	}
	if !q.begin() {
		return
	}
	c := q.c
	g := store.Group{Name: name, Introduction: introduction, Founder: c.account}
	c.srv.store.CreateGroup(g, members, func(g store.Group, posted []store.Posted, err error) {
		defer q.end()
		if err != nil {
			q.refuse(err)
			return
		}
		q.ok("group_id", g.ID, "conversation", strconv.FormatInt(g.Conversation, 10), "name", g.Name)
		c.srv.deliver(posted, nil)
	})
}

func describeGroup(q *request) {
	ctx, cancel := q.context()
	defer cancel()
	id, ok := q.m.Lookup("group_id")
	if !ok {
		groups, err := q.c.srv.store.Groups(ctx, q.c.account)
		if err != nil {
			q.refuse(err)
			return
		}
		var items []byte
		for i := range groups {
			items = wire.End(appendGroup(items, &groups[i]))
		}
		q.list(len(groups), items, false)
		return
	}
	g, err := q.c.srv.store.Group(ctx, q.c.account, id)
	if err != nil {
		q.refuse(err)
		return
	}
	q.c.answer(item{data: wire.End(appendGroup(q.head(wire.StatOK), &g))})
}

func appendGroup(b []byte, g *store.Group) []byte {
	b = wire.Append(b, "group_id", g.ID)
	b = wire.AppendInt(b, "conversation", g.Conversation)
	b = wire.Append(b, "name", g.Name)
	b = wire.Append(b, "introduction", g.Introduction)
	b = wire.Append(b, "founder", g.Founder)
	b = wire.AppendInt(b, "create_time", g.CreateTime)
	return wire.AppendInt(b, "members", int64(g.Members))
}

func listMembers(q *request) {
	group, err := q.text("group_id", wire.MaxName)
	if err != nil {
		q.refuse(err)
		return
	}
	ctx, cancel := q.context()
	defer cancel()
	members, err := q.c.srv.store.Members(ctx, q.c.account, group, q.m.Get("after"), memberPage)
	if err != nil {
		q.refuse(err)
		return
	}
	var items []byte
	for _, m := range members {
		items = wire.Append(items, "user_account", m.Account)
		items = wire.Append(items, "permissions", m.Permissions)
		items = wire.End(wire.AppendInt(items, "join_time", m.JoinTime))
	}
	q.list(len(members), items, len(members) == memberPage)
}

func invite(q *request) {
	group, err := q.text("group_id", wire.MaxName)
	if err != nil {
		q.refuse(err)
		return
	}
	accounts, err := q.friends()
	if err == nil && len(accounts) == 0 {
		err = &wire.Error{Stat: wire.StatBadRequest, Reason: "friends is missing: whom do you invite?"}
	}
	if err != nil {
		q.refuse(err)
		return
	}
	if !q.begin() {
		return
	}
	q.c.srv.store.Invite(q.c.account, group, accounts, q.membership)
}

func leaveGroup(q *request) {
	group, err := q.text("group_id", wire.MaxName)
	if err != nil {
		q.refuse(err)
		return
	}
	if q.m.Get("friends") != "" {
		q.fail(wire.StatBadRequest, "without friends this leaves the group; removing others is not offered")
		return
	}
	if !q.begin() {
		return
	}
	q.c.srv.store.LeaveGroup(q.c.account, group, q.membership)
}

// membership answers a change of who belongs to a group and tells the members.
func (q *request) membership(posted []store.Posted, err error) {
	defer q.end()
	if err != nil {
		q.refuse(err)
		return
	}
	q.ok("group_id", q.m.Get("group_id"))
	q.c.srv.deliver(posted, nil)
}

func profile(q *request) {
	accounts, err := q.friends()
	if err == nil && len(accounts) > 1 {
		err = &wire.Error{Stat: wire.StatBadRequest, Reason: "friends names one account here"}
	}
	if err != nil {
		q.refuse(err)
		return
	}
	of := q.c.account
	if len(accounts) == 1 {
		of = accounts[0]
	}
	ctx, cancel := q.context()
	defer cancel()
	u, err := q.c.srv.store.User(ctx, of)
	if err != nil {
		q.refuse(err)
		return
	}
	if of != q.c.account {
		q.ok("user_account", u.Account, "user_name", u.Name)
		return
	}
	q.ok("user_account", u.Account, "user_name", u.Name, "user_phone", u.Phone, "sex", u.Sex, "birthday", u.Birthday,
		"address", u.Address, "registration_time", strconv.FormatInt(u.RegistrationTime.UnixMilli(), 10))
}
