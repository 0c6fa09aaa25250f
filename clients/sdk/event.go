package sdk

import (
	"strconv"
	"strings"
	"time"

	"neochat/wire"
)

// Event is what Client.Events gives: a Message, Receipt, Ring, RingEnd, Cell, Push, Online or Offline.
type Event interface{ event() }

// Types of a Message.
const (
	TypeText         = "text"
	TypeMemberRecord = "member_record"
	TypeCallRecord   = "call_record"
)

// Message is one line of a conversation's history. Those of one conversation come
// in the order of Seq; what this client sent itself does not come.
type Message struct {
	Type         string // TypeText, TypeMemberRecord, TypeCallRecord, or one of a later server
	Author       string // who wrote or did it
	Conversation string
	Seq          int64 // rises by one per message of the conversation
	ID           string
	Time         time.Time
	GroupID      string   // "" in a pair
	Friends      []string // of one's own text: to whom; of a member_record: whom it is about
	Text         string

	ClientMessageID string        // only of one's own
	Event           string        // of a member_record: created, invited, left
	Call            string        // of a call_record: call, videocall
	Outcome         string        // of a call_record: answered, missed, refused, cancelled
	Duration        time.Duration // of a call_record
	CellKey         string        // of a call_record
	Wire            wire.Message  // all of its lines
}

// Receipt: another connection of this account has read up to ReadSeq.
type Receipt struct {
	Conversation string
	ReadSeq      int64
}

// Ring: somebody calls. It may come again after a reconnect.
type Ring struct {
	Account, CellKey, GroupID, Conversation string
	Video                                   bool
}

// RingEnd: a call rings no more.
type RingEnd struct {
	Account, CellKey string
	Cause            string // cancelled, timeout, closed
}

// Cell: somebody answered a call, or (Over) it ended.
type Cell struct {
	Account, CellKey string
	Type             int // 200 accepted, 404 refused, 408 nobody answered, 409 answered on another device
	Over             bool
}

// Push is any other message of the server.
type Push struct{ Wire wire.Message }

// Online: the client is connected again; what it missed comes before this event.
type Online struct{}

// Offline: the connection was lost, for the reason Err; the client tries to come back.
type Offline struct{ Err error }

func (Message) event() {}
func (Receipt) event() {}
func (Ring) event()    {}
func (RingEnd) event() {}
func (Cell) event()    {}
func (Push) event()    {}
func (Online) event()  {}
func (Offline) event() {}

// readEvent tells what a pushed message is.
func readEvent(m wire.Message) Event {
	kind, gone := m.Get("message_type"), m.Get("type") == "DELETE"
	key := m.Get("cell_key")
	if key == "" {
		key = m.Get("connection_key")
	}
	switch {
	case m.Get("conversation") != "" && number(m, "seq") > 0:
		return readMessage(m)
	case kind == "receipt":
		return Receipt{Conversation: m.Get("conversation"), ReadSeq: number(m, "read_seq")}
	case (kind == "call" || kind == "videocall") && gone:
		return RingEnd{Account: m.Get("user_account"), CellKey: key, Cause: m.Get("cause")}
	case kind == "call" || kind == "videocall":
		return Ring{Account: m.Get("user_account"), CellKey: key, GroupID: m.Get("group_id"),
			Conversation: m.Get("conversation"), Video: kind == "videocall"}
	case kind == "cell":
		return Cell{Account: m.Get("user_account"), CellKey: key, Type: int(number(m, "cell_type")), Over: gone}
	}
	return Push{m}
}

func readMessage(m wire.Message) Message {
	return Message{
		Type:            m.Get("message_type"),
		Author:          m.Get("user_account"),
		Conversation:    m.Get("conversation"),
		Seq:             number(m, "seq"),
		ID:              m.Get("message_id"),
		Time:            millis(m, "time"),
		GroupID:         m.Get("group_id"),
		Friends:         accounts(m.Get("friends")),
		Text:            m.Get("text"),
		ClientMessageID: m.Get("client_message_id"),
		Event:           m.Get("event"),
		Call:            m.Get("call"),
		Outcome:         m.Get("outcome"),
		Duration:        time.Duration(number(m, "duration_ms")) * time.Millisecond,
		CellKey:         m.Get("connection_key"),
		Wire:            m,
	}
}

// number reads a decimal value; what is none is 0.
func number(m wire.Message, name string) int64 {
	n, err := strconv.ParseInt(m.Get(name), 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// millis reads a time in Unix milliseconds; what is none is the zero Time.
func millis(m wire.Message, name string) time.Time {
	if n := number(m, name); n != 0 {
		return time.UnixMilli(n)
	}
	return time.Time{}
}

func accounts(list string) []string {
	if list == "" {
		return nil
	}
	return strings.Split(list, ",")
}
