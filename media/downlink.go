package media

import (
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"

	"neochat/media/estimate"
	"neochat/media/rtpclock"
	"neochat/media/sentlog"
)

// maxRequests bounds the packets one NACK may ask for.
const maxRequests = 256

// downlink is what goes to one peer's client, and what the client says of it.
type downlink struct {
	peer    *Peer
	streams atomic.Pointer[map[uint32]*section] // by SSRC, retransmission streams too; never changed, only replaced

	useful atomic.Int64 // bits per second that would let it have more than now, 0 if nothing would

	mu        sync.Mutex
	number    uint16             // guarded by mu: next transport-wide number
	sent      sentlog.Log        // guarded by mu
	estimate  estimate.Estimator // guarded by mu
	reference int64              // guarded by mu: reference time of the latest feedback, unwrapped
}

// overhead is what a packet takes on the way besides its payload: headers of RTP with two extensions, SRTP, UDP and IP.
const overhead = 60

func (d *downlink) init(p *Peer) {
	d.peer = p
	d.number = uint16(rand.UintN(1 << 15))
	d.streams.Store(&map[uint32]*section{})
}

// routeLocked makes the table of streams anew. room.mu is held.
func (d *downlink) routeLocked() {
	table := map[uint32]*section{}
	for _, s := range d.peer.sections {
		s.mu.Lock()
		table[s.binding.ssrc], table[s.binding.rtxSSRC] = s, s
		s.mu.Unlock()
	}
	delete(table, 0)
	d.streams.Store(&table)
}

// stamp gives a packet its transport-wide number and remembers it. The header's extension has two bytes of its own for it.
func (d *downlink) stamp(h *rtp.Header, id uint8, bytes int, now time.Duration) {
	if id == 0 {
		return
	}
	space := h.GetExtension(id)
	d.mu.Lock()
	n := d.number
	d.number++
	d.sent.Sent(n, bytes+overhead, now)
	d.mu.Unlock()
	space[0], space[1] = byte(n>>8), byte(n)
}

// budget is what gets through to the client, in bits per second, 0 while nothing spoke against any rate; and why it is no more.
func (d *downlink) budget() (rate int, cause estimate.Cause) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.estimate.Rate(), d.estimate.Cause()
}

// lossy tells whether more than a little gets lost on the way to the client.
func (d *downlink) lossy() bool {
	const little = 0.02
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.estimate.Share() > little
}

// padding is how many bytes of it to send now to find out whether more gets through.
func (d *downlink) padding(now time.Duration) int {
	useful := int(d.useful.Load())
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.estimate.Want(useful, now, tick)
}

// addSenders makes a section of ours out of each one the client newly receives in. Negotiation is held, and Pion has the offer.
func (p *Peer) addSenders(pc *webrtc.PeerConnection, d *description) ([]*section, error) {
	var fresh []*section
	index := map[kind]int{}
	p.room.mu.Lock()
	for _, s := range p.sections {
		index[s.kind]++
	}
	p.room.mu.Unlock()
	for _, t := range pc.GetTransceivers() {
		o, ok := d.find(t.Mid())
		if !ok || !o.receives || t.Sender() != nil {
			continue
		}
		s := newSection(p, o.kind, index[o.kind])
		index[o.kind]++
		s.mid = o.mid
		// Pion takes the first transceiver of the kind that may send and has no sender: this one, as we go in its order.
		if _, err := pc.AddTrack(s); err != nil {
			return nil, err
		}
		if t.Sender() == nil || t.Sender().Track() != s {
			return nil, badf("section %q cannot be used again", o.mid)
		}
		fresh = append(fresh, s)
	}
	return fresh, nil
}

// feedback takes an RTCP packet about the stream ssrc, ours or the client's. It runs on the peer's SRTCP reader, which hands a compound
// packet over once for each stream it is about: what is about another one is left to that.
func (p *Peer) feedback(ssrc uint32, b []byte) {
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		return
	}
	now := p.room.sfu.now()
	s := (*p.down.streams.Load())[ssrc]
	for _, x := range packets {
		switch x := x.(type) {
		case *rtcp.SenderReport:
			if x.SSRC == ssrc {
				p.up.senderReport(x)
			}
			s.receiverReport(ssrc, x.Reports)
		case *rtcp.ReceiverReport:
			s.receiverReport(ssrc, x.Reports)
		case *rtcp.TransportLayerNack:
			if x.MediaSSRC == ssrc {
				s.requested(x, now)
			}
		case *rtcp.PictureLossIndication:
			if x.MediaSSRC == ssrc {
				s.keyframeWanted()
			}
		case *rtcp.FullIntraRequest:
			if slices.ContainsFunc(x.FIR, func(e rtcp.FIREntry) bool { return e.SSRC == ssrc }) {
				s.keyframeWanted()
			}
		case *rtcp.TransportLayerCC:
			if x.MediaSSRC == ssrc {
				p.down.transportFeedback(x, now)
			}
		}
	}
}

