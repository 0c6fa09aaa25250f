package contract

import (
	"strings"
	"testing"

	"github.com/coder/websocket"
)

func TestCallTo(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.login("/cell", "+1", "a")
	for lines, stat := range map[string]string{
		"friends: +404": "404", "friends: +2,+404": "404", "friends: +1": "400", "": "400", "group_id: none": "404", "friends: +2\ngroup_id: x": "400",
		"cell_type: 200\nfriends: +2": "404", "cell_type: 404\nfriends: +2": "404", "cell_type: 300\nfriends: +2": "400", "cell_type: \nfriends: +2": "400",
		"cell_type: 200\nfriends: +2\ncell_key: %2B2_%2B1_1": "404", "type: DELETE\ncell_key: x": "404", "type: DELETE": "400 or 404", "type: PATCH\ncell_key: x": "400",
		"message_type: call": "400 or 404", "message_type: call\ncell_key: x": "404", "message_type: videocall\ntype: DELETE\ncell_key: x": "404",
		"message_type: join": "400 or 404", "message_type: leave": "400 or 404",
	} {
		a.ask("task_id: 1\n"+lines+"\n\n").fails(t, stat)
	}
	a.send("friends: +2,+3\n\n")
	key := a.want("stat: 200\nconnection_key: {k}")["k"]
	b := s.login("/cell", "+2", "b")
	b.ask("message_type: call\ncell_key: "+key+"\n\n").fails(t, "403") // neither opened nor joined it
	b.ask("type: DELETE\ncell_key: "+key+"\n\n").fails(t, "403")       // among several only its opener closes it
	a.ask("message_type: call\nfriends: +404\ncell_key: "+key+"\n\n").fails(t, "404")
	b.quiet()
}

// Two calls of one friend ring: the answer without the key is ambiguous; with it, it is not.
func TestAnswerWithoutKey(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b, c := s.login("/cell", "+1", "a"), s.login("/cell", "+2", "b"), s.login("/cell", "+3", "c")
	ring := func(from *client, account string) string {
		from.send("friends: " + account + "\n\n")
		key := from.find("stat: 200\nconnection_key: {k}")["k"]
		from.send("message_type: videocall\nfriends: " + account + "\ncell_key: " + key + "\n\n")
		from.find("message_type: videocall\nstat: 200\ncell_key: " + key)
		return key
	}
	one, two, three := ring(a, "+2"), ring(a, "+2"), ring(c, "+2")
	for _, k := range []string{one, two} {
		b.find("user_account: +1\nmessage_type: videocall\ncell_key: " + k)
	}
	b.find("user_account: +3\nmessage_type: videocall\ncell_key: " + three)
	b.ask("user_account: +2\nmessage_type: cell\ncell_type: 404\nfriends: +1\n\n").fails(t, "409")
	b.send("user_account: +2\nmessage_type: cell\ncell_type: 404\nfriends: +3\n\n") // one rings from there
	c.find("user_account: +2\nmessage_type: cell\ncell_type: 404\nfriends: +2\ncell_key: " + three)
	b.send("user_account: +2\nmessage_type: cell\ncell_type: 404\nfriends: +1\ncell_key: " + one + "\n\n")
	a.find("user_account: +2\nmessage_type: cell\ncell_type: 404\nfriends: +2\ncell_key: " + one)
	b.send("user_account: +2\nmessage_type: cell\ncell_type: 404\nfriends: +1\n\n")
	a.find("user_account: +2\nmessage_type: cell\ncell_type: 404\nfriends: +2\ncell_key: " + two)
}

// A group's call: members join without being asked, and who has left the group is a stranger.
func TestGroupCall(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b, c := s.login("/cell", "+1", "a"), s.login("/cell", "+2", "b"), s.login("/cell", "+3", "c")
	a.send("message_type: group\nname: g\nfriends: +2,+3\n\n")
	group := a.find("message_type: group\nstat: 200\ngroup_id: {g}")["g"]
	a.send("group_id: " + group + "\n\n")
	key := a.find("stat: 200\nconnection_key: {k}")["k"]
	if !strings.HasPrefix(key, "%2B1_"+group+"_") {
		t.Errorf("the key of a group's call is %s", key)
	}
	a.send("message_type: call\ncell_key: " + key + "\n\n")
	a.find("message_type: call\nstat: 200")
	for _, x := range []*client{b, c} {
		x.find("user_account: +1\nmessage_type: call\ncell_key: " + key + "\ngroup_id: " + group)
	}
	a.send("message_type: join\nconnection_key: " + key + "\n\n")
	a.find("message_type: join\nstat: 200\nconnection_key: " + key + "\nparticipant: {p}\ncall: call\ncount: 0")
	b2 := s.login("/cell", "+2", "b2")
	b2.find("user_account: +1\nmessage_type: call\ncell_key: " + key)
	b2.send("message_type: join\nconnection_key: " + key + "\n\n") // joining what rings answers it
	b2.find("message_type: join\nstat: 200\nconnection_key: " + key + "\nparticipant: {p}\ncall: call\ncount: 1")
	b.find("user_account: +2\nmessage_type: cell\ncell_type: 409\nfriends: +2\ncell_key: " + key)
	a.find("user_account: +2\nmessage_type: cell\ncell_type: 200\nfriends: +2\ncell_key: " + key)
	a.find("user_account: +2\nmessage_type: join\nconnection_key: " + key)
	c.send("message_type: cell\ntype: GET\n\n")
	c.find("message_type: cell\ntype: GET\nstat: 200\ncount: 1")
	c.find("connection_key: " + key + "\ncall: call\nuser_account: +1\n~\nringing: yes\nparticipants: 2")
	c.send("message_type: member\ntype: DELETE\ngroup_id: " + group + "\n\n")
	c.find("message_type: member\ntype: DELETE\nstat: 200")
	c.send("task_id: j\nmessage_type: join\nconnection_key: " + key + "\n\n")
	c.find("task_id: j\nmessage_type: join\nstat: 404\nreason: …")
	a.send("type: DELETE\ncell_key: " + key + "\n\n")
	b2.find("message_type: cell\ntype: DELETE\ncell_key: " + key)
	b.find("user_account: +1\nmessage_type: call_record\ncall: call\noutcome: answered")
}

