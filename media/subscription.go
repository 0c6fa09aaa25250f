package media

import (
	"time"

	"neochat/media/allocation"
)

// aliveFor is how long a layer may be silent, while another of its publication is not, before it counts as not sent.
const aliveFor = 700 * time.Millisecond

// Largest is the width and height of what is wanted as large as it comes.
const Largest = 1 << 14

// subscription is one publication as received by one peer. It is guarded by room.mu.
type subscription struct {
	section *section // where it arrives; nil while it waits for one
	wanted  allocation.Size
	chosen  int // layer that fits and gets through, whether the publisher sends it or not; -1: none
}

func newSubscription() *subscription {
	return &subscription{wanted: allocation.Size{Width: Largest, Height: Largest}, chosen: -1}
}

// Subscribe says at which size, in pixels, another peer's source is shown; 0 by 0: not at all. Until then it is sent as large as it
// comes. Sources that are not there (any more) are passed over.
func (p *Peer) Subscribe(peer, source string, width, height int) error {
	if width < 0 || height < 0 || width > Largest || height > Largest || (width == 0) != (height == 0) {
		return badf("a picture has 1 to %d pixels in width and height, or 0 in both", Largest)
	}
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	if p.gone {
		return ErrGone
	}
	for pub, sub := range p.receiving {
		if pub.key == (trackKey{peer, source}) {
			sub.wanted = allocation.Size{Width: width, Height: height}
			p.chooseLocked(p.room.sfu.now())
		}
	}
	return nil
}

// laidLocked passes on a publication that was announced before its layers were known.
func (r *room) laidLocked(pub *publication) {
	for _, o := range r.order {
		if sub := o.receiving[pub]; sub != nil && sub.section != nil {
			o.chooseLocked(r.sfu.now())
		}
	}
}

// review looks again at which layers go where, tells publishers which of theirs are wanted, and everybody who speaks.
func (r *room) review(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.due.Store(false)
	r.listenLocked(now)
	for _, p := range r.order {
		p.chooseLocked(now)
	}
	for _, p := range r.order {
		for _, pub := range p.publications {
			if len(pub.layers) > 1 {
				r.demandLocked(pub, now)
			}
		}
	}
}

// demandLocked tells the owner of a publication which layers anybody wants. While nobody else is there nothing changes: whoever comes is to
// find what was there.
func (r *room) demandLocked(pub *publication, now time.Duration) {
	set, receivers := uint8(0), 0
	for _, o := range r.order {
		if sub := o.receiving[pub]; sub != nil {
			receivers++
			set |= pub.needs(sub.chosen, now)
		}
	}
	if receivers == 0 {
		return
	}
	if send, changed := pub.demand.Want(set, len(pub.layers), now); changed {
		pub.owner.notes.layers(pub.key.source, pub.rids(send))
	}
}

// needs is the set of layers that are to be sent for somebody who is to get the layer chosen: that one and, while it does not come, those below
// down to one that does. It may be too large for the publisher's picture or for its network.
func (pub *publication) needs(chosen int, now time.Duration) (set uint8) {
	for i := chosen; i >= 0; i-- {
		set |= 1 << i
		if pub.layers[i].alive(now) {
			break
		}
	}
	return set
}

// sizes are those of the layers.
func (pub *publication) sizes() []allocation.Size {
	var space [allocation.Layers]allocation.Size
	for i, l := range pub.layers {
		space[i] = allocation.Size{Width: int(l.width.Load()), Height: int(l.height.Load())}
	}
	return space[:len(pub.layers)]
}

// alive tells whether the layer is being sent.
func (l *layer) alive(now time.Duration) bool {
	return now-time.Duration(l.heard.Load()) < aliveFor
}
