package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"neochat/store/words"
)

const (
	searchWords  = 6  // of a query are looked up; what is found is compared with all
	searchAtOnce = 64 // conversations
	// A word that is in at most so many messages of all is looked up for all conversations at once.
	searchRare = 3000
	// So many in the first conversations make a word a frequent one.
	searchFew    = 400
	searchSample = 16
	// Who is in many conversations has so many of the last messages read, some at once, before the index is asked.
	searchRecent     = 8192
	searchRecentPart = 1024
	// If what is found there is not enough, but so much as promises to be so among a few more, these are read too.
	searchRecentMore = 3 * searchRecent
	// searchSlack is how far the server's clock may have been set back: times rise with
	// messages but for that.
	searchSlack = time.Hour
)

// Search says what to look for. Zero fields ask nothing.
type Search struct {
	Text         string // all of its words must be there
	Conversation int64
	Author       string
	Since, Until int64 // Unix ms, both inclusive
	BeforeChange int64 // only what was said before that change
	Limit        int
}

// Search returns at most q.Limit messages that account may read, those said last first; their Change is
// that with which they were first told. more: there are further ones, before the last one's
// Change. A message can be found within two seconds, an edited one by the words it has then.
// ErrNotFound: q.Conversation is none that account is or was in. Text without any word finds nothing.
func (s *Store) Search(ctx context.Context, account string, q Search) (found []Message, more bool, err error) {
	f, err := s.newFinder(ctx, account, q)
	if err != nil {
		return nil, false, readFailed("search", err)
	}
	if f.query.Empty() || f.low >= f.high {
		return nil, false, nil
	}
	if err := f.run(ctx); err != nil {
		return nil, false, readFailed("search", err)
	}
	if more = len(f.hits) > q.Limit; more {
		f.hits = f.hits[:q.Limit]
	}
	found, err = s.loadFound(ctx, account, f.hits)
	return found, more, readFailed("search", err)
}

// loadFound reads what was found as history shows it.
func (s *Store) loadFound(ctx context.Context, account string, hits []hit) ([]Message, error) {
	found := make([]Message, 0, len(hits))
	for _, h := range hits {
		after := h.seq - 1
		if after == 0 {
			after = -1 // from the beginning
		}
		messages, _, err := s.History(ctx, account, h.conversation, h.seq+1, after, 1)
		if err != nil {
			return nil, err
		}
		for _, m := range messages {
			if m.Kind != KindDeleted { // meanwhile
				m.Change = h.said
				found = append(found, m)
			}
		}
	}
	return found, nil
}

// finder is one search under way. Messages are found by their id, which rises as they are said.
type finder struct {
	store   *Store
	account string
	Search
	query     words.Query
	places    []searchPlace // that with the latest message first
	byID      map[int64]searchPlace
	keys      [][]byte // wordKey of what is looked up
	low, high int64    // ids in between are looked at
	hits      []hit    // the latest so far, in order, at most Limit+1
}

// searchPlace is a conversation that may be searched.
type searchPlace struct {
	conversation int64
	last         int64 // the change of the last message in it that may be read
	bound        int64 // what was changed after it may not be
	stays        []searchStay
}

// searchStay is what may be read: since < seq <= until.
type searchStay struct{ since, until int64 }

// hit is what the index found.
type hit struct {
	id, conversation, seq, change, said int64
	author, text                        string
	time                                int64
}

func scanHit(row scanner) (h hit, err error) {
	err = row.Scan(&h.id, &h.conversation, &h.seq, &h.change, &h.said, &h.author, &h.text, &h.time)
	return h, err
}

func (s *Store) newFinder(ctx context.Context, account string, q Search) (*finder, error) {
	f := &finder{store: s, account: account, Search: q, query: words.Parse(q.Text), byID: map[int64]searchPlace{}}
	f.Limit = max(f.Limit, 1)
	if err := f.readPlaces(ctx); err != nil {
		return nil, err
	}
	for _, w := range f.query.Words(searchWords) {
		f.keys = append(f.keys, wordKey(w))
	}
	if q.Author != "" {
		f.keys = append(f.keys, wordKey(authorWord(q.Author)))
	}
	return f, f.readBounds(ctx)
}

