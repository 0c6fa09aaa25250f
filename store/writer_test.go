package store

import (
	"errors"
	"fmt"
	"sync"
	"testing"
)

// hold keeps the writer within a transaction, so that what is enqueued until
// release becomes one batch.
func hold(t *testing.T, s *Store) (release func()) {
	t.Helper()
	within, free := make(chan struct{}), make(chan struct{})
	s.writer.enqueue(&call{answer: make(chan error, 1), f: func(*batch) error {
		close(within)
		<-free
		return nil
	}})
	<-within
	return sync.OnceFunc(func() { close(free) })
}

func enqueueCall(s *Store, f func(*batch) error) <-chan error {
	c := &call{f: f, answer: make(chan error, 1)}
	s.writer.enqueue(c)
	return c.answer
}

func TestAFailingOperationFailsAlone(t *testing.T) {
	s := openNew(t, "a", "b")
	release := hold(t, s)
	var answers []<-chan error
	var conversation int64 // written by callbacks, read after them
	post := func(text string) {
		answer := make(chan error, 1)
		s.Post(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: text, ClientID: text}, func(p []Posted, err error) {
			if err == nil && len(p) != 1 {
				err = fmt.Errorf("%d posted", len(p))
			} else if err == nil {
				conversation = p[0].Conversation
			}
			answer <- err
		})
		answers = append(answers, answer)
	}
	post("before")
	culprit := enqueueCall(s, func(b *batch) error {
		if _, err := b.exec(wNewGroup, "g", "name", "", "a", 0); err != nil {
			return err
		}
		_, err := b.exec(wNewGroup, "g", "twice", "", "a", 0)
		return err
	})
	post("after")
	post("after that")
	release()
	if err := <-culprit; !errors.Is(err, ErrUnavailable) {
		t.Errorf("culprit: %v", err)
	}
	for _, a := range answers {
		if err := <-a; err != nil {
			t.Error(err)
		}
	}
	if got := fmt.Sprint(history(t, s, "b", conversation)); got != "[1 before 2 after 3 after that]" {
		t.Errorf("stored: %s", got)
	}
	if count(t, s.readDB, "SELECT COUNT(*) FROM chat_groups") != 0 {
		t.Error("half of the culprit was stored")
	}
}

func TestAFullDatabaseIsUnavailableToEverybodyAndRecovers(t *testing.T) {
	sqliteOnly(t)
	s := openNew(t, "a", "b")
	send(t, s, "a", "b", "first")
	pages := func(limit string) {
		if err := <-enqueueCall(s, func(b *batch) error {
			var n int
			return b.w.conn.QueryRowContext(b.ctx, "PRAGMA max_page_count = "+limit).Scan(&n)
		}); err != nil {
			t.Fatal(err)
		}
	}
	pages("1") // SQLite takes the present size instead
	big := make([]byte, 100_000)
	for i := range big {
		big[i] = 'x'
	}
	release := hold(t, s)
	const n = 20
	answers := make(chan error, n)
	for range n {
		s.Post(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: string(big)}, func(_ []Posted, err error) { answers <- err })
	}
	release()
	for range n {
		if err := <-answers; !errors.Is(err, ErrUnavailable) {
			t.Errorf("on a full disk: %v", err)
		}
	}
	pages("1000000")
	if p := send(t, s, "a", "b", "second"); p.Seq != 2 {
		t.Errorf("seq %d after the failures, want 2", p.Seq)
	}
}

// breakConnection sees to it that not even ROLLBACK works any more.
func breakConnection(b *batch) error {
	statement := "ROLLBACK"
	if databases.MariaDB() {
		statement = "KILL CONNECTION_ID()"
	}
	b.w.dialect.noTransaction = func(error) bool { return false }
	_, err := b.w.conn.ExecContext(b.ctx, statement)
	return err
}

func TestABrokenConnectionIsReplaced(t *testing.T) {
	s := openNew(t, "a", "b")
	send(t, s, "a", "b", "first")
	err := <-enqueueCall(s, func(b *batch) error {
		return errors.Join(errors.New("the connection is broken"), breakConnection(b))
	})
	if !errors.Is(err, ErrUnavailable) {
		t.Errorf("who found it broken: %v", err)
	}
	if p := send(t, s, "a", "b", "second"); p.Seq != 2 {
		t.Errorf("seq %d", p.Seq)
	}
}

func TestAFullQueueRefuses(t *testing.T) {
	s := openNew(t, "a", "b")
	release := hold(t, s)
	defer release()
	var mu sync.Mutex
	var stored, refused int
	var all sync.WaitGroup
	post := func() {
		all.Add(1)
		s.Post(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: "x"}, func(_ []Posted, err error) {
			defer all.Done()
			mu.Lock()
			defer mu.Unlock()
			if errors.Is(err, ErrUnavailable) {
				refused++
			} else if err == nil {
				stored++
			}
		})
	}
	for range queueLimit + 10 {
		post()
	}
	mu.Lock()
	if refused != 10 {
		t.Errorf("%d refused at once, want 10", refused)
	}
	mu.Unlock()
	release()
	all.Wait()
	if stored != queueLimit {
		t.Errorf("%d stored, want %d", stored, queueLimit)
	}
}

func TestSeqHasNoGapsAndCallbacksComeInOrder(t *testing.T) {
	const senders, each = 64, 40
	accounts := []string{"hub"}
	for i := range senders {
		accounts = append(accounts, fmt.Sprintf("s%02d", i))
	}
	s := openNew(t, accounts...)
	g, _, err := s.groupWait(Group{Name: "all", Founder: "hub"}, accounts...)
	if err != nil {
		t.Fatal(err)
	}
	// Appended to by callbacks only, of which one runs at a time.
	seqs := map[int64][]int64{}
	changes := []int64{}
	var all sync.WaitGroup
	for _, author := range accounts[1:] {
		all.Add(each)
		go func() {
			for n := range each {
				d := Draft{Author: author, To: []Target{{Group: g.ID}, {Account: "hub"}}, Kind: "text", Text: fmt.Sprint(n)}
				s.Post(d, func(p []Posted, err error) {
					defer all.Done()
					if err != nil {
						t.Error(err)
					}
					for _, m := range p {
						seqs[m.Conversation] = append(seqs[m.Conversation], m.Seq)
						changes = append(changes, m.Change)
					}
				})
			}
		}()
	}
	all.Wait()
	if len(seqs) != senders+1 || len(seqs[g.Conversation]) != senders*each {
		t.Fatalf("%d conversations, %d in the group", len(seqs), len(seqs[g.Conversation]))
	}
	for id, list := range seqs {
		next := int64(1)
		if id == g.Conversation {
			next = 2 // the record of its creation
		}
		for _, seq := range list {
			if seq != next {
				t.Fatalf("conversation %d: called back with %d, want %d", id, seq, next)
			}
			next++
		}
	}
	for i := 1; i < len(changes); i++ {
		if changes[i] <= changes[i-1] {
			t.Fatalf("change %d after %d", changes[i], changes[i-1])
		}
	}
	if n := count(t, s.readDB, "SELECT COUNT(*) FROM conversations c WHERE last_seq <> (SELECT COUNT(*) FROM messages m WHERE m.conversation = c.id)"); n != 0 {
		t.Errorf("last_seq is wrong in %d conversations", n)
	}
}
