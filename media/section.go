package media

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"neochat/media/ring"
	"neochat/media/seqmap"
	"neochat/media/vp8"
)

// outcome is what became of a packet in one section.
type outcome int

const (
	ignored outcome = iota
	forwarded
	undeliverable
)

// section is an m-section of a peer's description in which we send. It carries one publication after another in one RTP stream of its
// own, whose numbers and timestamps go on across the changes. To Pion it is a webrtc.TrackLocal.
type section struct {
	peer  *Peer
	kind  kind
	index int    // among the peer's sections of that kind; browsers play sound and picture of one index in step
	mid   string // set before the section is shown to anybody

	repeats atomic.Bool // the client knows packets that bring along earlier sound
	lean    atomic.Bool // what they bring along is left out

	assigned *publication // guarded by room.mu
	dead     bool         // guarded by room.mu: the client no longer receives in it

	header rtp.Header // owned by the writer after binding
	body   []byte     // owned by the writer: payload of what is being sent
	replay replay     // owned by the writer
	repair repair

	mu        sync.Mutex
	bound     bool    // guarded by mu, and what follows too
	binding   binding // constant while bound
	from      *layer  // what is passed on
	next      *layer  // what is to be, from its next key frame on; nil: from stays
	numbers   *seqmap.Map
	runs      [seqmap.Keep]alignment // those the numbers remember, by tag
	tag       uint64                 // of the present one
	numbering vp8.Numbering
	lastTime  uint32 // timestamp last sent, and when
	lastAt    time.Duration
	acked     bool // the client has reported on the stream: it knows whose it is
	packets   uint32
	octets    uint32
	allowed   float64 // repairs that may be sent; each packet adds to it
}

// alignment is how the packets of one layer fit into a section's stream while they are passed on without a break.
type alignment struct {
	layer  *layer
	epoch  uint32
	offset uint32 // added to timestamps
	shift  vp8.Shift
}

// binding is what the negotiation gave a section.
type binding struct {
	out              packetOut
	ssrc, rtxSSRC    uint32
	pt, rtxPT        uint8
	redundantPT      uint8 // of sound with that of earlier packets, 0 if the client does not know it
	midID, transport uint8 // header extension ids, 0 for none
}

func newSection(p *Peer, k kind, index int) *section {
	return &section{peer: p, kind: k, index: index, numbers: seqmap.New(uint16(rand.UintN(1 << 15))), lastTime: rand.Uint32()}
}

// ID, RID, StreamID and Kind are what Pion writes into the description.
func (s *section) ID() string { return fmt.Sprintf("%s-%d", s.kind, s.index) }

// RID is empty: there is one encoding.
func (s *section) RID() string { return "" }

// StreamID is shared by the sound and the picture that are played in step.
func (s *section) StreamID() string { return fmt.Sprintf("slot-%d", s.index) }

// Kind is the medium.
func (s *section) Kind() webrtc.RTPCodecType { return webrtc.NewRTPCodecType(string(s.kind)) }

// Bind is called by Pion when the section is negotiated.
func (s *section) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	want := webrtc.MimeTypeOpus
	if s.kind == video {
		want = webrtc.MimeTypeVP8
	}
	for _, codec := range c.CodecParameters() {
		if strings.EqualFold(codec.MimeType, want) {
			s.bind(c, codec)
			return codec, nil
		}
	}
	return webrtc.RTPCodecParameters{}, webrtc.ErrUnsupportedCodec
}

