package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// errDatabase marks what no single operation is to blame for.
var errDatabase = errors.New("database failed")

const (
	batchLimit = 256  // operations of one transaction
	queueLimit = 8192 // operations waiting; past it they are refused
)

// operation is something to write. run is called within a transaction, and
// again from the start after a rollback; a domain error (isDomain) it must
// return before it wrote or staged anything. finish is called once, after the commit.
type operation interface {
	changes() int // how many change numbers run draws at most
	run(*batch) error
	finish(error)
}

// job is an operation on its way through a batch.
type job struct {
	op  operation
	err error
}

// writer owns the writing connection. One goroutine commits, another runs the
// callbacks, so that the next batch is being committed meanwhile.
type writer struct {
	db      *sql.DB
	dialect dialect
	log     *slog.Logger
	now     func() time.Time

	mu     sync.RWMutex // held while sending, so that queue is not closed under a sender
	closed bool         // guarded by mu
	queue  chan operation

	delivery chan []job
	done     chan struct{} // closed when the last callback returned

	// Owned by the committing goroutine (by Open before start, by Close after done).
	conn   *sql.Conn
	stmts  [numWrites]*sql.Stmt
	multis [numMultis]multi
	begin  *sql.Stmt
	commit *sql.Stmt
	undo   *sql.Stmt
	cache  *cache
	batch  *batch
}

func newWriter(db *sql.DB, d dialect, log *slog.Logger, now func() time.Time) *writer {
	w := &writer{
		db: db, dialect: d, log: log, now: now,
		queue:    make(chan operation, queueLimit),
		delivery: make(chan []job, 1),
		done:     make(chan struct{}),
		cache:    newCache(),
	}
	w.batch = newBatch(w)
	return w
}

// connect takes a connection and prepares every statement on it: with a single
// connection, preparing within a transaction would wait for itself.
func (w *writer) connect(ctx context.Context) error {
	conn, err := w.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("connect the writer: %w", err)
	}
	w.conn = conn
	for i, query := range writeQueries(w.dialect) {
		if w.stmts[i], err = conn.PrepareContext(ctx, query); err != nil {
			return fmt.Errorf("prepare write %d: %w", i, err)
		}
	}
	for i, query := range multiQueries(w.dialect) {
		if w.multis[i], err = prepareMulti(ctx, conn, query); err != nil {
			return err
		}
	}
	return w.prepareTransaction(ctx)
}

func (w *writer) prepareTransaction(ctx context.Context) (err error) {
	for _, t := range []struct {
		stmt  **sql.Stmt
		query string
	}{{&w.begin, w.dialect.begin}, {&w.commit, "COMMIT"}, {&w.undo, "ROLLBACK"}} {
		if *t.stmt, err = w.conn.PrepareContext(ctx, t.query); err != nil {
			return fmt.Errorf("prepare %s: %w", t.query, err)
		}
	}
	return nil
}

