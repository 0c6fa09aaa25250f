package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"time"
)

const (
	bareBatch     = 256 // rows of a transaction, as many as neochat's at most
	bareStatement = 64  // rows of a statement
	barePairs     = 50
)

// bare inserts rows with nothing around them: no rights, no counters, no sockets.
type bare struct {
	db     *sql.DB
	conn   *sql.Conn
	insert *sql.Stmt
	rows   int
}

func openBare(ctx context.Context, d database, dir string) (b *bare, err error) {
	b = &bare{}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("opening the database for bare inserts: %w", err), b.close())
		}
	}()
	if b.db, err = d.bare(ctx, dir); err != nil {
		return b, err
	}
	if b.conn, err = b.db.Conn(ctx); err != nil {
		return b, err
	}
	b.insert, err = b.conn.PrepareContext(ctx, "INSERT INTO messages (conversation, seq, change_no, author, kind, message, create_time, client_message_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"+
		strings.Repeat(", (?, ?, ?, ?, ?, ?, ?, ?)", bareStatement-1))
	return b, err
}

func (b *bare) close() error {
	var errs []error
	if b.insert != nil {
		errs = append(errs, b.insert.Close())
	}
	if b.conn != nil {
		errs = append(errs, b.conn.Close())
	}
	if b.db != nil {
		errs = append(errs, b.db.Close())
	}
	return errors.Join(errs...)
}

// round commits batch after batch for about length.
func (b *bare) round(ctx context.Context, length time.Duration) (figures, error) {
	var waits []time.Duration
	before, begun := ownCPU(), time.Now()
	for time.Since(begun) < length {
		at := time.Now()
		if err := b.batch(ctx); err != nil {
			return figures{}, fmt.Errorf("bare inserts: %w", err)
		}
		waits = append(waits, time.Since(at))
	}
	took, cpu := time.Since(begun), ownCPU()-before
	slices.Sort(waits)
	return figures{count: len(waits) * bareBatch, took: took, cpu: cpu, p50: waits[len(waits)/2], p99: waits[len(waits)*99/100]}, nil
}

func (b *bare) batch(ctx context.Context) error {
	tx, err := b.conn.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after Commit it does nothing
	insert := tx.StmtContext(ctx, b.insert)
	args := make([]any, 0, bareStatement*8)
	for range bareBatch / bareStatement {
		args = args[:0]
		for range bareStatement {
			n := b.rows
			b.rows++
			args = append(args, n%barePairs+1, n/barePairs+1, n+1, account("s", n%barePairs), "text", benchText, time.Now().UnixMilli(), fmt.Sprintf("%012d", n/barePairs))
		}
		if _, err := insert.ExecContext(ctx, args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// ownCPU is the processor time this process has used.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0 // it cannot fail with these arguments
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
