package allocation

import (
	"cmp"
	"slices"
)

// Source is a picture that a receiver wants.
type Source struct {
	Rates  [Layers]int // bits per second that each layer takes, ascending
	Ideal  int         // largest layer of use, -1 for none
	Now    int         // layer being sent, -1 for none
	Weight int         // which goes first: the largest
}

// headroom is how much of a layer's rate must be free, beyond it, before it is begun with: pictures are not of one size.
const headroom = 0.1

// Share divides a budget, in bits per second, among the pictures of one receiver: everybody's smallest layer before anybody's larger
// one. It appends the layer of each to dst, -1 where there is nothing for it, and tells the least budget at which somebody would get more; 0 if
// everybody has what is ideal.
func Share(dst []int, budget int, sources []Source) (layers []int, next int) {
	layers = dst
	order := make([]int, len(sources))
	for i := range sources {
		layers = append(layers, -1)
		order[i] = i
	}
	mine := layers[len(dst):]
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sources[b].Weight, sources[a].Weight) })
	spent := 0
	for level := range Layers {
		for _, i := range order {
			s := &sources[i]
			if s.Ideal < level || mine[i] != level-1 {
				continue
			}
			cost := s.Rates[level]
			if level > 0 {
				cost -= s.Rates[level-1]
			}
			need := cost
			if level > s.Now {
				need += int(headroom * float64(s.Rates[level]))
			}
			if spent+need > budget {
				if next == 0 || spent+need < next {
					next = spent + need
				}
				continue
			}
			mine[i] = level
			spent += cost
		}
	}
	return layers, next
}
