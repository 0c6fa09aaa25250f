package signaling

import (
	"neochat/store"
	"neochat/store/words"
	"neochat/wire"
)

const (
	searchPage = 20
	searchMost = 100
	searchText = 500 // bytes
)

func search(q *request) error {
	wanted, err := q.wanted()
	if err != nil {
		return err
	}
	if _, said := q.m.Lookup("before_change"); said && wanted.BeforeChange == 0 {
		q.list(0, nil, false)
		return nil
	}
	ctx, cancel := q.context()
	defer cancel()
	found, more, err := q.c.srv.store.Search(ctx, q.c.account, wanted)
	if err != nil {
		return err
	}
	count, items, cut := page(found, q.c.account, true)
	q.list(count, items, more || cut)
	return nil
}

// wanted reads what is looked for.
func (q *request) wanted() (s store.Search, err error) {
	if s.Text, err = q.text("text", searchText); err != nil {
		return s, err
	}
	if words.Parse(s.Text).Empty() {
		return s, refusal(wire.StatBadRequest, "text holds no word to look for: letters, digits or characters of a script")
	}
	accounts, err := q.friends()
	if err == nil && len(accounts) > 1 {
		err = refusal(wire.StatBadRequest, "friends names one author here")
	}
	if err != nil {
		return s, err
	}
	if len(accounts) == 1 {
		s.Author = accounts[0]
	}
	limit, err := q.number("limit", searchPage)
	if err != nil || limit == 0 {
		return s, refusal(wire.StatBadRequest, "limit must be a whole number from 1 to 100")
	}
	s.Limit = int(min(limit, searchMost))
	n, err := q.numbers("conversation", "since", "until", "before_change")
	if err != nil {
		return s, err
	}
	if _, said := q.m.Lookup("conversation"); said && n[0] == 0 {
		return s, store.ErrNotFound
	}
	s.Conversation, s.Since, s.Until, s.BeforeChange = n[0], n[1], n[2], n[3]
	return s, nil
}