func (f *finder) readPlaces(ctx context.Context) error {
	type row struct {
		conversation, bound, last int64
		searchStay
	}
	rows, err := collect(ctx, f.store.queries[qMyStays], func(r scanner) (w row, err error) {
		return w, r.Scan(&w.conversation, &w.since, &w.until, &w.bound, &w.last)
	}, f.account)
	if err != nil {
		return err
	}
	for _, r := range rows {
		if f.Conversation != 0 && r.conversation != f.Conversation {
			continue
		}
		p := f.byID[r.conversation]
		p.conversation = r.conversation
		p.bound = max(p.bound, r.bound)
		p.last = max(p.last, min(r.last, r.bound))
		p.stays = append(p.stays, r.searchStay)
		f.byID[r.conversation] = p
	}
	if f.Conversation != 0 && len(f.byID) == 0 {
		return fmt.Errorf("conversation: %w", ErrNotFound)
	}
	for _, p := range f.byID {
		f.places = append(f.places, p)
	}
	slices.SortFunc(f.places, func(a, b searchPlace) int {
		return cmp.Or(cmp.Compare(b.last, a.last), cmp.Compare(a.conversation, b.conversation))
	})
	return nil
}

// readBounds turns bounds of change and time into bounds of ids.
func (f *finder) readBounds(ctx context.Context) error {
	var last int64
	err := f.store.row(ctx, qLastMessage).Scan(&last)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // nobody has said anything
	}
	if err != nil {
		return err
	}
	slack := searchSlack.Milliseconds()
	since, before, until := int64(1), last+1, last+1
	for _, edge := range []struct {
		asked int64
		id    *int64
		is    func(change, at int64) bool
	}{
		{f.Since, &since, func(_, at int64) bool { return at+slack >= f.Since }},
		{f.BeforeChange, &before, func(change, _ int64) bool { return change >= f.BeforeChange }},
		{f.Until, &until, func(_, at int64) bool { return at-slack > f.Until }},
	} {
		if edge.asked == 0 {
			continue
		}
		if *edge.id, err = f.store.firstMessage(ctx, last, edge.is); err != nil {
			return err
		}
	}
	f.low, f.high = since-1, min(before, until)
	return nil
}

// firstMessage returns the id of the first message that is so, and a larger one than last if none
// is. Of those after one that is so, all must be.
func (s *Store) firstMessage(ctx context.Context, last int64, is func(change, time int64) bool) (int64, error) {
	low, high := int64(1), last+1 // it is in between, both inclusive
	for low < high {
		middle := low + (high-low)/2
		var id, change, at int64
		if err := s.row(ctx, qFirstAfter, middle).Scan(&id, &change, &at); err != nil {
			return 0, err
		}
		if is(change, at) {
			high = middle
		} else {
			low = id + 1
		}
	}
	return low, nil
}

// run looks through the conversations, some at once, until none can have anything later than
// what was found.
func (f *finder) run(ctx context.Context) error {
	if len(f.places) > searchAtOnce {
		if done, err := f.recent(ctx); done || err != nil {
			return err
		}
	}
	if len(f.places) > 2*searchAtOnce {
		if done, err := f.rarest(ctx); done || err != nil {
			return err
		}
	}
	for from := 0; from < len(f.places); from += searchAtOnce {
		if f.full() && f.hits[f.Limit].said >= f.places[from].last {
			return nil
		}
		some := f.places[from:min(from+searchAtOnce, len(f.places))]
		if err := f.look(ctx, tokens(some, f.keys)); err != nil {
			return err
		}
	}
	return nil
}

// rarest looks for the rarest word in all conversations at once, if there is a rare one. done: that was enough.
func (f *finder) rarest(ctx context.Context) (done bool, err error) {
	key, err := f.rare(ctx)
	if key == nil || err != nil {
		return false, err
	}
	return f.everywhere(ctx, key)
}

// recent reads what was said last, for who is in many conversations: a word that is not rare is soon found
// there, and the index would have to be asked for each of them. done: that was enough.
func (f *finder) recent(ctx context.Context) (done bool, err error) {
	first := f.high
	end := max(f.low, first-searchRecent)
	for f.high > end+1 {
		from := max(end, f.high-searchRecentPart)
		messages, err := collect(ctx, f.store.queries[qRecent], scanHit, f.account, from, f.high)
		if err != nil {
			return false, err
		}
		for _, h := range messages {
			f.take(h)
		}
		if f.high = from + 1; f.full() {
			return true, nil
		}
		if f.high <= end+1 && first-f.high < searchRecentMore && len(f.hits)*searchRecentMore > f.Limit*searchRecent {
			end = max(f.low, first-searchRecentMore)
		}
	}
	return false, nil
}

