package ring

import (
	"bytes"
	"testing"
)

func put(t *testing.T, r *Ring, seq uint64, want bool) {
	t.Helper()
	if got := r.Put(&Packet{Seq: seq, Time: uint32(seq), Payload: []byte{byte(seq)}}); got != want {
		t.Fatalf("Put(%d) = %v, want %v", seq, got, want)
	}
}

func TestOrderOfArrivalAndSequence(t *testing.T) {
	r := New(4)
	var p Packet
	if r.At(0, &p) != NotYet || r.Get(0, &p) {
		t.Fatal("an empty ring found something")
	}
	for _, s := range []uint64{10, 12, 11} {
		put(t, r, s, true)
	}
	put(t, r, 11, false)
	for i, want := range []uint64{10, 12, 11} {
		if r.At(uint64(i), &p) != Found || p.Seq != want || p.Payload[0] != byte(want) {
			t.Fatalf("arrival %d: %+v, want %d", i, p, want)
		}
	}
	if r.At(3, &p) != NotYet || r.Head() != 3 {
		t.Fatal("head is wrong")
	}
	if !r.Get(11, &p) || p.Time != 11 || r.Get(13, &p) {
		t.Fatal("Get is wrong")
	}
}

func TestLapAndTooOld(t *testing.T) {
	r := New(4)
	var p Packet
	for s := uint64(1); s <= 9; s++ {
		put(t, r, s, true)
	}
	put(t, r, 5, false) // 9-4
	if r.At(0, &p) != Lapped || r.Get(5, &p) {
		t.Fatal("an overwritten packet was found")
	}
	if r.At(5, &p) != Found || p.Seq != 6 {
		t.Fatalf("oldest kept: %+v", p)
	}
	put(t, r, 100, true)
	if r.At(6, &p) != Found || r.At(7, &p) != Lapped || r.At(8, &p) != Found {
		t.Fatal("a jump must lose what it overwrites and nothing else")
	}
	r = New(4)
	put(t, r, 1, true)
	put(t, r, 5, true) // the same slot
	if r.At(0, &p) != Lapped {
		t.Fatal("a slot reused by a later sequence number must be Lapped")
	}
}

func TestPacketsAreCopied(t *testing.T) {
	r := New(2)
	in := &Packet{Seq: 1, Payload: []byte("abc")}
	r.Put(in)
	in.Payload[0] = 'x'
	var a Packet
	r.Get(1, &a)
	a.Payload[1] = 'y'
	var b Packet
	r.Get(1, &b)
	if !bytes.Equal(b.Payload, []byte("abc")) {
		t.Fatalf("shared memory: %q", b.Payload)
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	r := New(8)
	in, out := Packet{Payload: make([]byte, 1200)}, Packet{}
	step := func() {
		in.Seq++
		r.Put(&in)
		r.Get(in.Seq, &out)
	}
	for range 16 {
		step()
	}
	if n := testing.AllocsPerRun(100, step); n != 0 {
		t.Fatalf("%v allocations a packet", n)
	}
}
