package sdktest

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/coder/websocket"

	"neochat/wire"
)

// handleLocked carries out one request.
func (s *Server) handleLocked(c *conn, m wire.Message, body []byte) {
	kind, verb := m.Get("message_type"), m.Get("type")
	if c.account == "" && kind != "login" && kind != "registered" {
		s.answerLocked(c, m, 401, "reason", "log in first")
		return
	}
	switch kind + " " + verb {
	case "login ", "login POST":
		s.loginLocked(c, m)
	case "registered ":
		s.registerLocked(c, m)
	case "text ", "voice ":
		s.textLocked(c, m)
	case "conversation GET":
		s.conversationsLocked(c, m)
	case "history GET":
		s.historyLocked(c, m)
	case "sync GET":
		s.syncLocked(c, m)
	case "edit ", "delete ", "react ", "react DELETE":
		s.changeMessageLocked(c, m)
	case "typing ":
		s.typingLocked(c, m)
	case "presence GET", "presence ":
		s.presenceLocked(c, m)
	case "receipt GET":
		s.receiptsLocked(c, m)
	case "receipt ":
		s.receiptLocked(c, m)
	case "profile GET":
		s.profileLocked(c, m)
	case "group ", "group GET":
		s.groupLocked(c, m)
	case "member ", "member GET", "member DELETE":
		s.memberLocked(c, m)
	case "file ":
		s.uploadLocked(c, m, body)
	case "logout ":
		s.answerLocked(c, m, 200)
	default:
		s.answerLocked(c, m, 400, "reason", "no such command here")
	}
}

func (s *Server) loginLocked(c *conn, m wire.Message) {
	name := m.Get("user_account")
	a := s.accounts[name]
	token := m.Get("session")
	ok := a != nil && (token != "" && s.sessions[token] == name || token == "" && a.password == m.Get("user_password"))
	if s.faults.RefuseLogin > 0 {
		s.faults.RefuseLogin--
		ok = false
	}
	if !ok {
		s.answerLocked(c, m, 404, "reason", "no such account, or another password")
		return
	}
	s.logins++
	c.account, c.device = name, m.Get("device")
	lines := []string{"user_account", name}
	if token == "" {
		token = "token" + strconv.Itoa(s.logins)
		s.sessions[token] = name
		lines = append(lines, "session", token)
	}
	s.answerLocked(c, m, 200, lines...)
	if c.device != "" {
		return
	}
	for _, cv := range s.order {
		for i, msg := range cv.messages {
			if msg.Get("message_type") == "text" && msg.Get("user_account") != name &&
				int64(i) >= a.delivered[cv.id] && slices.Contains(cv.members, name) {
				s.sendLocked(c, encode(msg))
				a.delivered[cv.id] = int64(i + 1)
			}
		}
	}
}

func (s *Server) registerLocked(c *conn, m wire.Message) {
	name := m.Get("user_account")
	switch {
	case s.accounts[name] != nil:
		s.answerLocked(c, m, 409, "reason", "the account exists")
	case len(m.Get("user_password")) < 8:
		s.answerLocked(c, m, 400, "reason", "the password needs at least 8 bytes")
	default:
		s.accounts[name] = newAccount(m.Get("user_password"))
		s.answerLocked(c, m, 200)
	}
}

func (s *Server) textLocked(c *conn, m wire.Message) {
	if len(s.faults.AnswerText) > 0 {
		stat := s.faults.AnswerText[0]
		s.faults.AnswerText = s.faults.AnswerText[1:]
		s.answerLocked(c, m, stat, "reason", "a fault that was asked for")
		return
	}
	a, id := s.accounts[c.account], m.Get("client_message_id")
	if first, ok := a.sent[id]; ok && id != "" {
		s.answerLocked(c, m, 200, lines(first)...)
		return
	}
	var to []*conv
	for _, friend := range strings.Split(m.Get("friends"), ",") {
		cv := s.targetLocked(c, m, friend)
		if cv == nil {
			s.answerLocked(c, m, 404, "reason", "nobody here is called that")
			return
		}
		to = append(to, cv)
	}
	var stored []wire.Message
	for _, cv := range to {
		msg := fields("user_account", c.account, "message_type", m.Get("message_type"), "text", m.Get("text"), "file", m.Get("file"),
			"duration_ms", m.Get("duration_ms"), "waveform", m.Get("waveform"), "reply_to", m.Get("reply_to"),
			"mentions", m.Get("mentions"), "client_message_id", id)
		stored = append(stored, s.storeLocked(c, cv, msg))
	}
	a.sent[id] = stored[0]
	if s.faults.LoseAnswer > 0 {
		s.faults.LoseAnswer--
		s.dropLocked(c, 0)
		return
	}
	if len(stored) > 1 {
		s.listLocked(c, m, stored)
		return
	}
	s.answerLocked(c, m, 200, lines(stored[0])...)
}