// receiverReport notes that the client knows the stream. s may be nil.
func (s *section) receiverReport(ssrc uint32, blocks []rtcp.ReceptionReport) {
	if s == nil {
		return
	}
	for _, b := range blocks {
		if b.SSRC == ssrc && b.LastSequenceNumber != 0 {
			s.mu.Lock()
			s.acked = true
			s.mu.Unlock()
		}
	}
}

// requested sends again what the client misses. s may be nil.
func (s *section) requested(x *rtcp.TransportLayerNack, now time.Duration) {
	if s == nil {
		return
	}
	c := s.peer.room.sfu.counts
	left := maxRequests
	for _, pair := range x.Nacks {
		pair.Range(func(seq uint16) bool {
			c.nacksIn.Add(1)
			if s.resend(seq, now) {
				c.repairsOut.Add(1)
			}
			left--
			return left > 0
		})
		if left <= 0 {
			return
		}
	}
}

// keyframeWanted hands a request for a key frame on to the publisher. s may be nil.
func (s *section) keyframeWanted() {
	if s == nil {
		return
	}
	s.peer.room.sfu.counts.plisIn.Add(1)
	from, next := s.layers()
	if from == nil {
		from = next
	}
	if from != nil {
		from.askKeyframe()
	}
}

// transportFeedback accounts what arrived, packet by packet.
func (d *downlink) transportFeedback(x *rtcp.TransportLayerCC, now time.Duration) {
	c := d.peer.room.sfu.counts
	c.feedbackIn.Add(1)
	var delivered, lost uint64
	d.mu.Lock()
	at := d.arrivalLocked(x.ReferenceTime)
	number, left, deltas := x.BaseSequenceNumber, int(x.PacketStatusCount), x.RecvDeltas
	one := func(symbol uint16) {
		arrived := symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta
		if arrived && len(deltas) > 0 {
			at += time.Duration(deltas[0].Delta) * time.Microsecond
			deltas = deltas[1:]
		}
		bytes, sent, ok := d.sent.Take(number)
		number++
		left--
		switch {
		case !ok:
		case arrived:
			delivered++
			d.estimate.Received(bytes, sent, at)
		default:
			lost++
			d.estimate.Lost(bytes, sent)
		}
	}
	for _, chunk := range x.PacketChunks {
		switch chunk := chunk.(type) {
		case *rtcp.RunLengthChunk:
			for range min(int(chunk.RunLength), left) {
				one(chunk.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			for _, symbol := range chunk.SymbolList[:min(len(chunk.SymbolList), left)] {
				one(symbol)
			}
		}
	}
	before := d.estimate.Rate()
	d.estimate.Done(now)
	fell := d.estimate.Rate() < before || before == 0 && d.estimate.Rate() != 0
	d.mu.Unlock()
	c.delivered.Add(delivered)
	c.lost.Add(lost)
	if fell {
		d.peer.room.due.Store(true)
	}
}

// arrivalLocked is the reference time of a feedback message, which counts 64 ms and wraps.
func (d *downlink) arrivalLocked(reference uint32) time.Duration {
	d.reference += int64(int32((reference-uint32(d.reference))<<8) >> 8)
	return time.Duration(d.reference) * 64 * time.Millisecond
}

// lists is the peer's sections and the layers of its publications at this moment.
func (p *Peer) lists() (sections []*section, layers []*layer) {
	p.room.mu.Lock()
	defer p.room.mu.Unlock()
	for _, pub := range p.publications {
		layers = append(layers, pub.layers...)
	}
	return append(sections, p.sections...), layers
}

// ntp is the wall clock of a sender report written now.
func (s *SFU) ntp(now time.Duration) uint64 { return rtpclock.NTP(s.wall(now)) }
