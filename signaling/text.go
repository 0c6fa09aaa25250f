package signaling

import (
	"encoding/json"
	"strconv"
	"strings"

	"neochat/store"
	"neochat/wire"
)

// Kinds of durable messages; a kind is the message_type it is told as.
const (
	kindText         = store.KindText
	kindVoice        = store.KindVoice
	kindMemberRecord = "member_record"
	kindCallRecord   = "call_record"
)

// maxFileTags is how many files one text may name.
const maxFileTags = 32

const (
	maxMentions = 100
	maxVoice    = 3_600_000 // ms
	maxWaveform = 128
)

func sendText(q *request) error  { return q.post(q.textDraft) }
func sendVoice(q *request) error { return q.post(q.voiceDraft) }

// post sends what fill makes of the request.
func (q *request) post(fill func(*store.Draft) error) error {
	draft, err := q.draft()
	if err == nil {
		err = fill(&draft)
	}
	if err != nil {
		return err
	}
	if !q.begin() {
		return nil
	}
	c := q.c
	c.srv.store.Post(draft, func(posted []store.Posted, err error) {
		defer q.end()
		if err != nil {
			q.refuse(err)
			return
		}
		q.posted(draft.To, posted)
		c.srv.deliver(posted, c)
	})
	return nil
}

// draft is what all messages that are sent have.
func (q *request) draft() (store.Draft, error) {
	d := store.Draft{Author: q.c.account, ClientID: q.m.Get("client_message_id")}
	if d.ClientID != echoable(d.ClientID) {
		return d, refusal(wire.StatBadRequest, "client_message_id has at most 64 bytes and no control characters")
	}
	var err error
	if d.To, err = q.targets(); err != nil {
		return d, err
	}
	if _, ok := q.m.Lookup("reply_to"); !ok {
		return d, nil
	}
	if d.Reply, err = q.place("reply_to"); err == nil && len(d.To) != 1 {
		err = refusal(wire.StatBadRequest, "a reply goes to one conversation, that of the message it answers")
	}
	return d, err
}

func (q *request) textDraft(d *store.Draft) (err error) {
	d.Kind = kindText
	d.Text, d.Files, d.Mentions, err = q.words()
	return err
}

// words reads a text, the files it names, and whom it mentions.
func (q *request) words() (text string, files, mentions []string, err error) {
	if text, err = q.text("text", q.c.srv.cfg.MaxText); err != nil {
		return "", nil, nil, err
	}
	if files, err = fileTags(text); err != nil {
		return "", nil, nil, err
	}
	mentions, err = q.accounts("mentions", maxMentions)
	return text, files, mentions, err
}

func (q *request) voiceDraft(d *store.Draft) error {
	file := q.m.Get("file")
	duration, err := q.number("duration_ms", 0)
	waveform := q.m.Get("waveform")
	switch {
	case file == "":
		return refusal(wire.StatBadRequest, "file is missing: upload the voice first")
	case !validFileName(file):
		return refusal(wire.StatForbidden, "file names no file that you may read")
	case err != nil:
		return err
	case duration < 1 || duration > maxVoice:
		return refusal(wire.StatBadRequest, "duration_ms is from 1 to 3600000")
	case len(waveform) > maxWaveform || strings.Trim(waveform, "0123456789abcdefABCDEF") != "":
		return refusal(wire.StatBadRequest, "waveform is at most 128 hexadecimal digits")
	}
	d.Kind, d.Files = kindVoice, []string{file}
	d.Carry, err = json.Marshal(voice{file, duration, waveform})
	return err
}

// voice is what a voice message carries.
type voice struct {
	File     string `json:"file"`
	Duration int64  `json:"duration_ms"`
	Waveform string `json:"waveform,omitempty"`
}

// posted answers a send.
func (q *request) posted(to []store.Target, posted []store.Posted) {
	if len(posted) == 1 {
		q.c.answer(item{data: wire.End(appendPlace(q.head(wire.StatOK), &posted[0].Message)), late: true})
		return
	}
	var items []byte
	for i := range posted {
		items = wire.Append(items, "friends", to[i].Account)
		items = wire.End(appendPlace(items, &posted[i].Message))
	}
	q.list(len(posted), items, false)
}

// deliver tells each member's connections of new messages, but for the one that
// sent them. A message is encoded at most twice: for its author and for the others.
// It is called from a callback of the store.
func (s *Server) deliver(posted []store.Posted, from *conn) {
	for i := range posted {
		p := &posted[i]
		if p.Repeated {
			continue
		}
		others := item{data: appendMessage(nil, &p.Message, ""), change: p.Change,
			at: store.Place{Conversation: p.Conversation, Seq: p.Seq}, late: true}
		for _, account := range p.Recipients {
			if account != p.Author {
				s.hub.push(account, others, nil)
				continue
			}
			own := item{data: appendMessage(nil, &p.Message, account), change: p.Change, told: true, late: true}
			s.hub.push(account, own, from)
		}
	}
}

