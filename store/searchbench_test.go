package store

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const searchConversations = 2000

// BenchmarkLarge reads pages of history and looks for words in 300,000 messages (or as many as NEOCHAT_BENCH_MESSAGES
// says) of 2,000 conversations, all of one account. It also reports what it took to index a message.
func BenchmarkLarge(b *testing.B) {
	messages := benchMessages()
	s := openNew(b, "me")
	s.indexer.stop()
	fillForSearch(b, s, messages)
	start, before := time.Now(), cpu(b)
	s.indexer = startIndexer(s)
	indexed(b, s)
	perMessage := func(d time.Duration) float64 { return float64(d.Microseconds()) / float64(messages) }
	b.Logf("indexed %d messages: %.1f µs CPU and %.1f µs each", messages, perMessage(cpu(b)-before), perMessage(time.Since(start)))
	b.Run("history page", func(b *testing.B) { pageOften(b, s, messages) })
	for _, text := range []string{"frequent", "w3", "w200", "w20000", "frequent w200", "nowhere", "nowhere frequent"} {
		for _, account := range []string{"me", "p7"} {
			b.Run(account+" "+text, func(b *testing.B) { searchOften(b, s, account, text) })
		}
	}
}

func benchMessages() int {
	if v, err := strconv.Atoi(os.Getenv("NEOCHAT_BENCH_MESSAGES")); err == nil {
		return v
	}
	return 300_000
}

func searchOften(b *testing.B, s *Store, account, text string) {
	var took []time.Duration
	count, before := 0, cpu(b)
	for b.Loop() {
		start := time.Now()
		found, _, err := s.Search(b.Context(), account, Search{Text: text, Limit: 20})
		if err != nil {
			b.Fatal(err)
		}
		took, count = append(took, time.Since(start)), len(found)
	}
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/1000/float64(b.N), "cpu-ms/search")
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(count), "found")
}

// fillForSearch writes rows past the writer's operations, which would take too long.
func fillForSearch(b *testing.B, s *Store, messages int) {
	// Every row touches pages of its own in the indexes. SQLite keeps a copy of all that a statement of several rows touches.
	together, setUp := 1, "PRAGMA cache_size = -500000"
	if databases.MariaDB() {
		together, setUp = 1000, "DO 1"
	}
	insert := func(prefix string, n int, row func(i int) string) {
		b.Helper()
		for first := 0; first < n; first += 50_000 {
			if err := s.write(b.Context(), func(t *batch) error {
				_, err := t.w.conn.ExecContext(t.ctx, setUp)
				for at := first; at < min(n, first+50_000) && err == nil; at += together {
					var values []string
					for i := at; i < min(n, at+together); i++ {
						values = append(values, row(i))
					}
					_, err = t.w.conn.ExecContext(t.ctx, prefix+strings.Join(values, ","))
				}
				return err
			}); err != nil {
				b.Fatal(err)
			}
		}
	}
	insert("INSERT INTO users (user_account, password_hash, registration_time) VALUES ", searchConversations, func(i int) string {
		return fmt.Sprintf("('p%d', '', 1)", i+1)
	})
	insert("INSERT INTO conversations (id, kind, pair_a, pair_b, last_change, touched) VALUES ", searchConversations, func(i int) string {
		return fmt.Sprintf("(%d, 'pair', 'me', 'p%d', %d, %d)", i+1, i+1, messages-searchConversations+i, messages)
	})
	insert("INSERT INTO memberships (conversation, user_account, since_seq, until_seq, until_change, read_seq) VALUES ", 2*searchConversations, func(i int) string {
		account := "me"
		if i%2 == 1 {
			account = fmt.Sprint("p", i/2+1)
		}
		return fmt.Sprintf("(%d, '%s', 0, %d, %d, 0)", i/2+1, account, stillHere, stillHere)
	})
	random := rand.New(rand.NewPCG(1, 2))
	vocabulary := rand.NewZipf(random, 1.1, 5, 30_000)
	insert("INSERT INTO messages (id, conversation, seq, change_no, post_change, author, kind, message, create_time) VALUES ", messages, func(i int) string {
		var text strings.Builder
		for range 9 {
			fmt.Fprintf(&text, "w%d ", vocabulary.Uint64())
		}
		if random.IntN(10) == 0 {
			text.WriteString("frequent")
		}
		conversation := i%searchConversations + 1
		return fmt.Sprintf("(%d, %d, %d, %d, %d, 'me', 'text', '%s', %d)", i+1, conversation, i/searchConversations+1, i+1, i+1, text.String(), i)
	})
}

// pageOften reads pages of history from anywhere.
func pageOften(b *testing.B, s *Store, messages int) {
	var took []time.Duration
	for b.Loop() {
		conversation := 1 + rand.Int64N(searchConversations)
		before := 2 + rand.Int64N(int64(messages/searchConversations))
		start := time.Now()
		page, _, err := s.History(b.Context(), "me", conversation, before, 0, 50)
		took = append(took, time.Since(start))
		if err != nil || len(page) == 0 {
			b.Fatalf("%d messages before %d of %d: %v", len(page), before, conversation, err)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
