package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
)

// batch collects the rows of one transaction, so that they go out in statements
// of many rows with one UPDATE per conversation. Owned by the committing goroutine;
// its maps and slices are used again by the next transaction.
type batch struct {
	w      *writer
	ctx    context.Context
	now    int64 // Unix ms, the create_time of everything in the transaction
	change int64 // the last change number used
	drawn  int64 // the last one drawn

	staged   []*staged
	byClient map[clientKey][]*staged // sent before or in this transaction, for the client ids in it
	tails    map[int64]*tail
	order    []int64 // keys of tails, as they came
	marks    []*mark // to be settled once the messages have their seq
	reads    map[stayKey]Watermark
	moved    map[stayKey]step // of reads, what others are to be told
	telling  bool             // they are to be told with this transaction
	receipts []Receipt        // what they are told
	lookedUp bool             // byClient has all that was sent under the client ids in it
	cursors  map[deviceKey]cursor
	touched  map[int64]int64 // by conversation: the highest change of what is no message
	args     []any           // scratch
}

// staged is a message whose seq comes with the flush.
type staged struct {
	*Message
	talk        *talk
	files       []string
	mentioned   []string // accounts
	firstDigest []byte   // of one that was changed since: what was first sent
	part        int      // among those of its author's client id
}

// tail is what a batch appends to one conversation.
type tail struct {
	count      int64 // staged messages
	next       int64 // seq of the next one, known within flush
	lastChange int64
}

type clientKey struct{ author, id string }

type stayKey struct {
	conversation int64
	account      string
	since        int64
}

type deviceKey struct{ account, device string }

// cursor is up to which change a device was told of texts, and says that it has everything.
type cursor struct{ delivered, synced int64 }

func newBatch(w *writer) *batch {
	return &batch{
		w:        w,
		byClient: map[clientKey][]*staged{},
		tails:    map[int64]*tail{},
		reads:    map[stayKey]Watermark{},
		moved:    map[stayKey]step{},
		cursors:  map[deviceKey]cursor{},
		touched:  map[int64]int64{},
	}
}

// fill runs every operation in the open transaction and writes what they staged.
func (b *batch) fill(ctx context.Context, jobs []job) error {
	b.reset(ctx)
	b.w.cache.room()
	if !b.w.beside {
		if err := b.drawChanges(jobs); err != nil {
			return err
		}
	}
	if err := b.lookUpSent(jobs); err != nil {
		return err
	}
	for i := range jobs {
		j := &jobs[i]
		j.err = j.op.run(b)
		if j.err != nil && !isDomain(j.err) {
			return j.err
		}
	}
	if err := b.flush(); err != nil {
		return err
	}
	if err := b.tellReceipts(); err != nil {
		return err
	}
	return b.flushTouched()
}

func (b *batch) flushTouched() error {
	for id, change := range b.touched {
		if _, err := b.exec(wTouch, change, change, id); err != nil {
			return fmt.Errorf("touch conversation: %w", err)
		}
	}
	return nil
}

func (b *batch) reset(ctx context.Context) {
	b.ctx = ctx
	b.now = b.w.now().UnixMilli()
	clear(b.byClient)
	b.forget()
	clear(b.cursors)
	clear(b.touched)
	clear(b.moved)
	b.telling, b.receipts = false, nil
}

// forget drops what a flush has written.
func (b *batch) forget() {
	clear(b.staged)
	b.staged = b.staged[:0]
	clear(b.tails)
	b.order = b.order[:0]
	clear(b.marks)
	b.marks = b.marks[:0]
	clear(b.reads)
	clear(b.args[:cap(b.args)]) // it would keep the texts alive
}

// drawChanges takes as many change numbers as the batch can need from the one
// counter row, which stays locked until the commit: so writing programs take turns, and
// changes become visible in order. Numbers that stay unused leave a gap that nobody sees.
func (b *batch) drawChanges(jobs []job) error {
	n := 0
	for _, j := range jobs {
		n += j.op.changes()
	}
	if n == 0 {
		if err := b.queryRow(wChange).Scan(&b.drawn); err != nil {
			return fmt.Errorf("read change number: %w", err)
		}
	} else if err := b.draw(n); err != nil {
		return err
	}
	b.change = b.drawn - int64(n)
	return nil
}

// draw takes n further change numbers.
func (b *batch) draw(n int) (err error) {
	if b.drawn, err = b.w.dialect.draw(b.ctx, b.w.stmts[wDrawChange], n); err != nil {
		return fmt.Errorf("draw change numbers: %w", err)
	}
	return nil
}

// nextChange returns a change number that nothing else has. Who uses more than its changes() told
// pays with a statement.
func (b *batch) nextChange() (int64, error) {
	if b.change == b.drawn {
		if err := b.draw(1); err != nil {
			return 0, err
		}
	}
	b.change++
	return b.change, nil
}

// touch notes that something of the conversation has this change.
func (b *batch) touch(conversation, change int64) {
	b.touched[conversation] = max(b.touched[conversation], change)
}