// appendPlace adds where a message has its place.
func appendPlace(b []byte, m *store.Message) []byte {
	b = wire.Append(b, "message_id", m.ID())
	b = wire.AppendInt(b, "conversation", m.Conversation)
	b = wire.AppendInt(b, "seq", m.Seq)
	return wire.AppendInt(b, "time", m.Time)
}

// appendMessage adds a durable message as it is told to reader; "" is anybody but its author.
func appendMessage(b []byte, m *store.Message, reader string) []byte {
	b = wire.Append(b, "user_account", m.Author)
	b = wire.Append(b, "message_type", m.Kind)
	switch m.Kind {
	case kindText:
		b = wire.Append(b, "text", m.Text)
	case kindVoice:
		b = appendVoice(b, m.Carry)
	case store.KindDeleted:
	default:
		b = appendRecord(b, m.Carry)
	}
	b = appendPlace(b, m)
	if m.Group != "" {
		b = wire.Append(b, "group_id", m.Group)
	}
	if m.Carry != nil {
		b = appendAlong(b, m)
	}
	if m.Edited != 0 {
		b = wire.AppendInt(b, "edited", m.Edited)
	}
	if m.Hidden {
		b = wire.Append(b, "for", "me")
	}
	b = appendTallies(b, m.Tallies)
	b = wire.AppendInt(b, "change", m.Change)
	if reader == m.Author {
		b = appendOwn(b, m)
	}
	return wire.End(b)
}

// appendOwn adds what only the author is told.
func appendOwn(b []byte, m *store.Message) []byte {
	if m.Group == "" && (m.Kind == kindText || m.Kind == kindVoice) {
		b = wire.Append(b, "friends", m.Peer(m.Author))
	}
	if m.ClientID != "" {
		b = wire.Append(b, "client_message_id", m.ClientID)
	}
	return b
}

// appendAlong adds what a message answers, whom it mentions, and what its files are.
func appendAlong(b []byte, m *store.Message) []byte {
	along := store.ReadAlong(m.Carry)
	if along.Reply != 0 {
		to := store.Message{Conversation: m.Conversation, Seq: along.Reply}
		b = wire.Append(b, "reply_to", to.ID())
	}
	if len(along.Mentions) > 0 {
		b = wire.Append(b, "mentions", strings.Join(along.Mentions, ","))
	}
	return appendFileInfo(b, along.Files)
}

func appendVoice(b []byte, carry []byte) []byte {
	var v voice
	if json.Unmarshal(carry, &v) != nil {
		return b
	}
	b = wire.Append(b, "file", v.File)
	b = wire.AppendInt(b, "duration_ms", v.Duration)
	if v.Waveform != "" {
		b = wire.Append(b, "waveform", v.Waveform)
	}
	return b
}

// record is what a line of history that is no text carries.
type record struct {
	Event    string   `json:"event,omitempty"`
	Friends  []string `json:"friends,omitempty"`
	Permits  string   `json:"permissions,omitempty"`
	Call     string   `json:"call,omitempty"`
	Outcome  string   `json:"outcome,omitempty"`
	Duration int64    `json:"duration_ms,omitempty"`
	Key      string   `json:"connection_key,omitempty"`
}

func appendRecord(b []byte, carry []byte) []byte {
	var r record
	if json.Unmarshal(carry, &r) != nil {
		return b // a later version's record: what this one knows is its place and author
	}
	for _, f := range []wire.Field{{Name: "event", Value: r.Event}, {Name: "friends", Value: strings.Join(r.Friends, ",")},
		{Name: "permissions", Value: r.Permits},
		{Name: "call", Value: r.Call}, {Name: "outcome", Value: r.Outcome}, {Name: "connection_key", Value: r.Key}} {
		if f.Value != "" {
			b = wire.Append(b, f.Name, f.Value)
		}
	}
	if r.Call != "" {
		b = wire.AppendInt(b, "duration_ms", r.Duration)
	}
	return b
}

// fileTags returns the names in the text's <file>NAME</file>, each once.
func fileTags(text string) ([]string, error) {
	var names []string
	seen := map[string]bool{}
	for {
		_, rest, ok := strings.Cut(text, "<file>")
		if !ok {
			return names, nil
		}
		name, after, ok := strings.Cut(rest, "</file>")
		switch {
		case !ok:
			return nil, refusal(wire.StatBadRequest, "a <file> is not closed with </file>; write &lt;file> to mean the characters")
		case !validFileName(name):
			return nil, refusal(wire.StatForbidden, "a <file> names no file that you may read")
		case !seen[name]:
			seen[name] = true
			names = append(names, name)
		}
		if len(names) > maxFileTags {
			return nil, refusal(wire.StatBadRequest, "a text names at most "+strconv.Itoa(maxFileTags)+" files")
		}
		text = after
	}
}
