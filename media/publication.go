package media

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"

	"neochat/media/gaps"
	"neochat/media/reception"
	"neochat/media/ring"
	"neochat/media/rtpclock"
	"neochat/media/rtpview"
	"neochat/media/seqmap"
	"neochat/media/vp8"
)

const (
	keyframeSpacing = 300 * time.Millisecond // least time between two requests to one publisher
	nackAgain       = 60 * time.Millisecond  // a round trip of most people
	jump            = 4096                   // distance put between the numbers of two streams of one publication
)

// publication is one source of one peer: its packets, and the writers that pass them on.
type publication struct {
	owner *Peer
	key   trackKey
	kind  kind
	mid   string // of the owner's section
	ring  *ring.Ring
	feeds []*feed // one for each writer

	mu       sync.Mutex
	muted    bool             // guarded by mu, and what follows too
	ssrc     uint32           // of the stream, 0 before the first packet
	numbers  seqmap.Unwrapper // of the stream
	shift    uint64           // added to its numbers in the ring, so that they rise across streams
	top      uint64           // highest number in the ring
	epoch    uint32
	holes    gaps.Tracker
	stats    reception.Stats
	clock    rtpclock.Clock
	srMiddle uint32 // middle 32 bits of the latest sender report's time (RFC 3550 section 6.4.1), and when it came
	srAt     time.Duration
	packet   ring.Packet // space for the packet being put

	asked atomic.Int64 // when a key frame was last asked for
}

func newPublication(p *Peer, source, mid string, muted bool) *publication {
	pub := &publication{owner: p, key: trackKey{p.id, source}, kind: kindOf(source), mid: mid, muted: muted}
	pub.ring = ring.New(pub.kind.slots())
	pub.asked.Store(-int64(time.Hour))
	for _, w := range p.room.sfu.writers {
		pub.feeds = append(pub.feeds, &feed{publication: pub, writer: w})
	}
	return pub
}

// received takes a packet of the stream itself.
func (pub *publication) received(v *rtpview.View, now time.Duration) {
	c := &pub.owner.room.sfu.counts
	c.packetsIn.Add(1)
	c.bytesIn.Add(uint64(len(v.Payload)))
	pub.mu.Lock()
	if v.SSRC != pub.ssrc {
		pub.restartLocked(v.SSRC, v.Seq)
	}
	seq := pub.numbers.Extend(v.Seq)
	pub.stats.Received(seq, v.Time, now, pub.kind.clockRate())
	pub.clock.Packet(v.Time, now, pub.kind.clockRate())
	whole := pub.muted || pub.kind != video || pub.holes.Received(seq, now)
	put := pub.putLocked(seq, v.Time, v.Marker, v.Payload)
	pub.mu.Unlock()
	if put {
		pub.announce()
	}
	if !whole {
		pub.askKeyframe()
	}
}

// restartLocked begins a new stream, with numbers beyond those of the one before.
func (pub *publication) restartLocked(ssrc uint32, first uint16) {
	pub.ssrc = ssrc
	pub.numbers = seqmap.Unwrapper{}
	pub.shift = 0
	if pub.top > 0 {
		pub.shift = pub.top + jump - (1<<32 + uint64(first))
	}
	pub.epoch++
	pub.holes.Reset()
	pub.stats = reception.Stats{}
	pub.clock = rtpclock.Clock{}
	pub.srMiddle = 0
}

// putLocked keeps a packet for the writers; a muted source's are dropped here.
func (pub *publication) putLocked(seq uint64, stamp uint32, marker bool, payload []byte) bool {
	if pub.muted {
		return false
	}
	space := append(pub.packet.Payload[:0], payload...)
	pub.packet = ring.Packet{Seq: seq + pub.shift, Time: stamp, Epoch: pub.epoch, Marker: marker, Payload: space}
	pub.packet.Keyframe = pub.kind == video && vp8.Keyframe(payload)
	pub.top = max(pub.top, seq+pub.shift)
	return pub.ring.Put(&pub.packet)
}

