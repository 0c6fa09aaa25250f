package store

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
)

// scanner is a row of either kind.
type scanner interface{ Scan(...any) error }

// stay is a time somebody was in a conversation: since < seq <= until.
type stay struct {
	since, until        int64
	untilChange         int64 // the change of its last message
	pairA, pairB, group string
}

// bound is the last change of a conversation that somebody with these stays, in their order, may learn
// of: who has left learns of nothing that was done since.
func bound(stays []stay) int64 {
	if len(stays) == 0 {
		return 0
	}
	return stays[len(stays)-1].untilChange
}

func scanStay(row scanner) (stay, error) {
	var s stay
	var pairA, pairB, group sql.NullString
	err := row.Scan(&s.since, &s.until, &s.untilChange, &pairA, &pairB, &group)
	s.pairA, s.pairB, s.group = pairA.String, pairB.String, group.String
	return s, err
}

// row is a message as read.
type row struct {
	Message
	reacted, hidden bool
}

// scanMessage reads messageColumns after the columns into before and before
// those into after.
func scanMessage(from scanner, before []any, after ...any) (row, error) {
	var m row
	var client sql.NullString
	columns := append(before, &m.Conversation, &m.Seq, &m.Change, &m.Author, &m.Kind, &m.Text, &m.Carry, &m.Time, &m.Edited, &m.reacted, &client, &m.hidden)
	err := from.Scan(append(columns, after...)...)
	m.ClientID = client.String
	return m, err
}

// show makes of a row what its reader may see, changes up to bound: a deleted line stands where the reader deleted
// the message, or where it was changed after the reader had left.
func (m *row) show(bound int64) {
	if !m.hidden && m.Change <= bound {
		return
	}
	m.Hidden = m.hidden
	m.Kind, m.Text, m.Carry, m.Edited, m.reacted = KindDeleted, "", nil, 0, false
	m.Change = min(m.Change, bound)
}

// shown makes messages of rows, with their tallies.
func (s *Store) shown(ctx context.Context, account string, rows []row, boundOf func(conversation int64) int64) ([]Message, error) {
	messages := make([]Message, len(rows))
	var wanted []tallied
	for i := range rows {
		bound := boundOf(rows[i].Conversation)
		rows[i].show(bound)
		messages[i] = rows[i].Message
		if rows[i].reacted {
			wanted = append(wanted, tallied{Place{messages[i].Conversation, messages[i].Seq}, bound, &messages[i].Tallies})
		}
	}
	return messages, s.addTallies(ctx, account, wanted)
}

// History returns at most limit messages of a conversation in ascending order of
// seq: the first ones after afterSeq, or the last ones before beforeSeq, or, if both are 0,
// the latest. A negative afterSeq means from the beginning; with both given
// they are bounds and it goes upwards. more: there are further ones in that direction.
// It shows only what was said while account was a member, and a line of KindDeleted where that was deleted;
// ErrNotFound: never was.
func (s *Store) History(ctx context.Context, account string, conversation, beforeSeq, afterSeq int64, limit int) (messages []Message, more bool, err error) {
	stays, err := collect(ctx, s.read(qStays), scanStay, conversation, account)
	if err != nil {
		return nil, false, readFailed("history", err)
	}
	if len(stays) == 0 {
		return nil, false, fmt.Errorf("conversation: %w", ErrNotFound)
	}
	up := afterSeq != 0
	if beforeSeq <= 0 {
		beforeSeq = stillHere
	}
	limit = max(limit, 1)
	last := bound(stays)
	if !up {
		slices.Reverse(stays)
	}
	var rows []row
	for _, st := range stays {
		page, err := s.historyOf(ctx, st, account, conversation, max(st.since, afterSeq), min(beforeSeq, upTo(st)), up, limit+1-len(rows))
		if err != nil {
			return nil, false, readFailed("history", err)
		}
		if rows = append(rows, page...); len(rows) > limit {
			break
		}
	}
	if more = len(rows) > limit; more {
		rows = rows[:limit]
	}
	if !up {
		slices.Reverse(rows)
	}
	messages, err = s.shown(ctx, account, rows, func(int64) int64 { return last })
	return messages, more, readFailed("history", err)
}

