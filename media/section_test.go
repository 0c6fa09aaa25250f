package media

import (
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"

	"neochat/media/ring"
	"neochat/media/rtpview"
	"neochat/media/vp8"
)

// outlet is the far end of a section.
type outlet struct {
	sent []rtp.Packet
	err  error
	keep bool
}

func (o *outlet) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	if o.keep {
		o.sent = append(o.sent, rtp.Packet{Header: h.Clone(), Payload: append([]byte{}, payload...)})
	}
	return len(payload), o.err
}

// bench is a publisher and a receiver without a network.
type bench struct {
	sfu  *SFU
	from *Peer
	to   *Peer
	pub  *publication
	lay  *layer // the only one
	sec  *section
	out  *outlet
	seq  uint16
}

func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{sfu: listen(t), out: &outlet{keep: true}, seq: 65530}
	var err error
	l := newListener()
	close(l.hold)
	if b.from, err = b.sfu.Join("room", "from", nil, l); err != nil {
		t.Fatal(err)
	}
	if b.to, err = b.sfu.Join("room", "to", nil, l); err != nil {
		t.Fatal(err)
	}
	b.to.connected.Store(true)
	t.Cleanup(func() { b.to.connected.Store(false) })
	if err := b.from.Publish("0", Camera, false); err != nil {
		t.Fatal(err)
	}
	b.pub = b.from.publications[0]
	b.pub.layLocked(&sectionOffer{})
	b.lay = b.pub.layers[0]
	b.sec = newSection(b.to, video, 0)
	b.sec.mid = "5"
	b.sec.binding = binding{out: b.out, ssrc: 10, rtxSSRC: 11, pt: 96, rtxPT: 97, midID: 4, transport: 3}
	b.sec.header = b.sec.binding.header(96, 10)
	_ = b.sec.header.SetExtension(4, []byte("5"))
	b.sec.repair.header = b.sec.binding.header(97, 11)
	b.sec.bound = true
	b.sec.assigned, b.sec.next = b.pub, b.lay // without a writer: the test passes the packets on
	return b
}

// packet publishes one and passes it on.
func (b *bench) packet(key bool, now time.Duration) outcome {
	payload := []byte{0x10, 1, byte(b.seq)}
	if key {
		payload[1] = 0
	}
	b.lay.received(&rtpview.View{Seq: b.seq, SSRC: 1, Time: uint32(b.seq) * 100, Payload: payload}, nil, now)
	b.seq++
	var p ring.Packet
	if b.lay.ring.At(b.lay.ring.Head()-1, &p) != ring.Found {
		return ignored
	}
	return b.sec.forward(b.lay, &p, vp8.Numbers{}, now)
}

func (b *bench) last() *rtp.Packet { return &b.out.sent[len(b.out.sent)-1] }

func TestForwardingBeginsWithAKeyframe(t *testing.T) {
	b := newBench(t)
	if b.packet(false, 0) != ignored || b.packet(true, 0) != forwarded || b.packet(false, 0) != forwarded {
		t.Fatal("wrong begin")
	}
	first, second := b.out.sent[0], b.out.sent[1]
	if second.SequenceNumber != first.SequenceNumber+1 || second.Timestamp != first.Timestamp+100 || first.PayloadType != 96 || first.SSRC != 10 {
		t.Errorf("%+v %+v", first.Header, second.Header)
	}
	n1, n2 := binary.BigEndian.Uint16(first.GetExtension(3)), binary.BigEndian.Uint16(second.GetExtension(3))
	if n2 != n1+1 || string(second.GetExtension(4)) != "5" {
		t.Errorf("transport-wide numbers %d, %d", n1, n2)
	}
	b.to.down.streams.Store(&map[uint32]*section{10: b.sec})
	raw, err := (&rtcp.ReceiverReport{SSRC: 7, Reports: []rtcp.ReceptionReport{{SSRC: 10, LastSequenceNumber: 3}}}).Marshal()
	if err != nil {
		t.Fatal(err)
	}
	b.to.feedback(10, raw)
	b.packet(false, 0)
	if b.last().GetExtension(4) != nil || b.last().GetExtension(3) == nil {
		t.Error("the mid is still sent to a client that knows the stream")
	}
	b.out.err = errors.New("no")
	if b.packet(false, 0) != undeliverable {
		t.Error("a failure was not noticed")
	}
}

func TestALappedWriterGoesOnWithAKeyframeAndNoHole(t *testing.T) {
	b := newBench(t)
	b.packet(true, 0)
	before := b.last().SequenceNumber
	w := &writer{sfu: b.sfu}
	f := &feed{layer: b.lay, writer: w}
	f.sections.Store(&[]*section{b.sec})
	for range 2 * video.slots() {
		b.seq++
		b.lay.received(&rtpview.View{Seq: b.seq, SSRC: 1, Payload: []byte{0x10, 1, 0}}, nil, 0)
	}
	w.drain(f)
	if got := b.sfu.Stats().Skips; got != 1 {
		t.Fatalf("%d skips", got)
	}
	b.seq += 2 // one more is missing when it goes on
	if b.packet(false, time.Second) != ignored || b.packet(true, time.Second) != forwarded {
		t.Fatal("did not wait for a key frame")
	}
	if b.last().SequenceNumber != before+1 {
		t.Errorf("a hole of %d", b.last().SequenceNumber-before-1)
	}
}

