package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	killRounds = 4
	killPairs  = 3
	killOpen   = 16 // unanswered texts of one talker
)

// place is where the server said a text is.
type place struct {
	conversation string
	seq          int
}

// talker sends texts to a friend as fast as answers come, and keeps the books.
type talker struct {
	account, friend string
	conversation    string
	sent            []string         // client ids, in order
	answered        map[string]place // by client id
}

// textOf is what is sent under a client id: lines and lengths differ.
func textOf(id string) string {
	n, _ := strconv.Atoi(id[strings.LastIndexByte(id, '-')+1:])
	return id + "\n" + strings.Repeat("你好 ", n*37%300)
}

// TestKillKeepsWhatWasAnswered kills the server in the middle of a stream of
// texts, again and again, and compares what was answered 200 with what is there.
func TestKillKeepsWhatWasAnswered(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	talkers := killTalkers(t, data)
	answers, resent := 0, 0
	for round := range killRounds {
		killMidway(t, data, talkers, round)
		s := start(t, data)
		for _, k := range talkers {
			answers += len(k.answered)
			c := login(t, s, k.account, "device: talker")
			checkKept(t, c, k)
			resent += resendUnanswered(t, c, k)
			checkOnce(t, c, k)
			c.gone()
		}
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
		for _, k := range talkers {
			k.sent, k.answered = nil, map[string]place{}
		}
		s.stop(t)
	}
	if resent == 0 {
		t.Fatal("no kill left a text unanswered: nothing was tested")
	}
	t.Logf("%d kills, %d texts answered 200 before them, %d resent after", killRounds, answers, resent)
}

// killTalkers makes pairs who know their conversation.
func killTalkers(t *testing.T, data string) []*talker {
	s := start(t, data)
	var all []*talker
	for p := range killPairs {
		a, b := fmt.Sprintf("a%d", p), fmt.Sprintf("b%d", p)
		register(t, s, a, b)
		first := login(t, s, a).want(t, "200", "message_type: text", "friends: "+b, "text: first")
		for _, names := range [][2]string{{a, b}, {b, a}} {
			all = append(all, &talker{account: names[0], friend: names[1], conversation: first.get("conversation"), answered: map[string]place{}})
		}
	}
	s.stop(t)
	return all
}

// killMidway lets everybody talk until a random number of answers, then kills.
func killMidway(t *testing.T, data string, talkers []*talker, round int) {
	s := start(t, data)
	var left atomic.Int64
	left.Store(50 + rand.Int64N(1500))
	var talking sync.WaitGroup
	failed := make([]error, len(talkers))
	clients := make([]*client, len(talkers))
	for i, k := range talkers {
		clients[i] = login(t, s, k.account, "device: talker")
	}
	for i, k := range talkers {
		talking.Go(func() {
			failed[i] = k.talk(clients[i], round, func() {
				if left.Add(-1) == 0 {
					s.cmd.Process.Kill()
				}
			})
		})
	}
	talking.Wait()
	<-s.done
	for _, err := range failed {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// talk sends until the connection ends; what it returns is not that end.
func (k *talker) talk(c *client, round int, answered func()) error {
	for {
		for len(k.sent) < len(k.answered)+killOpen {
			id := fmt.Sprintf("%s-%d-%06d", k.account, round, len(k.sent))
			k.sent = append(k.sent, id)
			if c.write(k.lines(id)...) != nil {
				break // answers may still lie in the socket
			}
		}
		m, err := c.next()
		if errors.Is(err, errEnded) {
			return nil
		}
		if err != nil {
			return err
		}
		if m.get("stat") != "200" {
			return fmt.Errorf("a send was answered %s: %s", m.get("stat"), m.get("reason"))
		}
		if err := k.note(m); err != nil {
			return err
		}
		answered()
	}
}

func (k *talker) lines(id string) []string {
	return []string{"message_type: text", "task_id: " + id, "friends: " + k.friend, "client_message_id: " + id,
		"text: " + strings.ReplaceAll(textOf(id), "\n", "\n ")}
}

// note takes an answer into the books. Answers come in the order of the requests.
func (k *talker) note(m message) error {
	id := m.get("task_id")
	if want := k.sent[len(k.answered)]; id != want {
		return fmt.Errorf("the answer to %q came where that to %q was due", id, want)
	}
	seq, err := strconv.Atoi(m.get("seq"))
	if err != nil || m.get("conversation") != k.conversation {
		return fmt.Errorf("an answer without its place: %s", m.raw)
	}
	k.answered[id] = place{m.get("conversation"), seq}
	return nil
}

// checkKept compares the history with the answers: nothing missing, changed, or out of order.
func checkKept(t *testing.T, c *client, k *talker) {
	t.Helper()
	stored := ownHistory(t, c, k)
	last, missing := 0, false
	for _, id := range k.sent {
		at, there := stored[id]
		said, answered := k.answered[id]
		switch {
		case answered && len(at) == 0:
			t.Errorf("%s was answered 200 (seq %d) and is gone", id, said.seq)
		case answered && (len(at) != 1 || at[0] != said.seq):
			t.Errorf("%s was answered with seq %d and lies at %v", id, said.seq, at)
		case there && missing:
			t.Errorf("%s is stored, but a text that the same connection sent before it is not", id)
		case there && at[0] <= last:
			t.Errorf("%s has seq %d, after %d of the text sent before it", id, at[0], last)
		}
		missing = missing || !there
		if there {
			last = at[0]
		}
	}
}

// ownHistory returns the seqs under which each of the author's texts is stored.
// It checks on the way that seq has no gaps and no text was changed.
func ownHistory(t *testing.T, c *client, k *talker) map[string][]int {
	t.Helper()
	stored := map[string][]int{}
	for i, m := range readHistory(t, c, k.conversation) {
		if m.get("seq") != strconv.Itoa(i+1) {
			t.Fatalf("history line %d has seq %s", i+1, m.get("seq"))
		}
		id := m.get("client_message_id")
		if m.get("user_account") != k.account || id == "" {
			continue
		}
		if m.get("text") != textOf(id) {
			t.Errorf("%s is stored with another text: %q", id, m.get("text"))
		}
		stored[id] = append(stored[id], i+1)
	}
	return stored
}

// resendUnanswered sends again what the kill left unknown, and one that is known.
func resendUnanswered(t *testing.T, c *client, k *talker) (resent int) {
	t.Helper()
	for _, id := range k.sent {
		said, answered := k.answered[id]
		if answered && id != k.sent[0] {
			continue
		}
		m := c.want(t, "200", k.lines(id)...)
		if answered && m.get("seq") != strconv.Itoa(said.seq) {
			t.Errorf("%s, sent again, has seq %s; it had %d", id, m.get("seq"), said.seq)
		}
		if !answered {
			resent++
		}
	}
	return resent
}

// checkOnce looks that everything sent is now stored exactly once.
func checkOnce(t *testing.T, c *client, k *talker) {
	t.Helper()
	stored := ownHistory(t, c, k)
	for _, id := range k.sent {
		if n := len(stored[id]); n != 1 {
			t.Errorf("%s is stored %d times", id, n)
		}
	}
}
