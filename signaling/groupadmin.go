package signaling

import (
	"encoding/json"
	"slices"

	"neochat/store"
	"neochat/wire"
)

// introduction returns what is said of a group, which may be nothing.
func (q *request) introduction() (string, error) {
	v := q.m.Get("introduction")
	if len(v) > maxIntroduction {
		return "", refusal(wire.StatTooLarge, "introduction has at most 2000 bytes")
	}
	return v, nil
}

// historySetting returns join or all, or "" where it is not said.
func (q *request) historySetting() (string, error) {
	v, said := q.m.Lookup("history")
	if said && v != store.HistoryJoin && v != store.HistoryAll {
		return "", refusal(wire.StatBadRequest, "history is join (who is invited sees what is said from then on) or all")
	}
	return v, nil
}

func describeGroup(q *request) error {
	group, err := q.text("group_id", wire.MaxName)
	if err != nil {
		return err
	}
	d, err := q.description()
	if err != nil {
		return err
	}
	if !q.begin() {
		return nil
	}
	q.c.srv.store.DescribeGroup(q.c.account, group, d, q.membership)
	return nil
}

// description is what the message says of a group.
func (q *request) description() (d store.Description, err error) {
	said := func(name, value string) *string {
		if _, ok := q.m.Lookup(name); !ok {
			return nil
		}
		return &value
	}
	name := ""
	if _, ok := q.m.Lookup("name"); ok {
		if name, err = q.text("name", maxGroupName); err != nil {
			return d, err
		}
	}
	introduction, err := q.introduction()
	if err != nil {
		return d, err
	}
	history, err := q.historySetting()
	if err != nil {
		return d, err
	}
	avatar := q.m.Get("avatar")
	if avatar != "" && !validFileName(avatar) {
		return d, store.ErrForbidden
	}
	d = store.Description{Name: said("name", name), Introduction: said("introduction", introduction),
		Avatar: said("avatar", avatar), History: said("history", history)}
	if d == (store.Description{}) {
		return d, refusal(wire.StatBadRequest, "say what to change: name, introduction, avatar or history")
	}
	return d, nil
}

func dissolveGroup(q *request) error {
	group, err := q.text("group_id", wire.MaxName)
	if err != nil {
		return err
	}
	if !q.begin() {
		return nil
	}
	q.c.srv.store.DissolveGroup(q.c.account, group, q.membership)
	return nil
}

// groupAndFriends returns which group it is about, and whom.
func (q *request) groupAndFriends() (group string, accounts []string, err error) {
	if group, err = q.text("group_id", wire.MaxName); err != nil {
		return "", nil, err
	}
	accounts, err = q.friends()
	return group, accounts, err
}

// endMembership leaves the group, or removes others from it.
func endMembership(q *request) error {
	group, accounts, err := q.groupAndFriends()
	if err != nil {
		return err
	}
	self := slices.Contains(accounts, q.c.account)
	if self && len(accounts) > 1 {
		return refusal(wire.StatBadRequest, "friends names yourself beside others: leave the group with a message of its own, without friends")
	}
	if !q.begin() {
		return nil
	}
	if self || len(accounts) == 0 {
		q.c.srv.store.LeaveGroup(q.c.account, group, q.membership)
		return nil
	}
	q.c.srv.store.RemoveMembers(q.c.account, group, accounts, q.membership)
	return nil
}

func setPermissions(q *request) error {
	group, accounts, err := q.groupAndFriends()
	if err != nil {
		return err
	}
	permissions := q.m.Get("permissions")
	switch {
	case len(accounts) == 0:
		return refusal(wire.StatBadRequest, "friends is missing: whose permissions?")
	case permissions != store.Creator && permissions != store.Admin && permissions != store.Plain:
		return refusal(wire.StatBadRequest, "permissions is admin or member, or creator to hand the group over")
	case permissions == store.Creator && len(accounts) > 1:
		return refusal(wire.StatBadRequest, "a group has one creator: friends names one person here")
	}
	if !q.begin() {
		return nil
	}
	q.c.srv.store.SetPermissions(q.c.account, group, accounts, permissions, q.membership)
	return nil
}

// membership answers a change of a group or of who belongs to it, and tells the members.
func (q *request) membership(posted []store.Posted, err error) {
	defer q.end()
	if err != nil {
		q.refuse(err)
		return
	}
	q.ok("group_id", q.m.Get("group_id"))
	q.c.srv.deliver(posted, nil)
	for i := range posted {
		q.c.srv.cells.regrouped(&posted[i])
	}
}

// regrouped lets the calls of a group follow its members, of whom a record tells.
func (cs *cells) regrouped(p *store.Posted) {
	var r record
	if json.Unmarshal(p.Carry, &r) != nil {
		return
	}
	switch r.Event {
	case "invited":
		cs.groupCalls(p.Group, func(x *cell) { cs.admitLocked(x, r.Friends) })
	case "left", "removed":
		cs.groupCalls(p.Group, func(x *cell) { cs.expelLocked(x, r.Friends) })
	case "dissolved":
		cs.groupCalls(p.Group, func(x *cell) { cs.closeLocked(x, "closed", nil) })
	}
}

// groupCalls does something to each open call of a group.
func (cs *cells) groupCalls(group string, do func(*cell)) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, x := range cs.byKey {
		if x.group == group {
			do(x)
		}
	}
}

// admitLocked makes accounts members of a call that is already open; it does not ring them.
func (cs *cells) admitLocked(x *cell, accounts []string) {
	for _, a := range accounts {
		if a != x.opener {
			x.callees[a] = true
			delete(x.invited, a)
		}
	}
}

// expelLocked ends the part that accounts have in a call: for them it is over, and unknown from then on.
func (cs *cells) expelLocked(x *cell, accounts []string) {
	for _, a := range accounts {
		if !x.member(a) {
			continue
		}
		cs.takeOutLocked(x, a)
		if x.kind != "" {
			cs.srv.hub.push(a, item{data: x.over("")}, nil)
		}
		delete(x.callees, a)
		delete(x.invited, a)
		if x.opener == a && !cs.reopenLocked(x) {
			cs.closeLocked(x, "closed", nil)
			return
		}
	}
	if x.kind != "" {
		cs.settleLocked(x, "closed", nil)
	}
}

// takeOutLocked ends the ringing of an account and takes its devices out, and what watches for it.
func (cs *cells) takeOutLocked(x *cell, account string) {
	if x.ringing[account] != nil {
		cs.stopRingingLocked(x, account, "cancelled")
		cs.tellStopLocked(x, account, "closed")
	}
	for _, p := range x.people {
		if p.account == account {
			cs.removeLocked(x, p)
			cs.tellPeopleLocked(x, "leave", p)
		}
	}
	cs.srv.streams.watchersLeave(x.key, account)
}

// reopenLocked gives a call whose opener is gone to somebody in it, or else to one it was opened for; not to who
// came from outside, unless there is nobody else.
func (cs *cells) reopenLocked(x *cell) bool {
	heir, best := "", 0
	for a := range x.callees {
		worth := 1
		if x.person(a) != nil {
			worth += 1
		}
		if x.invited[a] == "" {
			worth += 2
		}
		if !x.removed[a] && worth > best {
			heir, best = a, worth
		}
	}
	if heir == "" {
		return false
	}
	x.opener = heir
	delete(x.callees, heir)
	delete(x.invited, heir)
	return true
}
