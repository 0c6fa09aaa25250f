package sdk

import (
	"fmt"
	"strings"
)

// known tells which messages of a conversation were given out, or sent by this client: all up to
// base, and those in spans. Sync gives messages in the order of their last change: one that was
// edited since comes after ones that were written later, and is new nevertheless.
type known struct {
	base  int64
	spans []span // above base, ascending, with a gap before each
}

// span is first..last, both in it.
type span struct{ first, last int64 }

func (k *known) has(seq int64) bool {
	if seq <= k.base {
		return true
	}
	for _, s := range k.spans {
		if seq >= s.first && seq <= s.last {
			return true
		}
	}
	return false
}

// note adds one message.
func (k *known) note(seq int64) {
	if k.has(seq) {
		return
	}
	i := 0
	for i < len(k.spans) && k.spans[i].last < seq-1 {
		i++
	}
	switch {
	case i == len(k.spans) || k.spans[i].first > seq+1:
		k.spans = append(k.spans[:i:i], append([]span{{seq, seq}}, k.spans[i:]...)...)
	case k.spans[i].first == seq+1:
		k.spans[i].first = seq
	default: // it follows on span i, and may close the gap to the next
		k.spans[i].last = seq
		if i+1 < len(k.spans) && k.spans[i+1].first == seq+1 {
			k.spans[i].last = k.spans[i+1].last
			k.spans = append(k.spans[:i+1:i+1], k.spans[i+2:]...)
		}
	}
	k.absorb()
}

// upTo counts everything up to seq as given: what is not will not come.
func (k *known) upTo(seq int64) {
	if seq <= k.base {
		return
	}
	k.base = seq
	for len(k.spans) > 0 && k.spans[0].last <= seq {
		k.spans = k.spans[1:]
	}
	if len(k.spans) > 0 && k.spans[0].first <= seq {
		k.spans[0].first = seq + 1
	}
	k.absorb()
}

func (k *known) absorb() {
	if len(k.spans) > 0 && k.spans[0].first == k.base+1 {
		k.base = k.spans[0].last
		k.spans = k.spans[1:]
	}
}

// String is what parseKnown reads: "7 9-9 12-15".
func (k *known) String() string {
	var b strings.Builder
	fmt.Fprint(&b, k.base)
	for _, s := range k.spans {
		fmt.Fprintf(&b, " %d-%d", s.first, s.last)
	}
	return b.String()
}

func parseKnown(text string) *known {
	k := &known{}
	for i, part := range strings.Fields(text) {
		var s span
		if i == 0 {
			_, _ = fmt.Sscan(part, &k.base) // what cannot be read is 0: then a message comes again
		} else if n, _ := fmt.Sscanf(part, "%d-%d", &s.first, &s.last); n == 2 {
			k.spans = append(k.spans, s)
		}
	}
	return k
}
