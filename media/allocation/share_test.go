package allocation

import (
	"slices"
	"testing"
)

func TestShare(t *testing.T) {
	camera := func(now, ideal, weight int) Source {
		return Source{Rates: [Layers]int{150, 500, 1700}, Now: now, Ideal: ideal, Weight: weight}
	}
	screen := Source{Rates: [Layers]int{1000}, Ideal: 0, Now: 0, Weight: 1000}
	for name, c := range map[string]struct {
		budget  int
		sources []Source
		want    []int
		next    int
	}{
		"all there is":                 {9000, []Source{camera(-1, 2, 1), camera(-1, 1, 1)}, []int{2, 1}, 0},
		"nobody":                       {0, nil, nil, 0},
		"nothing wanted":               {9000, []Source{camera(2, -1, 1)}, []int{-1}, 0},
		"nothing left":                 {100, []Source{camera(-1, 2, 1), camera(-1, 2, 2)}, []int{-1, -1}, 165},
		"the larger first":             {200, []Source{camera(-1, 2, 1), camera(-1, 2, 2)}, []int{-1, 0}, 315},
		"small ones before a large":    {500, []Source{camera(-1, 2, 2), camera(-1, 2, 1), camera(-1, 2, 1)}, []int{0, 0, 0}, 850},
		"going on needs no headroom":   {500, []Source{camera(1, 2, 1)}, []int{1}, 1870},
		"beginning does":               {500, []Source{camera(0, 2, 1)}, []int{0}, 550},
		"the screen before all others": {1200, []Source{camera(1, 2, 1), screen, camera(1, 2, 1)}, []int{0, 0, -1}, 1300},
		"a cheap one in the gap":       {1020, []Source{screen, {Rates: [Layers]int{20}, Now: 0}, camera(0, 0, 5)}, []int{0, 0, -1}, 1150},
	} {
		got, next := Share(nil, c.budget, c.sources)
		if !slices.Equal(got, c.want) || next != c.next {
			t.Errorf("%s: %v, next at %d; want %v, %d", name, got, next, c.want, c.next)
		}
	}
}

func FuzzShare(f *testing.F) {
	f.Add(1000, []byte{1, 2, 3, 4, 5, 6})
	f.Fuzz(func(t *testing.T, budget int, in []byte) {
		var sources []Source
		for len(in) >= 6 {
			a := int(in[0])
			sources = append(sources, Source{Rates: [Layers]int{a, a + int(in[1]), a + int(in[1]) + int(in[2])},
				Ideal: int(in[3]%4) - 1, Now: int(in[4]%4) - 1, Weight: int(in[5])})
			in = in[6:]
		}
		got, next := Share(nil, budget, sources)
		spent, whole := 0, true
		for i, level := range got {
			if level > sources[i].Ideal {
				t.Fatalf("more than wanted: %v of %v", got, sources)
			}
			whole = whole && level == sources[i].Ideal
			if level >= 0 {
				spent += sources[i].Rates[level]
			}
		}
		if spent > max(budget, 0) || whole != (next == 0) {
			t.Fatalf("%d of %d spent, next at %d: %v of %v", spent, budget, next, got, sources)
		}
	})
}
