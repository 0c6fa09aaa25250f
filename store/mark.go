package store

import (
	"errors"
	"fmt"
)

// mark is a MarkRead on its way.
type mark struct {
	account      string
	conversation int64
	seq          int64
	done         func(int64, error)
	read         int64
	refused      error // a domain error found in settle
}

// MarkRead notes that account has read the conversation up to seq, and returns
// at once; done is told how far account has now read. It never falls and never
// passes the last message account may see. ErrNotFound: not a member, ever.
func (s *Store) MarkRead(account string, conversation, seq int64, done func(readSeq int64, err error)) {
	s.writer.enqueue(&mark{account: account, conversation: conversation, seq: seq, done: done})
}

func (m *mark) changes() int { return 0 }

// run waits for the messages of the batch to get their seq.
func (m *mark) run(b *batch) error {
	m.read, m.refused = 0, nil
	b.marks = append(b.marks, m)
	return nil
}

func (m *mark) finish(err error) {
	if err == nil {
		err = m.refused
	}
	if err != nil {
		m.done(0, err)
		return
	}
	m.done(m.read, nil)
}

func (m *mark) settle(b *batch) error {
	var since, until, read, last int64
	err := absent(b.queryRow(wMark, m.conversation, m.account).Scan(&since, &until, &read, &last), "conversation")
	if errors.Is(err, ErrNotFound) {
		m.refused = err
		return nil
	}
	if err != nil {
		return err
	}
	key := stayKey{m.conversation, m.account, since}
	read = max(read, b.reads[key])
	m.read = max(read, min(m.seq, until, last))
	if m.read > read {
		b.raise(key, m.read)
	}
	return nil
}

// delivered is a Delivered on its way.
type delivered struct {
	key    deviceKey
	change int64
}

// Delivered notes that everything up to change has reached the device. It
// returns at once, never falls, and may be lost (the device then sees something
// twice) when the database fails.
func (s *Store) Delivered(account, device string, change int64) {
	s.writer.enqueue(&delivered{deviceKey{account, device}, change})
}

func (d *delivered) changes() int { return 0 }

func (d *delivered) run(b *batch) error {
	if err := b.account(d.key.account); err != nil {
		return fmt.Errorf("delivered: %w", err)
	}
	b.cursors[d.key] = max(b.cursors[d.key], d.change)
	return nil
}

func (d *delivered) finish(error) {}
