package media

import (
	"time"

	"neochat/media/allocation"
	"neochat/media/estimate"
)

// picture is a subscription to a picture while layers are chosen.
type picture struct {
	publication  *publication
	subscription *subscription
}

// wish is what a receiver would get if everything got through, and what of it flows now.
type wish struct {
	pictures []picture
	sources  []allocation.Source // of the pictures
	sounds   []*section
	sound    int // bits per second of all sounds
	bare     int // the same without what packets bring along of earlier ones
	flowing  int // bits per second of the pictures as they are now
}

// chooseLocked decides which layers go to p: what fits into the size shown and, sound first, into what gets through. room.mu is held.
func (p *Peer) chooseLocked(now time.Duration) {
	w := p.wishLocked(now)
	budget, cause := p.down.budget()
	layers, next, sound := ideals(w.sources), 0, w.sound
	lean := false
	if budget != 0 {
		layers, next = allocation.Share(nil, budget-sound, w.sources)
		// Where the way is too narrow, and little gets lost on it, pictures need the bits more.
		if lean = (next != 0 || sound > budget) && !p.down.lossy(); lean {
			sound = w.bare
			layers, next = allocation.Share(nil, budget-sound, w.sources)
		}
		if next != 0 {
			next += sound
		}
	}
	p.down.useful.Store(int64(next))
	flooded := budget != 0 && sound+w.flowing > 2*budget
	for _, s := range w.sounds {
		s.lean.Store(lean)
	}
	for i, x := range w.pictures {
		x.show(layers[i], flooded, now)
	}
	p.judgeLocked(w.sources, layers, cause)
}

// wishLocked passes on the sounds, and looks what there is besides. What is muted takes nothing from others. room.mu is held.
func (p *Peer) wishLocked(now time.Duration) (w wish) {
	for _, o := range p.room.order {
		for _, pub := range o.publications {
			sub := p.receiving[pub]
			if sub == nil || len(pub.layers) == 0 {
				continue
			}
			if pub.kind == audio {
				p.hearLocked(pub, sub, &w)
				continue
			}
			if pub.muted.Load() { // nothing comes, and it is what it was when it is unmuted
				picture{pub, sub}.show(allocation.Fit(sub.wanted, pub.sizes()), false, now)
				continue
			}
			w.pictures = append(w.pictures, picture{pub, sub})
			source := pub.source(sub)
			if source.Now >= 0 {
				w.flowing += source.Rates[source.Now]
			}
			w.sources = append(w.sources, source)
		}
	}
	return w
}

func ideals(sources []allocation.Source) (layers []int) {
	for _, s := range sources {
		layers = append(layers, s.Ideal)
	}
	return layers
}

// hearLocked passes on a sound, unless it is not wanted, and notes what it takes.
func (p *Peer) hearLocked(pub *publication, sub *subscription, w *wish) {
	l := pub.layers[0]
	sub.chosen = allocation.Fit(sub.wanted, []allocation.Size{{}})
	if sub.chosen < 0 {
		l = nil
	}
	if sub.section != nil {
		sub.section.aim(l)
	}
	if l == nil || pub.muted.Load() {
		return
	}
	full, bare := int(l.rate.Load()), int(l.bare.Load())
	if s := sub.section; s != nil {
		if !s.repeats.Load() {
			full = bare
		}
		w.sounds = append(w.sounds, s)
	}
	w.sound += full
	w.bare += bare
}

// source tells what a picture takes, and what of it sub can use.
func (pub *publication) source(sub *subscription) allocation.Source {
	s := allocation.Source{Rates: pub.rates(), Ideal: allocation.Fit(sub.wanted, pub.sizes()), Now: -1, Weight: sub.wanted.Width * sub.wanted.Height}
	if pub.key.source == Screen {
		s.Weight = 1 << 30
	}
	if sub.section == nil {
		return s
	}
	if from, _ := sub.section.layers(); from != nil {
		s.Now = from.index
	}
	return s
}

// rates are what the layers take in bits per second, or what they usually do where that is not known.
func (pub *publication) rates() (rates [allocation.Layers]int) {
	usual := [allocation.Layers]int{180_000, 600_000, 1_900_000}
	for i, l := range pub.layers {
		rates[i] = int(l.rate.Load())
		if rates[i] == 0 && len(pub.layers) > 1 {
			rates[i] = usual[allocation.Layers-len(pub.layers)+i]
		}
		if i > 0 {
			rates[i] = max(rates[i], rates[i-1])
		}
	}
	return rates
}

// show makes a picture's section pass on that layer. If the way to the client is flooded, what goes there now is not waited for to end.
func (x picture) show(chosen int, flooded bool, now time.Duration) {
	x.subscription.chosen = chosen
	s := x.subscription.section
	if s == nil {
		return
	}
	l := x.publication.best(chosen, s, now)
	if from, _ := s.layers(); flooded && from != nil && l != nil && l.index < from.index {
		s.skip(from)
	}
	s.aim(l)
}

// best is the layer to be passed on in s where chosen is wanted: that one if it is sent. Until it is, a larger one that s has now stays, or else
// it is the best that is sent.
func (pub *publication) best(chosen int, s *section, now time.Duration) *layer {
	if chosen < 0 {
		return nil
	}
	wanted := pub.layers[chosen]
	if len(pub.layers) == 1 || wanted.alive(now) {
		return wanted
	}
	from, next := s.layers()
	if from != nil && from.index > chosen && from.alive(now) {
		return from
	}
	for i := chosen - 1; i >= 0; i-- {
		if pub.layers[i].alive(now) {
			return pub.layers[i]
		}
	}
	for _, l := range pub.layers[chosen:] {
		if l.alive(now) {
			return l
		}
	}
	if from != nil {
		return from // all are silent: muted, or standing still
	}
	if next != nil {
		return next
	}
	return wanted
}

// How a peer's pictures are.
const (
	Full    = "full"    // as large as they are shown, as far as it is for the way to this peer
	Reduced = "reduced" // some are smaller, or missing
	Nothing = "none"    // there is only sound
)

// judgeLocked tells p how its pictures are. room.mu is held.
func (p *Peer) judgeLocked(sources []allocation.Source, layers []int, cause estimate.Cause) {
	wanted, whole, missing := 0, 0, 0
	for i, s := range sources {
		if s.Ideal < 0 {
			continue
		}
		wanted++
		if layers[i] == s.Ideal {
			whole++
		}
		if layers[i] < 0 {
			missing++
		}
	}
	q := quality{pictures: Reduced, cause: causes(cause)}
	switch {
	case whole == wanted:
		q = quality{pictures: Full}
	case missing == wanted:
		q.pictures = Nothing
	}
	if q.pictures == Nothing && p.quality.pictures != Nothing {
		p.room.sfu.counts.pauses.Add(1)
	}
	if p.quality != q {
		p.quality = q
		p.notes.quality(q)
	}
}

// causes names why it is no better.
func causes(c estimate.Cause) string {
	if c == estimate.Loss {
		return "loss"
	}
	return "delay"
}