// upTo is the first seq that can no longer be seen.
func upTo(st stay) int64 {
	if st.until == stillHere {
		return stillHere
	}
	return st.until + 1
}

func (s *Store) historyOf(ctx context.Context, st stay, account string, conversation, after, before int64, up bool, limit int) ([]row, error) {
	query := qHistoryDown
	if up {
		query = qHistoryUp
	}
	return collect(ctx, s.read(query), func(r scanner) (row, error) {
		m, err := scanMessage(r, nil)
		m.PairA, m.PairB, m.Group = st.pairA, st.pairB, st.group
		return m, err
	}, account, conversation, after, before, limit)
}

// Conversation is an account's view of a conversation.
type Conversation struct {
	ID        int64
	Group     string // "" in a pair
	GroupName string
	Peer      string // the other one of a pair; "" in a group
	LastSeq   int64  // of what account may see
	ReadSeq   int64
	Unread    int64   // lines after ReadSeq, without those account deleted for itself
	Mentioned int64   // how many of those mention account
	Left      bool    // no longer a member
	Change    int64   // of the posting of the line at LastSeq
	Last      Message // the last line that account did not delete for itself; Seq 0: none
}

// Conversations lists at most limit conversations account is or was in, that
// with the latest message first, from below beforeChange on (0: from the top). A group that was
// left shows as it was then.
func (s *Store) Conversations(ctx context.Context, account string, beforeChange int64, limit int) ([]Conversation, error) {
	if beforeChange <= 0 {
		beforeChange = stillHere
	}
	all, err := collect(ctx, s.read(qConversations), func(r scanner) (Conversation, error) {
		return scanConversation(r, account)
	}, account, beforeChange, max(limit, 1), account)
	for i := range all {
		if err == nil && all[i].Last.Hidden {
			err = s.findLast(ctx, account, &all[i])
		}
	}
	return all, readFailed("conversations", err)
}

func scanConversation(from scanner, account string) (Conversation, error) {
	var c Conversation
	var pairA, pairB, group, name sql.NullString
	var until, unseen int64
	m, err := scanMessage(from, []any{&pairA, &pairB, &group, &name, &c.Change, &until, &c.ReadSeq, &unseen, &c.Mentioned})
	m.PairA, m.PairB, m.Group = pairA.String, pairB.String, group.String
	m.show(until)
	c.ID, c.Group, c.GroupName, c.Last = m.Conversation, m.Group, name.String, m.Message
	c.Peer, c.LastSeq, c.Left = m.Peer(account), m.Seq, until != stillHere
	c.Unread = max(0, c.LastSeq-c.ReadSeq-unseen)
	return c, err
}

// findLast looks for the last line before one that account deleted for itself.
func (s *Store) findLast(ctx context.Context, account string, c *Conversation) error {
	before := c.Last.Seq
	c.Last = Message{}
	stays, err := collect(ctx, s.read(qStays), scanStay, c.ID, account)
	if err != nil {
		return err
	}
	m, err := scanMessage(s.row(ctx, qLastSeen, account, c.ID, before), nil)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	in := func(st stay) bool { return st.since < m.Seq && m.Seq <= st.until }
	if err == nil && slices.ContainsFunc(stays, in) {
		m.show(bound(stays))
		c.Last = m.Message
	}
	return err
}

// firstWindow is how many change numbers Undelivered looks at first.
const firstWindow = 1024

// Undelivered returns at most limit messages to account that others wrote after a change, ascending by Change, which here is that
// of their posting whatever happened to them since.
func (s *Store) Undelivered(ctx context.Context, account string, after int64, limit int) ([]Message, error) {
	var last int64
	if err := s.row(ctx, qChange).Scan(&last); err != nil {
		return nil, readFailed("undelivered", err)
	}
	var all []Message
	limit = max(limit, 1)
	// The query must sort what it finds. So it is asked for windows of change
	// numbers, each four times the last, and never sorts a month's backlog for one page.
	low, width := max(after, 0), int64(firstWindow)
	for low < last && len(all) < limit {
		high := min(last, low+width)
		page, err := s.undelivered(ctx, account, low, high, limit-len(all))
		if err != nil {
			return nil, readFailed("undelivered", err)
		}
		all = append(all, page...)
		low, width = high, width*4
	}
	return all, nil
}

