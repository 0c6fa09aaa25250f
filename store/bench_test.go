package store

import (
	"context"
	"database/sql"
	"fmt"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	benchPairs = 50
	benchOpen  = 8 // unanswered messages of each author
	benchText  = "a message of some forty bytes, as people write"
)

// BenchmarkPost writes as fast as answers come: 50 pairs, each author with 8
// messages under way, every message with a client id.
func BenchmarkPost(b *testing.B) {
	s := openNew(b, benchAccounts()...)
	before := cpu(b)
	b.ResetTimer()
	var sent atomic.Int64
	done := make(chan error, benchPairs*benchOpen)
	for i := range benchPairs * benchOpen {
		go postMany(s, i, int64(b.N), &sent, done)
	}
	for range benchPairs * benchOpen {
		if err := <-done; err != nil {
			b.Fatal(err)
		}
	}
	report(b, before)
}

// postMany is one of an author's open slots: its next message goes out from the
// callback of the last.
func postMany(s *Store, slot int, total int64, sent *atomic.Int64, done chan<- error) {
	pair := slot / benchOpen
	d := Draft{Author: benchAccount(pair, slot%2), To: []Target{{Account: benchAccount(pair, 1-slot%2)}}, Kind: "text", Text: benchText}
	var next func([]Posted, error)
	next = func(_ []Posted, err error) {
		n := sent.Add(1)
		if err != nil || n > total {
			done <- err
			return
		}
		d.ClientID = fmt.Sprintf("%d-%d", pair, n)
		s.Post(d, next)
	}
	next(nil, nil)
}

// BenchmarkBareInsert writes the same rows with nothing around them: 256 in a
// transaction, 64 in a statement.
func BenchmarkBareInsert(b *testing.B) {
	s := openNew(b, benchAccounts()...)
	for pair := range benchPairs {
		send(b, s, benchAccount(pair, 0), benchAccount(pair, 1), "first")
	}
	ctx := context.Background()
	conn := s.writer.conn // nothing else is written meanwhile
	insert := multiQueries(s.dialect)[mMessages]
	stmt, err := conn.PrepareContext(ctx, insert.sized(64))
	if err != nil {
		b.Fatal(err)
	}
	before := cpu(b)
	b.ResetTimer()
	for n := 0; n < b.N; n += batchLimit {
		if err := bareBatch(ctx, s, stmt, n); err != nil {
			b.Fatal(err)
		}
	}
	report(b, before)
}

func bareBatch(ctx context.Context, s *Store, stmt *sql.Stmt, n int) error {
	conn := s.writer.conn
	if _, err := conn.ExecContext(ctx, s.dialect.begin); err != nil {
		return err
	}
	args := make([]any, 0, 64*12)
	for row := n; row < n+batchLimit; row++ {
		pair := row / benchOpen % benchPairs // in the order in which BenchmarkPost sends
		args = append(args, int64(pair+1), int64(row+2), int64(row+100), int64(row+100), benchAccount(pair, row%2), "text", benchText,
			nil, nil, time.Now().UnixMilli(), fmt.Sprintf("%d-%d", pair, row), 0)
		if len(args) == cap(args) {
			if _, err := stmt.ExecContext(ctx, args...); err != nil {
				return err
			}
			args = args[:0]
		}
	}
	_, err := conn.ExecContext(ctx, "COMMIT")
	return err
}

func benchAccount(pair, side int) string { return fmt.Sprintf("+86%05d%d", pair, side) }

func benchAccounts() (all []string) {
	for pair := range benchPairs {
		all = append(all, benchAccount(pair, 0), benchAccount(pair, 1))
	}
	return all
}

// cpu is what the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func report(b *testing.B, before time.Duration) {
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-µs/message")
}
