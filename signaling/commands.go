package signaling

import (
	"slices"
	"strings"
)

// command is what one verb of one message_type does.
type command struct {
	run     func(*request) error // an error is answered
	names   bool                 // user_account names who wants to be, not who is
	ordered bool                 // it keeps the order of answers itself
	guests  bool                 // guests may do it, in the call they are guests of
}

// table is every command there is, by message_type and verb.
func (s *Server) table() map[string]map[string]command {
	do := func(f func(*request) error) command { return command{run: f} }
	inCall := func(f func(*request) error) command { return command{run: f, guests: true} }
	ring := map[string]command{"POST": do(ring), "DELETE": do(cancelRing)}
	return map[string]map[string]command{
		"login":        {"POST": {run: login, names: true}},
		"registered":   {"POST": {run: register, names: true}},
		"logout":       {"POST": inCall(logout)},
		"password":     {"POST": do(changePassword)},
		"device":       {"GET": do(listDevices), "DELETE": do(endDevice)},
		"account":      {"GET": do(describeAccount), "DELETE": do(deleteAccount)},
		"profile":      {"GET": do(profile), "PATCH": do(changeProfile)},
		"friend":       {"GET": do(listFriends), "POST": do(askFriend), "PATCH": do(answerFriend), "DELETE": do(endFriend)},
		"block":        {"GET": do(listBlocks), "POST": do(block), "DELETE": do(unblock)},
		"presence":     {"GET": do(readPresence), "POST": do(setPresence)},
		"typing":       {"POST": do(typing)},
		"text":         {"POST": {run: sendText, ordered: true}},
		"voice":        {"POST": {run: sendVoice, ordered: true}},
		"edit":         {"POST": do(edit)},
		"delete":       {"POST": do(deleteMessage)},
		"react":        {"POST": do(react), "DELETE": do(withdraw), "GET": do(listReactions)},
		"conversation": {"GET": do(listConversations)},
		"history":      {"GET": do(history)},
		"receipt":      {"POST": do(mark), "GET": do(listReceipts)},
		"search":       {"GET": do(search)},
		"sync":         {"GET": do(syncFrom), "POST": do(synced)},
		"group":        {"POST": do(createGroup), "GET": do(showGroup), "PATCH": do(describeGroup), "DELETE": do(dissolveGroup)},
		"member":       {"POST": do(invite), "GET": do(listMembers), "PATCH": do(setPermissions), "DELETE": do(endMembership)},
		"file":         {"POST": do(upload), "GET": do(getFile), "DELETE": do(deleteFile)},
		"cell":         {"POST": do(openOrAnswer), "GET": do(listCells), "DELETE": do(closeCell)},
		"call":         ring,
		"videocall":    ring,
		"guest":        {"POST": inCall(guestVerbs), "GET": do(listLinks), "DELETE": do(revokeLink)},
		"join":         {"POST": inCall(join)},
		"turn":         {"GET": inCall(lendRelay)},
		"restart":      {"POST": inCall(restart)},
		"leave":        {"POST": inCall(leave)},
		"description":  {"POST": inCall(describe)},
		"candidate":    {"POST": inCall(candidate)},
		"subscribe":    {"POST": inCall(subscribe)},
		"track":        {"POST": inCall(publish), "PATCH": inCall(mute), "DELETE": inCall(unpublish)},
		"whip":         {"GET": do(lendPublishing)},
		"whep":         {"GET": do(lendWatching)},
	}
}

func verbNames(verbs map[string]command) string {
	var names []string
	for v := range verbs {
		names = append(names, v)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