func (s *section) bind(c webrtc.TrackLocalContext, codec webrtc.RTPCodecParameters) {
	b := binding{out: c.WriteStream(), ssrc: uint32(c.SSRC()), rtxSSRC: uint32(c.SSRCRetransmission()), pt: uint8(codec.PayloadType)}
	for _, x := range c.CodecParameters() {
		if strings.EqualFold(x.MimeType, webrtc.MimeTypeRTX) && x.SDPFmtpLine == fmt.Sprintf("apt=%d", b.pt) {
			b.rtxPT = uint8(x.PayloadType)
		}
		if strings.EqualFold(x.MimeType, mimeTypeRED) && repeats(x.SDPFmtpLine, b.pt) {
			b.redundantPT = uint8(x.PayloadType)
			s.repeats.Store(true)
		}
	}
	for _, x := range c.HeaderExtensions() {
		switch x.URI {
		case midURI:
			b.midID = uint8(x.ID)
		case transportCCURI:
			b.transport = uint8(x.ID)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.binding = b
	s.header = b.header(b.pt, b.ssrc)
	if b.midID != 0 {
		_ = s.header.SetExtension(b.midID, []byte(s.mid)) // fits: mids are checked
	}
	s.repair.header = b.header(b.rtxPT, b.rtxSSRC)
	s.repair.seq = uint16(rand.UintN(1 << 15))
	s.bound = true
}

// header is the constant part of the packets of one stream, with room for the transport-wide number.
func (b binding) header(pt uint8, ssrc uint32) rtp.Header {
	h := rtp.Header{Version: 2, PayloadType: pt, SSRC: ssrc}
	if b.transport != 0 {
		_ = h.SetExtension(b.transport, make([]byte, 2))
	}
	return h
}

// Unbind is called by Pion at the end.
func (s *section) Unbind(webrtc.TrackLocalContext) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bound = false
	return nil
}

// assignLocked makes the section carry pub from now on, nil for nothing; which layer of it, aim says. room.mu is held.
func (s *section) assignLocked(pub *publication) {
	s.assigned = pub
	s.aim(nil)
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.runs {
		if l := s.runs[i].layer; l != nil && l.publication != pub {
			s.runs[i].layer = nil // its packets are kept no longer than it lasts
		}
	}
}

// aim makes the section pass on a layer of its publication, nil for none. Another one than now comes with its next key frame; until
// then the one of now goes on.
func (s *section) aim(l *layer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == l && l != nil {
		return
	}
	if s.next != nil {
		s.next.unlisten(s)
		s.next = nil
	}
	switch {
	case l == nil && s.from != nil:
		s.from.unlisten(s)
		s.from = nil
	case l != s.from:
		s.next = l
		l.listen(s)
	}
}

// skip leaves out what comes of a layer until the next place to begin at.
func (s *section) skip(from *layer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.from != from || from == nil {
		return
	}
	s.from = nil
	if s.next == nil {
		s.next = from
		return
	}
	from.unlisten(s)
}

// layers are the one passed on and the one to follow it.
func (s *section) layers() (from, next *layer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.from, s.next
}

// forward passes a packet of from on; n are the picture numbers in it. It is called by the peer's writer only, whose packet it is.
func (s *section) forward(from *layer, p *ring.Packet, n vp8.Numbers, now time.Duration) outcome {
	switch s.prepare(from, p, n, now) {
	case drops:
		return ignored
	case waits:
		from.askKeyframe()
		return ignored
	}
	s.peer.down.stamp(&s.header, s.binding.transport, len(s.body), now)
	if n, err := s.binding.out.WriteRTP(&s.header, s.body); err != nil || n == 0 {
		return undeliverable
	}
	return forwarded
}

// decision is why prepare lets a packet go or not.
type decision int

const (
	goes decision = iota
	drops
	waits // for a key frame
)

// prepare decides on a packet, fills in the header and the picture's numbers, and sets body.
func (s *section) prepare(from *layer, p *ring.Packet, n vp8.Numbers, now time.Duration) decision {
	s.mu.Lock()
	defer s.mu.Unlock()
	if (s.from != from && s.next != from) || !s.bound || !s.peer.connected.Load() {
		return drops
	}
	if s.from != from || p.Epoch != s.runs[s.tag%seqmap.Keep].epoch {
		if s.from == from && int32(p.Epoch-s.runs[s.tag%seqmap.Keep].epoch) < 0 {
			return drops
		}
		if s.kind == video && !p.Keyframe {
			return waits
		}
		s.beginLocked(from, p, n, now)
	}
	seq, tag, ok := s.numbers.Forward(p.Seq)
	if !ok {
		return drops
	}
	run := &s.runs[tag%seqmap.Keep]
	h := &s.header
	s.body, h.PayloadType = s.bodyLocked(p.Payload, p.Primary)
	h.Marker, h.SequenceNumber, h.Timestamp = p.Marker, uint16(seq), p.Time+run.offset
	if s.acked && s.binding.midID != 0 && len(h.Extensions) > 1 {
		_ = h.DelExtension(s.binding.midID)
	}
	n.Write(p.Payload, run.shift)
	if tag == s.tag {
		s.numbering.Sent(n)
	}
	if int32(h.Timestamp-s.lastTime) >= 0 {
		s.lastTime, s.lastAt = h.Timestamp, now
	}
	s.packets++
	s.octets += uint32(len(s.body))
	s.allowed = min(s.allowed+repairsPerPacket, maxRepairs)
	return goes
}

// beginLocked starts passing on a layer, or goes on with it after a part was left out: numbers without a hole, and time as it goes on.
func (s *section) beginLocked(l *layer, p *ring.Packet, n vp8.Numbers, now time.Duration) {
	run := alignment{layer: l, epoch: p.Epoch, offset: s.offsetLocked(l, p, now), shift: s.numbering.Begin(n)}
	s.tag++
	s.runs[s.tag%seqmap.Keep] = run
	s.numbers.Cut(l.id, s.tag)
	if s.from != nil && s.from != l {
		s.from.unlisten(s)
		s.switchedLocked(l)
	}
	if s.next == l {
		s.next = nil
	}
	s.from = l
	if s.kind == video {
		s.peer.gotPicture(now)
	}
}

// switchedLocked counts a change of layers, from the present one.
func (s *section) switchedLocked(to *layer) {
	c := s.peer.room.sfu.counts
	switch {
	case s.from.publication != to.publication:
	case to.index > s.from.index:
		c.larger.Add(1)
	default:
		c.smaller.Add(1)
	}
}

// gotPicture notes that a picture begins, which is the first one or not.
func (p *Peer) gotPicture(now time.Duration) {
	if joined := p.awaits.Swap(0); joined != 0 {
		p.room.sfu.counts.firstPicture.add((now - time.Duration(joined)).Seconds())
	}
}

// leastStep is how much later than anything before a new run begins, in time: pictures of one timestamp would be taken for one.
const leastStep = 10 * time.Millisecond

// offsetLocked is what is to be added to the timestamps of a run that begins with p. Within a stream it stays. Between layers of one source it
// follows from what their clocks show at this moment. Otherwise time goes on as much as has gone by.
func (s *section) offsetLocked(l *layer, p *ring.Packet, now time.Duration) uint32 {
	before := &s.runs[s.tag%seqmap.Keep]
	if before.layer == l && before.epoch == p.Epoch {
		return before.offset
	}
	rate := s.kind.clockRate()
	least := s.lastTime + ticks(leastStep, rate)
	stamp, epoch, ok := l.stampAt(now)
	if !ok || epoch != p.Epoch {
		stamp = p.Time
	}
	offset := s.lastTime + ticks(max(now-s.lastAt, leastStep), rate) - stamp
	if before.layer != nil && before.layer != l && before.layer.publication == l.publication {
		if shown, epoch, known := before.layer.stampAt(now); known && ok && epoch == before.epoch {
			exact := shown + before.offset - stamp
			if off := int32(exact - offset); off < int32(rate) && off > -int32(rate) {
				offset = exact
			}
		}
	}
	if behind := int32(least - (p.Time + offset)); behind > 0 {
		offset += uint32(behind)
	}
	return offset
}

// ticks is a time in units of a clock.
func ticks(d time.Duration, rate uint32) uint32 {
	return uint32(int64(d/time.Microsecond) * int64(rate) / 1_000_000)
}

// senderReport makes the sender report of the section's stream, nil while there is none.
func (s *section) senderReport(now time.Duration) *rtcp.SenderReport {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.bound || s.from == nil {
		return nil
	}
	run := &s.runs[s.tag%seqmap.Keep]
	stamp, epoch, ok := s.from.stampAt(now)
	if !ok || run.epoch != epoch {
		return nil
	}
	return &rtcp.SenderReport{SSRC: s.binding.ssrc, RTPTime: stamp + run.offset, PacketCount: s.packets, OctetCount: s.octets}
}

const (
	repairsPerPacket = 0.5 // a receiver that asks for more than half of everything again has no use for it
	maxRepairs       = 256
	repairSpacing    = 15 * time.Millisecond // the same packet is not sent again sooner
)

// repair is the retransmission stream of a section (RFC 4588).
type repair struct {
	mu      sync.Mutex // held while something is sent on it
	header  rtp.Header // guarded by mu, and what follows too
	seq     uint16
	packet  ring.Packet
	payload []byte
	recent  [128]struct {
		seq uint16
		at  time.Duration
	}
}

// resend answers a request for a packet; false if it is not to be had.
func (s *section) resend(seq uint16, now time.Duration) bool {
	r := &s.repair
	r.mu.Lock()
	defer r.mu.Unlock()
	recent := &r.recent[seq%128]
	if recent.seq == seq && recent.at != 0 && now-recent.at < repairSpacing {
		return false
	}
	out, ok := s.find(seq)
	if !ok {
		return false
	}
	recent.seq, recent.at = seq, now
	r.header.Marker = r.packet.Marker
	r.header.SequenceNumber = r.seq
	r.seq++
	r.payload = append(binary.BigEndian.AppendUint16(r.payload[:0], seq), r.packet.Payload...)
	s.peer.down.stamp(&r.header, s.binding.transport, len(r.payload), now)
	n, err := out.WriteRTP(&r.header, r.payload)
	return err == nil && n > 0
}

// pad sends packets of nothing but padding, so many bytes in all; false if the section has no retransmission stream for them.
func (s *section) pad(bytes int, now time.Duration) bool {
	s.mu.Lock()
	b, stamp, ok := s.binding, s.lastTime, s.bound && s.binding.rtxSSRC != 0 && s.binding.rtxPT != 0 && s.packets > 0
	s.mu.Unlock()
	if !ok {
		return false
	}
	r := &s.repair
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.header
	h.Extensions = slices.Clone(h.Extensions)
	h.Marker, h.Timestamp, h.Padding, h.PaddingSize = false, stamp, true, 255
	for ; bytes > 0; bytes -= int(h.PaddingSize) + overhead {
		h.SequenceNumber = r.seq
		r.seq++
		s.peer.down.stamp(&h, b.transport, int(h.PaddingSize), now)
		if _, err := b.out.WriteRTP(&h, nil); err != nil {
			break
		}
		s.peer.room.sfu.counts.padding.Add(1)
	}
	return true
}

// find gets a packet sent earlier ready for another sending.
func (s *section) find(seq uint16) (packetOut, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.bound || s.binding.rtxSSRC == 0 || s.binding.rtxPT == 0 || s.allowed < 1 {
		return nil, false
	}
	r := &s.repair
	src, tag, ok := s.numbers.Reverse(seq)
	if !ok {
		return nil, false
	}
	run := &s.runs[tag%seqmap.Keep]
	if run.layer == nil || !run.layer.ring.Get(src, &r.packet) || r.packet.Epoch != run.epoch {
		return nil, false
	}
	s.allowed--
	r.header.Timestamp = r.packet.Time + run.offset
	vp8.ReadNumbers(r.packet.Payload).Write(r.packet.Payload, run.shift)
	return s.binding.out, true
}
