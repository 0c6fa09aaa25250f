// Package allocation decides which layer of each picture goes to a receiver, and which layers publishers need to send at all.
package allocation

import "time"

// Layers is the most a picture has.
const Layers = 3

// Size is that of a picture in pixels.
type Size struct{ Width, Height int }

// enough is the share of what is wanted that a layer must have to do: stretched by a quarter nobody sees the difference.
const enough = 0.8

// Fit gives the smallest layer that is large enough for what is wanted, the largest if none is, and -1 if nothing is wanted. A size of 0 by
// 0 is not known yet: it follows from those that are, each layer having twice the width and height of the one before.
func Fit(wanted Size, layers []Size) int {
	if wanted.Width <= 0 || wanted.Height <= 0 {
		return -1
	}
	for i := range layers {
		have := known(layers, i)
		if float64(have.Width) >= enough*float64(wanted.Width) || float64(have.Height) >= enough*float64(wanted.Height) {
			return i
		}
	}
	return len(layers) - 1
}

// known is the size of a layer, or what it should be.
func known(layers []Size, i int) Size {
	if layers[i] != (Size{}) {
		return layers[i]
	}
	for j, other := range layers {
		switch {
		case other == (Size{}):
		case j > i:
			return Size{other.Width >> (j - i), other.Height >> (j - i)}
		default:
			return Size{other.Width << (i - j), other.Height << (i - j)}
		}
	}
	last := len(layers) - 1
	return Size{1280 >> (last - i), 720 >> (last - i)}
}

// Demand follows which layers of one picture are wanted, and lets go of those that nobody wants any more. The smallest is always
// wanted: whoever comes begins with it.
type Demand struct {
	told  uint8
	since [Layers]time.Duration // when a layer was first not wanted; 0 while it is
}

// NewDemand is that of a picture whose layers are all being sent.
func NewDemand(layers int) Demand { return Demand{told: 1<<layers - 1} }

// idleAfter is how long a layer is sent in vain: people come and go, and windows change.
const idleAfter = 3 * time.Second

// Want takes the set of layers wanted at now, bit 0 for the smallest, and tells which to send and whether that changed.
func (d *Demand) Want(set uint8, layers int, now time.Duration) (send uint8, changed bool) {
	before := d.told
	set |= 1
	for i := range layers {
		bit := uint8(1) << i
		switch {
		case set&bit != 0:
			d.told |= bit
			d.since[i] = 0
		case d.since[i] == 0:
			d.since[i] = max(now, 1)
		case now-d.since[i] >= idleAfter:
			d.told &^= bit
		}
	}
	return d.told, d.told != before
}
