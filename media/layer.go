package media

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"neochat/media/gaps"
	"neochat/media/reception"
	"neochat/media/red"
	"neochat/media/ring"
	"neochat/media/rtpclock"
	"neochat/media/rtpview"
	"neochat/media/seqmap"
	"neochat/media/speakers"
	"neochat/media/vp8"
)

const (
	keyframeSpacing = time.Second            // least time between two requests for a key frame of one layer
	nackAgain       = 60 * time.Millisecond  // a round trip of most people
	jump            = 4096                   // distance put between the numbers of two streams of one layer
	rateWindow      = 500 * time.Millisecond // the least time a layer's rate is measured over
)

// layer is one encoding of a publication: its packets, and the writers that pass them on. A publication without simulcast has one.
type layer struct {
	publication *publication
	index       int    // 0 is the smallest picture
	rid         string // RFC 8851; "" for the only one
	id          uint64 // of this SFU's layers
	ring        *ring.Ring
	feeds       []*feed // one for each writer

	listening sync.Mutex // held to change who listens, see feed.sections

	asked  atomic.Int64 // when a key frame was last asked for
	owed   atomic.Bool  // one was wanted too soon after that
	heard  atomic.Int64 // when the latest packet came
	rate   atomic.Int64 // bits per second, as it is at its peaks
	bare   atomic.Int64 // the same without what packets bring along of earlier ones
	width  atomic.Int32 // of the latest key frame, 0 while unknown
	height atomic.Int32

	mu         sync.Mutex
	ssrc       uint32           // guarded by mu, and what follows too: of the stream, 0 before the first packet
	numbers    seqmap.Unwrapper // of the stream
	shift      uint64           // added to its numbers in the ring, so that they rise across streams
	top        uint64           // highest number in the ring
	epoch      uint32
	holes      gaps.Tracker
	stats      reception.Stats
	clock      rtpclock.Clock
	srMiddle   uint32 // middle 32 bits of the latest sender report's time (RFC 3550 section 6.4.1), and when it came
	srAt       time.Duration
	packet     ring.Packet // space for the packet being put
	loudness   speakers.Meter
	redundancy redundancy
	counted    int           // bytes since
	earlier    int           // of them, what packets brought along of earlier ones
	since      time.Duration // the rate's window began
}

func newLayer(pub *publication, index int, rid string) *layer {
	s := pub.owner.room.sfu
	l := &layer{publication: pub, index: index, rid: rid, id: s.nextLayer.Add(1), ring: ring.New(pub.kind.slots())}
	l.asked.Store(-int64(time.Hour))
	l.heard.Store(-int64(time.Hour))
	for _, w := range s.writers {
		f := &feed{layer: l, writer: w}
		f.idle.Store(true)
		l.feeds = append(l.feeds, f)
	}
	return l
}

func (l *layer) sfu() *SFU { return l.publication.owner.room.sfu }

// received takes a packet of the stream itself; sound is what it brings along of earlier ones, nil for nothing.
func (l *layer) received(v *rtpview.View, sound *red.Packet, now time.Duration) {
	pub, c := l.publication, l.sfu().counts
	c.packetsIn.Add(1)
	c.bytesIn.Add(uint64(len(v.Payload)))
	if before := l.heard.Swap(int64(now)); len(pub.layers) > 1 && now-time.Duration(before) > aliveFor {
		pub.owner.room.due.Store(true)
	}
	l.mu.Lock()
	if v.SSRC != l.ssrc {
		l.restartLocked(v.SSRC, v.Seq)
	}
	before, _ := l.numbers.Highest()
	seq := l.numbers.Extend(v.Seq)
	l.stats.Received(seq, v.Time, now, pub.kind.clockRate())
	l.clock.Packet(v.Time, now, pub.kind.clockRate())
	l.measureLocked(len(v.Payload), sound, now)
	muted := pub.muted.Load()
	whole := muted || pub.kind != video || l.holes.Received(seq, now)
	put := !muted && l.takeLocked(v, sound, seq, before)
	if seq > before {
		l.redundancy.newest = v.Time
	}
	l.mu.Unlock()
	if put {
		l.announce()
	}
	if !whole {
		l.askKeyframe()
	}
}

// takeLocked keeps a packet of the stream itself; before is the highest number before it, 0 for none.
func (l *layer) takeLocked(v *rtpview.View, sound *red.Packet, seq, before uint64) bool {
	payload, primary := v.Payload, 0
	if sound != nil {
		payload, primary = l.unpackLocked(v, sound, seq, before)
	}
	return l.putLocked(seq, v.Time, v.Marker, payload, primary)
}

func (l *layer) measureLocked(bytes int, sound *red.Packet, now time.Duration) {
	l.counted += bytes + overhead
	if sound != nil {
		l.earlier += sound.Primary()
	}
	span := now - l.since
	if span < rateWindow {
		return
	}
	if span < 4*rateWindow { // or it was silent for a while
		smooth(&l.rate, l.counted, span)
		smooth(&l.bare, l.counted-l.earlier, span)
	}
	l.counted, l.earlier, l.since = 0, 0, now
}

// smooth takes a rate's latest value: it follows upwards at once, downwards slowly.
func smooth(rate *atomic.Int64, bytes int, span time.Duration) {
	now, before := int64(bytes)*8*int64(time.Second)/int64(span), rate.Load()
	rate.Store(max(now, (3*before+now)/4))
}

