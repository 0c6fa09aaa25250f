package firstbytes

import (
	"encoding/binary"
	"testing"
)

// stun makes a STUN message of a type with attributes as they are.
func stun(kind uint16, attributes ...byte) []byte {
	b := make([]byte, stunHeader, stunHeader+len(attributes))
	binary.BigEndian.PutUint16(b, kind)
	binary.BigEndian.PutUint16(b[2:], uint16(len(attributes)))
	binary.BigEndian.PutUint32(b[4:], cookie)
	return append(b, attributes...)
}

// padded is a packet of n bytes that begins with head.
func padded(n int, head ...byte) []byte { return append(head, make([]byte, n-len(head))...) }

var (
	user     = []byte{0, 6, 0, 3, 'a', ':', 'b', 0}
	software = []byte{0x80, 0x22, 0, 2, 'x', 'y', 0, 0}
)

func TestDatagram(t *testing.T) {
	cases := []struct {
		name   string
		packet []byte
		want   Kind
	}{
		{"nothing", nil, Garbage},
		{"one byte", []byte{0x80}, Garbage},
		{"ICE check", stun(0x0001, user...), ICE},
		{"ICE check, the user name later", stun(0x0001, append(software, user...)...), ICE},
		{"address asked, without attributes", stun(0x0001), Relay},
		{"address asked, software named", stun(0x0001, software...), Relay},
		{"binding indication", stun(0x0011), ICE},
		{"binding response", stun(0x0101), ICE},
		{"binding error", stun(0x0111), ICE},
		{"allocate", stun(0x0003, user...), Relay},
		{"refresh", stun(0x0004), Relay},
		{"send indication", stun(0x0016), Relay},
		{"data indication", stun(0x0017), Relay},
		{"create permission", stun(0x0008), Relay},
		{"channel bind", stun(0x0009), Relay},
		{"allocate error", stun(0x0113), Relay},
		{"STUN cut off", stun(0x0001, user...)[:24], Garbage},
		{"STUN of an odd length", append(stun(0x0001, 1, 2), 0, 0), Garbage},
		{"attribute past the end", stun(0x0001, 0x80, 0x22, 0, 9, 1, 2, 3, 4), Garbage},
		{"STUN without cookie", padded(20, 0, 1), Garbage},
		{"first byte 4", padded(40, 4), Garbage},
		{"ZRTP", padded(40, 16), Garbage},
		{"first byte 19", padded(40, 19), Garbage},
		{"DTLS change cipher spec", padded(14, 20), DTLS},
		{"DTLS handshake", padded(40, 22), DTLS},
		{"last of DTLS", padded(40, 63), DTLS},
		{"DTLS too short", padded(12, 22), Garbage},
		{"first channel", padded(8, 0x40), Relay},
		{"channel of an older client", padded(8, 0x7f, 0xff), Relay},
		{"empty channel data", padded(4, 0x40), Relay},
		{"RTP", padded(40, 0x80, 96), RTP},
		{"RTP with marker", padded(40, 0x80, 0x80|111), RTP},
		{"RTP with padding and extension", padded(40, 0xb0, 96), RTP},
		{"RTP too short", padded(11, 0x80, 96), Garbage},
		{"RTCP sender report", padded(28, 0x80, 200), RTCP},
		{"first of RTCP", padded(8, 0x81, 192), RTCP},
		{"last of RTCP", padded(8, 0x81, 223), RTCP},
		{"past RTCP", padded(12, 0x81, 224), RTP},
		{"RTCP too short", padded(7, 0x81, 200), Garbage},
		{"first byte 192", padded(40, 192, 200), Garbage},
		{"first byte 255", padded(40, 255), Garbage},
	}
	for _, c := range cases {
		if got := Datagram(c.packet); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestEveryFirstByteHasItsPlace(t *testing.T) {
	for c := range 256 {
		want := Garbage
		switch {
		case c >= 20 && c < 64:
			want = DTLS
		case c >= 64 && c < 128:
			want = Relay
		case c >= 128 && c < 192:
			want = RTP
		}
		if got := Datagram(padded(100, byte(c), 96)); got != want {
			t.Errorf("first byte %d: %v, want %v", c, got, want)
		}
	}
}

func TestKindsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for k := range Kinds + 1 {
		seen[k.String()] = true
	}
	if len(seen) != int(Kinds)+1 {
		t.Errorf("names are shared or missing: %v", seen)
	}
}

func TestNothingIsAllocated(t *testing.T) {
	check, rtp, turn := stun(0x0001, append(software, user...)...), padded(1200, 0x80, 96), stun(0x0003)
	if n := testing.AllocsPerRun(100, func() {
		if Datagram(check) != ICE || Datagram(rtp) != RTP || Stream(turn) != TURN {
			t.Fatal("sorted wrongly")
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// framed puts a STUN message into the frame of ICE over TCP.
func framed(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

func TestStream(t *testing.T) {
	big := stun(0x0001, append(padded(1204, 0x80, 0x22, 0x04, 0xb0), user...)...)
	cases := []struct {
		name  string
		bytes []byte
		want  Protocol
		need  int // bytes until the answer is there
	}{
		{"GET", []byte("GET / HTTP/1.1\r\n"), HTTP, 1},
		{"HTTP/2", []byte("PRI * HTTP/2.0\r\n"), HTTP, 1},
		{"a method in small letters", []byte("get / HTTP/1.1\r\n"), HTTP, 1},
		{"TLS", []byte{0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3}, TLS, 1},
		{"TURN allocate", stun(0x0003), TURN, 8},
		{"TURN binding", stun(0x0001), TURN, 8},
		{"ICE", framed(stun(0x0001, user...)), ICETCP, 10},
		{"ICE, a large check", framed(big), ICETCP, 10},
		{"zeros", make([]byte, 64), Unknown, 10},
		{"channel data", padded(64, 0x40), Unknown, 1},
		{"SSH comes as letters", []byte("SSH-2.0-x\r\n"), HTTP, 1},
		{"above", padded(64, 0xff), Unknown, 1},
	}
	for _, c := range cases {
		for n := range c.bytes {
			want := c.want
			if n < c.need {
				want = More
			}
			if got := Stream(c.bytes[:n]); got != want {
				t.Errorf("%s, %d bytes: %v, want %v", c.name, n, got, want)
			}
		}
	}
}

func FuzzDatagram(f *testing.F) {
	for _, b := range [][]byte{nil, stun(1, user...), stun(1, software...), stun(3), padded(40, 0x80, 96), padded(40, 0x80, 200), padded(14, 22), padded(4, 0x40)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		kind := Datagram(b)
		if kind >= Kinds {
			t.Fatalf("no such kind: %d", kind)
		}
		if kind == Garbage {
			return
		}
		// RFC 7983: only the first byte decides between the protocols.
		switch c := b[0]; {
		case kind == ICE && c > 3, kind == DTLS && (c < 20 || c > 63), (kind == RTP || kind == RTCP) && (c < 128 || c > 191),
			kind == Relay && c > 3 && (c < 64 || c > 127):
			t.Fatalf("first byte %d is %v", c, kind)
		}
	})
}

func FuzzStream(f *testing.F) {
	for _, b := range [][]byte{nil, []byte("GET /"), {0x16, 3, 1}, stun(3), framed(stun(1, user...)), make([]byte, 12)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		whole := Stream(b)
		if len(b) >= Enough && whole == More {
			t.Fatal("never satisfied")
		}
		// What is decided early stays decided, however the bytes trickle in.
		for n := range b {
			if got := Stream(b[:n]); got != More && got != whole {
				t.Fatalf("%v after %d bytes, %v in the end", got, n, whole)
			}
		}
	})
}

func BenchmarkDatagram(b *testing.B) {
	for _, c := range []struct {
		name   string
		packet []byte
	}{{"rtp", padded(1200, 0x80, 96)}, {"check", stun(1, append(software, user...)...)}, {"channel", padded(1200, 0x40)}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			var sum int
			for b.Loop() {
				sum += int(Datagram(c.packet))
			}
			if sum == 0 {
				b.Fatal("garbage")
			}
		})
	}
}
