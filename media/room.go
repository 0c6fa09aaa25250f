package media

import (
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"neochat/media/speakers"
)

// room is the peers that see each other. All that is decided about who receives what is decided here, under one lock, without I/O.
type room struct {
	sfu  *SFU
	name string
	due  atomic.Bool // a layer came: review soon

	mu    sync.Mutex
	peers map[string]*Peer // guarded by mu
	order []*Peer          // guarded by mu: the same, in order of joining
	talk  speakers.Tracker // guarded by mu

	watchers int // guarded by mu: those of the peers that only receive
}

func (r *room) join(id string, seen []netip.Addr, w *watching, ev Events) (*Peer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.peers[id] != nil {
		return nil, ErrPeerExists
	}
	if r.fullLocked(w) {
		return nil, ErrRoomFull
	}
	p := newPeer(r, id, seen, ev)
	if p.watching = w; w != nil {
		r.watchers++
	}
	r.peers[id] = p
	r.order = append(r.order, p)
	now := r.sfu.now()
	for _, o := range r.order {
		for _, pub := range o.publications {
			if p.sees(o) {
				p.receiving[pub] = newSubscription()
				p.tellLocked(pub)
				if pub.flows(now) {
					p.awaits.Store(int64(now))
				}
			}
		}
	}
	p.fillLocked()
	return p, nil
}

// leave takes p out; it tells whether p was in, and whether the room is empty now.
func (r *room) leave(p *Peer, cause string) (was, empty bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p.gone {
		return false, len(r.order) == 0
	}
	p.gone = true
	if p.watching != nil {
		r.watchers--
	}
	for len(p.publications) > 0 {
		r.unpublishLocked(p.publications[0])
	}
	for _, sub := range p.receiving {
		if sub.section != nil {
			sub.section.assignLocked(nil)
		}
	}
	clear(p.receiving)
	delete(r.peers, p.id)
	for i, o := range r.order {
		if o == p {
			r.order = append(r.order[:i:i], r.order[i+1:]...)
			break
		}
	}
	p.notes.end(cause)
	return true, len(r.order) == 0
}

// publishLocked shows a publication to everybody else.
func (r *room) publishLocked(pub *publication) {
	pub.owner.publications = append(pub.owner.publications, pub)
	if o, ok := pub.owner.known.find(pub.mid); ok && o.sends {
		pub.layLocked(&o)
	}
	for _, o := range r.order {
		if o.sees(pub.owner) {
			o.receiving[pub] = newSubscription()
			o.tellLocked(pub)
			o.fillLocked()
		}
	}
}

// unpublishLocked takes a publication away from everybody; the sections that become free serve others.
func (r *room) unpublishLocked(pub *publication) {
	list := &pub.owner.publications
	for i, x := range *list {
		if x == pub {
			*list = append((*list)[:i:i], (*list)[i+1:]...)
			break
		}
	}
	for _, o := range r.order {
		sub, ok := o.receiving[pub]
		if !ok {
			continue
		}
		delete(o.receiving, pub)
		if sub.section != nil {
			sub.section.assignLocked(nil)
		}
		o.notes.ended(pub.key)
		o.fillLocked()
	}
	pub.owner.notes.unpublished(pub.key.source)
}

// mutedLocked tells everybody else that a publication was muted or unmuted, and has what it takes, or no longer takes, divided anew.
func (r *room) mutedLocked(pub *publication) {
	r.due.Store(true)
	for _, o := range r.order {
		if _, ok := o.receiving[pub]; ok {
			o.tellLocked(pub)
		}
	}
}

// listenLocked tells everybody who speaks, if that changed.
func (r *room) listenLocked(now time.Duration) {
	var levels []speakers.Level
	for _, p := range r.order {
		for _, pub := range p.publications {
			if pub.key.source == Microphone && len(pub.layers) == 1 && !pub.muted.Load() && pub.layers[0].alive(now) {
				levels = append(levels, speakers.Level{ID: p.id, DB: pub.layers[0].loud()})
			}
		}
	}
	speaking, changed := r.talk.Update(levels, now)
	if !changed {
		return
	}
	for _, p := range r.order {
		p.notes.speakers(speaking)
	}
}

func (r *room) appendPeers(all []*Peer) []*Peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append(all, r.order...)
}

// tellLocked notes for p's client how a publication of another stands.
func (p *Peer) tellLocked(pub *publication) {
	state := trackState{muted: pub.muted.Load()}
	if s := p.receiving[pub].section; s != nil {
		state.mid = s.mid
	}
	p.notes.track(pub.key, state)
}

// fillLocked gives free sections to publications that wait for one, and asks for as many sections as it would take.
func (p *Peer) fillLocked() {
	var need [2]int
	more := false
	for _, o := range p.room.order {
		for _, pub := range o.publications {
			sub, ok := p.receiving[pub]
			if !ok {
				continue
			}
			if pub.kind == audio {
				need[0]++
			} else {
				need[1]++
			}
			more = sub.section == nil && p.connectLocked(pub, sub) || more
		}
	}
	if more {
		p.chooseLocked(p.room.sfu.now())
	}
	p.notes.want(need[0], need[1])
}

func (p *Peer) connectLocked(pub *publication, sub *subscription) bool {
	s := p.freeLocked(pub)
	if s == nil {
		return false
	}
	sub.section = s
	s.assignLocked(pub)
	p.tellLocked(pub)
	return true
}

// freeLocked finds a free section for pub: best the one that browsers play in step with the section of the same peer's, or the same screen's, sound or picture.
func (p *Peer) freeLocked(pub *publication) *section {
	partner := -1
	for other, sub := range p.receiving {
		if s := sub.section; s != nil && other.owner == pub.owner && other.kind != pub.kind && ofScreen(other.key.source) == ofScreen(pub.key.source) {
			partner = s.index
		}
	}
	var first *section
	for _, s := range p.sections {
		if s.kind != pub.kind || s.assigned != nil || s.dead {
			continue
		}
		if s.index == partner {
			return s
		}
		if first == nil {
			first = s
		}
	}
	return first
}
