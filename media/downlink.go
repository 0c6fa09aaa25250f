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

	"neochat/media/rtpclock"
	"neochat/media/sentlog"
)

// maxRequests bounds the packets one NACK may ask for.
const maxRequests = 256

// downlink is what goes to one peer's client, and what the client says of it.
type downlink struct {
	peer    *Peer
	streams atomic.Pointer[map[uint32]*section] // by SSRC, retransmission streams too; never changed, only replaced

	mu     sync.Mutex
	number uint16        // guarded by mu: next transport-wide number
	sent   sentlog.Log   // guarded by mu
	brake  sentlog.Brake // guarded by mu
}

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
	d.sent.Sent(n, bytes, now)
	d.mu.Unlock()
	space[0], space[1] = byte(n>>8), byte(n)
}

// paused tells whether pictures are held back, because the client loses so much that sound would suffer.
func (d *downlink) paused(now time.Duration) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.brake.Holds(now)
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
	c := &s.peer.room.sfu.counts
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
	c := &d.peer.room.sfu.counts
	c.feedbackIn.Add(1)
	d.mu.Lock()
	before := d.sent.Totals()
	number, left := x.BaseSequenceNumber, int(x.PacketStatusCount)
	one := func(symbol uint16) {
		if left > 0 {
			d.sent.Feedback(number, symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta, now)
			number++
			left--
		}
	}
	for _, chunk := range x.PacketChunks {
		switch chunk := chunk.(type) {
		case *rtcp.RunLengthChunk:
			for range min(int(chunk.RunLength), left) {
				one(chunk.PacketStatusSymbol)
			}
		case *rtcp.StatusVectorChunk:
			for _, symbol := range chunk.SymbolList {
				one(symbol)
			}
		}
	}
	full := d.sent.Done(now)
	after := d.sent.Totals()
	if full && d.brake.Observe(after.Loss, now) {
		c.pauses.Add(1)
	}
	d.mu.Unlock()
	c.delivered.Add(after.Delivered - before.Delivered)
	c.lost.Add(after.Lost - before.Lost)
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