// targetLocked returns the conversation that m goes to, nil if there is none.
func (s *Server) targetLocked(c *conn, m wire.Message, friend string) *conv {
	id := m.Get("conversation") + m.Get("group_id")
	if id == "" {
		if s.accounts[friend] == nil {
			return nil
		}
		return s.pairLocked(c.account, friend)
	}
	if cv := s.convs[id]; cv != nil && slices.Contains(cv.members, c.account) {
		return cv
	}
	return nil
}

func (s *Server) conversationsLocked(c *conn, m wire.Message) {
	before, _ := strconv.ParseInt(m.Get("before_change"), 10, 64)
	limit, _ := strconv.Atoi(m.Get("limit"))
	mine := slices.Clone(s.order)
	mine = slices.DeleteFunc(mine, func(cv *conv) bool {
		return !slices.Contains(cv.members, c.account) || before > 0 && cv.change >= before
	})
	slices.SortFunc(mine, func(a, b *conv) int { return int(b.change - a.change) })
	var items []wire.Message
	for _, cv := range mine[:min(len(mine), max(limit, 1))] {
		item := fields("conversation", cv.id, "kind", cv.kind(), "group_id", cv.group, "name", cv.name,
			"last_seq", strconv.Itoa(len(cv.messages)), "read_seq", strconv.FormatInt(s.accounts[c.account].read[cv.id], 10),
			"change", strconv.FormatInt(cv.change, 10), "unread", strconv.FormatInt(int64(len(cv.messages))-s.accounts[c.account].read[cv.id], 10))
		if cv.group == "" {
			item.Add("friends", cv.other(c.account))
		}
		if n := len(cv.messages); n > 0 {
			last := cv.messages[n-1]
			item.Fields = append(item.Fields, fields("time", last.Get("time"), "author", last.Get("user_account"),
				"last_type", last.Get("message_type"), "text", last.Get("text")).Fields...)
		}
		items = append(items, item)
	}
	s.listLocked(c, m, items)
}

func (s *Server) historyLocked(c *conn, m wire.Message) {
	cv := s.convs[m.Get("conversation")]
	if cv == nil || !slices.Contains(cv.members, c.account) {
		s.answerLocked(c, m, 404, "reason", "no such conversation")
		return
	}
	limit, _ := strconv.Atoi(m.Get("limit"))
	if limit <= 0 {
		limit = 50
	}
	from, to := 0, len(cv.messages)
	if after, err := strconv.Atoi(m.Get("after_seq")); err == nil {
		from = min(after, to)
		to = min(to, from+limit)
		s.listLocked(c, m, cv.messages[from:to], "more", yes(to < len(cv.messages)))
		return
	}
	if before, err := strconv.Atoi(m.Get("before_seq")); err == nil {
		to = min(to, before-1)
	}
	from = max(0, to-limit)
	s.listLocked(c, m, cv.messages[from:to], "more", yes(from > 0))
}

func (s *Server) profileLocked(c *conn, m wire.Message) {
	name := m.Get("friends")
	if name == "" {
		name = c.account
	}
	if s.accounts[name] == nil {
		s.answerLocked(c, m, 404, "reason", "nobody here is called that")
		return
	}
	s.answerLocked(c, m, 200, "user_account", name, "user_name", "Name of "+name)
}

