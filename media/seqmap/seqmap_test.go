package seqmap

import "testing"

func fwd(t *testing.T, m *Map, src, want uint64) {
	t.Helper()
	got, tag, ok := m.Forward(src)
	if !ok || got != want {
		t.Fatalf("Forward(%d) = %d, %v; want %d", src, got, ok, want)
	}
	if back, of, ok := m.Reverse(uint16(got)); !ok || back != src || of != tag {
		t.Fatalf("Reverse(%d) = %d, tag %d, %v; want %d, tag %d", uint16(got), back, of, ok, src, tag)
	}
}

func TestHolesOfTheNetworkStay(t *testing.T) {
	m := New(100)
	const base = 1<<16 + 100
	fwd(t, m, 5000, base)
	fwd(t, m, 5003, base+3)
	fwd(t, m, 5001, base+1)
	if _, _, ok := m.Forward(4999); ok {
		t.Fatal("forwarded what precedes everything sent")
	}
	if _, _, ok := m.Reverse(109); ok {
		t.Fatal("found what was never sent")
	}
}

func TestHolesOfOursClose(t *testing.T) {
	m := New(0)
	fwd(t, m, 10, 1<<16)
	fwd(t, m, 11, 1<<16+1)
	m.Cut(0, 1)
	fwd(t, m, 50, 1<<16+2)
	fwd(t, m, 11, 1<<16+1) // late, from the run before
	if _, _, ok := m.Forward(30); ok {
		t.Fatal("forwarded from a stretch that was left out")
	}
}

func TestSourcesDoNotMix(t *testing.T) {
	m := New(0)
	m.Cut(1, 100)
	fwd(t, m, 10, 1<<16)
	fwd(t, m, 12, 1<<16+2)
	m.Cut(2, 101)
	fwd(t, m, 9000, 1<<16+3)
	if _, _, ok := m.Forward(11); ok {
		t.Fatal("a number of the former source was mapped by its run")
	}
	m.Cut(1, 102)
	fwd(t, m, 30, 1<<16+4)
	fwd(t, m, 11, 1<<16+1) // late, from the run before the other source
	for out, want := range map[uint16][2]uint64{0: {10, 100}, 3: {9000, 101}, 4: {30, 102}} {
		if src, tag, ok := m.Reverse(out); !ok || src != want[0] || tag != want[1] {
			t.Errorf("Reverse(%d) = %d, tag %d, %v", out, src, tag, ok)
		}
	}
}

func TestOnlySomeRunsAreKept(t *testing.T) {
	m := New(0)
	for i := range uint64(20) {
		m.Cut(0, i)
		fwd(t, m, 100*i, 1<<16+i)
	}
	if _, _, ok := m.Reverse(0); ok {
		t.Fatal("a forgotten run was found")
	}
	if src, _, ok := m.Reverse(13); !ok || src != 1300 {
		t.Fatalf("Reverse(13) = %d, %v", src, ok)
	}
}

func TestUnwrap(t *testing.T) {
	var u Unwrapper
	if _, ok := u.Highest(); ok {
		t.Fatal("started before the first")
	}
	const b = uint64(1) << 32
	for _, c := range []struct {
		in   uint16
		want uint64
	}{{65534, b + 65534}, {1, b + 65537}, {65535, b + 65535}, {40000, b + 40000}, {2, b + 65538}, {30000, b + 95536}, {60000, b + 125536}, {10, b + 131082}} {
		if got := u.Extend(c.in); got != c.want {
			t.Fatalf("Extend(%d) = %d, want %d", c.in, got, c.want)
		}
	}
	if h, _ := u.Highest(); u.Near(9) != h-1 {
		t.Fatal("Near is wrong")
	}
}

func FuzzMap(f *testing.F) {
	f.Add([]byte{1, 2, 3, 0, 9, 200, 4})
	f.Fuzz(func(t *testing.T, in []byte) {
		m, src, sent := New(65530), uint64(1)<<32, map[uint64]uint64{}
		for _, b := range in {
			switch {
			case b == 0:
				m.Cut(uint64(src%3), src)
				src += 3
			case b > 200:
				src -= uint64(b - 200)
			default:
				src += uint64(b%7) + 1
			}
			out, tag, ok := m.Forward(src)
			if !ok {
				continue
			}
			if was, dup := sent[out]; dup && was != src {
				t.Fatalf("two packets, %d and %d, were given %d", was, src, out)
			}
			sent[out] = src
			if back, of, ok := m.Reverse(uint16(out)); !ok || back != src || of != tag {
				t.Fatalf("Reverse(%d) = %d, %v; want %d", out, back, ok, src)
			}
		}
	})
}
