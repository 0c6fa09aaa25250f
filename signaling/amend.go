package signaling

import (
	"strconv"
	"strings"
	"unicode"

	"neochat/store"
	"neochat/wire"
)

const maxReaction = 32 // bytes

func edit(q *request) error {
	at, err := q.place("message_id")
	if err != nil {
		return err
	}
	e := store.Edit{By: q.c.account, Place: at}
	if e.Text, e.Files, e.Mentions, err = q.words(); err != nil {
		return err
	}
	if q.begin() {
		q.c.srv.store.Edit(e, q.amended(appendEdit))
	}
	return nil
}

func deleteMessage(q *request) error {
	at, err := q.place("message_id")
	if err != nil {
		return err
	}
	whom := q.m.Get("for")
	if whom != "" && whom != "me" && whom != "all" {
		return refusal(wire.StatBadRequest, "for is me or all")
	}
	if q.begin() {
		q.c.srv.store.Delete(q.c.account, at, whom == "all", q.amended(appendDelete))
	}
	return nil
}

func react(q *request) error    { return q.react(false) }
func withdraw(q *request) error { return q.react(true) }

func (q *request) react(withdraw bool) error {
	at, err := q.place("message_id")
	if err != nil {
		return err
	}
	reaction := q.m.Get("reaction")
	odd := func(r rune) bool { return r == ',' || unicode.IsSpace(r) || unicode.IsControl(r) }
	if reaction == "" || len(reaction) > maxReaction || strings.ContainsFunc(reaction, odd) {
		return refusal(wire.StatBadRequest, "reaction has 1 to 32 bytes, without spaces, commas and control characters")
	}
	if q.begin() {
		q.c.srv.store.React(q.c.account, at, reaction, withdraw, q.amended(appendReact))
	}
	return nil
}

// amended answers what was done to a message, and tells it in the words of tell.
func (q *request) amended(tell func([]byte, *store.Amended) []byte) func(store.Amended, error) {
	return func(a store.Amended, err error) {
		defer q.end()
		if err != nil {
			q.refuse(err)
			return
		}
		b := appendWhere(q.head(wire.StatOK), &a.Message)
		q.c.answer(item{data: wire.End(wire.AppendInt(b, "change", a.ChangeOfAct))})
		if a.Unchanged {
			return
		}
		b = tell(wire.Append(nil, "user_account", a.By), &a)
		if a.Group != "" {
			b = wire.Append(b, "group_id", a.Group)
		}
		it := item{data: wire.End(wire.AppendInt(b, "change", a.ChangeOfAct)), change: a.ChangeOfAct, told: true, late: true}
		for _, account := range a.Recipients {
			q.c.srv.hub.push(account, it, q.c)
		}
	}
}

// appendWhere adds which message it is about.
func appendWhere(b []byte, m *store.Message) []byte {
	b = wire.Append(b, "message_id", m.ID())
	b = wire.AppendInt(b, "conversation", m.Conversation)
	return wire.AppendInt(b, "seq", m.Seq)
}

func appendEdit(b []byte, a *store.Amended) []byte {
	b = appendWhere(wire.Append(b, "message_type", "edit"), &a.Message)
	b = wire.Append(b, "text", a.Text)
	b = wire.AppendInt(b, "edited", a.Edited)
	if a.Carry != nil {
		b = appendAlong(b, &a.Message)
	}
	return b
}

func appendDelete(b []byte, a *store.Amended) []byte {
	b = appendWhere(wire.Append(b, "message_type", "delete"), &a.Message)
	if a.OnlyFor {
		return wire.Append(b, "for", "me")
	}
	return wire.Append(b, "for", "all")
}

func appendReact(b []byte, a *store.Amended) []byte {
	b = wire.Append(b, "message_type", "react")
	if a.Withdrawn {
		b = wire.Append(b, "type", "DELETE")
	}
	b = wire.Append(appendWhere(b, &a.Message), "reaction", a.Reaction)
	return appendTallies(b, a.Tallies)
}

// appendTallies adds how many reacted how, and how the reader did.
func appendTallies(b []byte, tallies []store.Tally) []byte {
	if len(tallies) == 0 {
		return b
	}
	var all, mine []string
	for _, t := range tallies {
		all = append(all, t.Reaction+" "+strconv.Itoa(t.Count))
		if t.Mine {
			mine = append(mine, t.Reaction)
		}
	}
	b = wire.Append(b, "reactions", strings.Join(all, ", "))
	if mine != nil {
		b = wire.Append(b, "my_reactions", strings.Join(mine, ", "))
	}
	return b
}

func listReactions(q *request) error {
	at, err := q.place("message_id")
	if err != nil {
		return err
	}
	ctx, cancel := q.context()
	defer cancel()
	all, more, err := q.c.srv.store.Reactions(ctx, q.c.account, at, q.m.Get("after"))
	if err != nil {
		return err
	}
	var items []byte
	for _, x := range all {
		items = wire.Append(items, "user_account", x.Account)
		items = wire.End(wire.Append(items, "reaction", x.Reaction))
	}
	q.list(len(all), items, more)
	return nil
}
