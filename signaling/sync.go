package signaling

import (
	"maps"
	"slices"

	"neochat/store"
	"neochat/wire"
)

const (
	syncPage = 200 // items
	syncMost = 500
)

func mark(q *request) error {
	n, err := q.numbers("conversation", "read_seq", "delivered_seq")
	if err != nil {
		return err
	}
	if n[1] == 0 && n[2] == 0 {
		return refusal(wire.StatBadRequest, "read_seq or delivered_seq is missing")
	}
	if !q.begin() {
		return nil
	}
	c := q.c
	c.srv.store.Mark(c.account, n[0], store.Watermark{Read: n[1], Delivered: n[2]}, c, func(to store.Watermark, err error) {
		defer q.end()
		if err != nil {
			q.refuse(err)
			return
		}
		b := wire.AppendInt(q.head(wire.StatOK), "conversation", n[0])
		c.answer(item{data: wire.End(appendWatermark(b, to))})
	})
	return nil
}

func appendWatermark(b []byte, w store.Watermark) []byte {
	b = wire.AppendInt(b, "read_seq", w.Read)
	return wire.AppendInt(b, "delivered_seq", w.Delivered)
}

// tellReceipts tells of what moved, but for the connection that moved it.
func (s *Server) tellReceipts(receipts []store.Receipt) {
	for i := range receipts {
		r := &receipts[i]
		it := item{data: appendReceipt(nil, r), change: r.Change, told: true, late: true}
		by, _ := r.By.(*conn)
		for _, account := range r.Recipients {
			s.hub.push(account, it, by)
		}
	}
}

func appendReceipt(b []byte, r *store.Receipt) []byte {
	b = wire.Append(b, "user_account", r.Account)
	b = wire.Append(b, "message_type", "receipt")
	b = wire.AppendInt(b, "conversation", r.Conversation)
	b = appendWatermark(b, r.Watermark)
	if r.Group != "" {
		b = wire.Append(b, "group_id", r.Group)
	}
	return wire.End(wire.AppendInt(b, "change", r.Change))
}

func listReceipts(q *request) error {
	conversation, err := q.number("conversation", 0)
	if err != nil {
		return err
	}
	ctx, cancel := q.context()
	defer cancel()
	all, err := q.c.srv.store.Receipts(ctx, q.c.account, conversation)
	if err != nil {
		return err
	}
	var items []byte
	for _, r := range all {
		items = wire.Append(items, "user_account", r.Account)
		items = wire.End(appendWatermark(items, r.Watermark))
	}
	q.list(len(all), items, false)
	return nil
}

func syncFrom(q *request) error {
	limit, err := q.number("limit", syncPage)
	if err != nil || limit == 0 {
		return refusal(wire.StatBadRequest, "limit must be a whole number from 1 to 500")
	}
	after, err := q.number("after_change", 0)
	if err != nil {
		return err
	}
	c := q.c
	ctx, cancel := q.context()
	defer cancel()
	if _, said := q.m.Lookup("after_change"); !said {
		if after, err = c.srv.store.Cursor(ctx, c.account, c.device); err != nil {
			return err
		}
	}
	page, err := c.srv.store.Sync(ctx, c.account, after, int(min(limit, syncMost)))
	if err != nil {
		return err
	}
	var items []byte
	count := 0
	for i := range page.Items {
		size := len(items)
		if items = appendSync(items, &page.Items[i], c.account); len(items) > maxPage && i > 0 {
			items = items[:size]
			page.UpTo, page.More = page.Items[i-1].Change, true
			break
		}
		count++
	}
	b := wire.AppendInt(q.head(wire.StatOK), "count", int64(count))
	b = wire.AppendInt(b, "change", page.UpTo)
	if page.More {
		b = wire.Append(b, "more", "yes")
	}
	c.answer(item{data: append(wire.End(b), items...)})
	return nil
}

func synced(q *request) error {
	change, err := q.number("change", -1)
	if err == nil && change < 0 {
		err = refusal(wire.StatBadRequest, "change is missing")
	}
	if err != nil {
		return err
	}
	ctx, cancel := q.context()
	defer cancel()
	if change, err = q.c.srv.store.Synced(ctx, q.c.account, q.c.device, change); err != nil {
		return err
	}
	q.c.answer(item{data: wire.End(wire.AppendInt(q.head(wire.StatOK), "change", change))})
	return nil
}

// appendSync adds one thing that changed.
func appendSync(b []byte, i *store.SyncItem, reader string) []byte {
	switch {
	case i.Message != nil:
		return appendMessage(b, i.Message, reader)
	case i.Reaction != nil:
		return appendSyncReaction(b, i.Reaction)
	case i.Receipt != nil:
		return appendReceipt(b, i.Receipt)
	}
	b = wire.Append(b, "message_type", i.Account.Kind)
	if i.Account.Kind == "profile" {
		b = wire.Append(b, "type", "PATCH")
	}
	for _, name := range slices.Sorted(maps.Keys(i.Account.Lines)) {
		b = wire.Append(b, name, i.Account.Lines[name])
	}
	return wire.End(wire.AppendInt(b, "change", i.Change))
}

func appendSyncReaction(b []byte, x *store.Reaction) []byte {
	b = wire.Append(b, "user_account", x.Account)
	b = appendReact(b, &store.Amended{Message: store.Message{Conversation: x.Conversation, Seq: x.Seq, Tallies: x.Tallies},
		Reaction: x.Reaction, Withdrawn: x.Withdrawn})
	return wire.End(wire.AppendInt(b, "change", x.Change))
}