// repaired takes a retransmission (RFC 4588 section 4): the original's number comes first in the payload.
func (pub *publication) repaired(v *rtpview.View) {
	if len(v.Payload) < 3 { // a probe without content
		return
	}
	c := &pub.owner.room.sfu.counts
	pub.mu.Lock()
	if _, started := pub.numbers.Highest(); !started {
		pub.mu.Unlock()
		return
	}
	seq := pub.numbers.Near(binary.BigEndian.Uint16(v.Payload))
	pub.holes.Received(seq, 0)
	put := pub.putLocked(seq, v.Time, v.Marker, v.Payload[2:])
	if put {
		pub.stats.Repaired()
	}
	pub.mu.Unlock()
	if put {
		c.repairsIn.Add(1)
		pub.announce()
	}
}

// announce tells the writers that serve receivers of this publication that there is something new.
func (pub *publication) announce() {
	for _, f := range pub.feeds {
		f.announce()
	}
}

// setMuted tells whether that changed anything.
func (pub *publication) setMuted(muted bool) bool {
	pub.mu.Lock()
	defer pub.mu.Unlock()
	if pub.muted == muted {
		return false
	}
	pub.muted = muted
	pub.epoch++ // receivers' numbers go on without the part that was muted
	pub.holes.Reset()
	return true
}

func (pub *publication) mutedNow() bool {
	pub.mu.Lock()
	defer pub.mu.Unlock()
	return pub.muted
}

// askKeyframe asks the publisher for a key frame, at most once in keyframeSpacing. Whoever still waits asks again with the next packet.
func (pub *publication) askKeyframe() {
	if pub.kind != video || !pub.owner.connected.Load() {
		return
	}
	now := int64(pub.owner.room.sfu.now())
	last := pub.asked.Load()
	if now-last < int64(keyframeSpacing) || !pub.asked.CompareAndSwap(last, now) {
		return
	}
	pub.mu.Lock()
	ssrc, muted := pub.ssrc, pub.muted
	pub.mu.Unlock()
	if ssrc == 0 || muted {
		pub.asked.Store(last)
		return
	}
	pub.owner.room.sfu.counts.plisOut.Add(1)
	pub.owner.write([]rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: pub.owner.up.ssrc, MediaSSRC: ssrc}})
}

// reported takes a sender report, which speaks of the moment at (our time) and came now.
func (pub *publication) reported(sr *rtcp.SenderReport, at, now time.Duration) {
	pub.mu.Lock()
	defer pub.mu.Unlock()
	if sr.SSRC != pub.ssrc {
		return
	}
	pub.srMiddle, pub.srAt = uint32(sr.NTPTime>>16), now
	pub.clock.Report(sr.RTPTime, at, pub.kind.clockRate())
}

// stampAt is the stream's RTP timestamp at now, and the epoch it belongs to.
func (pub *publication) stampAt(now time.Duration) (stamp, epoch uint32, ok bool) {
	pub.mu.Lock()
	defer pub.mu.Unlock()
	stamp, ok = pub.clock.At(now)
	return stamp, pub.epoch, ok
}

// reception makes the report block about the stream (RFC 3550 section 6.4.1).
func (pub *publication) reception(now time.Duration) (rtcp.ReceptionReport, bool) {
	pub.mu.Lock()
	defer pub.mu.Unlock()
	r, ok := pub.stats.Report()
	if !ok {
		return rtcp.ReceptionReport{}, false
	}
	block := rtcp.ReceptionReport{SSRC: pub.ssrc, FractionLost: r.Fraction, TotalLost: r.Lost, LastSequenceNumber: r.Highest, Jitter: r.Jitter}
	if pub.srMiddle != 0 {
		block.LastSenderReport = pub.srMiddle
		block.Delay = uint32((now - pub.srAt) * 65536 / time.Second)
	}
	return block, true
}

// nack makes the request for what is missing, nil if nothing is.
func (pub *publication) nack(now time.Duration) rtcp.Packet {
	var space [64]uint16
	pub.mu.Lock()
	due, lost := space[:0], 0
	if !pub.muted {
		due, lost = pub.holes.Due(due, now, nackAgain)
	}
	ssrc := pub.ssrc
	pub.mu.Unlock()
	if lost > 0 {
		pub.askKeyframe()
	}
	if len(due) == 0 {
		return nil
	}
	pub.owner.room.sfu.counts.nacksOut.Add(uint64(len(due)))
	return &rtcp.TransportLayerNack{SenderSSRC: pub.owner.up.ssrc, MediaSSRC: ssrc, Nacks: rtcp.NackPairsFromSequenceNumbers(due)}
}