// disconnect closes the statements and the connection. The connection is really closed,
// not handed back to the pool: it may be within a transaction.
func (w *writer) disconnect() error {
	if w.conn == nil {
		return nil
	}
	errs := w.closeStatements()
	err := w.conn.Raw(func(any) error { return driver.ErrBadConn })
	w.conn = nil
	if !errors.Is(err, driver.ErrBadConn) && !errors.Is(err, sql.ErrConnDone) {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// closeStatements is needed because database/sql does not close those of a
// sql.Conn, and SQLite keeps a connection with open statements half alive.
func (w *writer) closeStatements() (errs []error) {
	all := append(w.stmts[:], w.begin, w.commit, w.undo)
	for _, m := range w.multis {
		for _, size := range m.sizes {
			all = append(all, size.stmt)
		}
	}
	for _, stmt := range all {
		if stmt != nil {
			errs = append(errs, stmt.Close())
		}
	}
	w.stmts, w.multis = [numWrites]*sql.Stmt{}, [numMultis]multi{}
	w.begin, w.commit, w.undo = nil, nil, nil
	return errs
}

func (w *writer) start() {
	go w.writeLoop()
	go w.deliverLoop()
}

// stop refuses further operations and returns after the last callback.
func (w *writer) stop() {
	w.mu.Lock()
	w.closed = true
	close(w.queue)
	w.mu.Unlock()
	<-w.done
}

// enqueue hands op over without waiting. Refused, it is finished at once.
func (w *writer) enqueue(op operation) {
	if !w.offer(op) {
		op.finish(fmt.Errorf("%w: too much is waiting to be written, or the store is closed", ErrUnavailable))
	}
}

func (w *writer) offer(op operation) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.closed {
		return false
	}
	select {
	case w.queue <- op:
		return true
	default:
		return false
	}
}

func (w *writer) writeLoop() {
	defer close(w.delivery)
	for first := range w.queue {
		jobs := w.waiting(first)
		w.write(jobs)
		w.delivery <- jobs
	}
}

func (w *writer) deliverLoop() {
	defer close(w.done)
	for jobs := range w.delivery {
		for _, j := range jobs {
			j.op.finish(j.err)
		}
	}
}

// waiting takes what is there, without waiting for more.
func (w *writer) waiting(first operation) []job {
	jobs := make([]job, 1, min(batchLimit, len(w.queue)+1))
	jobs[0].op = first
	for len(jobs) < batchLimit {
		select {
		case op, open := <-w.queue:
			if !open {
				return jobs
			}
			jobs = append(jobs, job{op: op})
		default:
			return jobs
		}
	}
	return jobs
}

// write commits jobs together. If that fails for the sake of a single one, each
// gets a transaction of its own, so that only the culprit fails.
func (w *writer) write(jobs []job) {
	err := w.attempt(jobs)
	if err == nil {
		return
	}
	w.log.Warn("write failed", "operations", len(jobs), "error", err)
	if len(jobs) == 1 || w.dialect.failed(err) {
		fail(jobs, err)
		return
	}
	for i := range jobs {
		single := jobs[i : i+1]
		if err := w.attempt(single); err != nil {
			w.log.Error("operation failed", "error", err)
			fail(single, err)
			if w.dialect.failed(err) {
				fail(jobs[i+1:], err)
				return
			}
		}
	}
}

func fail(jobs []job, err error) {
	for i := range jobs {
		jobs[i].err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}

// attempt runs one transaction. After an error nothing of it is left, neither
// in the database nor in the cache.
func (w *writer) attempt(jobs []job) error {
	ctx := context.Background() // what was accepted is written; a context with Done costs a goroutine per statement
	if err := w.healthy(ctx); err != nil {
		return fmt.Errorf("%w: %w", errDatabase, err)
	}
	if _, err := w.begin.ExecContext(ctx); err != nil {
		return w.lost(ctx, fmt.Errorf("%w: begin: %w", errDatabase, err))
	}
	if err := w.batch.fill(ctx, jobs); err != nil {
		return w.lost(ctx, err)
	}
	if _, err := w.commit.ExecContext(ctx); err != nil {
		return w.lost(ctx, fmt.Errorf("%w: commit: %w", errDatabase, err))
	}
	return nil
}

// healthy replaces a connection that an earlier transaction could not close properly.
func (w *writer) healthy(ctx context.Context) error {
	if w.conn != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := w.connect(ctx); err != nil {
		return errors.Join(err, w.disconnect())
	}
	return nil
}

// lost rolls back. Where even that fails the connection is given up.
func (w *writer) lost(ctx context.Context, cause error) error {
	w.cache = newCache()
	if _, err := w.undo.ExecContext(ctx); err != nil && !w.dialect.noTransaction(err) {
		w.log.Error("rollback failed, reconnecting", "error", err)
		if err := w.disconnect(); err != nil {
			w.log.Error("disconnect failed", "error", err)
		}
	}
	return cause
}

// call is an operation somebody waits for.
type call struct {
	f      func(*batch) error
	answer chan error // with room for the one answer
}

func (c *call) changes() int       { return 1 }
func (c *call) run(b *batch) error { return c.f(b) }
func (c *call) finish(err error)   { c.answer <- err }

// write runs f in the writer's transaction and waits. When ctx ends first, f
// may still be carried out; f must therefore only write variables that the
// caller reads after success.
func (s *Store) write(ctx context.Context, f func(*batch) error) error {
	c := &call{f: f, answer: make(chan error, 1)}
	s.writer.enqueue(c)
	select {
	case err := <-c.answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
