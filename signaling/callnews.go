package signaling

import (
	"slices"
	"strings"
	"time"

	"neochat/wire"
)

const (
	newsSoon  = 20 * time.Millisecond // after a change of who is in a call of several, those outside are told
	newsEvery = time.Second           // not more often than
	maxJoined = 100                   // accounts that are told to be in a call; their number is told in any case
)

// newsLocked has everybody whom a call of several concerns told who is in it by then.
func (cs *cells) newsLocked(x *cell) {
	if x.news != nil || x.closed || cs.ended {
		return
	}
	x.news = time.AfterFunc(max(newsSoon, time.Until(x.told.Add(newsEvery))), func() {
		cs.mu.Lock()
		defer cs.mu.Unlock()
		x.news = nil
		if !x.closed && !cs.ended && !x.pair() && x.kind != "" {
			cs.tellNewsLocked(x)
		}
	})
}

// tellNewsLocked encodes it once for a group.
func (cs *cells) tellNewsLocked(x *cell) {
	x.told = time.Now()
	news := func(reader string) []byte {
		b := wire.Append(nil, "message_type", "cell")
		return appendCell(wire.Append(b, "type", "PATCH"), x, reader, false)
	}
	var members []byte
	for _, account := range x.everyone() {
		data := members
		if x.group == "" || x.invited[account] != "" {
			data = news(account)
		} else if data == nil {
			members = news(account)
			data = members
		}
		cs.srv.hub.push(account, item{data: data}, nil)
	}
}

// listCells tells which calls concern me: those that somebody joined and those that ring me.
func listCells(q *request) error {
	cs := q.c.srv.cells
	cs.mu.Lock()
	defer cs.mu.Unlock()
	var items []byte
	n := 0
	for _, x := range cs.byKey {
		rings := x.ringing[q.c.account] != nil
		if !x.member(q.c.account) || !rings && len(x.people) == 0 {
			continue
		}
		n++
		items = appendCell(items, x, q.c.account, rings)
	}
	q.list(n, items, false)
	return nil
}

// appendCell adds how a call stands. Who was invited is not told the group and the conversation that it is of.
func appendCell(b []byte, x *cell, reader string, rings bool) []byte {
	by := x.invited[reader]
	b = wire.Append(b, "connection_key", x.key)
	b = wire.Append(b, "call", x.kind)
	b = wire.Append(b, "user_account", x.opener)
	switch {
	case x.group == "":
		others := slices.DeleteFunc(x.everyone(), func(account string) bool { return account == reader })
		slices.Sort(others)
		b = wire.Append(b, "friends", strings.Join(others, ","))
	case by != "":
		b = wire.Append(b, "friends", by)
	default:
		b = wire.Append(b, "group_id", x.group)
	}
	if x.conversation != 0 && by == "" {
		b = wire.AppendInt(b, "conversation", x.conversation)
	}
	if rings {
		b = wire.Append(b, "ringing", "yes")
	}
	b = wire.AppendInt(b, "participants", int64(len(x.people)))
	joined, guests := x.joined()
	if len(joined) > 0 {
		b = wire.Append(b, "joined", strings.Join(joined, ","))
	}
	if guests > 0 {
		b = wire.AppendInt(b, "guests", int64(guests))
	}
	return wire.End(b)
}

// joined lists the accounts in the call, at most maxJoined, and counts the guests.
func (x *cell) joined() (accounts []string, guests int) {
	for _, p := range x.people {
		if p.guest {
			guests++
		} else if !slices.Contains(accounts, p.account) && len(accounts) < maxJoined {
			accounts = append(accounts, p.account)
		}
	}
	slices.Sort(accounts)
	return accounts, guests
}
