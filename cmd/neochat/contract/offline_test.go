package contract

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
)

// plain logs account's plain device in; deaf: it never answers a ping.
func (s *server) plain(account string, deaf bool) *client {
	s.t.Helper()
	c, _ := s.dial(dialing{path: "/message", deaf: deaf})
	c.login(account, "")
	return c
}

// mark has from send a text that to must receive behind everything it missed, and returns what came before it.
func mark(from, to *client, account string) (before []string) {
	from.t.Helper()
	from.fences++
	text := fmt.Sprintf("mark %d of %s", from.fences, from.name)
	from.send("message_type: text\nfriends: " + account + "\ntext: " + text + "\n\n")
	from.find("message_type: text\nstat: 200")
	for {
		got := to.next().get("text")
		if got == text {
			return before
		}
		before = append(before, got)
	}
}

// count returns how many of the texts are numbered ones, and whether these are in order and complete.
func count(t *testing.T, texts []string, n int) int {
	t.Helper()
	seen := 0
	for _, text := range texts {
		if text == "missed "+strconv.Itoa(seen) {
			seen++
		} else if len(text) > 6 && text[:6] == "missed" {
			t.Fatalf("%q came where number %d was due", text, seen)
		}
	}
	if seen != 0 && seen != n {
		t.Fatalf("%d of %d missed texts came", seen, n)
	}
	return seen
}

func TestPlainDeviceGetsWhatItMissed(t *testing.T) {
	t.Parallel()
	const n = 30
	s := serve(t)
	a := s.login("/message", "+1", "a")
	for i := range n {
		a.send("message_type: text\nfriends: +2\ntext: missed " + strconv.Itoa(i) + "\n\n")
		a.want("message_type: text\nstat: 200")
	}
	for range 2 { // as long as no pong comes it is not delivered
		deaf := s.plain("+2", true)
		if got := count(t, mark(a, deaf, "+2"), n); got != n {
			t.Errorf("a device that answers no ping got %d of %d", got, n)
		}
		deaf.drop()
	}
	s.kill()
	s.start()
	a = s.login("/message", "+1", "a")
	named := s.login("/message", "+2", "named")
	if got := count(t, mark(a, named, "+2"), n); got != 0 {
		t.Errorf("a named device was sent %d old texts", got)
	}
	if got := count(t, mark(a, s.plain("+2", false), "+2"), n); got != n {
		t.Errorf("after kill -9 and a restart the plain device got %d of %d", got, n)
	}
	// It answers pings: at some login they are delivered, and never come again.
	left := n
	for tries := 0; left > 0 && tries < 50; tries++ {
		left = count(t, mark(a, s.plain("+2", false), "+2"), n)
	}
	if left > 0 {
		t.Error("what was answered with a pong comes again and again")
	}
	s.stop()
	s.start()
	a = s.login("/message", "+1", "a")
	if got := count(t, mark(a, s.plain("+2", false), "+2"), n); got != 0 {
		t.Errorf("after a restart %d delivered texts came again", got)
	}
}

// A plain device gets group texts too, and texts of its own account's other devices.
func TestPlainDeviceOfGroup(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.login("/message", "+1", "a")
	a.send("message_type: group\nname: g\nfriends: +2\n\n")
	group := a.find("message_type: group\nstat: 200\ngroup_id: {g}")["g"]
	a.send("message_type: text\ngroup_id: " + group + "\ntext: to the group\n\n")
	a.find("message_type: text\nstat: 200")
	b := s.plain("+2", false)
	b.find("user_account: +1\nmessage_type: text\ntext: to the group\n~\ngroup_id: " + group)
	b.find("user_account: +1\nmessage_type: member_record\nevent: created")
	b.quiet()
}

// Resending from everywhere at once stores and delivers one message.
func TestResendAtOnce(t *testing.T) {
	t.Parallel()
	const senders = 8
	s := serve(t)
	b := s.login("/message", "+2", "b")
	var conns []*client
	for i := range senders {
		conns = append(conns, s.login("/message", "+1", "d"+strconv.Itoa(i)))
	}
	var all sync.WaitGroup
	answers := make([]map[string]string, senders)
	for _, c := range conns {
		all.Go(func() {
			if c.try(1, "message_type: text\nfriends: +2\nclient_message_id: same\ntext: once\n\n") != nil {
				t.Error("sending failed")
			}
		})
	}
	all.Wait()
	for i, c := range conns {
		answers[i] = c.find("message_type: text\nstat: 200\nmessage_id: {id}\nconversation: {c}\nseq: {seq}\ntime: {time}\n.")
		if answers[i]["id"] != answers[0]["id"] || answers[i]["seq"] != "1" || answers[i]["time"] != answers[0]["time"] {
			t.Errorf("answers differ: %v and %v", answers[0], answers[i])
		}
	}
	if came := mark(conns[0], b, "+2"); len(came) != 1 || came[0] != "once" {
		t.Errorf("delivered: %q", came)
	}
}

// Many senders to one conversation: every device sees every seq once, in order.
func TestSeqHasNoGaps(t *testing.T) {
	t.Parallel()
	const each = 40
	s := serve(t)
	a, a2 := s.login("/message", "+1", "a"), s.login("/message", "+1", "a2")
	b, seer := s.login("/message", "+2", "b"), s.login("/message", "+2", "seer")
	for i := range each {
		a.send("message_type: text\nfriends: +2\ntext: a" + strconv.Itoa(i) + "\n\n")
		a2.send("message_type: text\nfriends: +2\ntext: a2\n\nmessage_type: text\nfriends: +404\ntext: nobody\n\n")
		b.send("message_type: text\nfriends: +1\ntext: b\n\n")
	}
	for i := range 3 * each {
		if got := seer.next().get("seq"); got != strconv.Itoa(i+1) {
			t.Fatalf("seq %s came where %d was due", got, i+1)
		}
	}
	seer.quiet()
}
