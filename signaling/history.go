package signaling

import (
	"unicode/utf8"

	"neochat/store"
	"neochat/wire"
)

// Page sizes.
const (
	maxPage          = 128 << 10 // bytes of items; a page has at least one
	historyPage      = 50
	historyMost      = 200
	conversationPage = 100
	conversationMost = 500
	previewBytes     = 200
)

func history(q *request) error {
	n, err := q.numbers("conversation", "before_seq", "after_seq")
	if err != nil {
		return err
	}
	limit, err := q.number("limit", historyPage)
	if err != nil || limit == 0 {
		return refusal(wire.StatBadRequest, "limit must be a whole number from 1 to 200")
	}
	_, before := q.m.Lookup("before_seq")
	_, after := q.m.Lookup("after_seq")
	if before && after {
		return refusal(wire.StatBadRequest, "say before_seq or after_seq, not both")
	}
	if before && n[1] == 0 {
		q.list(0, nil, false)
		return nil
	}
	ctx, cancel := q.context()
	defer cancel()
	if after && n[2] == 0 {
		n[2] = -1 // from the beginning
	}
	messages, more, err := q.c.srv.store.History(ctx, q.c.account, n[0], n[1], n[2], int(min(limit, historyMost)))
	if err != nil {
		return err
	}
	count, items, cut := page(messages, q.c.account, after)
	q.list(count, items, more || cut)
	return nil
}

// page encodes messages up to maxPage bytes; what does not fit is cut at the far
// end: behind, when reading forward, else in front.
func page(messages []store.Message, reader string, forward bool) (count int, items []byte, cut bool) {
	encoded := make([][]byte, len(messages))
	size := 0
	for i := range messages {
		at := i
		if !forward {
			at = len(messages) - 1 - i
		}
		b := appendMessage(nil, &messages[at], reader)
		if size+len(b) > maxPage && count > 0 {
			cut = true
			break
		}
		encoded[at] = b
		size += len(b)
		count++
	}
	items = make([]byte, 0, size)
	for _, b := range encoded {
		items = append(items, b...)
	}
	return count, items, cut
}

func listConversations(q *request) error {
	limit, err := q.number("limit", conversationPage)
	if err != nil || limit == 0 {
		return refusal(wire.StatBadRequest, "limit must be a whole number from 1 to 500")
	}
	before, err := q.number("before_change", 0)
	if err != nil {
		return err
	}
	ctx, cancel := q.context()
	defer cancel()
	list, err := q.c.srv.store.Conversations(ctx, q.c.account, before, int(min(limit, conversationMost)))
	if err != nil {
		return err
	}
	var items []byte
	for i := range list {
		items = appendConversation(items, &list[i])
	}
	q.list(len(list), items, len(list) == int(min(limit, conversationMost)))
	return nil
}

func appendConversation(b []byte, v *store.Conversation) []byte {
	b = wire.AppendInt(b, "conversation", v.ID)
	if v.Group != "" {
		b = wire.Append(b, "kind", "group")
		b = wire.Append(b, "group_id", v.Group)
		b = wire.Append(b, "name", v.GroupName)
	} else {
		b = wire.Append(b, "kind", "pair")
		b = wire.Append(b, "friends", v.Peer)
	}
	b = wire.AppendInt(b, "last_seq", v.LastSeq)
	b = wire.AppendInt(b, "read_seq", v.ReadSeq)
	b = wire.AppendInt(b, "unread", v.Unread)
	b = wire.AppendInt(b, "mentioned", v.Mentioned)
	if v.Left {
		b = wire.Append(b, "left", "yes")
	}
	b = wire.AppendInt(b, "change", v.Change)
	if last := &v.Last; last.Seq > 0 {
		b = wire.AppendInt(b, "time", last.Time)
		b = wire.Append(b, "author", last.Author)
		b = wire.Append(b, "last_type", last.Kind)
		switch last.Kind {
		case kindText:
			b = wire.Append(b, "text", preview(last.Text))
		case kindVoice:
			b = appendVoice(b, last.Carry)
		default:
			b = appendRecord(b, last.Carry)
		}
	}
	return wire.End(b)
}

// preview cuts a text to previewBytes, between characters.
func preview(s string) string {
	if len(s) <= previewBytes {
		return s
	}
	n := previewBytes
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
