package sdktest

import (
	"slices"
	"strconv"
	"strings"

	"neochat/wire"
)

// happening is something durable that is no message: who is told of it by sync, and as what.
type happening struct {
	key    string // a later one of the same key takes its place
	change int64
	whom   []string
	m      wire.Message
}

// changedLocked draws the next change and puts it into m, in the place of an earlier one.
func (s *Server) changedLocked(m wire.Message) (wire.Message, int64) {
	s.change++
	out := wire.Message{Fields: slices.DeleteFunc(slices.Clone(m.Fields), func(f wire.Field) bool { return f.Name == "change" })}
	out.Add("change", strconv.FormatInt(s.change, 10))
	return out, s.change
}

// happenLocked keeps m for sync, and pushes it to the connections of whom but from.
func (s *Server) happenLocked(from *conn, key string, whom []string, m wire.Message) wire.Message {
	m, change := s.changedLocked(m)
	s.happened = slices.DeleteFunc(s.happened, func(h happening) bool { return h.key == key })
	s.happened = append(s.happened, happening{key, change, slices.Clone(whom), m})
	s.tellLocked(from, whom, m)
	return m
}

func (s *Server) tellLocked(from *conn, whom []string, m wire.Message) {
	for c := range s.conns {
		if c != from && slices.Contains(whom, c.account) {
			s.sendLocked(c, encode(m))
		}
	}
}

func (s *Server) syncLocked(c *conn, m wire.Message) {
	if s.faults.FailSync > 0 {
		s.faults.FailSync--
		s.answerLocked(c, m, 500, "reason", "a fault that was asked for")
		return
	}
	after, _ := strconv.ParseInt(m.Get("after_change"), 10, 64)
	limit, _ := strconv.Atoi(m.Get("limit"))
	var items []wire.Message
	for _, cv := range s.order {
		if slices.Contains(cv.members, c.account) {
			items = append(items, cv.messages[cv.since[c.account]:]...)
		}
	}
	for _, h := range s.happened {
		if slices.Contains(h.whom, c.account) {
			items = append(items, h.m)
		}
	}
	items = slices.DeleteFunc(items, func(m wire.Message) bool { return changeOf(m) <= after })
	slices.SortFunc(items, func(a, b wire.Message) int { return int(changeOf(a) - changeOf(b)) })
	more := limit > 0 && len(items) > limit
	reached := s.change
	if more {
		items = items[:limit]
		reached = changeOf(items[limit-1])
	}
	s.listLocked(c, m, items, "change", strconv.FormatInt(reached, 10), "more", yes(more))
}

func changeOf(m wire.Message) int64 {
	n, _ := strconv.ParseInt(m.Get("change"), 10, 64)
	return n
}

// messageLocked finds a message that the connection's account can see; nil: there is none.
func (s *Server) messageLocked(c *conn, id string) (*conv, int) {
	for _, cv := range s.order {
		for i, m := range cv.messages {
			if m.Get("message_id") == id && slices.Contains(cv.members, c.account) {
				return cv, i
			}
		}
	}
	return nil, 0
}

// changeMessageLocked carries out edit, delete and react.
func (s *Server) changeMessageLocked(c *conn, m wire.Message) {
	cv, i := s.messageLocked(c, m.Get("message_id"))
	if cv == nil {
		s.answerLocked(c, m, 404, "reason", "no such message")
		return
	}
	old := cv.messages[i]
	at := []string{"message_id", old.Get("message_id"), "conversation", cv.id, "seq", old.Get("seq")}
	told := fields(append([]string{"user_account", c.account, "message_type", m.Get("message_type"), "type", m.Get("type")}, at...)...)
	switch m.Get("message_type") {
	case "edit":
		s.clock++
		edited := strconv.FormatInt(s.clock, 10)
		cv.messages[i], _ = s.changedLocked(with(old, "text", m.Get("text"), "edited", edited))
		told = with(told, "text", m.Get("text"), "edited", edited, "change", cv.messages[i].Get("change"))
		s.tellLocked(c, cv.members, told)
	case "delete":
		told = with(told, "for", m.Get("for"))
		if m.Get("for") != "all" {
			told = s.happenLocked(c, "hide/"+old.Get("message_id"), []string{c.account}, told)
			break
		}
		cv.messages[i], _ = s.changedLocked(fields(append([]string{"user_account", old.Get("user_account"), "message_type", "deleted",
			"time", old.Get("time")}, at...)...))
		told = with(told, "change", cv.messages[i].Get("change"))
		s.tellLocked(c, cv.members, told)
	case "react":
		told = with(told, "reaction", m.Get("reaction"))
		told = s.happenLocked(c, strings.Join([]string{"react", old.Get("message_id"), c.account, m.Get("reaction")}, "/"), cv.members, told)
	}
	cv.change = s.change
	s.answerLocked(c, m, 200, append(at, "change", told.Get("change"))...)
}