func (s *Server) groupLocked(c *conn, m wire.Message) {
	if m.Get("type") == "GET" {
		var items []wire.Message
		for _, cv := range s.order {
			if cv.group != "" && slices.Contains(cv.members, c.account) && (m.Get("group_id") == "" || m.Get("group_id") == cv.group) {
				items = append(items, fields("group_id", cv.group, "name", cv.name, "introduction", cv.intro,
					"founder", cv.founder, "conversation", cv.id, "members", strconv.Itoa(len(cv.members))))
			}
		}
		switch {
		case m.Get("group_id") == "":
			s.listLocked(c, m, items)
		case len(items) == 0:
			s.answerLocked(c, m, 404, "reason", "no such group")
		default:
			s.answerLocked(c, m, 200, lines(items[0])...)
		}
		return
	}
	members := []string{c.account}
	if f := m.Get("friends"); f != "" {
		members = append(members, strings.Split(f, ",")...)
	}
	id := "g" + strconv.Itoa(len(s.order)+1)
	cv := &conv{id: id, group: id, name: m.Get("name"), intro: m.Get("introduction"), founder: c.account, members: members, since: map[string]int{}}
	s.convs[id] = cv
	s.order = append(s.order, cv)
	s.storeLocked(nil, cv, fields("user_account", c.account, "message_type", "member_record", "event", "created", "friends", m.Get("friends")))
	s.answerLocked(c, m, 200, "group_id", id, "conversation", id)
}

func (s *Server) memberLocked(c *conn, m wire.Message) {
	cv := s.convs[m.Get("group_id")]
	if cv == nil || !slices.Contains(cv.members, c.account) {
		s.answerLocked(c, m, 404, "reason", "no such group")
		return
	}
	record := fields("user_account", c.account, "message_type", "member_record")
	switch m.Get("type") {
	case "GET":
		var items []wire.Message
		for _, name := range cv.members {
			items = append(items, fields("user_account", name, "permissions", "member", "join_time", "1700000000000"))
		}
		s.listLocked(c, m, items)
		return
	case "DELETE":
		record.Add("event", "left")
		record.Add("friends", c.account)
		s.storeLocked(nil, cv, record)
		cv.members = slices.DeleteFunc(cv.members, func(n string) bool { return n == c.account })
	default:
		record.Add("event", "invited")
		record.Add("friends", m.Get("friends"))
		for _, name := range strings.Split(m.Get("friends"), ",") {
			cv.members = append(cv.members, name)
			cv.since[name] = len(cv.messages)
		}
		s.storeLocked(nil, cv, record)
	}
	s.answerLocked(c, m, 200)
}

func (s *Server) uploadLocked(c *conn, m wire.Message, body []byte) {
	name := wire.Enc(c.account) + "_" + m.Get("time") + "_" + wire.Enc(m.Get("file_name"))
	if old, ok := s.files[name]; ok && !bytes.Equal(old, body) {
		s.answerLocked(c, m, 409, "reason", "there is another file of that name")
		return
	}
	s.files[name] = body
	if s.faults.LoseUpload > 0 {
		s.faults.LoseUpload--
		s.dropLocked(c, 0)
		return
	}
	s.answerLocked(c, m, 200, "file", name)
}

func (s *Server) download(w http.ResponseWriter, r *http.Request) {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	s.mu.Lock()
	_, known := s.sessions[token]
	body, ok := s.files[strings.TrimPrefix(r.URL.EscapedPath(), "/files/")]
	s.mu.Unlock()
	if !known || !ok {
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("stat: 404\nreason: no such file\n\n"))
		return
	}
	_, _ = w.Write(body)
}

// tooLarge refuses what is sent in pieces: it is more than a frame takes, and this server takes no more.
func tooLarge(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusRequestEntityTooLarge)
	_, _ = w.Write([]byte("stat: 413\nreason: too large\n\n"))
}

// listLocked answers a request with a list.
func (s *Server) listLocked(c *conn, m wire.Message, items []wire.Message, more ...string) {
	out := encode(answer(m, 200, append([]string{"count", strconv.Itoa(len(items))}, more...)...))
	for _, item := range items {
		out = append(out, encode(item)...)
	}
	c.queue(frame{websocket.MessageText, out})
}

func (s *Server) answerLocked(c *conn, m wire.Message, stat int, more ...string) {
	s.sendLocked(c, encode(answer(m, stat, more...)))
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return ""
}