// undelivered reads what was posted between two changes: what is as it was posted, and what was edited since.
func (s *Store) undelivered(ctx context.Context, account string, low, high int64, limit int) ([]Message, error) {
	page, err := collect(ctx, s.read(qUndelivered), scanUndelivered, account, account, low, low, high, account, limit)
	if err != nil {
		return nil, err
	}
	edited, err := collect(ctx, s.read(qUndeliveredEdited), scanUndeliveredEdited, account, account, low, low, high, account, stillHere, limit)
	if err != nil || len(edited) == 0 {
		return page, err
	}
	page = append(page, edited...)
	slices.SortFunc(page, func(a, b Message) int { return cmp.Compare(a.Change, b.Change) })
	// One that was edited between the two statements may be in both.
	page = slices.CompactFunc(page, func(a, b Message) bool { return a.Change == b.Change })
	return page[:min(len(page), limit)], nil
}

func scanUndelivered(from scanner) (Message, error) {
	var pairA, pairB, group sql.NullString
	m, err := scanMessage(from, nil, &pairA, &pairB, &group)
	m.PairA, m.PairB, m.Group = pairA.String, pairB.String, group.String
	return m.Message, err
}

func scanUndeliveredEdited(from scanner) (Message, error) {
	var pairA, pairB, group sql.NullString
	var posted int64
	m, err := scanMessage(from, nil, &pairA, &pairB, &group, &posted)
	m.PairA, m.PairB, m.Group, m.Change = pairA.String, pairB.String, group.String, posted
	return m.Message, err
}

// Reach tells whom a call or a message to t would concern: the conversation (0
// if a pair has none yet), its group ("" for a pair) and its present members, the account included.
// ErrNotFound: no such target, or account is not a member. ErrRefused: one of a pair has blocked the
// other, or takes messages from friends only.
func (s *Store) Reach(ctx context.Context, account string, t Target) (conversation int64, group string, members []string, err error) {
	switch {
	case t.Account != "":
		conversation, members, err = s.reachPair(ctx, account, t.Account)
	case t.Group != "":
		group = t.Group
		if err = s.row(ctx, qGroupConversation, group).Scan(&conversation); err == nil {
			members, err = s.presentWith(ctx, account, conversation)
		}
	default:
		conversation = t.Conversation
		if members, err = s.presentWith(ctx, account, conversation); err == nil {
			group, err = s.groupOf(ctx, account, conversation)
		}
		if err == nil && group == "" {
			err = s.checkReach(ctx, account, other(members, account))
		}
	}
	if err != nil {
		return 0, "", nil, readFailed("reach", err)
	}
	return conversation, group, members, nil
}

func (s *Store) reachPair(ctx context.Context, account, peer string) (int64, []string, error) {
	if err := s.checkReach(ctx, account, peer); err != nil {
		return 0, nil, err
	}
	pair := ordered(account, peer)
	var conversation int64
	err := s.row(ctx, qPair, pair[0], pair[1]).Scan(&conversation)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, nil, err
	}
	return conversation, slices.Compact(pair[:]), nil
}

// other returns the one of a pair's members that is not account, or account with itself.
func other(members []string, account string) string {
	for _, m := range members {
		if m != account {
			return m
		}
	}
	return account
}

func (s *Store) presentWith(ctx context.Context, account string, conversation int64) ([]string, error) {
	members, err := collect(ctx, s.read(qPresent), func(r scanner) (a string, err error) {
		return a, r.Scan(&a)
	}, conversation, stillHere)
	if err != nil {
		return nil, err
	}
	if _, found := slices.BinarySearch(members, account); !found {
		return nil, fmt.Errorf("conversation: %w", ErrNotFound)
	}
	return members, nil
}

func (s *Store) groupOf(ctx context.Context, account string, conversation int64) (string, error) {
	stays, err := collect(ctx, s.read(qStays), scanStay, conversation, account)
	if err != nil || len(stays) == 0 {
		return "", err
	}
	return stays[0].group, nil
}