// Joining again from the same device replaces the former participant.
func TestJoinAgain(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b, key := pairInCall(s)
	join := func(c *client, others string) string {
		c.send("message_type: join\nconnection_key: " + key + "\n\n")
		return c.find("message_type: join\nstat: 200\nconnection_key: " + key + "\nparticipant: {p}\ncall: call\ncount: " + others)["p"]
	}
	join(b, "0")
	first := join(a, "1")
	b.find("user_account: +1\nmessage_type: join\nconnection_key: " + key + "\nparticipant: " + first)
	again := s.login("/cell", "+1", "a")
	second := join(again, "1")
	b.find("user_account: +1\nmessage_type: leave\nconnection_key: " + key + "\nparticipant: " + first)
	b.find("user_account: +1\nmessage_type: join\nconnection_key: " + key + "\nparticipant: " + second)
	if first == second {
		t.Error("the new participant has the former one's id")
	}
	again.find("participant: {p}\nuser_account: +2")
}

// These wait for clocks of the protocol, beside all other tests.
func TestCallTimesOut(t *testing.T) {
	t.Parallel()
	s := serve(t)
	silent := s.open("/message")
	a, b := s.login("/cell", "+1", "a"), s.login("/cell", "+2", "b")
	silent.slow, a.slow, b.slow = true, true, true
	a.send("friends: +2\n\n")
	key := a.want("stat: 200\nconnection_key: {k}")["k"]
	a.send("message_type: call\ncell_key: " + key + "\n\n")
	a.want("message_type: call\nstat: 200")
	b.want("user_account: +1\nmessage_type: call\ncell_key: " + key)
	several := ringSeveral(s)
	if code := silent.closed(); code != websocket.StatusPolicyViolation {
		t.Errorf("without a login the connection was closed with %d", code)
	}
	b.find("user_account: +1\nmessage_type: call\ntype: DELETE\ncell_key: " + key + "\ncause: timeout")
	a.want("user_account: +2\nmessage_type: cell\ncell_type: 408\nfriends: +2\ncell_key: " + key)
	b.find("user_account: +1\nmessage_type: call_record\ncall: call\noutcome: missed\nconnection_key: " + key)
	a.find("user_account: +1\nmessage_type: call_record\ncall: call\noutcome: missed\nconnection_key: " + key)
	a.find("message_type: cell\ntype: DELETE\ncell_key: " + key)
	a.ask("message_type: call\ncell_key: "+key+"\n\n").fails(t, "404")
	several(t)
}

// ringSeveral has +4 call two who never answer, and returns what checks how that ends.
func ringSeveral(s *server) func(*testing.T) {
	d, c := s.login("/cell", "+4", "d"), s.login("/cell", "+3", "c")
	d.slow, c.slow = true, true
	d.send("friends: +3,+2\n\n")
	key := d.want("stat: 200\nconnection_key: {k}")["k"]
	d.send("message_type: videocall\ncell_key: " + key + "\n\n")
	d.want("message_type: videocall\nstat: 200")
	return func(t *testing.T) {
		t.Helper()
		for _, callee := range []string{"+2", "+3"} {
			d.find("user_account: " + callee + "\nmessage_type: cell\ncell_type: 408\nfriends: " + callee + "\ncell_key: " + key)
		}
		c.want("user_account: +4\nmessage_type: videocall\ncell_key: " + key)
		c.want("user_account: +4\nmessage_type: videocall\ntype: DELETE\ncell_key: " + key + "\ncause: timeout")
		d.send("task_id: r\nmessage_type: call\ncell_key: " + key + "\n\n")
		d.find("task_id: r\nmessage_type: call\nstat: 404\nreason: …") // nobody rings, nobody has joined: closed
	}
}
