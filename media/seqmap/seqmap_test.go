package seqmap

import "testing"

func fwd(t *testing.T, m *Map, src, want uint64) {
	t.Helper()
	got, ok := m.Forward(src)
	if !ok || got != want {
		t.Fatalf("Forward(%d) = %d, %v; want %d", src, got, ok, want)
	}
	if back, ok := m.Reverse(uint16(got)); !ok || back != src {
		t.Fatalf("Reverse(%d) = %d, %v; want %d", uint16(got), back, ok, src)
	}
}

func TestHolesOfTheNetworkStay(t *testing.T) {
	m := New(100)
	const base = 1<<16 + 100
	fwd(t, m, 5000, base)
	fwd(t, m, 5003, base+3)
	fwd(t, m, 5001, base+1)
	if _, ok := m.Forward(4999); ok {
		t.Fatal("forwarded what precedes everything sent")
	}
	if _, ok := m.Reverse(109); ok {
		t.Fatal("found what was never sent")
	}
}

func TestHolesOfOursClose(t *testing.T) {
	m := New(0)
	fwd(t, m, 10, 1<<16)
	fwd(t, m, 11, 1<<16+1)
	m.Cut()
	fwd(t, m, 50, 1<<16+2)
	fwd(t, m, 11, 1<<16+1) // late, from the run before
	if _, ok := m.Forward(30); ok {
		t.Fatal("forwarded from a stretch that was left out")
	}
	m.Reset()
	fwd(t, m, 7, 1<<16+3)
	if _, ok := m.Reverse(1); ok {
		t.Fatal("a number of the former source was mapped onto the new one")
	}
}

func TestOnlySomeRunsAreKept(t *testing.T) {
	m := New(0)
	for i := range uint64(20) {
		m.Cut()
		fwd(t, m, 100*i, 1<<16+i)
	}
	if _, ok := m.Reverse(0); ok {
		t.Fatal("a forgotten run was found")
	}
	if src, ok := m.Reverse(13); !ok || src != 1300 {
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
				m.Cut()
				src += 3
			case b > 200:
				src -= uint64(b - 200)
			default:
				src += uint64(b%7) + 1
			}
			out, ok := m.Forward(src)
			if !ok {
				continue
			}
			if was, dup := sent[out]; dup && was != src {
				t.Fatalf("two packets, %d and %d, were given %d", was, src, out)
			}
			sent[out] = src
			if back, ok := m.Reverse(uint16(out)); !ok || back != src {
				t.Fatalf("Reverse(%d) = %d, %v; want %d", out, back, ok, src)
			}
		}
	})
}
