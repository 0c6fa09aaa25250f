package sdk

import (
	"strconv"
	"strings"
	"time"

	"neochat/wire"
)

// readEvent tells what a pushed message, or an item of sync, is.
func readEvent(m wire.Message) Event {
	gone := m.Get("type") == "DELETE"
	switch m.Get("message_type") {
	case "edit":
		return readEdit(m)
	case "delete":
		return readDeletion(m)
	case "react":
		return Reaction{Account: m.Get("user_account"), MessageID: m.Get("message_id"), Conversation: m.Get("conversation"),
			Seq: number(m, "seq"), Reaction: m.Get("reaction"), Gone: gone, Change: number(m, "change")}
	case "receipt":
		return readReceipt(m)
	case "typing":
		return Typing{Account: m.Get("user_account"), Conversation: m.Get("conversation"), GroupID: m.Get("group_id"),
			Stopped: m.Get("state") == "stopped"}
	case "presence":
		return readPresence(m)
	case "friend":
		return FriendEvent{Account: m.Get("user_account"), Friend: m.Get("friends"), State: m.Get("state"),
			Text: m.Get("text"), Change: number(m, "change")}
	case "block":
		return BlockEvent{Account: m.Get("friends"), Gone: gone, Change: number(m, "change")}
	case "profile":
		return readProfileEvent(m)
	case "member":
		if gone {
			return GroupLost{GroupID: m.Get("group_id"), Conversation: m.Get("conversation"), Change: number(m, "change")}
		}
	}
	if m.Get("conversation") != "" && number(m, "seq") > 0 {
		return readMessage(m)
	}
	return readCallEvent(m)
}

func readCallEvent(m wire.Message) Event {
	gone := m.Get("type") == "DELETE"
	key := m.Get("cell_key")
	if key == "" {
		key = m.Get("connection_key")
	}
	switch kind := m.Get("message_type"); {
	case (kind == "call" || kind == "videocall") && gone:
		return RingEnd{Account: m.Get("user_account"), CellKey: key, Cause: m.Get("cause")}
	case kind == "call" || kind == "videocall":
		return Ring{Account: m.Get("user_account"), CellKey: key, GroupID: m.Get("group_id"),
			Conversation: m.Get("conversation"), Video: kind == "videocall"}
	case kind == "cell" && m.Get("type") == "PATCH":
		return CellPeople{readOpenCell(m)}
	case kind == "cell":
		return Cell{Account: m.Get("user_account"), CellKey: key, Type: int(number(m, "cell_type")), Over: gone, Removed: m.Get("cause") == "removed"}
	}
	return Push{m}
}

func readEdit(m wire.Message) Edit {
	return Edit{Account: m.Get("user_account"), MessageID: m.Get("message_id"), Conversation: m.Get("conversation"),
		Seq: number(m, "seq"), Text: m.Get("text"), Mentions: accounts(m.Get("mentions")), Files: readFileInfo(m.Get("file_info")), Time: millis(m, "edited"),
		Change: number(m, "change")}
}

func readDeletion(m wire.Message) Deletion {
	return Deletion{Account: m.Get("user_account"), MessageID: m.Get("message_id"), Conversation: m.Get("conversation"),
		Seq: number(m, "seq"), ForAll: m.Get("for") == "all", Change: number(m, "change")}
}

func readReceipt(m wire.Message) Receipt {
	return Receipt{Account: m.Get("user_account"), Conversation: m.Get("conversation"), ReadSeq: number(m, "read_seq"),
		DeliveredSeq: number(m, "delivered_seq"), Change: number(m, "change")}
}

func readPresence(m wire.Message) Presence {
	return Presence{Account: m.Get("user_account"), State: m.Get("state"), LastSeen: millis(m, "last_seen")}
}

func readProfileEvent(m wire.Message) ProfileEvent {
	e := ProfileEvent{Changed: map[ProfileField]string{}, Change: number(m, "change")}
	for _, f := range m.Fields {
		switch field := ProfileField(f.Name); field {
		case ProfileName, ProfilePhone, ProfileSex, ProfileBirthday, ProfileAddress, ProfileAvatar, ProfileMessagesFrom, ProfilePresenceTo:
			e.Changed[field] = f.Value
		}
	}
	return e
}

func readMessage(m wire.Message) Message {
	duration := time.Duration(number(m, "duration_ms")) * time.Millisecond
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
		ReplyTo:         m.Get("reply_to"),
		Mentions:        accounts(m.Get("mentions")),
		Edited:          millis(m, "edited"),
		Voice:           readVoice(m, duration),
		Files:           readFileInfo(m.Get("file_info")),
		Reactions:       readReactions(m.Get("reactions")),
		MyReactions:     listed(m.Get("my_reactions")),
		ClientMessageID: m.Get("client_message_id"),
		Event:           m.Get("event"),
		Permissions:     m.Get("permissions"),
		Call:            m.Get("call"),
		Outcome:         m.Get("outcome"),
		Duration:        duration,
		CellKey:         m.Get("connection_key"),
		Change:          number(m, "change"),
		Wire:            m,
	}
}

func readVoice(m wire.Message, duration time.Duration) Voice {
	if m.Get("message_type") != TypeVoice {
		return Voice{}
	}
	return Voice{File: m.Get("file"), Duration: duration, Waveform: m.Get("waveform")}
}

func readMessages(items []wire.Message) []Message {
	page := make([]Message, 0, len(items))
	for _, item := range items {
		page = append(page, readMessage(item))
	}
	return page
}

// readReactions reads what history says of reactions, like "👍 3, ❤ 1".
func readReactions(s string) []ReactionCount {
	var all []ReactionCount
	for _, one := range listed(s) {
		reaction, n, _ := strings.Cut(one, " ")
		count, err := strconv.Atoi(n)
		if err != nil {
			continue
		}
		all = append(all, ReactionCount{reaction, count})
	}
	return all
}

// listed takes a list apart whose parts are separated by a comma and maybe a space.
func listed(s string) []string {
	if s == "" {
		return nil
	}
	parts := strings.Split(s, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return parts
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
