package sdk

// order knows which messages of a conversation were given out: all of first..last.
type order struct {
	first, last int64
	fresh       bool // none yet; last is how far the conversation had come when the client connected
}

// verdict says what to do with a message.
type verdict int

const (
	duplicate verdict = iota
	next              // give it, after what is between
	older             // give it, and then what is between: it was written before all that was given
)

// look tells what to do with the message of number seq, and which numbers lie
// between it and those already given: (after, before), both ends left out.
func (o *order) look(seq int64) (v verdict, after, before int64) {
	switch {
	case o.fresh && seq <= o.last:
		return next, seq, seq // sent late to the plain device, or while the client was connecting
	case seq > o.last:
		return next, o.last, seq
	case seq < o.first:
		return older, seq, o.first
	}
	return duplicate, seq, seq
}

// note counts seq as given, together with what look said lies between.
func (o *order) note(seq int64) {
	switch {
	case o.fresh && seq <= o.last:
		o.first, o.last = seq, seq
	case o.fresh:
		o.first, o.last = o.last+1, seq
	default:
		o.first, o.last = min(o.first, seq), max(o.last, seq)
	}
	o.fresh = false
}
