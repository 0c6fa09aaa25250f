package sdktest

import (
	"strconv"

	"github.com/coder/websocket"

	"neochat/wire"
)

func pairID(a, b string) string {
	if a > b {
		a, b = b, a
	}
	return a + "/" + b
}

func (cv *conv) kind() string {
	if cv.group != "" {
		return "group"
	}
	return "pair"
}

func (cv *conv) other(account string) string {
	if cv.members[0] == account {
		return cv.members[1]
	}
	return cv.members[0]
}

// pairLocked returns the conversation of two accounts, made if need be.
func (s *Server) pairLocked(a, b string) *conv {
	id := pairID(a, b)
	cv := s.convs[id]
	if cv == nil {
		cv = &conv{id: id, members: []string{a, b}}
		s.convs[id] = cv
		s.order = append(s.order, cv)
	}
	return cv
}

// storeLocked appends a message to a conversation and pushes it to all connections of
// its members but from.
func (s *Server) storeLocked(from *conn, cv *conv, m wire.Message) wire.Message {
	s.clock++
	seq := strconv.Itoa(len(cv.messages) + 1)
	m.Fields = append(m.Fields, fields("message_id", cv.id+"-"+seq, "conversation", cv.id, "seq", seq,
		"time", strconv.FormatInt(s.clock, 10), "group_id", cv.group).Fields...)
	m, cv.change = s.changedLocked(m)
	cv.messages = append(cv.messages, m)
	s.pushLocked(from, cv, m)
	return m
}

func (s *Server) pushLocked(from *conn, cv *conv, m wire.Message) {
	for _, name := range cv.members {
		for c := range s.conns {
			if c == from || c.account != name {
				continue
			}
			s.sendLocked(c, encode(m))
			if c.device == "" {
				s.accounts[name].delivered[cv.id] = int64(len(cv.messages))
			}
		}
	}
}

func (s *Server) sendLocked(c *conn, data []byte) {
	if s.batching {
		c.batch = append(c.batch, data...)
		return
	}
	c.queue(frame{websocket.MessageText, data})
}

func answer(m wire.Message, stat int, more ...string) wire.Message {
	head := fields("task_id", m.Get("task_id"), "message_type", m.Get("message_type"), "type", m.Get("type"), "stat", strconv.Itoa(stat))
	for _, f := range fields(more...).Fields {
		if _, ok := head.Lookup(f.Name); !ok {
			head.Fields = append(head.Fields, f)
		}
	}
	return head
}

// fields makes a message of names and values; empty values are left out.
func fields(kv ...string) wire.Message {
	var m wire.Message
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] != "" {
			m.Add(kv[i], kv[i+1])
		}
	}
	return m
}

// lines is the inverse of fields.
func lines(m wire.Message) []string {
	var kv []string
	for _, f := range m.Fields {
		kv = append(kv, f.Name, f.Value)
	}
	return kv
}

func encode(m wire.Message) []byte {
	var b []byte
	for _, f := range m.Fields {
		b = wire.Append(b, f.Name, f.Value)
	}
	return wire.End(b)
}
