// Package speakers tells who speaks, from the levels that clients send along with their sound (RFC 6464): nothing is decoded.
package speakers

import (
	"cmp"
	"slices"
	"time"
)

const (
	begin  = -45                    // level in dBov at which somebody begins to speak
	end    = -55                    // and below which they stop
	sure   = 200 * time.Millisecond // a cough is shorter
	pause  = 1200 * time.Millisecond
	louder = 10              // dB by which somebody must be louder than the first
	takes  = 2 * time.Second // and for how long, to be the first
	silent = -127
)

// Level is how loud somebody is at this moment, in dBov: 0 is full scale, -127 silence.
type Level struct {
	ID string
	DB int
}

// Meter smooths the levels of one sound. The zero value is silence. Not safe for concurrent use.
type Meter struct{ above float64 } // dB above silence

// Add takes the level of a packet: the byte of RFC 6464 section 3, whose first bit says whether its sender takes it for a voice.
func (m *Meter) Add(b byte) {
	level := float64(127 - b&0x7f)
	if level > m.above {
		m.above += (level - m.above) / 2
	} else {
		m.above -= (m.above - level) / 16
	}
}

// Level is the level now.
func (m *Meter) Level() int { return silent + int(m.above) }

// Tracker follows who speaks in one room. The zero value is ready. Times are durations since any fixed moment. Not safe for concurrent use.
type Tracker struct {
	voices map[string]*voice
	first  string
	rival  string // louder than the first
	since  time.Duration
	told   []string
}

type voice struct {
	level    int
	speaking bool
	since    time.Duration // when the level last was on the other side
}

// Update takes everybody's level at now, and tells who speaks: who does most first, the others by how loud they are. changed: others than
// before, or another first.
func (t *Tracker) Update(levels []Level, now time.Duration) (speaking []Level, changed bool) {
	before := t.voices
	t.voices = make(map[string]*voice, len(levels))
	for _, l := range levels {
		v := before[l.ID]
		if v == nil {
			v = &voice{since: now}
		}
		v.hear(l.DB, now)
		t.voices[l.ID] = v
		if v.speaking {
			speaking = append(speaking, l)
		}
	}
	slices.SortStableFunc(speaking, func(a, b Level) int { return cmp.Compare(b.DB, a.DB) })
	t.lead(speaking, now)
	if i := slices.IndexFunc(speaking, func(l Level) bool { return l.ID == t.first }); i > 0 {
		first := speaking[i]
		copy(speaking[1:i+1], speaking[:i])
		speaking[0] = first
	}
	return speaking, t.differs(speaking)
}

func (v *voice) hear(level int, now time.Duration) {
	v.level = level
	wait := sure
	other := level < begin
	if v.speaking {
		other, wait = level >= end, pause
	}
	if other {
		v.since = now
	}
	if now-v.since >= wait {
		v.speaking, v.since = !v.speaking, now
	}
}

// lead decides who is first: whoever is, until they stop or somebody has been much louder for a while.
func (t *Tracker) lead(speaking []Level, now time.Duration) {
	if len(speaking) == 0 {
		t.first, t.rival = "", ""
		return
	}
	first := t.voices[t.first]
	if first == nil || !first.speaking {
		t.first, t.rival = speaking[0].ID, ""
		return
	}
	loudest := speaking[0]
	if loudest.ID == t.first || loudest.DB < first.level+louder {
		t.rival = ""
		return
	}
	if t.rival != loudest.ID {
		t.rival, t.since = loudest.ID, now
	}
	if now-t.since >= takes {
		t.first, t.rival = loudest.ID, ""
	}
}

// differs notes who speaks; the order behind the first tells nothing.
func (t *Tracker) differs(speaking []Level) bool {
	same := len(speaking) == len(t.told) && (len(speaking) == 0 || speaking[0].ID == t.told[0])
	for _, l := range speaking {
		same = same && slices.Contains(t.told, l.ID)
	}
	if same {
		return false
	}
	t.told = t.told[:0]
	for _, l := range speaking {
		t.told = append(t.told, l.ID)
	}
	return true
}