func TestResend(t *testing.T) {
	b := newBench(t)
	for range 20 {
		b.packet(true, 0)
	}
	lost := b.out.sent[3]
	ask := func(now time.Duration, seqs ...uint16) int {
		before := len(b.out.sent)
		b.sec.requested(&rtcp.TransportLayerNack{MediaSSRC: 10, Nacks: rtcp.NackPairsFromSequenceNumbers(seqs)}, now)
		return len(b.out.sent) - before
	}
	if n := ask(time.Second, lost.SequenceNumber); n != 1 {
		t.Fatalf("%d repairs", n)
	}
	r := b.last()
	if r.SSRC != 11 || r.PayloadType != 97 || r.Timestamp != lost.Timestamp || binary.BigEndian.Uint16(r.Payload) != lost.SequenceNumber || string(r.Payload[2:]) != string(lost.Payload) {
		t.Errorf("%+v", r)
	}
	if n := ask(time.Second+time.Millisecond, lost.SequenceNumber); n != 0 {
		t.Error("sent again at once")
	}
	if n := ask(2*time.Second, lost.SequenceNumber+1000); n != 0 {
		t.Error("sent what was never sent")
	}
	total := 0
	for i := range 100 {
		total += ask(time.Duration(10+i)*time.Second, b.out.sent[i%20].SequenceNumber)
	}
	if total > 10 {
		t.Errorf("%d repairs after 20 packets", total)
	}
	b.sec.assignLocked(nil)
	if n := ask(time.Hour, lost.SequenceNumber); n != 0 {
		t.Error("a section without a source sent something")
	}
}

func TestForwardingAllocatesNothing(t *testing.T) {
	b := newBench(t)
	b.packet(true, 0)
	b.out.keep = false
	p := ring.Packet{Seq: 1<<32 + 1<<20, Epoch: 1, Payload: make([]byte, 1200)}
	n := testing.AllocsPerRun(200, func() {
		p.Seq++
		if b.sec.forward(b.lay, &p, vp8.Numbers{}, 0) != forwarded {
			t.Fatal("not forwarded")
		}
	})
	if n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func TestUndeclaredStreamsAreKnownByTheirMid(t *testing.T) {
	b := newBench(t)
	pub, retransmission := b.pub, map[uint8]bool{97: true}
	r := &routes{midID: 4, transportID: 3, byMid: map[string]routeMid{"0": {publication: pub, retransmission: retransmission}}}
	b.from.up.routes.Store(r)
	send := func(ssrc uint32, pt uint8, mid string, payload ...byte) {
		h := rtp.Header{Version: 2, SSRC: ssrc, PayloadType: pt, SequenceNumber: 5}
		_ = h.SetExtension(3, []byte{0, byte(ssrc)})
		if mid != "" {
			_ = h.SetExtension(4, []byte(mid))
		}
		raw, err := (&rtp.Packet{Header: h, Payload: payload}).Marshal()
		if err != nil {
			t.Fatal(err)
		}
		b.from.up.receive(raw)
	}
	send(100, 96, "", 0x10, 0)   // nobody's
	send(101, 96, "9", 0x10, 0)  // of no section
	send(102, 96, "0", 0x10, 0)  // ours
	send(102, 96, "", 0x10, 0)   // a duplicate, without mid now
	send(103, 97, "0", 0, 4, 16) // a retransmission of number 4
	st := b.sfu.Stats()
	if st.Unknown != 2 || st.PacketsIn != 2 || st.RepairsIn != 1 || b.lay.ring.Head() != 2 {
		t.Errorf("%+v, head %d", st, b.lay.ring.Head())
	}
	if got := b.from.up.routes.Load().bySSRC; !got[103].rtx || got[102].layer != b.lay {
		t.Errorf("%v", got)
	}
	if fb := b.from.up.transportFeedback(); len(fb) == 0 {
		t.Error("no transport-wide feedback")
	}
	b.from.up.receive([]byte("rubbish"))
}

func TestANewStreamOfAPublicationGoesOn(t *testing.T) {
	b := newBench(t)
	b.packet(true, 0)
	b.packet(false, 0)
	before := b.last()
	payload := []byte{0x10, 0, 9}
	b.lay.received(&rtpview.View{Seq: 3, SSRC: 2, Time: 77, Payload: payload}, nil, 100*time.Millisecond)
	var p ring.Packet
	b.lay.ring.At(b.lay.ring.Head()-1, &p)
	if b.sec.forward(b.lay, &p, vp8.Numbers{}, 100*time.Millisecond) != forwarded {
		t.Fatal("not forwarded")
	}
	if l := b.last(); l.SequenceNumber != before.SequenceNumber+1 || l.Timestamp-before.Timestamp != 9000 {
		t.Errorf("%+v after %+v", l.Header, before.Header)
	}
}
