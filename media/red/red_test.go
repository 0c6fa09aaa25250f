package red

import (
	"bytes"
	"testing"
)

// payload makes one of two earlier blocks and its own sound.
func payload() []byte {
	return []byte{
		0x80 | 111, 1920 >> 6, 1920 & 0x3f << 2, 3,
		0x80 | 111, 960 >> 6, 960 & 0x3f << 2, 2,
		111,
		'o', 'l', 'd', 'e', 'r', 'o', 'w', 'n',
	}
}

func TestParse(t *testing.T) {
	p, ok := Parse(payload())
	if !ok || len(p.Earlier()) != 2 {
		t.Fatalf("%+v, %t", p, ok)
	}
	if a, b := p.Earlier()[0], p.Earlier()[1]; a.Offset != 1920 || string(a.Data) != "old" || b.Offset != 960 || string(b.Data) != "er" {
		t.Errorf("earlier: %+v, %+v", a, b)
	}
	if got := string(payload()[p.Primary():]); got != "own" {
		t.Errorf("its own sound is %q", got)
	}
	if p, ok := Parse([]byte{111, 'x'}); !ok || len(p.Earlier()) != 0 || p.Primary() != 1 {
		t.Errorf("nothing earlier: %+v, %t", p, ok)
	}
	long := append([]byte{0x80 | 1, 0xff, 0xff, 0xff, 2}, make([]byte, 1023+1)...)
	if p, ok := Parse(long); !ok || p.Earlier()[0].Offset != 1<<14-1 || len(p.Earlier()[0].Data) != 1023 || p.Primary() != len(long)-1 {
		t.Errorf("the largest block: %+v, %t", p, ok)
	}
}

// Every payload that is cut off is refused, but where only the end of its own sound is missing, which nothing tells.
func TestParseTruncated(t *testing.T) {
	whole := payload()
	for n := range len(whole) {
		if _, ok := Parse(whole[:n:n]); ok != (n > len(whole)-len("own")) {
			t.Errorf("%d bytes: %t", n, ok)
		}
	}
	many := append(bytes.Repeat([]byte{0x80 | 111, 0, 0, 0}, Most+1), 111, 'x')
	if _, ok := Parse(many); ok {
		t.Error("too many blocks are taken")
	}
	if p, ok := Parse(many[4:]); !ok || len(p.Earlier()) != Most {
		t.Error("as many as may be are not taken")
	}
}

func TestRetype(t *testing.T) {
	b := payload()
	Retype(b, 96)
	if b[0] != 0x80|96 || b[4] != 0x80|96 || b[8] != 96 || !bytes.Equal(b[9:], payload()[9:]) {
		t.Errorf("% x", b)
	}
	p, _ := Parse(payload())
	q, ok := Parse(b)
	if !ok || q.Primary() != p.Primary() || q.Earlier()[0].Offset != p.Earlier()[0].Offset {
		t.Error("it became another packet")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(payload(), uint8(96))
	f.Add([]byte{111, 1}, uint8(255))
	f.Add([]byte{0x80, 0, 0}, uint8(0))
	f.Fuzz(func(t *testing.T, b []byte, pt uint8) {
		before, ok := Parse(b)
		changed := bytes.Clone(b)
		Retype(changed, pt) // whatever it is
		if !ok {
			return
		}
		size := before.Primary()
		for _, x := range before.Earlier() {
			size -= len(x.Data) + blockHeader
		}
		if size != lastHeader || before.Primary() >= len(b) {
			t.Fatalf("% x: the parts do not add up: %+v", b, before)
		}
		after, ok := Parse(changed)
		if !ok || after.Primary() != before.Primary() || !bytes.Equal(changed[after.Primary():], b[before.Primary():]) {
			t.Fatalf("% x became % x", b, changed)
		}
		for i, x := range after.Earlier() {
			if !bytes.Equal(x.Data, before.Earlier()[i].Data) || x.Offset != before.Earlier()[i].Offset {
				t.Fatalf("block %d changed", i)
			}
		}
	})
}
