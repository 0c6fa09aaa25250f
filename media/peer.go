package media

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/pion/webrtc/v4"
)

const (
	maxEarlyCandidates = 64   // kept before the first offer
	maxCandidates      = 256  // taken per offer
	maxCandidateLength = 1024 // bytes
)

// Peer is one participant: what it publishes and what it receives. Its methods may be called from any goroutine; after Leave, or
// Gone, they answer ErrGone.
type Peer struct {
	room   *room
	id     string
	seen   []netip.Addr // where it sees this server
	notes  *notifier
	writer *writer // serves all sections of this peer

	watching *watching // nil: it is no watcher
	up       uplink
	down     downlink

	pc        atomic.Pointer[webrtc.PeerConnection] // nil before the first offer
	connected atomic.Bool                           // ICE and DTLS are up
	met       atomic.Bool                           // they once were
	awaits    atomic.Int64                          // when it joined where a picture was sent; 0 once it got the first
	inlets    atomic.Int32                          // SSRCs seen, in both protocols

	negotiation sync.Mutex                // held across Pion's calls, never together with another lock waiting for it
	offered     *description              // guarded by negotiation: accepted last
	early       []webrtc.ICECandidateInit // guarded by negotiation
	candidates  int                       // guarded by negotiation: since the last offer

	gone         bool                           // guarded by room.mu
	publications []*publication                 // guarded by room.mu
	sections     []*section                     // guarded by room.mu
	receiving    map[*publication]*subscription // guarded by room.mu: everything others publish
	quality      quality                        // guarded by room.mu: as it was told last
	known        *description                   // guarded by room.mu: offered, for those who hold that lock
}

func newPeer(r *room, id string, seen []netip.Addr, ev Events) *Peer {
	n := r.sfu.nextOne.Add(1)
	p := &Peer{room: r, id: id, seen: seen, notes: newNotifier(ev), receiving: map[*publication]*subscription{}, quality: quality{pictures: Full}, writer: r.sfu.writers[int(n)%len(r.sfu.writers)]}
	p.up.init(p)
	p.down.init(p)
	return p
}

// Offer takes the client's SDP offer and gives the answer, with all our candidates in it. A *Error means the client's mistake: nothing changed.
func (p *Peer) Offer(sdp string) (string, error) {
	p.negotiation.Lock()
	defer p.negotiation.Unlock()
	d, err := parseDescription(sdp, p.offered, p.room.sfu.config.maxSections())
	if err != nil {
		return "", err
	}
	if err := p.checkPublications(d); err != nil {
		return "", err
	}
	fresh, answer, err := p.negotiate(d, sdp)
	if err != nil {
		return "", err
	}
	p.offered, p.candidates = d, 0
	p.adopt(d, fresh)
	return p.room.sfu.withCandidates(answer, p.seen), p.addEarly()
}

// checkPublications refuses an offer whose sections do not fit what was published in them beforehand.
func (p *Peer) checkPublications(d *description) error {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if p.gone {
		return ErrGone
	}
	for _, pub := range p.publications {
		o, ok := d.find(pub.mid)
		if ok && o.kind != pub.kind {
			return badf("section %q is %s, but %s is published in it", o.mid, o.kind, pub.key.source)
		}
		if ok && o.sends && !pub.has(o.rids) {
			return badf("the layers of section %q cannot change while %s is published in it", o.mid, pub.key.source)
		}
	}
	return nil
}

// negotiate has Pion answer the offer. It gives the sections that are new. Negotiation is held.
func (p *Peer) negotiate(d *description, offer string) ([]*section, string, error) {
	first := p.offered == nil
	pc, err := p.connection()
	if err != nil {
		return nil, "", err
	}
	var fresh []*section
	text, err := answer(pc, offer, func() (err error) {
		fresh, err = p.addSenders(pc, d)
		return err
	})
	if err == nil {
		return fresh, text, nil
	}
	if first { // Pion may have taken half of it: begin anew with the next offer
		p.pc.Store(nil)
		p.room.sfu.dispose(pc)
	} else { // half of it is in force, and Pion cannot take an offer back; what it stumbles over is checked beforehand
		p.end(byDescription)
	}
	if p.hasGone() {
		return nil, "", ErrGone
	}
	return nil, "", &Error{Text: "the description could not be used", Err: err}
}

// connection gives the PeerConnection, made with the first offer.
func (p *Peer) connection() (*webrtc.PeerConnection, error) {
	if pc := p.pc.Load(); pc != nil {
		return pc, nil
	}
	pc, err := p.room.sfu.newConnection(p.inlet)
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) { p.stateChanged(pc, s) })
	p.pc.Store(pc)
	if p.hasGone() { // it left meanwhile and could not see this one
		p.room.sfu.dispose(pc)
		return nil, ErrGone
	}
	return pc, nil
}

func (p *Peer) stateChanged(pc *webrtc.PeerConnection, s webrtc.PeerConnectionState) {
	if p.pc.Load() != pc {
		return
	}
	p.room.sfu.config.Logger.Debug("connection state", "room", p.room.name, "peer", p.id, "state", s.String())
	switch s {
	case webrtc.PeerConnectionStateConnected:
		p.connected.Store(true)
		p.met.Store(true)
		p.begin()
	case webrtc.PeerConnectionStateFailed, webrtc.PeerConnectionStateClosed:
		if p.met.Load() {
			p.end(byLoss)
		} else {
			p.end(unconnected)
		}
	}
}

// adopt takes over what an accepted offer says: where the client's media comes from, and the new sections.
func (p *Peer) adopt(d *description, fresh []*section) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	p.known = d
	for _, s := range p.sections {
		if o, ok := d.find(s.mid); ok && !o.receives {
			p.buryLocked(s)
		}
	}
	p.sections = append(p.sections, fresh...)
	p.up.routeLocked()
	p.down.routeLocked()
	if !p.gone {
		p.fillLocked()
	}
}

