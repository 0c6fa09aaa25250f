package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"neochat/store/words"
)

// indexed waits until everything said so far can be found.
func indexed(t testing.TB, s *Store) {
	t.Helper()
	patience := 20 * time.Second
	if _, ok := t.(*testing.B); ok {
		patience = time.Hour // of millions of messages
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		var done, last, again int64
		if err := s.readDB.QueryRowContext(ctx, `SELECT (SELECT value FROM counters WHERE name = 'indexed'),
			(SELECT COALESCE(MAX(id), 0) FROM messages), (SELECT COUNT(*) FROM messages_to_index)`).Scan(&done, &last, &again); err != nil {
			t.Fatal(err)
		}
		if done == last && again == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func found(t testing.TB, s *Store, account string, q Search) string {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	all, more, err := s.Search(t.Context(), account, q)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, f := range all {
		list = append(list, f.Text)
	}
	if more {
		list = append(list, "…")
	}
	return strings.Join(list, " | ")
}

func TestSearch(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	g := newGroup(t, s, "a", "b")
	send(t, s, "a", "b", "The roses need water")
	send(t, s, "b", "a", "Water? For ROSES?")
	send(t, s, "a", "c", "no roses for b")
	post1(t, s, Draft{Author: "b", To: []Target{{Group: g.ID}}, Kind: "text", Text: "我喜欢中文搜索, roses"})
	noted := send(t, s, "a", "a", "note: roses")
	indexed(t, s)
	pair := send(t, s, "a", "b", "later tulips").Conversation
	indexed(t, s)
	for _, c := range []struct {
		account string
		q       Search
		want    string
	}{
		{"a", Search{Text: "roses"}, "note: roses | 我喜欢中文搜索, roses | no roses for b | Water? For ROSES? | The roses need water"},
		{"b", Search{Text: "roses"}, "我喜欢中文搜索, roses | Water? For ROSES? | The roses need water"},
		{"c", Search{Text: "roses"}, "no roses for b"},
		{"a", Search{Text: "roses water"}, "Water? For ROSES? | The roses need water"},
		{"a", Search{Text: "rose"}, ""},
		{"a", Search{Text: "tulips roses"}, ""},
		{"a", Search{Text: "absent"}, ""},
		{"a", Search{Text: "?!"}, ""},
		{"b", Search{Text: "文"}, "我喜欢中文搜索, roses"},
		{"b", Search{Text: "喜欢中文"}, "我喜欢中文搜索, roses"},
		{"b", Search{Text: "欢喜"}, ""},
		{"b", Search{Text: "喜文"}, ""},
		{"a", Search{Text: "roses", Author: "a"}, "note: roses | no roses for b | The roses need water"},
		{"a", Search{Text: "roses", Author: "nobody"}, ""},
		{"a", Search{Text: "roses", Conversation: pair}, "Water? For ROSES? | The roses need water"},
		{"a", Search{Text: "roses", Conversation: pair, Author: "b"}, "Water? For ROSES?"},
		{"a", Search{Text: "roses", Limit: 2}, "note: roses | 我喜欢中文搜索, roses | …"},
		{"a", Search{Text: "roses", BeforeChange: noted.Change, Limit: 3}, "我喜欢中文搜索, roses | no roses for b | Water? For ROSES? | …"},
		{"a", Search{Text: "roses", BeforeChange: 1}, ""},
		{"a", Search{Text: "b", Author: "a"}, "no roses for b"},
	} {
		if got := found(t, s, c.account, c.q); got != c.want {
			t.Errorf("%s looks for %+v and finds %s, want %s", c.account, c.q, got, c.want)
		}
	}
	for name, q := range map[string]Search{"a stranger's": {Text: "roses", Conversation: pair}, "absent": {Text: "roses", Conversation: 999}} {
		if _, _, err := s.Search(t.Context(), "c", q); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s conversation: %v", name, err)
		}
	}
}

func TestSearchByTime(t *testing.T) {
	s := openNew(t, "a", "b")
	const hour = int64(time.Hour / time.Millisecond)
	var at []int64
	for i := range 10 {
		p := send(t, s, "a", "b", fmt.Sprint("tick ", i))
		at = append(at, int64(i)*5*hour)
		if err := <-enqueueCall(s, func(b *batch) error {
			_, err := b.w.conn.ExecContext(b.ctx, fmt.Sprintf("UPDATE messages SET create_time = %d WHERE conversation = %d AND seq = %d", at[i]+1, p.Conversation, p.Seq))
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	indexed(t, s)
	for _, c := range []struct {
		since, until int64
		want         string
	}{
		{at[8], 0, "tick 9 | tick 8"},
		{at[8] + 1, 0, "tick 9 | tick 8"},
		{at[8] + 2, 0, "tick 9"},
		{0, at[1] + 1, "tick 1 | tick 0"},
		{0, at[1], "tick 0"},
		{at[4], at[5] + 1, "tick 5 | tick 4"},
		{at[9] + hour*9, 0, ""},
		{at[5], at[4], ""},
	} {
		if got := found(t, s, "b", Search{Text: "tick", Since: c.since, Until: c.until}); got != c.want {
			t.Errorf("from %d to %d: %s, want %s", c.since, c.until, got, c.want)
		}
	}
}

// Who left, was removed or came back finds what it may read, and no more.
func TestSearchKeepsToStays(t *testing.T) {
	s := openNew(t, "a", "b", "c", "d")
	g := newGroup(t, s, "a", "b", "c")
	say := func(text string) {
		t.Helper()
		post1(t, s, Draft{Author: "a", To: []Target{{Group: g.ID}}, Kind: "text", Text: text})
	}
	must := func(_ []Posted, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	say("word one")
	must(s.leaveWait("b", g.ID))
	must(s.removeWait("a", g.ID, "c"))
	say("word two")
	must(s.inviteWait("a", g.ID, "b", "d"))
	say("word three")
	indexed(t, s)
	for account, want := range map[string]string{
		"a": "word three | word two | word one", "b": "word three | word one", "c": "word one", "d": "word three",
	} {
		if got := found(t, s, account, Search{Text: "word"}); got != want {
			t.Errorf("%s finds %s, want %s", account, got, want)
		}
	}
}

// A changed text is found by its words as they are, a deleted or hidden one not at all.
func TestSearchFollowsChanges(t *testing.T) {
	s := openNew(t, "a", "b")
	edited, deleted, hidden := send(t, s, "a", "b", "green apple"), send(t, s, "a", "b", "green pear"), send(t, s, "a", "b", "green plum")
	change := func(before bool) {
		t.Helper()
		if before {
			indexed(t, s)
		}
		if err := <-enqueueCall(s, func(b *batch) error {
			for _, query := range []string{
				fmt.Sprintf("UPDATE messages SET message = 'red apple' WHERE conversation = %d AND seq = %d", edited.Conversation, edited.Seq),
				fmt.Sprintf("UPDATE messages SET message = '', kind = 'deleted' WHERE conversation = %d AND seq = %d", deleted.Conversation, deleted.Seq),
				fmt.Sprintf("INSERT INTO messages_to_index SELECT id FROM messages WHERE conversation = %d AND seq < %d", hidden.Conversation, hidden.Seq),
			} {
				if _, err := b.w.conn.ExecContext(b.ctx, query); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		indexed(t, s)
	}
	for _, before := range []bool{true, false} {
		change(before)
		if got := found(t, s, "b", Search{Text: "green"}); got != "green plum" {
			t.Errorf("green: %s", got)
		}
		if got := found(t, s, "b", Search{Text: "red"}); got != "red apple" {
			t.Errorf("red: %s", got)
		}
	}
	if err := <-enqueueCall(s, func(b *batch) error {
		_, err := b.w.conn.ExecContext(b.ctx, fmt.Sprintf("INSERT INTO hidden_messages (user_account, conversation, seq) VALUES ('b', %d, %d)", hidden.Conversation, hidden.Seq))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if got := found(t, s, "b", Search{Text: "green"}) + "/" + found(t, s, "a", Search{Text: "green"}); got != "/green plum" {
		t.Errorf("hidden from b: %s", got)
	}
}

func awaitPost(t *testing.T, done <-chan error) {
	t.Helper()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// chatter writes n messages into a conversation past the writer's operations, which would take too long.
func chatter(t *testing.T, s *Store, conversation int64, n int) {
	t.Helper()
	if err := s.write(t.Context(), func(b *batch) error {
		if err := b.draw(n); err != nil {
			return err
		}
		b.change = b.drawn
		var rows []string
		for i := range n {
			change := b.drawn - int64(n-1-i)
			rows = append(rows, fmt.Sprintf("(%d, %d, %d, %d, 'p0', 'text', 'common chatter', %d)", conversation, i+2, change, change, b.now))
		}
		_, err := b.w.conn.ExecContext(b.ctx, "INSERT INTO messages (conversation, seq, change_no, post_change, author, kind, message, create_time) VALUES "+strings.Join(rows, ","))
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// Many conversations, pages of a few: nothing is found twice and nothing is left out.
func TestSearchPages(t *testing.T) {
	const people, messages = 150, 1500
	accounts := []string{"me"}
	for i := range people {
		accounts = append(accounts, fmt.Sprint("p", i))
	}
	s := openNew(t, accounts...)
	others := send(t, s, "p0", "p1", "begun").Conversation
	random := rand.New(rand.NewPCG(3, 4))
	var want []string
	done := make(chan error, messages)
	for i := range messages {
		if i == messages/2 { // what follows is read as what was said last, what came before is found by the index
			for range messages / 2 {
				awaitPost(t, done)
			}
			chatter(t, s, others, searchRecent)
		}
		text := fmt.Sprint("message ", i)
		if random.IntN(3) == 0 {
			text += " common"
		}
		if i == 17 {
			text += " rare"
		}
		if strings.Contains(text, "common") {
			want = append(want, text)
		}
		d := Draft{Author: "me", To: []Target{{Account: accounts[random.IntN(people)+1]}}, Kind: "text", Text: text}
		s.Post(d, func(_ []Posted, err error) { done <- err })
	}
	for range messages - messages/2 {
		awaitPost(t, done)
	}
	indexed(t, s)
	slices.Reverse(want)
	var got []string
	for before := int64(0); ; {
		page, more, err := s.Search(t.Context(), "me", Search{Text: "common", Limit: 7, BeforeChange: before})
		if err != nil || more != (len(got)+len(page) < len(want)) || more && len(page) != 7 {
			t.Fatalf("%d found, more %v after %d of %d, %v", len(page), more, len(got), len(want), err)
		}
		for _, f := range page {
			got = append(got, f.Text)
			before = f.Change
		}
		if !more {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("found %d, want %d", len(got), len(want))
	}
	for text, want := range map[string]string{"rare": "message 17", "nowhere": "", "rare nowhere": "", "message 17": "message 17"} {
		if got := strings.TrimSuffix(strings.TrimSuffix(found(t, s, "me", Search{Text: text}), " rare"), " common"); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

// What was not indexed when the store was closed is indexed when it is opened again.
func TestIndexGoesOnAfterRestart(t *testing.T) {
	name := databases.Fresh(t)
	s := openAt(t, name)
	addUsers(t, s, "a", "b")
	s.indexer.stop()
	for i := range 2 * indexMessages {
		s.Post(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: fmt.Sprint("text ", i)}, func([]Posted, error) {})
	}
	send(t, s, "a", "b", strings.Repeat("长", 4000)+" long")
	if got := found(t, s, "b", Search{Text: "long"}); got != "" {
		t.Fatal("it was indexed after all")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = openAt(t, name)
	indexed(t, s)
	for _, text := range []string{"long", "0", fmt.Sprint(2*indexMessages - 1)} {
		if got, _, err := s.Search(t.Context(), "b", Search{Text: text, Limit: 10}); err != nil || len(got) != 1 {
			t.Errorf("%s: %d found, %v", text, len(got), err)
		}
	}
}

// Two programs on one database do not index the same twice.
func TestIndexPartsAreWrittenOnce(t *testing.T) {
	s := openNew(t, "a", "b")
	s.indexer.stop()
	send(t, s, "a", "b", "once")
	x := &indexer{store: s, wake: make(chan struct{}, 1)}
	p, err := x.next(t.Context())
	if err != nil || len(p.rows) != 2 {
		t.Fatalf("%+v, %v", p, err)
	}
	for range 2 {
		if err := s.write(t.Context(), func(b *batch) error { return b.index(p) }); err != nil {
			t.Fatal(err)
		}
	}
	if got := found(t, s, "b", Search{Text: "once"}); got != "once" {
		t.Errorf("found %s", got)
	}
}

func TestTokens(t *testing.T) {
	a, b := tokensOf(1, "a", "two words, two"), tokensOf(33, "a", "two words")
	for _, tokens := range []string{a, b} {
		list := strings.Fields(tokens)
		if len(list) != 3 || strings.Trim(tokens, tokenAlphabet+" ") != "" || !slices.IsSorted(list) {
			t.Errorf("tokens %q", tokens)
		}
	}
	for _, x := range strings.Fields(a) {
		if len(x) != wordChars+1 || slices.Contains(strings.Fields(b), x) {
			t.Errorf("%s is in %s, or of another length", x, b)
		}
	}
	seen := map[string]string{}
	for i := range 200_000 {
		w := fmt.Sprint("w", i)
		seen[string(wordKey(w))] = w
	}
	if len(seen) < 199_900 {
		t.Errorf("%d words have %d keys", 200_000, len(seen))
	}
	if words.Parse("\x00a").Match("a") != true {
		t.Error("a zero byte is part of a word")
	}
}
