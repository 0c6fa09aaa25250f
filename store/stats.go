package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math"
	"os"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"
)

// Stats is the state of a store at one moment, and what it has done since it was opened. It costs no query.
type Stats struct {
	Queue, QueueLimit int  // operations waiting to be written, and how many may
	Away              bool // the database failed at the last attempt to write

	Committed uint64    // operations whose transaction was committed, refused ones among them
	Failed    uint64    // operations that the database failed at
	Rejected  uint64    // operations that found the queue full
	Batch     Histogram // operations of a transaction
	Commit    Histogram // seconds of a transaction, from its begin to after its commit

	Reads        uint64        // queries beside the writer
	ReadersInUse int           // connections that read at this moment
	ReadersMost  int           // how many there may be
	ReadersWait  time.Duration // what readers have waited for a connection, in all
}

// Histogram counts values by size.
type Histogram struct {
	Bounds []float64 // upper ones, inclusive, rising
	Counts []uint64  // of the values up to each bound but above the one before; the last: above all
	Sum    float64
}

// histogram is a Histogram that goroutines count into.
type histogram struct {
	bounds []float64
	counts []atomic.Uint64
	sum    atomic.Uint64 // bits of a float64
}

func newHistogram(bounds ...float64) *histogram {
	return &histogram{bounds: bounds, counts: make([]atomic.Uint64, len(bounds)+1)}
}

func (h *histogram) add(v float64) {
	i := 0
	for i < len(h.bounds) && v > h.bounds[i] {
		i++
	}
	h.counts[i].Add(1)
	for {
		old := h.sum.Load()
		if h.sum.CompareAndSwap(old, math.Float64bits(math.Float64frombits(old)+v)) {
			return
		}
	}
}

func (h *histogram) now() Histogram {
	out := Histogram{Bounds: h.bounds, Sum: math.Float64frombits(h.sum.Load())}
	for i := range h.counts {
		out.Counts = append(out.Counts, h.counts[i].Load())
	}
	return out
}

// counters are what Stats is made of; each is counted where it happens.
type counters struct {
	committed, failed, rejected, reads atomic.Uint64
	away                               atomic.Bool
	batch, commit                      *histogram
}

func newCounters() *counters {
	return &counters{
		batch:  newHistogram(1, 2, 4, 8, 16, 32, 64, 128, batchLimit),
		commit: newHistogram(.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10),
	}
}

func (c *counters) wrote(operations int, took time.Duration) {
	c.committed.Add(uint64(operations))
	c.batch.add(float64(operations))
	c.commit.add(took.Seconds())
}

// Stats gives the figures of this moment. What is written beside the writer (the index, on MySQL) is not in them.
func (s *Store) Stats() Stats {
	c, readers := s.writer.counts, s.readDB.Stats()
	return Stats{
		Queue: len(s.writer.queue), QueueLimit: queueLimit, Away: c.away.Load(),
		Committed: c.committed.Load(), Failed: c.failed.Load(), Rejected: c.rejected.Load(), Batch: c.batch.now(), Commit: c.commit.now(),
		Reads: c.reads.Load(), ReadersInUse: readers.InUse, ReadersMost: readers.MaxOpenConnections, ReadersWait: readers.WaitDuration,
	}
}

// read is a prepared read, counted.
func (s *Store) read(q readQuery) *sql.Stmt {
	s.writer.counts.reads.Add(1)
	return s.queries[q]
}

// Kind is sqlite or mysql, which MariaDB is too.
func (s *Store) Kind() string {
	if s.dialect.kind == goose.DialectSQLite3 {
		return "sqlite"
	}
	return "mysql"
}

// Behind asks the database how many messages the index is behind; about so many, where numbers were left out.
func (s *Store) Behind(ctx context.Context) (messages int64, err error) {
	var last, indexed int64
	if err := s.row(ctx, qIndexed).Scan(&indexed); err != nil {
		return 0, readFailed("ask how far is indexed", err)
	}
	if err := s.row(ctx, qLastMessage).Scan(&last); err != nil && !errors.Is(err, sql.ErrNoRows) {
		return 0, readFailed("ask for the last message", err)
	}
	return max(0, last-indexed), nil
}

// Size is how many bytes the database takes where it is kept; about so many on MySQL.
func (s *Store) Size(ctx context.Context) (bytes int64, err error) {
	if s.Kind() == "sqlite" {
		return fileSizes(s.dialect.place)
	}
	err = s.readDB.QueryRowContext(ctx, "SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema = DATABASE()").Scan(&bytes)
	return bytes, readFailed("ask for the size of the database", err)
}

// fileSizes adds up an SQLite database and its log.
func fileSizes(path string) (bytes int64, err error) {
	for _, name := range []string{path, path + "-wal"} {
		info, err := os.Stat(name)
		if errors.Is(err, os.ErrNotExist) {
			continue // a log comes and goes
		}
		if err != nil {
			return 0, fmt.Errorf("the size of the database: %w", err)
		}
		bytes += info.Size()
	}
	return bytes, nil
}

// FilesKept asks how many different files there are, and how many bytes they have. It reads all of their rows.
func (s *Store) FilesKept(ctx context.Context) (files, bytes int64, err error) {
	err = s.readDB.QueryRowContext(ctx, "SELECT COUNT(*), COALESCE(SUM(size), 0) FROM (SELECT hash, MAX(size) AS size FROM files GROUP BY hash) kept").Scan(&files, &bytes)
	return files, bytes, readFailed("add up the files", err)
}
