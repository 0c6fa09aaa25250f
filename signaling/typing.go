package signaling

import "neochat/wire"

// maxTypingMembers is the largest conversation in which typing is told.
const maxTypingMembers = 50

// typing tells the others of a conversation that somebody writes, or stopped. Nothing of it is kept.
func typing(q *request) error {
	to, err := q.targets()
	state := q.m.Get("state")
	switch {
	case err != nil:
		return err
	case len(to) > 1:
		return refusal(wire.StatBadRequest, "friends names one account here")
	case state != "" && state != "stopped":
		return refusal(wire.StatBadRequest, "state is stopped, or missing while you write")
	}
	ctx, cancel := q.context()
	defer cancel()
	conversation, group, members, err := q.c.srv.store.Reach(ctx, q.c.account, to[0])
	if err != nil {
		return err
	}
	q.ok()
	if len(members) > maxTypingMembers {
		return nil
	}
	told := item{data: typingPush(q.c.account, conversation, group, state), fleeting: true}
	for _, account := range members {
		if account != q.c.account {
			q.c.srv.hub.push(account, told, nil)
		}
	}
	return nil
}

func typingPush(account string, conversation int64, group, state string) []byte {
	b := wire.Append(nil, "user_account", account)
	b = wire.Append(b, "message_type", "typing")
	if conversation != 0 {
		b = wire.AppendInt(b, "conversation", conversation)
	}
	if group != "" {
		b = wire.Append(b, "group_id", group)
	}
	if state != "" {
		b = wire.Append(b, "state", state)
	}
	return wire.End(b)
}
