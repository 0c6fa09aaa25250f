package store

import "time"

// probeEvery is how often an idle writer looks whether a database that left it in doubt is back.
const probeEvery = time.Second

// enterDoubt notes a commit without an outcome, and sees to it that the doubt ends though nobody writes.
func (w *writer) enterDoubt() {
	w.doubt = true
	w.probe()
}

// probe writes nothing, again and again until that works.
func (w *writer) probe() {
	done := func(err error) {
		if err != nil {
			w.probe()
		}
	}
	time.AfterFunc(probeEvery, func() {
		w.offer(&errand{act: func(*batch) error { return nil }, done: done}) // refused, others are waiting: they end it too
	})
}

// leaveDoubt marks the first jobs committed after a doubt. Their connection has claimed the database, so
// that the one before is gone, and with it whatever was not committed.
func (w *writer) leaveDoubt(jobs []job) {
	if w.doubt {
		w.doubt = false
		jobs[0].doubted = true
	}
}