// everywhere looks for a word that seems to be rare in all conversations of the server at once, the latest first.
// done: it is rare indeed, and that was all.
func (f *finder) everywhere(ctx context.Context, key []byte) (done bool, err error) {
	f.hits = slices.DeleteFunc(f.hits, func(h hit) bool { return h.id < f.high }) // they come again
	list := f.store.dialect.wordList([][]string{{string(key)}}, true)
	limit := f.Limit + 4
	if len(f.keys) > 1 {
		limit *= 8 // most will not have the other words
	}
	for seen := 0; seen <= searchRare; limit = min(4*limit, searchRare) {
		hits, err := f.candidates(ctx, list, f.high, limit)
		if err != nil {
			return false, err
		}
		for _, h := range hits {
			f.take(h)
			f.high = h.id
		}
		if seen += len(hits); len(hits) < limit || f.full() && f.hits[f.Limit].id >= f.high {
			return true, nil
		}
	}
	f.keys = [][]byte{key} // comparing with the text is cheaper than reading more lists
	return false, nil
}

// rare returns which of the words is the rarest in the conversations looked at first, or nil if
// none seems to be rare. All beginnings of a frequent one would take long to read.
func (f *finder) rare(ctx context.Context) (rarest []byte, err error) {
	few := searchFew
	for _, key := range f.keys {
		list := f.store.dialect.wordList(tokens(f.places[:searchSample], [][]byte{key}), false)
		hits, err := f.candidates(ctx, list, f.high, few)
		if err != nil {
			return nil, err
		}
		if len(hits) < few {
			rarest, few = key, len(hits)
		}
		if few == 0 {
			break
		}
	}
	return rarest, nil
}

// tokens lists, for each conversation, what a message must have.
func tokens(places []searchPlace, keys [][]byte) [][]string {
	groups := make([][]string, len(places))
	for i, p := range places {
		groups[i] = make([]string, len(keys))
		for k, key := range keys {
			groups[i][k] = string(appendConversation(slices.Clone(key), p.conversation))
		}
	}
	return groups
}

// look takes the latest messages with these tokens, until there are enough or no more.
func (f *finder) look(ctx context.Context, groups [][]string) error {
	list := f.store.dialect.wordList(groups, false)
	for high, limit := f.high, f.Limit+4; ; limit = min(limit*4, searchRare) {
		hits, err := f.candidates(ctx, list, high, limit)
		if err != nil {
			return err
		}
		for _, h := range hits {
			if f.full() && h.id < f.hits[f.Limit].id {
				return nil
			}
			f.take(h)
			high = h.id
		}
		if len(hits) < limit {
			return nil
		}
	}
}

func (f *finder) candidates(ctx context.Context, list string, high int64, limit int) ([]hit, error) {
	return collect(ctx, f.store.queries[qWithWords], scanHit, f.account, list, f.low, high, limit)
}

func (f *finder) full() bool { return len(f.hits) > f.Limit }

// take keeps a candidate that is what is looked for, if it is one of the latest.
func (f *finder) take(h hit) {
	if !f.wanted(h) || !f.query.Match(h.text) {
		return
	}
	at, _ := slices.BinarySearchFunc(f.hits, h.id, func(x hit, id int64) int { return cmp.Compare(id, x.id) })
	f.hits = slices.Insert(f.hits, at, h)
	f.hits = f.hits[:min(len(f.hits), f.Limit+1)]
}

// wanted reports whether it may be read and is by whom and from when it should be.
func (f *finder) wanted(h hit) bool {
	p := f.byID[h.conversation]
	return (f.Author == "" || h.author == f.Author) && h.time >= f.Since && (f.Until == 0 || h.time <= f.Until) && h.change <= p.bound &&
		slices.ContainsFunc(p.stays, func(s searchStay) bool { return s.since < h.seq && h.seq <= s.until })
}

// wordList writes what wordList of a dialect returns with its operators.
func wordList(groups [][]string, any bool, must, and, or string) string {
	var b strings.Builder
	for i, group := range groups {
		if i > 0 {
			b.WriteString(or)
		}
		b.WriteByte('(')
		for k, token := range group {
			if k > 0 {
				b.WriteString(and)
			}
			b.WriteString(must)
			b.WriteString(token)
			if any {
				b.WriteByte('*')
			}
		}
		b.WriteByte(')')
	}
	return b.String()
}
