package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
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
	op       operation
	err      error
	receipts []Receipt // to be told after it
	doubted  bool      // a commit before it had no outcome
}

// writer owns the writing connection. One goroutine commits, another runs the
// callbacks, so that the next batch is being committed meanwhile.
type writer struct {
	db      *sql.DB
	dialect dialect
	log     *slog.Logger
	now     func() time.Time

	exclusive bool // connections claim the database
	beside    bool // another writer draws the change numbers

	mu     sync.RWMutex // held while sending, so that queue is not closed under a sender
	closed bool         // guarded by mu
	queue  chan operation
	counts *counters

	committed func() // is told of every commit; never waits. Nil: nobody is

	listener atomic.Pointer[Listener]
	delivery chan []job
	done     chan struct{} // closed when the last callback returned

	// Owned by the committing goroutine (by Open before start, by Close after done).
	conn    *sql.Conn
	stmts   [numWrites]*sql.Stmt
	multis  [numMultis]multi
	cache   *cache
	batch   *batch
	careful int              // for so many batches sent messages are looked up
	doubt   bool             // a commit had no outcome, and nothing has been committed since
	session int64            // of the last connection that claimed the database
	untold  map[stayKey]step // receipts that are held back
	toldAt  int64            // when receipts were last told; Unix ms
	armed   bool             // a tell is on its way
}

func newWriter(db *sql.DB, d dialect, log *slog.Logger, now func() time.Time) *writer {
	w := &writer{
		db: db, dialect: d, log: log, now: now,
		queue:    make(chan operation, queueLimit),
		counts:   newCounters(),
		delivery: make(chan []job, 1),
		done:     make(chan struct{}),
		cache:    newCache(),
		untold:   map[stayKey]step{},
	}
	w.batch = newBatch(w)
	w.listener.Store(&Listener{})
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
	if w.exclusive {
		if w.session, err = w.dialect.claim(ctx, conn, w.session); err != nil {
			return err
		}
	}
	for i, query := range writeQueries(w.dialect) {
		if w.stmts[i], err = conn.PrepareContext(ctx, query); err != nil {
			return fmt.Errorf("prepare write %d: %w", i, err)
		}
	}
	for i, query := range multiQueries(w.dialect) {
		if w.multis[i], err = prepareMulti(ctx, conn, query, w.dialect.most); err != nil {
			return err
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
	errs := slices.DeleteFunc(w.closeStatements(), func(err error) bool { return err == nil || w.dialect.lost(err) })
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
	all := slices.Clone(w.stmts[:])
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
		w.counts.rejected.Add(1)
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
	if len(w.untold) > 0 {
		jobs := []job{{op: &tell{w}}}
		w.write(jobs)
		w.delivery <- jobs
	}
}

func (w *writer) deliverLoop() {
	defer close(w.done)
	for jobs := range w.delivery {
		w.listener.Load().tell(jobs)
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
	if err != nil && w.careful == 0 && w.dialect.duplicate(err) {
		w.careful = carefully
		err = w.attempt(jobs)
	}
	if w.note(err) {
		w.fail(jobs, err)
		return
	}
	if err == nil {
		return
	}
	w.log.Warn("write failed", "operations", len(jobs), "error", err)
	if len(jobs) == 1 {
		w.fail(jobs, err)
		return
	}
	for i := range jobs {
		single := jobs[i : i+1]
		err := w.attempt(single)
		if w.note(err) {
			w.fail(jobs[i:], err)
			return
		}
		if err != nil {
			w.log.Error("operation failed", "error", err)
			w.fail(single, err)
		}
	}
}

// note tells whether the database itself failed, and logs when that begins and ends.
func (w *writer) note(err error) (away bool) {
	away = err != nil && w.dialect.failed(err)
	switch {
	case away && !w.counts.away.Load():
		w.log.Error("the database fails, writing is refused until it works again", "error", err)
	case err == nil && w.counts.away.Load():
		w.log.Info("the database works again")
	}
	if away || err == nil {
		w.counts.away.Store(away)
	}
	return away
}

func (w *writer) fail(jobs []job, err error) {
	w.counts.failed.Add(uint64(len(jobs)))
	for i := range jobs {
		jobs[i].err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}

// attempt runs one transaction. After an error nothing of it is left, neither
// in the database nor in the cache.
func (w *writer) attempt(jobs []job) error {
	ctx := context.Background() // what was accepted is written; a context with Done costs a goroutine per statement
	begun := time.Now()
	if err := w.begin(ctx); err != nil {
		return fmt.Errorf("%w: %w", errDatabase, err)
	}
	if err := w.batch.fill(ctx, jobs); err != nil {
		return w.lost(ctx, err)
	}
	if _, err := w.conn.ExecContext(ctx, "COMMIT"); err != nil {
		err = w.lost(ctx, fmt.Errorf("%w: commit: %w", errDatabase, err))
		if w.conn == nil {
			w.enterDoubt()
		}
		return err
	}
	w.counts.wrote(len(jobs), time.Since(begun))
	w.leaveDoubt(jobs)
	jobs[len(jobs)-1].receipts = w.batch.receipts
	w.toldReceipts(w.batch)
	if w.committed != nil {
		w.committed()
	}
	return nil
}

// begin opens a transaction. A connection that the server has closed meanwhile is replaced.
func (w *writer) begin(ctx context.Context) error {
	if w.conn != nil {
		_, err := w.conn.ExecContext(ctx, w.dialect.begin)
		if err == nil {
			return nil
		}
		if !w.dialect.lost(err) {
			return w.lost(ctx, fmt.Errorf("begin: %w", err))
		}
		w.giveUp()
	}
	if err := w.reconnect(ctx); err != nil {
		return err
	}
	if _, err := w.conn.ExecContext(ctx, w.dialect.begin); err != nil {
		return w.lost(ctx, fmt.Errorf("begin: %w", err))
	}
	return nil
}

func (w *writer) reconnect(ctx context.Context) error {
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
	if _, err := w.conn.ExecContext(ctx, "ROLLBACK"); err != nil && !w.dialect.noTransaction(err) {
		w.giveUp()
	}
	return cause
}

// giveUp forgets the connection and all that was known through it.
func (w *writer) giveUp() {
	w.cache = newCache()
	if err := w.disconnect(); err != nil {
		w.log.Warn("a broken connection did not close well", "error", err)
	}
}

// call is an operation somebody waits for.
type call struct {
	f      func(*batch) error
	answer chan error // with room for the one answer
}

func (c *call) changes() int       { return 1 }
func (c *call) run(b *batch) error { return c.f(b) }
func (c *call) finish(err error)   { c.answer <- err }

// write runs f in the writer's transaction and waits; see do.
func (s *Store) write(ctx context.Context, f func(*batch) error) error { return s.writer.do(ctx, f) }

// do runs f in a transaction and waits. When ctx ends first, f may still be carried out: it must not write variables of the
// caller's; what it yields comes by written.
func (w *writer) do(ctx context.Context, f func(*batch) error) error {
	_, err := written(ctx, w, func(b *batch) (struct{}, error) { return struct{}{}, f(b) })
	return err
}

// written is do for an f that yields something, which is returned, beside an error of f too; the zero T when ctx ends first.
func written[T any](ctx context.Context, w *writer, f func(*batch) (T, error)) (T, error) {
	var made, none T
	answered := make(chan error, 1)
	w.enqueue(&call{f: func(b *batch) (err error) { made, err = f(b); return err }, answer: answered})
	select {
	case err := <-answered:
		return made, err
	case <-ctx.Done():
		return none, ctx.Err()
	}
}
