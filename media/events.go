package media

import (
	"slices"
	"sync"

	"neochat/media/speakers"
)

// Events is what a peer is told. The methods are called in order, on one goroutine of that peer's own, under no lock; a slow one delays only
// itself: what is waiting is the difference between the state now and the state told, never a history.
type Events interface {
	// Sections asks the client to have at least so many sections of each kind in which it receives. The numbers only grow.
	Sections(audio, video int)
	// Track tells that another peer's source is new or changed. It arrives in the section mid of this peer's description; "" while it is not forwarded.
	Track(peer, source, mid string, muted bool)
	// TrackEnded tells that a source is no more, and which section became free ("" if it had none).
	TrackEnded(peer, source, mid string)
	// Gone is the last call: "left", "failed" (the connection broke) or "shutdown".
	Gone(cause string)
	Reports
}

// Reports is the part of Events that tells how the media do.
type Reports interface {
	// Layers tells which layers, by their names in the description, of a source of this peer's own anybody wants: the others need not be
	// sent. Until it is called all are.
	Layers(source string, rids []string)
	// Quality tells how the pictures are that this peer receives: Full, Reduced or Nothing (only sound), and why it is no better: "delay" (the way
	// to the peer is slower than they are) or "loss" (much gets lost on it). Until it is called they are Full.
	Quality(pictures, cause string)
	// Speakers tells who speaks now, this peer among them: who does most first, and how loud each is, in dBov. Until it is called nobody does.
	Speakers(peers []string, levels []int)
}

// quality is how the pictures of a peer are, and why.
type quality struct{ pictures, cause string }

// trackKey names a source of a room.
type trackKey struct{ peer, source string }

// trackState is what a peer knows of one.
type trackState struct {
	mid   string
	muted bool
}

// notifier calls one peer's Events.
type notifier struct {
	wake chan struct{} // capacity 1
	done chan struct{} // closed when the goroutine has ended

	mu           sync.Mutex
	events       Events                  // guarded by mu
	now, told    map[trackKey]trackState // guarded by mu
	dirty        []trackKey              // guarded by mu: what may differ between the two, in order, each once
	audio, video int                     // guarded by mu: sections wanted
	sections     bool                    // guarded by mu: they were not told yet
	wanted       map[string][]string     // guarded by mu: layers, by source
	unsaid       []string                // guarded by mu: sources whose layers were not told yet
	pictures     quality                 // guarded by mu
	judged       bool                    // guarded by mu: pictures was not told yet
	speaking     []speakers.Level        // guarded by mu
	heard        bool                    // guarded by mu: speaking was not told yet
	gone         string                  // guarded by mu: set once, ends the goroutine
}

func newNotifier(ev Events) *notifier {
	n := &notifier{wake: make(chan struct{}, 1), done: make(chan struct{}), events: ev, now: map[trackKey]trackState{}, told: map[trackKey]trackState{}, wanted: map[string][]string{}}
	go n.run()
	return n
}

// track notes the state of a source.
func (n *notifier) track(k trackKey, s trackState) {
	n.mu.Lock()
	n.now[k] = s
	n.markLocked(k)
	n.mu.Unlock()
	n.signal()
}

// ended notes that a source is no more.
func (n *notifier) ended(k trackKey) {
	n.mu.Lock()
	delete(n.now, k)
	n.markLocked(k)
	n.mu.Unlock()
	n.signal()
}

// want notes how many sections are needed; the numbers never fall.
func (n *notifier) want(audio, video int) {
	n.mu.Lock()
	if audio > n.audio || video > n.video {
		n.audio, n.video, n.sections = max(audio, n.audio), max(video, n.video), true
	}
	n.mu.Unlock()
	n.signal()
}

// layers notes which layers of a source are wanted.
func (n *notifier) layers(source string, rids []string) {
	n.mu.Lock()
	n.wanted[source] = rids
	if !slices.Contains(n.unsaid, source) {
		n.unsaid = append(n.unsaid, source)
	}
	n.mu.Unlock()
	n.signal()
}

// unpublished forgets the layers of a source.
func (n *notifier) unpublished(source string) {
	n.mu.Lock()
	delete(n.wanted, source)
	n.unsaid = slices.DeleteFunc(n.unsaid, func(s string) bool { return s == source })
	n.mu.Unlock()
}

// quality notes how the pictures are.
func (n *notifier) quality(q quality) {
	n.mu.Lock()
	n.pictures, n.judged = q, true
	n.mu.Unlock()
	n.signal()
}

// speakers notes who speaks. The list is not changed by anybody any more.
func (n *notifier) speakers(list []speakers.Level) {
	n.mu.Lock()
	n.speaking, n.heard = list, true
	n.mu.Unlock()
	n.signal()
}

// attach replaces the receiver and tells it the whole state.
func (n *notifier) attach(ev Events) {
	n.mu.Lock()
	n.events = ev
	n.told = map[trackKey]trackState{}
	n.sections = n.audio+n.video > 0
	for k := range n.now {
		n.markLocked(k)
	}
	n.judged, n.heard = n.pictures != quality{}, len(n.speaking) > 0
	n.unsaid = n.unsaid[:0]
	for source := range n.wanted {
		n.unsaid = append(n.unsaid, source)
	}
	n.mu.Unlock()
	n.signal()
}

// end makes Gone the next and last call.
func (n *notifier) end(cause string) {
	n.mu.Lock()
	if n.gone == "" {
		n.gone = cause
	}
	n.mu.Unlock()
	n.signal()
}

func (n *notifier) markLocked(k trackKey) {
	for _, d := range n.dirty {
		if d == k {
			return
		}
	}
	n.dirty = append(n.dirty, k)
}

func (n *notifier) signal() {
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

func (n *notifier) run() {
	defer close(n.done)
	for range n.wake {
		for {
			call, last := n.next()
			if call == nil {
				break
			}
			call()
			if last {
				return
			}
		}
	}
}

// next takes the next call to make, nil if everything is told.
func (n *notifier) next() (call func(), last bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	ev := n.events
	if n.gone != "" {
		cause := n.gone
		return func() { ev.Gone(cause) }, true
	}
	if n.sections {
		n.sections = false
		a, v := n.audio, n.video
		return func() { ev.Sections(a, v) }, false
	}
	if n.heard {
		n.heard = false
		return tellSpeakers(ev, n.speaking), false
	}
	if n.judged {
		n.judged = false
		q := n.pictures
		return func() { ev.Quality(q.pictures, q.cause) }, false
	}
	if len(n.unsaid) > 0 {
		source := n.unsaid[0]
		n.unsaid = n.unsaid[1:]
		rids := n.wanted[source]
		return func() { ev.Layers(source, rids) }, false
	}
	for len(n.dirty) > 0 {
		k := n.dirty[0]
		n.dirty = n.dirty[1:]
		if call := n.differenceLocked(ev, k); call != nil {
			return call, false
		}
	}
	return nil, false
}

func tellSpeakers(ev Events, list []speakers.Level) func() {
	peers, levels := make([]string, len(list)), make([]int, len(list))
	for i, l := range list {
		peers[i], levels[i] = l.ID, l.DB
	}
	return func() { ev.Speakers(peers, levels) }
}

func (n *notifier) differenceLocked(ev Events, k trackKey) func() {
	now, is := n.now[k]
	told, was := n.told[k]
	switch {
	case is && was && now == told, !is && !was:
		return nil
	case is:
		n.told[k] = now
		return func() { ev.Track(k.peer, k.source, now.mid, now.muted) }
	default:
		delete(n.told, k)
		return func() { ev.TrackEnded(k.peer, k.source, told.mid) }
	}
}
