package signaling

import (
	"sync/atomic"

	"neochat/wire"
)

// Stats is the state of a server at one moment, and what has happened since it was made. The keys of its maps are few and do not
// depend on what clients send.
type Stats struct {
	Connections int // WebSockets, logged in or not
	Devices     int // connections that are logged in
	Accounts    int // that have at least one of them

	Calls        int // open, those that only ring included
	Ringing      int // callees whose devices ring
	Participants int // devices in calls

	FramesIn                      uint64 // WebSocket frames with messages
	FramesOut, TextsOut, BytesOut uint64 // frames of texts, the messages in them, and their bytes
	Pushed                        uint64 // of those messages, the ones that nobody had asked for
	FileBytesOut                  uint64 // bytes of files, over WebSocket and HTTP

	Answers   []Answers         // by message_type
	Closed    map[int]uint64    // connections ended by the server or by their client, by close code
	Overflows uint64            // pushes that found an outbox full; the first one ends its connection, with 1013
	Refused   map[string]uint64 // requests that came too often, by what was bounded
	Outcomes  map[string]uint64 // calls that are over, by what became of them, for each line in a history

	Streams []Streams // programs in calls over HTTP
}

// Answers counts the answers to one message_type by the class of their stat: 2 for 2xx, 4, 5.
type Answers struct {
	MessageType string // of the table of commands; UnknownType for all others
	ByClass     [statClasses]uint64
}

// Streams are the programs that publish in calls (whip) or watch them (whep) over HTTP, and the answers they got by class of status.
type Streams struct {
	Protocol string
	Now      int
	ByClass  [statClasses]uint64
}

// UnknownType stands in Stats for every message_type that is none.
const UnknownType = "unknown"

const (
	statClasses = 6 // one more than the highest class of a stat
	numOutcomes = 4
	numCodes    = 6
)

// bound is what a client did too often.
type bound uint8

const (
	boundRequests bound = iota
	boundLogins
	boundGuesses
	boundRegistrations
	bounds
)

func (b bound) String() string {
	return [...]string{"requests", "logins", "failed_logins", "registrations"}[b]
}

// outcomes are what may become of a call.
func outcomes() [numOutcomes]string { return [...]string{"answered", "refused", "missed", "cancelled"} }

// closeCodes are those that a connection ends with here.
func closeCodes() [numCodes]int {
	return [...]int{wire.CloseNormal, wire.CloseProtocol, wire.ClosePolicy, wire.CloseTooLarge, wire.CloseRestart, wire.CloseTryLater}
}

// counters are what Stats is made of; each is counted where it happens.
type counters struct {
	framesIn, framesOut, textsOut, bytesOut, pushed, fileBytesOut, overflows atomic.Uint64

	closed        [numCodes]atomic.Uint64
	refused       [bounds]atomic.Uint64
	outcomes      [numOutcomes]atomic.Uint64
	streamAnswers [streamKinds]answers
	answers       map[string]*answers // by message_type, and UnknownType; not changed once made
}

// answers counts by class of stat.
type answers [statClasses]atomic.Uint64

func newCounters(commands map[string]map[string]command) *counters {
	c := &counters{answers: map[string]*answers{UnknownType: {}}}
	for kind := range commands {
		c.answers[kind] = &answers{}
	}
	return c
}

func (c *counters) answered(kind string, stat int) {
	a := c.answers[kind]
	if a == nil {
		a = c.answers[UnknownType]
	}
	if class := stat / 100; class >= 0 && class < statClasses {
		a[class].Add(1)
	}
}

func (c *counters) ended(code int) {
	for i, known := range closeCodes() {
		if code == known {
			c.closed[i].Add(1)
		}
	}
}

func (c *counters) outcome(of string) {
	for i, known := range outcomes() {
		if of == known {
			c.outcomes[i].Add(1)
		}
	}
}

// Stats gives the figures of this moment.
func (s *Server) Stats() Stats {
	c := s.counts
	st := Stats{
		FramesIn: c.framesIn.Load(), FramesOut: c.framesOut.Load(), TextsOut: c.textsOut.Load(), BytesOut: c.bytesOut.Load(),
		Pushed: c.pushed.Load(), FileBytesOut: c.fileBytesOut.Load(), Overflows: c.overflows.Load(),
		Closed: map[int]uint64{}, Refused: map[string]uint64{}, Outcomes: map[string]uint64{},
	}
	for kind, a := range c.answers {
		one := Answers{MessageType: kind}
		for class := range a {
			one.ByClass[class] = a[class].Load()
		}
		st.Answers = append(st.Answers, one)
	}
	for i, code := range closeCodes() {
		st.Closed[code] = c.closed[i].Load()
	}
	for b := range bounds {
		st.Refused[b.String()] = c.refused[b].Load()
	}
	for i, outcome := range outcomes() {
		st.Outcomes[outcome] = c.outcomes[i].Load()
	}
	now := s.streams.size()
	for kind := range streamKinds {
		one := Streams{Protocol: kind.name(), Now: now[kind]}
		for class := range one.ByClass {
			one.ByClass[class] = c.streamAnswers[kind][class].Load()
		}
		st.Streams = append(st.Streams, one)
	}
	s.mu.Lock()
	st.Connections = len(s.conns)
	s.mu.Unlock()
	st.Accounts, st.Devices = s.hub.size()
	st.Calls, st.Ringing, st.Participants = s.cells.size()
	return st
}

// size counts the accounts that are here, and their connections.
func (h *hub) size() (accounts, conns int) {
	for i := range h.shards {
		s := &h.shards[i]
		s.mu.RLock()
		accounts += len(s.conns)
		s.mu.RUnlock()
	}
	return accounts, int(h.live.Load())
}

func (cs *cells) size() (calls, ringing, participants int) {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for _, x := range cs.byKey {
		ringing += len(x.ringing)
		participants += len(x.people)
	}
	return len(cs.byKey), ringing, participants
}
