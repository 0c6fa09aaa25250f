package store

// Listener is told what the store does of itself. Its functions are callbacks like the others: they run on
// the callbacks' goroutine, one at a time, and wait for nothing. Nil ones are not called.
type Listener struct {
	// Batch ends the callbacks of a batch: what they made can leave together then.
	Batch func()
	// Receipts moved, and are stored; many steps of somebody within 200 ms are one.
	Receipts func([]Receipt)
	// Doubt ends about a commit of which nobody could say whether it was done: the database went away in its
	// middle. It was answered ErrUnavailable and told nobody, and may be there all the same. Doubt runs when the
	// database is back and what is there stays, before anything that was written later is told.
	Doubt func()
}

// Listen has l told from now on, in place of any other.
func (s *Store) Listen(l Listener) { s.writer.listener.Store(&l) }

// tell runs the callbacks of a batch.
func (l *Listener) tell(jobs []job) {
	for _, j := range jobs {
		if j.doubted && l.Doubt != nil {
			l.Doubt()
		}
		j.op.finish(j.err)
		if j.receipts != nil && l.Receipts != nil {
			l.Receipts(j.receipts)
		}
	}
	if l.Batch != nil {
		l.Batch()
	}
}
