package contract

import (
	"strconv"
	"strings"
	"testing"
)

// A page has at most 128 KiB, comes in one WebSocket message, and page by page everything is had once.
func TestHistoryInPages(t *testing.T) {
	t.Parallel()
	const texts = 20
	s := serve(t)
	a := s.login("/message", "+1", "a")
	for i := range texts {
		a.send("message_type: text\nfriends: +2\ntext: " + strconv.Itoa(i) + strings.Repeat("x", 15<<10) + "\n\n")
		a.want("message_type: text\nstat: 200")
	}
	conversation := a.last.get("conversation")
	b := s.login("/message", "+2", "b")
	after, pages := 0, 0
	for more := true; more; pages++ {
		b.send("message_type: history\ntype: GET\nconversation: " + conversation + "\nlimit: 200\nafter_seq: " + strconv.Itoa(after) + "\n\n")
		n, err := strconv.Atoi(b.want("message_type: history\ntype: GET\nstat: 200\ncount: {n}")["n"])
		more = b.last.get("more") == "yes"
		frame, size := b.last.frame, 0
		if err != nil || n == 0 {
			t.Fatalf("a page without items: %v", b.last)
		}
		for range n {
			m := b.next()
			after++
			size += len(m.String()) + 2
			if m.frame != frame || m.get("seq") != strconv.Itoa(after) || !strings.HasPrefix(m.get("text"), strconv.Itoa(after-1)+"x") {
				t.Fatalf("where seq %d was due came %.80v", after, m)
			}
		}
		if size > 128<<10 {
			t.Errorf("a page of %d bytes", size)
		}
	}
	if after != texts || pages < 3 {
		t.Errorf("%d texts in %d pages", after, pages)
	}
	backwards(t, b, conversation, texts)
}

// backwards reads from the latest to the first.
func backwards(t *testing.T, b *client, conversation string, texts int) {
	t.Helper()
	for before := texts + 1; before > 1; {
		b.send("message_type: history\ntype: GET\nconversation: " + conversation + "\nlimit: 200\nbefore_seq: " + strconv.Itoa(before) + "\n\n")
		n, err := strconv.Atoi(b.want("message_type: history\ntype: GET\nstat: 200\ncount: {n}")["n"])
		if err != nil || n == 0 {
			t.Fatalf("a page without items: %v", b.last)
		}
		if more := b.last.get("more") == "yes"; more != (n < before-1) {
			t.Errorf("before %d came %d items, more: %v", before, n, more)
		}
		for i := range n {
			if got := b.next().get("seq"); got != strconv.Itoa(before-n+i) {
				t.Fatalf("where seq %d was due came %s", before-n+i, got)
			}
		}
		before -= n
	}
	b.quiet()
}

func TestHistoryAsksForNumbers(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.login("/message", "+1", "a")
	a.send("message_type: text\nfriends: +2\ntext: x\n\n")
	in := "conversation: " + a.want("message_type: text\nstat: 200\nmessage_id: …\nconversation: {c}")["c"] + "\n"
	for _, lines := range []string{"limit: 0\n", "limit: x\n", "limit: -1\n", "before_seq: x\n", "after_seq: 99999999999999999999\n", "before_seq: -1\n"} {
		a.ask("message_type: history\ntype: GET\n"+in+lines+"\n").fails(t, "400")
	}
	a.ask("message_type: history\ntype: GET\nconversation: one\n\n").fails(t, "400")
	a.ask("message_type: receipt\n"+in+"\n").fails(t, "400")
	a.ask("message_type: receipt\n"+in+"read_seq: x\n\n").fails(t, "400")
	a.ask("message_type: conversation\ntype: GET\nlimit: 0\n\n").fails(t, "400")
	a.send("message_type: history\ntype: GET\n" + in + "limit: 100000\n\n") // more than there can be is no error
	a.want("message_type: history\ntype: GET\nstat: 200\ncount: 1\n.")
	a.want("user_account: +1\nmessage_type: text\ntext: x")
	a.ask("message_type: history\ntype: GET\n\n").fails(t, "400 or 404")
}
