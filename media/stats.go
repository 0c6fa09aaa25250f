package media

import "sync/atomic"

// Stats are figures about an SFU. All but those of this moment only grow.
type Stats struct {
	Rooms, Peers, Publications int // at this moment, as are Subscriptions: publications that a receiver has a section for
	Subscriptions              int

	PacketsIn, BytesIn   uint64 // media received, payload bytes
	PacketsOut, BytesOut uint64 // media forwarded, payload bytes, without repairs
	Undeliverable        uint64 // media packets the system would not send
	Unknown              uint64 // media packets of no publication
	NacksIn, RepairsOut  uint64 // packets that receivers asked for again, and those we could send again
	NacksOut, RepairsIn  uint64 // packets that we asked publishers for again, and those that came
	PLIsIn, PLIsOut      uint64 // requests for a key frame, by receivers and to publishers
	Skips                uint64 // times a writer was lapped and went on from the newest packet
	FeedbackIn           uint64 // transport-wide feedback messages of receivers
	Delivered, Lost      uint64 // packets they reported
	ReportsOut           uint64 // RTCP packets sent
	Padding              uint64 // packets sent to find out whether more gets through
	Pauses               uint64 // times so little got through to a receiver that it got only sound
}

type counters struct {
	packetsIn, bytesIn, packetsOut, bytesOut, undeliverable, unknown atomic.Uint64
	nacksIn, repairsOut, nacksOut, repairsIn, plisIn, plisOut        atomic.Uint64
	skips, feedbackIn, delivered, lost, pauses, padding, reportsOut  atomic.Uint64
}

// Stats gives the figures now.
func (s *SFU) Stats() Stats {
	c := &s.counts
	st := Stats{
		PacketsIn: c.packetsIn.Load(), BytesIn: c.bytesIn.Load(), PacketsOut: c.packetsOut.Load(), BytesOut: c.bytesOut.Load(),
		Undeliverable: c.undeliverable.Load(), Unknown: c.unknown.Load(), NacksIn: c.nacksIn.Load(), RepairsOut: c.repairsOut.Load(),
		NacksOut: c.nacksOut.Load(), RepairsIn: c.repairsIn.Load(), PLIsIn: c.plisIn.Load(), PLIsOut: c.plisOut.Load(),
		Skips: c.skips.Load(), FeedbackIn: c.feedbackIn.Load(), Delivered: c.delivered.Load(), Lost: c.lost.Load(), Pauses: c.pauses.Load(), Padding: c.padding.Load(), ReportsOut: c.reportsOut.Load(),
	}
	rooms := s.allRooms()
	st.Rooms = len(rooms)
	for _, r := range rooms {
		peers, publications, subscriptions := r.size()
		st.Peers += peers
		st.Publications += publications
		st.Subscriptions += subscriptions
	}
	return st
}