// buryLocked gives up a section the client no longer receives in: Pion cannot start its sender again.
func (p *Peer) buryLocked(s *section) {
	if s.dead {
		return
	}
	s.dead = true
	if pub := s.assigned; pub != nil {
		s.assignLocked(nil)
		p.receiving[pub].section = nil
		p.tellLocked(pub)
	}
}

// begin lets everything this peer receives begin, now that it can.
func (p *Peer) begin() {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	for _, sub := range p.receiving {
		if sub.section == nil {
			continue
		}
		if _, next := sub.section.layers(); next != nil {
			f := next.feedOf(sub.section)
			f.fresh.Store(true)
			f.announce()
		}
	}
}

// Candidate takes one ICE candidate of the client, "" for the end of them. Those that come before the first offer are kept. mid and mline
// are what browsers send along; with everything in one bundle they tell nothing.
func (p *Peer) Candidate(candidate, mid string, mline uint16) error {
	if len(candidate) > maxCandidateLength {
		return badf("a candidate of %d bytes is too long", len(candidate))
	}
	p.negotiation.Lock()
	defer p.negotiation.Unlock()
	if p.hasGone() {
		return ErrGone
	}
	c := webrtc.ICECandidateInit{Candidate: candidate, SDPMid: &mid, SDPMLineIndex: &mline}
	if p.offered == nil {
		if len(p.early) == maxEarlyCandidates {
			return badf("more than %d candidates before the first description", maxEarlyCandidates)
		}
		p.early = append(p.early, c)
		return nil
	}
	if p.candidates++; p.candidates > maxCandidates {
		return badf("more than %d candidates", maxCandidates)
	}
	return p.addCandidate(c)
}

func (p *Peer) addCandidate(c webrtc.ICECandidateInit) error {
	if err := p.pc.Load().AddICECandidate(c); err != nil {
		return &Error{Text: "this candidate could not be used", Err: err}
	}
	return nil
}

// addEarly hands over the candidates that came before the first offer; bad ones among them are only noted.
func (p *Peer) addEarly() error {
	early := p.early
	p.early = nil
	for _, c := range early {
		if err := p.addCandidate(c); err != nil {
			p.room.sfu.config.Logger.Debug("early candidate", "room", p.room.name, "peer", p.id, "error", errors.Unwrap(err))
		}
	}
	return nil
}

// Publish declares that the client's section mid carries that source; it may come before the offer with that section.
func (p *Peer) Publish(mid, source string, muted bool) error {
	if p.watching != nil {
		return badf("who watches a call publishes nothing in it")
	}
	k := kindOf(source)
	if k == "" {
		return badf("%q is no source; there are %s, %s, %s and %s", source, Microphone, Camera, Screen, ScreenSound)
	}
	if mid == "" || len(mid) > maxMid {
		return badf("a mid has 1 to %d bytes", maxMid)
	}
	r := p.room
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.gone {
		return ErrGone
	}
	for _, pub := range p.publications {
		if pub.key.source == source {
			return badf("%s is published already", source)
		}
		if pub.mid == mid {
			return badf("section %q carries %s already", mid, pub.key.source)
		}
	}
	if o, ok := p.known.find(mid); ok && o.kind != k {
		return badf("section %q is %s, %s is not", mid, o.kind, source)
	}
	r.publishLocked(newPublication(p, source, mid, muted))
	p.up.routeLocked()
	return nil
}

// Mute mutes or unmutes a source. What a muted one sends is not passed on.
func (p *Peer) Mute(source string, muted bool) error {
	return p.change(source, func(pub *publication) {
		if pub.setMuted(muted) {
			p.room.mutedLocked(pub)
		}
	})
}

// Unpublish ends a source.
func (p *Peer) Unpublish(source string) error {
	return p.change(source, func(pub *publication) {
		p.room.unpublishLocked(pub)
		p.up.routeLocked()
	})
}

func (p *Peer) change(source string, do func(*publication)) error {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if p.gone {
		return ErrGone
	}
	for _, pub := range p.publications {
		if pub.key.source == source {
			do(pub)
			return nil
		}
	}
	return badf("%q is not published", source)
}

// Attach replaces the receiver of events, as when the client's signalling connection was replaced, and tells it the whole present state.
func (p *Peer) Attach(ev Events) error {
	if p.hasGone() {
		return ErrGone
	}
	p.notes.attach(ev)
	return nil
}

// Leave ends the peer: Gone "left". It does not wait for the connection to close.
func (p *Peer) Leave() { p.end(byLeaving) }

// end takes the peer out of the room and closes its connection, once.
func (p *Peer) end(cause ending) {
	if !p.room.sfu.leave(p, cause.told()) {
		return
	}
	p.room.sfu.counts.gone[cause].Add(1)
	p.connected.Store(false)
	p.room.sfu.config.Logger.Debug("peer gone", "room", p.room.name, "peer", p.id, "cause", cause.String())
	if pc := p.pc.Load(); pc != nil {
		p.room.sfu.dispose(pc)
	}
	p.room.sfu.closedOne()
}

func (p *Peer) hasGone() bool {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	return p.gone
}

// dispose closes a connection behind the caller's back: it takes its time and may be asked for in Pion's own callbacks.
func (s *SFU) dispose(pc *webrtc.PeerConnection) {
	s.mu.Lock()
	s.closing++
	s.mu.Unlock()
	go func() {
		defer s.closedOne()
		if err := pc.GracefulClose(); err != nil {
			s.config.Logger.Debug("closing a connection", "error", err)
		}
	}()
}
