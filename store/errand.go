package store

// errand is an operation made of two functions. As with every operation, act returns a
// domain error before it writes anything.
type errand struct {
	draws int // change numbers at most
	act   func(*batch) error
	done  func(error)
}

func (e *errand) changes() int       { return e.draws }
func (e *errand) run(b *batch) error { return e.act(b) }
func (e *errand) finish(err error)   { e.done(err) }
