package vp8

import (
	"bytes"
	"slices"
	"testing"
)

func TestSize(t *testing.T) {
	frame := []byte{0x10, 0, 0, 0x9d, 0x01, 0x2a, 0x00, 0x45, 0xd0, 0x82}
	for name, c := range map[string]struct {
		in            []byte
		width, height int
	}{
		"plain":           {append([]byte{0x10}, frame...), 1280, 720},
		"with numbers":    {append([]byte{0x90, 0xc0, 0x81, 2, 3}, frame...), 1280, 720},
		"no key frame":    {append([]byte{0x10, 0x11}, frame[1:]...), 0, 0},
		"no start code":   {append([]byte{0x10}, 0x10, 0, 0, 1, 2, 3, 4, 5, 6, 7), 0, 0},
		"cut off":         {append([]byte{0x10}, frame[:9]...), 0, 0},
		"not the first":   {append([]byte{0x00}, frame...), 0, 0},
		"nothing in them": {nil, 0, 0},
	} {
		if w, h := Size(c.in); w != c.width || h != c.height {
			t.Errorf("%s: %d×%d", name, w, h)
		}
	}
}

// descriptors with picture 0x1234 or 0x34, and level 0x56, where they have them.
var descriptors = map[string][]byte{
	"long and level":  {0x90, 0xc0, 0x92, 0x34, 0x56, 0},
	"short and level": {0x90, 0xc0, 0x34, 0x56, 0},
	"long":            {0x80, 0x80, 0x92, 0x34, 0},
	"level":           {0x90, 0x60, 0x56, 0x20, 0},
	"none":            {0x90, 0x20, 0x20, 0},
	"plain":           {0x10, 0x12, 0x34},
	"cut off":         {0x90, 0xc0, 0x92},
	"empty":           {},
}

func TestNumbersAreWrittenWhereTheyStand(t *testing.T) {
	want := map[string][]byte{
		"long and level":  {0x90, 0xc0, 0x80, 0x05, 0x01, 0},
		"short and level": {0x90, 0xc0, 0x05, 0x01, 0},
		"long":            {0x80, 0x80, 0x80, 0x05, 0},
		"level":           {0x90, 0x60, 0x01, 0x20, 0},
	}
	for name, in := range descriptors {
		payload := slices.Clone(in)
		n := ReadNumbers(payload)
		n.Write(payload, Shift{picture: 1<<16 + 5 - 0x1234, level: 1<<8 + 1 - 0x56})
		if name == "short and level" {
			n.Write(payload, Shift{picture: 1<<16 + 5 - 0x34, level: 1<<8 + 1 - 0x56})
		}
		out, changes := want[name]
		if !changes {
			out = in
		}
		if !bytes.Equal(payload, out) {
			t.Errorf("%s: % x, want % x", name, payload, out)
		}
	}
}

func long(picture uint16, level uint8) Numbers {
	return ReadNumbers([]byte{0x90, 0xc0, 0x80 | byte(picture>>8), byte(picture), level, 0})
}

func short(picture uint8) Numbers { return ReadNumbers([]byte{0x90, 0x80, picture, 0}) }

// sent is the picture's number and level as they leave.
func sent(n Numbers, s Shift) (picture uint16, level uint8) {
	b := []byte{0x90, 0xc0, 0x80, 0, 0, 0}
	if !n.long {
		b = []byte{0x90, 0x80, 0, 0}
	}
	n.Write(b, s)
	n = ReadNumbers(b)
	return n.picture, n.level
}

func TestNumbersGoOnAcrossSources(t *testing.T) {
	var x Numbering
	step := func(n Numbers, begins bool, shift Shift, picture uint16, level uint8) Shift {
		t.Helper()
		if begins {
			shift = x.Begin(n)
		}
		x.Sent(n)
		if p, l := sent(n, shift); p != picture || l != level {
			t.Errorf("sent %d, %d; want %d, %d", p, l, picture, level)
		}
		return shift
	}
	s := step(long(0x7ffe, 255), true, Shift{}, 0x7ffe, 255)
	step(long(0x7fff, 0), false, s, 0x7fff, 0)
	step(long(1, 0), false, s, 1, 0)
	step(long(0, 0), false, s, 0, 0) // late
	s = step(long(500, 77), true, s, 2, 1)
	step(long(501, 78), false, s, 3, 2)
	s = step(long(0x7fff, 3), true, s, 4, 3)
	step(long(0, 4), false, s, 5, 4)

	var y Numbering
	s = y.Begin(short(126))
	for i, p := range []uint8{126, 127, 0, 1} {
		y.Sent(short(p))
		if got, _ := sent(short(p), s); got != uint16([]uint8{126, 127, 0, 1}[i]) {
			t.Errorf("picture %d left as %d", p, got)
		}
	}
	if got, _ := sent(short(50), y.Begin(short(50))); got != 2 {
		t.Errorf("after 1 comes %d", got)
	}
	var z Numbering
	z.Begin(Numbers{})
	z.Sent(Numbers{}) // a source without numbers
	z.Begin(long(9, 9))
}

func FuzzNumbers(f *testing.F) {
	for _, d := range descriptors {
		f.Add(d, uint16(7), uint8(9))
	}
	f.Fuzz(func(t *testing.T, b []byte, picture uint16, level uint8) {
		before := slices.Clone(b)
		n := ReadNumbers(b)
		n.Write(b, Shift{})
		if !bytes.Equal(b, before) {
			t.Fatalf("no shift changed % x to % x", before, b)
		}
		n.Write(b, Shift{picture, level})
		if Keyframe(b) != Keyframe(before) {
			t.Fatal("it became, or is no longer, a key frame")
		}
		again := ReadNumbers(b)
		again.Write(b, Shift{-picture, -level})
		if !bytes.Equal(b, before) {
			t.Fatalf("% x was not restored: % x", before, b)
		}
		Size(b)
	})
}
