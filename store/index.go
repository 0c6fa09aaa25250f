package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

const (
	indexAfter = 500 * time.Millisecond // from a commit to the next look, so that many messages go together
	indexRetry = 5 * time.Second        // after a failure
	// What one write of the index may hold, so that no send waits long behind it.
	indexMessages = 384
	indexBytes    = 64 << 10 // of tokens; a longer message is written alone
	indexAgain    = 64       // edited and deleted ones
)

// indexer keeps message_words level with messages, behind the writer. Where it is, the database knows:
// counters 'indexed' is the last message that was indexed, messages_to_index are earlier
// ones that changed since.
type indexer struct {
	store  *Store
	wake   chan struct{} // has room for one: something was committed
	cancel context.CancelFunc
	done   chan struct{} // closed when it has ended
}

func startIndexer(s *Store) *indexer {
	ctx, cancel := context.WithCancel(context.Background())
	x := &indexer{store: s, wake: make(chan struct{}, 1), cancel: cancel, done: make(chan struct{})}
	go x.run(ctx)
	return x
}

// committed tells that there may be something to index. It never waits.
func (x *indexer) committed() {
	select {
	case x.wake <- struct{}{}:
	default:
	}
}

// stop ends the indexer and waits for that. A write on its way may still be carried out.
func (x *indexer) stop() {
	x.cancel()
	<-x.done
}

func (x *indexer) run(ctx context.Context) {
	defer close(x.done)
	for {
		err := x.catchUp(ctx)
		if ctx.Err() != nil {
			return
		}
		pause := indexAfter
		if err != nil {
			x.store.log.Warn("indexing messages for search failed", "error", err)
			pause = indexRetry
			x.committed() // try again unasked
		}
		select {
		case <-x.wake:
		case <-ctx.Done():
			return
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// catchUp indexes until nothing is left.
func (x *indexer) catchUp(ctx context.Context) error {
	for {
		more, err := x.step(ctx)
		if err != nil || !more {
			return err
		}
	}
}

// step indexes what one write may hold; more: there is more.
func (x *indexer) step(ctx context.Context) (more bool, err error) {
	p, err := x.next(ctx)
	if err != nil || p.from == p.to && len(p.again) == 0 {
		return false, err
	}
	if p.to != p.from {
		if err := x.store.indexing.do(ctx, func(b *batch) error { return b.index(p) }); err != nil {
			return false, err
		}
	}
	if len(p.again) > 0 {
		err = x.store.write(ctx, func(b *batch) error { return b.indexChanged(p.again) })
	}
	return p.more, err
}

// indexPart is one write of the index.
type indexPart struct {
	from, to int64 // messages after from, up to to
	rows     []any // of those with words: id, tokens
	again    []int64
	more     bool
}

// indexable is what the index takes of a message.
type indexable struct {
	id, conversation int64
	author, text     string
}

func scanIndexable(row scanner) (m indexable, err error) {
	err = row.Scan(&m.id, &m.conversation, &m.author, &m.text)
	return m, err
}

// next reads what is to be indexed, and makes the tokens here: the writer has other things to do.
func (x *indexer) next(ctx context.Context) (p indexPart, err error) {
	s := x.store
	if err := s.row(ctx, qIndexed).Scan(&p.from); err != nil {
		return p, err
	}
	p.again, err = collect(ctx, s.read(qIndexAgain), func(r scanner) (id int64, err error) { return id, r.Scan(&id) }, indexAgain)
	if err != nil {
		return p, err
	}
	messages, err := collect(ctx, s.read(qIndexNext), scanIndexable, p.from, indexMessages)
	if err != nil {
		return p, err
	}
	p.to, p.more = p.from, len(messages) == indexMessages || len(p.again) == indexAgain
	size := 0
	for _, m := range messages {
		if size > indexBytes {
			p.more = true
			break
		}
		p.to = m.id
		if m.text != "" {
			tokens := tokensOf(m.conversation, m.author, m.text)
			p.rows = append(p.rows, m.id, tokens)
			size += len(tokens)
		}
	}
	return p, nil
}

// indexed reads how far the index is. Who writes it holds the number until the commit.
func (b *batch) indexed() (last int64, err error) {
	if err := b.queryRow(wIndexed).Scan(&last); err != nil {
		return 0, fmt.Errorf("read how far is indexed: %w", err)
	}
	return last, nil
}

// index writes a part, unless another program has done so meanwhile. A message that was changed since
// it was read is in messages_to_index, or was put there by then, and follows.
func (b *batch) index(p indexPart) error {
	from, err := b.indexed()
	if err != nil || from != p.from {
		return err
	}
	if err := b.w.multis[mWords].exec(b.ctx, p.rows); err != nil {
		return fmt.Errorf("index messages: %w", err)
	}
	if _, err := b.exec(wSetIndexed, p.to); err != nil {
		return fmt.Errorf("note how far is indexed: %w", err)
	}
	return nil
}

// indexChanged writes what changed since it was indexed. It goes with the messages' own writes, which put it into
// messages_to_index: two transactions at once could wait for each other.
func (b *batch) indexChanged(again []int64) error {
	last, err := b.indexed()
	if err != nil {
		return err
	}
	for _, id := range again {
		if err := b.indexAnew(id, last); err != nil {
			return fmt.Errorf("index a changed message: %w", err)
		}
	}
	return nil
}

// indexAnew replaces the words of a message by those it has now. Messages after last are
// yet to be read for the first time.
func (b *batch) indexAnew(id, last int64) error {
	if _, err := b.exec(wIndexedAnew, id); err != nil {
		return err
	}
	if id > last {
		return nil
	}
	if _, err := b.exec(wDropWords, id); err != nil {
		return err
	}
	m, err := scanIndexable(b.queryRow(wIndexable, id))
	if errors.Is(err, sql.ErrNoRows) || err == nil && m.text == "" {
		return nil
	}
	if err != nil {
		return err
	}
	return b.w.multis[mWords].exec(b.ctx, []any{id, tokensOf(m.conversation, m.author, m.text)})
}
