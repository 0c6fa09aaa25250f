package media

import (
	"slices"
	"sync/atomic"
	"time"

	"neochat/media/allocation"
)

// publication is one source of one peer, in one or several layers.
type publication struct {
	owner *Peer
	key   trackKey
	kind  kind
	mid   string // of the owner's section
	muted atomic.Bool

	layers []*layer // the smallest picture first; none before a description with the section came. Set once, under room.mu, before anything uses them

	demand allocation.Demand // guarded by room.mu
}

func newPublication(p *Peer, source, mid string, muted bool) *publication {
	pub := &publication{owner: p, key: trackKey{p.id, source}, kind: kindOf(source), mid: mid}
	pub.muted.Store(muted)
	return pub
}

// layLocked makes the layers that the owner's section has. room.mu is held.
func (pub *publication) layLocked(o *sectionOffer) {
	rids := o.rids
	if len(rids) == 0 {
		rids = []string{""}
	}
	for i, rid := range rids {
		pub.layers = append(pub.layers, newLayer(pub, i, rid))
	}
	pub.demand = allocation.NewDemand(len(rids))
}

// has tells whether these are the names of its layers, as far as it has any.
func (pub *publication) has(rids []string) bool {
	if len(pub.layers) == 0 || len(pub.layers) == 1 && pub.layers[0].rid == "" {
		return len(pub.layers) == 0 || len(rids) == 0
	}
	return slices.EqualFunc(pub.layers, rids, func(l *layer, rid string) bool { return l.rid == rid })
}

// setMuted tells whether that changed anything.
func (pub *publication) setMuted(muted bool) bool {
	if !pub.muted.CompareAndSwap(!muted, muted) {
		return false
	}
	for _, l := range pub.layers {
		l.newEpoch()
	}
	return true
}

// flows tells whether it is a picture that comes at this moment.
func (pub *publication) flows(now time.Duration) bool {
	return pub.kind == video && !pub.muted.Load() && slices.ContainsFunc(pub.layers, func(l *layer) bool { return l.alive(now) })
}

// rids are the names of the layers in a set.
func (pub *publication) rids(set uint8) []string {
	var names []string
	for _, l := range pub.layers {
		if set>>l.index&1 == 1 {
			names = append(names, l.rid)
		}
	}
	return names
}