// hear takes how loud a packet is (RFC 6464).
func (l *layer) hear(level byte) {
	l.mu.Lock()
	l.loudness.Add(level)
	l.mu.Unlock()
}

// loud is how loud the sound is, in dBov.
func (l *layer) loud() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.loudness.Level()
}

// restartLocked begins a new stream, with numbers beyond those of the one before.
func (l *layer) restartLocked(ssrc uint32, first uint16) {
	l.ssrc = ssrc
	l.numbers = seqmap.Unwrapper{}
	l.shift = 0
	if l.top > 0 {
		l.shift = l.top + jump - (1<<32 + uint64(first))
	}
	l.epoch++
	l.holes.Reset()
	l.stats = reception.Stats{}
	l.clock = rtpclock.Clock{}
	l.srMiddle = 0
}

// putLocked keeps a packet for the writers.
func (l *layer) putLocked(seq uint64, stamp uint32, marker bool, payload []byte, primary int) bool {
	space := append(l.packet.Payload[:0], payload...)
	l.packet = ring.Packet{Seq: seq + l.shift, Time: stamp, Epoch: l.epoch, Marker: marker, Primary: primary, Payload: space}
	if l.publication.kind == video && vp8.Keyframe(payload) {
		l.packet.Keyframe = true
		l.owed.Store(false)
		if w, h := vp8.Size(payload); w > 0 && h > 0 {
			l.width.Store(int32(w))
			l.height.Store(int32(h))
		}
	}
	l.top = max(l.top, seq+l.shift)
	return l.ring.Put(&l.packet)
}

// repaired takes a retransmission (RFC 4588 section 4): the original's number comes first in the payload.
func (l *layer) repaired(v *rtpview.View) {
	if len(v.Payload) < 3 { // a probe without content
		return
	}
	l.mu.Lock()
	if _, started := l.numbers.Highest(); !started {
		l.mu.Unlock()
		return
	}
	seq := l.numbers.Near(binary.BigEndian.Uint16(v.Payload))
	l.holes.Received(seq, 0)
	put := !l.publication.muted.Load() && l.putLocked(seq, v.Time, v.Marker, v.Payload[2:], 0)
	if put {
		l.stats.Repaired()
	}
	l.mu.Unlock()
	if put {
		l.sfu().counts.repairsIn.Add(1)
		l.announce()
	}
}

// announce tells the writers that serve receivers of this layer that there is something new.
func (l *layer) announce() {
	for _, f := range l.feeds {
		f.announce()
	}
}

// newEpoch makes receivers' numbers go on without the part that was muted.
func (l *layer) newEpoch() {
	l.mu.Lock()
	l.epoch++
	l.holes.Reset()
	l.mu.Unlock()
}

// askKeyframe asks the publisher for a key frame, at most once in keyframeSpacing; what is asked sooner is made up for then, unless
// one came meanwhile.
func (l *layer) askKeyframe() {
	pub := l.publication
	if pub.kind != video || !pub.owner.connected.Load() {
		return
	}
	now := int64(l.sfu().now())
	last := l.asked.Load()
	if now-last < int64(keyframeSpacing) || !l.asked.CompareAndSwap(last, now) {
		l.owed.Store(true)
		return
	}
	l.mu.Lock()
	ssrc := l.ssrc
	l.mu.Unlock()
	if ssrc == 0 || pub.muted.Load() {
		l.asked.Store(last)
		return
	}
	l.owed.Store(false)
	l.sfu().counts.plisOut.Add(1)
	pub.owner.write([]rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: pub.owner.up.ssrc, MediaSSRC: ssrc}})
}

// reported takes a sender report, which speaks of the moment at (our time) and came now.
func (l *layer) reported(sr *rtcp.SenderReport, at, now time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if sr.SSRC != l.ssrc {
		return
	}
	l.srMiddle, l.srAt = uint32(sr.NTPTime>>16), now
	l.clock.Report(sr.RTPTime, at, l.publication.kind.clockRate())
}

// stampAt is the stream's RTP timestamp at now, and the epoch it belongs to.
func (l *layer) stampAt(now time.Duration) (stamp, epoch uint32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	stamp, ok = l.clock.At(now)
	return stamp, l.epoch, ok
}

// reception makes the report block about the stream (RFC 3550 section 6.4.1).
func (l *layer) reception(now time.Duration) (rtcp.ReceptionReport, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	r, ok := l.stats.Report()
	if !ok {
		return rtcp.ReceptionReport{}, false
	}
	block := rtcp.ReceptionReport{SSRC: l.ssrc, FractionLost: r.Fraction, TotalLost: r.Lost, LastSequenceNumber: r.Highest, Jitter: r.Jitter}
	if l.srMiddle != 0 {
		block.LastSenderReport = l.srMiddle
		block.Delay = uint32((now - l.srAt) * 65536 / time.Second)
	}
	return block, true
}

// nack makes the request for what is missing, nil if nothing is.
func (l *layer) nack(now time.Duration) rtcp.Packet {
	var space [64]uint16
	l.mu.Lock()
	due, lost := space[:0], 0
	if !l.publication.muted.Load() {
		due, lost = l.holes.Due(due, now, nackAgain)
	}
	ssrc := l.ssrc
	l.mu.Unlock()
	if lost > 0 {
		l.askKeyframe()
	}
	if len(due) == 0 {
		return nil
	}
	l.sfu().counts.nacksOut.Add(uint64(len(due)))
	return &rtcp.TransportLayerNack{SenderSSRC: l.publication.owner.up.ssrc, MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(due)}
}
