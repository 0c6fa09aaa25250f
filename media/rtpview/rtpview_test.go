package rtpview

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
)

func packet(t testing.TB, h rtp.Header, payload []byte) []byte {
	t.Helper()
	p := rtp.Packet{Header: h, Payload: payload}
	p.Version = 2
	b, err := p.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestParse(t *testing.T) {
	h := rtp.Header{Marker: true, PayloadType: 96, SequenceNumber: 7, Timestamp: 8, SSRC: 9, CSRC: []uint32{1, 2}}
	_ = h.SetExtension(3, []byte{0xab, 0xcd})
	_ = h.SetExtension(4, []byte("mid"))
	v, err := Parse(packet(t, h, []byte("payload")))
	if err != nil || !v.Marker || v.Type != 96 || v.Seq != 7 || v.Time != 8 || v.SSRC != 9 || string(v.Payload) != "payload" {
		t.Fatalf("%+v, %v", v, err)
	}
	if !bytes.Equal(v.Extension(3), []byte{0xab, 0xcd}) || string(v.Extension(4)) != "mid" || v.Extension(5) != nil || v.Extension(0) != nil {
		t.Fatal("extensions are wrong")
	}
}

func TestTwoByteExtensionsAndPadding(t *testing.T) {
	h := rtp.Header{Extension: true, ExtensionProfile: rtp.ExtensionProfileTwoByte, Padding: true, PaddingSize: 5}
	_ = h.SetExtension(200, []byte("a long one, too long for one byte"))
	v, err := Parse(packet(t, h, []byte("x")))
	if err != nil || string(v.Extension(200)) != "a long one, too long for one byte" || string(v.Payload) != "x" {
		t.Fatalf("%+v, %v", v, err)
	}
}

func TestMalformed(t *testing.T) {
	good := packet(t, rtp.Header{}, nil)
	for name, b := range map[string][]byte{
		"empty":        {},
		"short":        good[:11],
		"version":      append([]byte{0x40}, good[1:]...),
		"csrc":         append([]byte{0x8f}, good[1:]...),
		"no extension": append([]byte{0x90}, good[1:]...),
		"extension":    append(append([]byte{0x90}, good[1:]...), 0xbe, 0xde, 0, 9),
		"padding":      append(append([]byte{0xa0}, good[1:]...), 200),
		"no padding":   append([]byte{0xa0}, good[1:]...),
	} {
		if _, err := Parse(b); err != ErrMalformed {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, ext := range [][]byte{{0x3f, 0, 0, 0}, {0xf0, 1, 2, 3}} {
		b := append(append([]byte{0x90}, good[1:]...), 0xbe, 0xde, 0, 1)
		if v, err := Parse(append(b, ext...)); err != nil || v.Extension(3) != nil {
			t.Errorf("extension %x: %v", ext, err)
		}
	}
	b := append(append([]byte{0x90}, good[1:]...), 0x10, 0, 0, 1, 0, 0, 0, 7)
	if v, err := Parse(b); err != nil || v.Extension(7) != nil {
		t.Error("cut off two-byte extension", err)
	}
}

func FuzzParse(f *testing.F) {
	h := rtp.Header{SequenceNumber: 1}
	_ = h.SetExtension(3, []byte{1, 2})
	f.Add(packet(f, h, []byte("abc")))
	f.Add([]byte{0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		v, err := Parse(b)
		if err != nil {
			return
		}
		if len(v.Payload) > len(b)-12 {
			t.Fatal("the payload is longer than the packet")
		}
		for id := range 256 {
			v.Extension(uint8(id))
		}
		var p rtp.Packet
		if p.Unmarshal(b) == nil && (p.SequenceNumber != v.Seq || p.SSRC != v.SSRC || p.Timestamp != v.Time || p.Marker != v.Marker) {
			t.Fatalf("we read %+v, pion %+v", v, p.Header)
		}
	})
}
