package media

import (
	"time"

	"github.com/pion/rtcp"
)

const (
	tick          = 20 * time.Millisecond // how often missing packets are looked for
	feedbackEvery = 5                     // ticks between transport-wide feedback
	reviewEvery   = 5                     // ticks between looks at which layers go where
	reportsEvery  = 50                    // ticks between sender and receiver reports
	reportsAtOnce = 30                    // sender reports in one datagram; 31 blocks are a receiver report's most
)

// clockwork writes all RTCP that time brings, for everybody.
func (s *SFU) clockwork() {
	t := time.NewTicker(tick)
	defer t.Stop()
	for n := 0; ; n++ {
		select {
		case <-s.stop:
			return
		case <-t.C:
		}
		for _, r := range s.allRooms() {
			if n%reviewEvery == 0 || r.due.Load() {
				r.review(s.now())
			}
		}
		peers := s.peers()
		for i, p := range peers {
			if p.connected.Load() {
				p.tick(n+i, s.now()) // spread: not everybody's reports in one moment
			}
		}
		if len(peers) > 0 {
			continue
		}
		t.Stop() // an idle server sleeps
		select {
		case <-s.stop:
			return
		case <-s.joined:
			t.Reset(tick)
		}
	}
}

// tick writes what is due to one peer.
func (p *Peer) tick(n int, now time.Duration) {
	sections, layers := p.lists()
	for _, l := range layers {
		if nack := l.nack(now); nack != nil {
			p.write([]rtcp.Packet{nack})
		}
		if l.owed.Load() {
			l.askKeyframe()
		}
	}
	if bytes := p.down.padding(now); bytes > 0 {
		p.probe(sections, bytes, now)
	}
	if n%feedbackEvery == 0 {
		for _, x := range p.up.transportFeedback() {
			p.write([]rtcp.Packet{x})
		}
	}
	if n%reportsEvery == 0 {
		if rate, _ := p.down.budget(); rate != 0 {
			p.room.sfu.counts.estimates.add(float64(rate))
		}
		p.receiverReport(layers, now)
		p.senderReports(sections, now)
	}
}

// probe sends padding to find out whether more gets through.
func (p *Peer) probe(sections []*section, bytes int, now time.Duration) {
	for _, s := range sections {
		if s.kind == video && s.pad(bytes, now) {
			return
		}
	}
}

// receiverReport tells the client how its streams arrive (RFC 3550 section 6.4.2).
func (p *Peer) receiverReport(layers []*layer, now time.Duration) {
	rr := &rtcp.ReceiverReport{SSRC: p.up.ssrc}
	for _, l := range layers {
		if block, ok := l.reception(now); ok {
			rr.Reports = append(rr.Reports, block)
		}
	}
	if len(rr.Reports) > 0 {
		p.write([]rtcp.Packet{rr})
	}
}

// senderReports tells the client how the timestamps of what it receives relate to one clock (RFC 3550 section 6.4.1).
func (p *Peer) senderReports(sections []*section, now time.Duration) {
	var batch []rtcp.Packet
	for _, s := range sections {
		sr := s.senderReport(now)
		if sr == nil {
			continue
		}
		sr.NTPTime = p.room.sfu.ntp(now)
		batch = append(batch, sr)
		if len(batch) == reportsAtOnce {
			p.write(batch)
			batch = nil
		}
	}
	p.write(batch)
}
