package store

import (
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
	pairA, pairB, group string
}

func scanStay(row scanner) (stay, error) {
	var s stay
	var pairA, pairB, group sql.NullString
	err := row.Scan(&s.since, &s.until, &pairA, &pairB, &group)
	s.pairA, s.pairB, s.group = pairA.String, pairB.String, group.String
	return s, err
}

// scanMessage reads messageColumns after the columns into before and before
// those into after.
func scanMessage(row scanner, before []any, after ...any) (Message, error) {
	var m Message
	var client sql.NullString
	columns := append(before, &m.Conversation, &m.Seq, &m.Change, &m.Author, &m.Kind, &m.Text, &m.Carry, &m.Time, &client)
	err := row.Scan(append(columns, after...)...)
	m.ClientID = client.String
	return m, err
}

// History returns at most limit messages of a conversation in ascending order of
// seq: the first ones after afterSeq, or the last ones before beforeSeq, or, if both are 0,
// the latest. A negative afterSeq means from the beginning; with both given
// they are bounds and it goes upwards. more: there are further ones in that direction.
// It shows only what was said while account was a member; ErrNotFound: never was.
func (s *Store) History(ctx context.Context, account string, conversation, beforeSeq, afterSeq int64, limit int) (messages []Message, more bool, err error) {
	stays, err := collect(ctx, s.queries[qStays], scanStay, conversation, account)
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
	if !up {
		slices.Reverse(stays)
	}
	for _, st := range stays {
		page, err := s.historyOf(ctx, st, conversation, max(st.since, afterSeq), min(beforeSeq, upTo(st)), up, limit+1-len(messages))
		if err != nil {
			return nil, false, readFailed("history", err)
		}
		if messages = append(messages, page...); len(messages) > limit {
			break
		}
	}
	if more = len(messages) > limit; more {
		messages = messages[:limit]
	}
	if !up {
		slices.Reverse(messages)
	}
	return messages, more, nil
}

// upTo is the first seq that can no longer be seen.
func upTo(st stay) int64 {
	if st.until == stillHere {
		return stillHere
	}
	return st.until + 1
}

func (s *Store) historyOf(ctx context.Context, st stay, conversation, after, before int64, up bool, limit int) ([]Message, error) {
	query := qHistoryDown
	if up {
		query = qHistoryUp
	}
	return collect(ctx, s.queries[query], func(r scanner) (Message, error) {
		m, err := scanMessage(r, nil)
		m.PairA, m.PairB, m.Group = st.pairA, st.pairB, st.group
		return m, err
	}, conversation, after, before, limit)
}

// Conversation is an account's view of a conversation.
type Conversation struct {
	ID        int64
	Group     string // "" in a pair
	GroupName string
	Peer      string // the other one of a pair; "" in a group
	LastSeq   int64  // of what account may see
	ReadSeq   int64
	Change    int64 // of Last
	Last      Message
}

// Conversations lists at most limit conversations account is or was in, that
// with the latest message first, from below beforeChange on (0: from the top). A group that was
// left shows as it was then.
func (s *Store) Conversations(ctx context.Context, account string, beforeChange int64, limit int) ([]Conversation, error) {
	if beforeChange <= 0 {
		beforeChange = stillHere
	}
	all, err := collect(ctx, s.queries[qConversations], func(r scanner) (Conversation, error) {
		return scanConversation(r, account)
	}, account, beforeChange, max(limit, 1))
	return all, readFailed("conversations", err)
}

func scanConversation(row scanner, account string) (Conversation, error) {
	var c Conversation
	var pairA, pairB, group, name sql.NullString
	m, err := scanMessage(row, []any{&pairA, &pairB, &group, &name, &c.ReadSeq})
	m.PairA, m.PairB, m.Group = pairA.String, pairB.String, group.String
	c.ID, c.Group, c.GroupName, c.Last = m.Conversation, m.Group, name.String, m
	c.Peer, c.LastSeq, c.Change = m.Peer(account), m.Seq, m.Change
	return c, err
}

// firstWindow is how many change numbers Undelivered looks at first.
const firstWindow = 1024

// Undelivered returns at most limit messages that others wrote, ascending by Change,
// above both after and what Delivered has noted for the device.
func (s *Store) Undelivered(ctx context.Context, account, device string, after int64, limit int) ([]Message, error) {
	var last int64
	if err := s.row(ctx, qChange).Scan(&last); err != nil {
		return nil, readFailed("undelivered", err)
	}
	var cursor int64
	err := s.row(ctx, qCursor, account, device).Scan(&cursor)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return nil, readFailed("undelivered", err)
	}
	var all []Message
	limit = max(limit, 1)
	// The query must sort what it finds. So it is asked for windows of change
	// numbers, each four times the last, and never sorts a month's backlog for one page.
	low, width := max(after, cursor, 0), int64(firstWindow)
	for low < last && len(all) < limit {
		high := min(last, low+width)
		page, err := collect(ctx, s.queries[qUndelivered], scanUndelivered, account, low, low, high, account, limit-len(all))
		if err != nil {
			return nil, readFailed("undelivered", err)
		}
		all = append(all, page...)
		low, width = high, width*4
	}
	return all, nil
}

func scanUndelivered(row scanner) (Message, error) {
	var pairA, pairB, group sql.NullString
	m, err := scanMessage(row, nil, &pairA, &pairB, &group)
	m.PairA, m.PairB, m.Group = pairA.String, pairB.String, group.String
	return m, err
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
	members, err := collect(ctx, s.queries[qPresent], func(r scanner) (a string, err error) {
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
	stays, err := collect(ctx, s.queries[qStays], scanStay, conversation, account)
	if err != nil || len(stays) == 0 {
		return "", err
	}
	return stays[0].group, nil
}