// with returns m with these lines set.
func with(m wire.Message, kv ...string) wire.Message {
	out := wire.Message{Fields: slices.Clone(m.Fields)}
	for i := 0; i+1 < len(kv); i += 2 {
		at := slices.IndexFunc(out.Fields, func(f wire.Field) bool { return f.Name == kv[i] })
		if at >= 0 {
			out.Fields[at].Value = kv[i+1]
		} else if kv[i+1] != "" {
			out.Add(kv[i], kv[i+1])
		}
	}
	return out
}

// receiptLocked tells the members, and the account's other connections, how far it has come.
func (s *Server) receiptLocked(c *conn, m wire.Message) {
	id, a := m.Get("conversation"), s.accounts[c.account]
	cv := s.convs[id]
	if cv == nil || !slices.Contains(cv.members, c.account) {
		s.answerLocked(c, m, 404, "reason", "no such conversation")
		return
	}
	read, _ := strconv.ParseInt(m.Get("read_seq"), 10, 64)
	received, _ := strconv.ParseInt(m.Get("delivered_seq"), 10, 64)
	a.read[id] = max(a.read[id], read)
	a.received[id] = max(a.received[id], received, a.read[id])
	told := fields("user_account", c.account, "message_type", "receipt", "conversation", id,
		"read_seq", positive(a.read[id]), "delivered_seq", positive(a.received[id]))
	s.happenLocked(c, "receipt/"+id+"/"+c.account, cv.members, told)
	s.answerLocked(c, m, 200)
}

func positive(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func (s *Server) receiptsLocked(c *conn, m wire.Message) {
	id := m.Get("conversation")
	cv := s.convs[id]
	if cv == nil || !slices.Contains(cv.members, c.account) {
		s.answerLocked(c, m, 404, "reason", "no such conversation")
		return
	}
	var items []wire.Message
	for _, name := range cv.members {
		a := s.accounts[name]
		items = append(items, fields("user_account", name, "read_seq", strconv.FormatInt(a.read[id], 10), "delivered_seq", strconv.FormatInt(a.received[id], 10)))
	}
	s.listLocked(c, m, items)
}

// typingLocked tells the others of a conversation.
func (s *Server) typingLocked(c *conn, m wire.Message) {
	cv := s.targetLocked(c, m, m.Get("friends"))
	if cv == nil {
		s.answerLocked(c, m, 404, "reason", "no such conversation")
		return
	}
	others := slices.DeleteFunc(slices.Clone(cv.members), func(name string) bool { return name == c.account })
	s.tellLocked(nil, others, fields("user_account", c.account, "message_type", "typing", "conversation", cv.id,
		"group_id", cv.group, "state", m.Get("state")))
	s.answerLocked(c, m, 200)
}

// presenceLocked tells who is connected, and to everybody how somebody says to be.
func (s *Server) presenceLocked(c *conn, m wire.Message) {
	if m.Get("type") != "GET" {
		for other := range s.conns {
			s.sendLocked(other, encode(fields("user_account", c.account, "message_type", "presence", "state", m.Get("state"))))
		}
		s.answerLocked(c, m, 200)
		return
	}
	var items []wire.Message
	for _, name := range strings.Split(m.Get("friends"), ",") {
		state := "offline"
		for other := range s.conns {
			if other.account == name {
				state = "online"
			}
		}
		items = append(items, fields("user_account", name, "state", state))
	}
	s.listLocked(c, m, items)
}
