package allocation

import (
	"testing"
	"time"
)

func TestFit(t *testing.T) {
	three := []Size{{320, 180}, {640, 360}, {1280, 720}}
	unknown := []Size{{}, {}, {}}
	for _, c := range []struct {
		layers        []Size
		width, height int
		want          int
	}{
		{three, 0, 0, -1}, {three, 100, 0, -1}, {three, 1, 1, 0}, {three, 320, 180, 0}, {three, 400, 225, 0}, {three, 420, 240, 1},
		{three, 800, 450, 1}, {three, 900, 500, 2}, {three, 4000, 3000, 2},
		{three, 4000, 180, 0}, // it fits into the height
		{unknown, 320, 180, 0}, {unknown, 640, 360, 1}, {unknown, 1920, 1080, 2},
		{[]Size{{}, {480, 270}, {}}, 240, 135, 0}, {[]Size{{}, {480, 270}, {}}, 960, 540, 2}, {[]Size{{}, {}, {1920, 1080}}, 480, 270, 0},
		{[]Size{{}}, 5, 5, 0}, {[]Size{{100, 100}}, 5000, 5000, 0},
	} {
		if got := Fit(Size{c.width, c.height}, c.layers); got != c.want {
			t.Errorf("%d×%d of %v: layer %d, want %d", c.width, c.height, c.layers, got, c.want)
		}
	}
}

func TestDemand(t *testing.T) {
	d := NewDemand(3)
	const s = time.Second
	for i, c := range []struct {
		at      time.Duration
		set     uint8
		send    uint8
		changed bool
	}{
		{0, 0b111, 0b111, false},
		{1 * s, 0b010, 0b111, false},
		{3 * s, 0b010, 0b111, false},
		{4 * s, 0b010, 0b011, true}, // the largest is not wanted since 3 s
		{5 * s, 0, 0b011, false},
		{6 * s, 0b100, 0b111, true}, // at once
		{7 * s, 0b110, 0b111, false},
		{8 * s, 0b100, 0b111, false}, // the middle one was wanted in between
		{10 * s, 0b100, 0b111, false},
		{11 * s, 0b100, 0b101, true},
		{20 * s, 0, 0b101, false},
		{23 * s, 0, 0b001, true},
	} {
		if send, changed := d.Want(c.set, 3, c.at); send != c.send || changed != c.changed {
			t.Errorf("step %d: %03b, %v; want %03b, %v", i, send, changed, c.send, c.changed)
		}
	}
}