// stage appends m to t's conversation. m.Seq is known after the flush; the
// caller must not copy m before.
func (b *batch) stage(t *talk, m *Message, files, mentioned []string) error {
	change, err := b.nextChange()
	if err != nil {
		return err
	}
	m.Conversation, m.Group, m.PairA, m.PairB = t.id, t.group, t.pairA, t.pairB
	m.Change, m.Time = change, b.now
	row := &staged{Message: m, talk: t, files: files, mentioned: mentioned}
	b.staged = append(b.staged, row)
	if m.ClientID != "" {
		key := clientKey{m.Author, m.ClientID}
		b.byClient[key] = append(b.byClient[key], row)
	}
	last := b.tails[t.id]
	if last == nil {
		last = &tail{}
		b.tails[t.id] = last
		b.order = append(b.order, t.id)
	}
	last.count++
	last.lastChange = change
	return nil
}

// flush writes what is staged. Operations that need a seq at once call it too.
func (b *batch) flush() error {
	if err := b.flushMessages(); err != nil {
		return err
	}
	for _, m := range b.marks {
		if err := m.settle(b); err != nil {
			return err
		}
	}
	if err := b.flushReads(); err != nil {
		return err
	}
	if err := b.flushCursors(); err != nil {
		return err
	}
	b.forget()
	return nil
}

func (b *batch) flushMessages() error {
	if len(b.staged) == 0 {
		return nil
	}
	if err := b.advance(); err != nil {
		return fmt.Errorf("draw seq: %w", err)
	}
	b.args = b.args[:0]
	for _, m := range b.staged {
		t := b.tails[m.Conversation]
		m.Seq = t.next
		t.next++
		b.args = append(b.args, m.Conversation, m.Seq, m.Change, m.Change, m.Author, m.Kind, m.Text,
			nullBytes(m.Carry), nullString(joinFiles(m.files)), m.Time, nullString(m.ClientID), m.part)
		if since, ok := m.talk.stay(m.Author); ok {
			b.raise(stayKey{m.Conversation, m.Author, since}, Watermark{m.Seq, m.Seq})
		}
	}
	if err := b.w.multis[mMessages].exec(b.ctx, b.args); err != nil {
		return fmt.Errorf("insert messages: %w", err)
	}
	if err := b.flushGrants(); err != nil {
		return err
	}
	return b.flushMentions()
}

// advance raises last_seq of each conversation once, and reads where it begins.
func (b *batch) advance() error {
	b.args = b.args[:0]
	for _, id := range b.order {
		t := b.tails[id]
		b.args = append(b.args, id, t.count, t.lastChange)
	}
	if err := b.w.multis[mAdvance].exec(b.ctx, b.args); err != nil {
		return err
	}
	b.args = b.args[:0]
	for _, id := range b.order {
		b.args = append(b.args, id)
	}
	return b.w.multis[mLastSeq].each(b.args, b.readLastSeqs)
}

func (b *batch) readLastSeqs(stmt *sql.Stmt, ids []any) error {
	rows, err := stmt.QueryContext(b.ctx, ids...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var id, last int64
		if err := rows.Scan(&id, &last); err != nil {
			return err
		}
		t := b.tails[id]
		t.next = last - t.count + 1
	}
	return rows.Err()
}

// flushGrants gives the conversation's members the right to the files named in it.
func (b *batch) flushGrants() error {
	b.args = b.args[:0]
	for _, m := range b.staged {
		for _, file := range m.files {
			b.args = append(b.args, file, m.Conversation, m.Seq)
		}
	}
	if err := b.w.multis[mGrants].exec(b.ctx, b.args); err != nil {
		return fmt.Errorf("grant files: %w", err)
	}
	return nil
}

func (b *batch) flushMentions() error {
	b.args = b.args[:0]
	for _, m := range b.staged {
		for _, account := range m.mentioned {
			b.args = append(b.args, account, m.Conversation, m.Seq)
		}
	}
	if err := b.w.multis[mMentions].exec(b.ctx, b.args); err != nil {
		return fmt.Errorf("note mentions: %w", err)
	}
	return nil
}

func (b *batch) raise(key stayKey, to Watermark) {
	b.reads[key] = b.reads[key].raised(to)
}

func (b *batch) flushReads() error {
	b.args = b.args[:0]
	for key, w := range b.reads {
		b.args = append(b.args, key.conversation, key.account, key.since, w.Read, w.Delivered)
	}
	if err := b.w.multis[mReadSeq].exec(b.ctx, b.args); err != nil {
		return fmt.Errorf("raise read_seq: %w", err)
	}
	return nil
}

func (b *batch) flushCursors() error {
	b.args = b.args[:0]
	for key, c := range b.cursors {
		b.args = append(b.args, key.account, key.device, c.delivered, c.synced)
	}
	if err := b.w.multis[mDelivered].exec(b.ctx, b.args); err != nil {
		return fmt.Errorf("store delivered: %w", err)
	}
	clear(b.cursors)
	return nil
}

func nullString(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// nullBytes stores JSON as text.
func nullBytes(p []byte) any {
	if p == nil {
		return nil
	}
	return string(p)
}

func nullBlob(p []byte) any {
	if p == nil {
		return nil
	}
	return p
}

func joinFiles(files []string) string { return strings.Join(files, "\n") }

func splitFiles(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, "\n")
}

// unique sorts and compacts a copy.
func unique(names []string) []string {
	if len(names) == 0 {
		return nil
	}
	return slices.Compact(slices.Sorted(slices.Values(names)))
}
