package sdk

import (
	"time"

	"neochat/wire"
)

// Event is what Client.Events gives: a Message, Edit, Deletion, Reaction, Receipt, Typing,
// Presence, FriendEvent, BlockEvent, ProfileEvent, GroupLost, Ring, RingEnd, Cell, CellPeople, Push,
// Resent, Online or Offline.
type Event interface{ event() }

// Types of a Message.
const (
	TypeText         = "text"
	TypeVoice        = "voice"
	TypeDeleted      = "deleted" // what is left of a message that was deleted for all
	TypeMemberRecord = "member_record"
	TypeCallRecord   = "call_record"
)

// Message is one line of a conversation's history. Those of one conversation come
// in the order of Seq, but for those that were changed before they came; what this client sent
// itself does not come. Where a member_record "invited" names this account, what it may
// read from before that (see Group.History) is had by Client.History alone.
type Message struct {
	Type         string // TypeText and so on, or one of a later server
	Author       string // who wrote or did it
	Conversation string
	Seq          int64 // rises by one per message of the conversation
	ID           string
	Time         time.Time
	GroupID      string   // "" in a pair
	Friends      []string // of one's own text: to whom; of a member_record: whom it is about
	Text         string
	ReplyTo      string     // ID of the message it answers; "": none
	Mentions     []string   // accounts, or "all" alone
	Edited       time.Time  // zero: never
	Voice        Voice      // of a TypeVoice
	Files        []FileInfo // that it names, in this order, as they were when it was sent or edited
	Reactions    []ReactionCount
	MyReactions  []string

	ClientMessageID string        // only of one's own
	Event           string        // of a member_record: created, invited, left, removed, permissions, described, dissolved
	Permissions     string        // of a member_record of permissions: those given
	Call            string        // of a call_record: call, videocall
	Outcome         string        // of a call_record: answered, missed, refused, cancelled
	Duration        time.Duration // of a call_record
	CellKey         string        // of a call_record
	Change          int64         // what happened last with it, as told; 0: not told
	Wire            wire.Message  // all of its lines
}

// Voice is what a voice message holds.
type Voice struct {
	File     string // an uploaded one; see Client.Download
	Duration time.Duration
	Waveform string // up to 128 hexadecimal digits, each the height of a piece of it
}

// ReactionCount is how many people reacted to a message in one way.
type ReactionCount struct {
	Reaction string
	Count    int
}

// Edit: a message's text was changed.
type Edit struct {
	Account, MessageID, Conversation string
	Seq                              int64
	Text                             string
	Mentions                         []string
	Files                            []FileInfo
	Time                             time.Time
	Change                           int64
}

// Deletion: a message was deleted, for all or (ForAll false) for this account alone.
type Deletion struct {
	Account, MessageID, Conversation string
	Seq                              int64
	ForAll                           bool
	Change                           int64
}

// Reaction: somebody reacted to a message, or (Gone) took it back.
type Reaction struct {
	Account, MessageID, Conversation string
	Seq                              int64
	Reaction                         string
	Gone                             bool
	Change                           int64
}

// Receipt: an account, maybe this one on another connection, has received and read up to these.
type Receipt struct {
	Account, Conversation string
	ReadSeq, DeliveredSeq int64 // 0: not told
	Change                int64
}

// Typing: somebody writes, or (Stopped) no more.
type Typing struct {
	Account, Conversation, GroupID string
	Stopped                        bool
}

// States of a Presence.
const (
	StateOnline  = "online"
	StateAway    = "away"
	StateOffline = "offline"
)

// Presence is how somebody of the accounts watched is.
type Presence struct {
	Account  string
	State    string    // StateOnline, StateAway, StateOffline
	LastSeen time.Time // zero: not to be seen
}

// States of a friendship.
const (
	FriendAccepted = "accepted"
	FriendAsked    = "asked"  // in a list: by this account
	FriendAsking   = "asking" // in a list: this account is asked
	FriendRefused  = "refused"
	FriendEnded    = "ended"
)

// FriendEvent: Account did something to the friendship with Friend; one of them is this account.
type FriendEvent struct {
	Account, Friend string
	State           string // FriendAsked, FriendAccepted, FriendRefused, FriendEnded
	Text            string
	Change          int64
}

// BlockEvent: another connection of this account blocked somebody, or (Gone) no longer does.
type BlockEvent struct {
	Account string
	Gone    bool
	Change  int64
}

// ProfileEvent: another connection of this account changed its profile.
type ProfileEvent struct {
	Changed map[ProfileField]string
	Change  int64
}

// GroupLost: this account is no longer a member of a group.
type GroupLost struct {
	GroupID, Conversation string
	Change                int64
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
	Removed          bool // it is over for this account alone: a moderator removed it
}

// CellPeople: somebody came into a call of several, or left it. Ringing is not told.
type CellPeople struct{ OpenCell }

// Push is any other message of the server.
type Push struct{ Wire wire.Message }

// Online: the client is connected again; what it missed comes before this event.
type Online struct{}

// Offline: the connection was lost, for the reason Err; the client tries to come back.
type Offline struct{ Err error }

func (Message) event()      {}
func (Edit) event()         {}
func (Deletion) event()     {}
func (Reaction) event()     {}
func (Receipt) event()      {}
func (Typing) event()       {}
func (Presence) event()     {}
func (FriendEvent) event()  {}
func (BlockEvent) event()   {}
func (ProfileEvent) event() {}
func (GroupLost) event()    {}
func (Ring) event()         {}
func (RingEnd) event()      {}
func (Cell) event()         {}
func (CellPeople) event()   {}
func (Push) event()         {}
func (Online) event()       {}
func (Offline) event()      {}
