package media

import (
	"encoding/binary"
	"io"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtcp"
	"github.com/pion/transport/v5/packetio"

	"neochat/media/red"
	"neochat/media/rtpclock"
	"neochat/media/rtpview"
)

// uplink is what comes from one peer's client.
type uplink struct {
	peer   *Peer
	ssrc   uint32 // ours, in the feedback we send; never 0
	routes atomic.Pointer[routes]

	mu       sync.Mutex
	recorder *twcc.Recorder   // guarded by mu: arrivals by transport-wide number
	media    uint32           // guarded by mu: SSRC of the latest packet, 0 if none came since the last feedback
	offset   rtpclock.Offset  // guarded by mu: of the client's clock
	learned  map[uint32]stray // guarded by mu: SSRCs that were not declared
}

// stray is what the packets of an SSRC that was not declared said of it when they still did: clients leave that out once they have been
// told that the stream arrives.
type stray struct {
	mid, rid string
	rtx      bool
}

// routes tells where the client's packets belong. Never changed, only replaced.
type routes struct {
	midID, transportID, ridID, repairedID, levelID uint8

	bySSRC map[uint32]route
	byMid  map[string]routeMid
}

// route is where the packets of one SSRC go; layer is nil while nothing is published in its section.
type route struct {
	layer     *layer
	rtx       bool
	redundant uint8 // payload type, 0 for none
}

type routeMid struct {
	publication    *publication
	retransmission map[uint8]bool
	redundant      uint8
}

// of is the route of a stray.
func (r *routes) of(x stray) route {
	found := route{rtx: x.rtx, redundant: r.byMid[x.mid].redundant}
	if pub := r.byMid[x.mid].publication; pub != nil {
		for _, l := range pub.layers {
			if l.rid == x.rid {
				found.layer = l
			}
		}
	}
	return found
}

func (u *uplink) init(p *Peer) {
	u.peer = p
	u.ssrc = rand.Uint32() | 1
	u.recorder = twcc.NewRecorder(u.ssrc)
	u.routes.Store(&routes{})
	u.learned = map[uint32]stray{}
}

// maxInlets bounds, together with the sections a client may have, the SSRCs it may use.
const maxInlets = 1000

// maxLearned bounds the SSRCs that are recognised by their mid only.
const maxLearned = 64

// routeLocked makes the routes anew from the description and the publications. room.mu is held.
func (u *uplink) routeLocked() {
	d := u.peer.known
	if d == nil {
		return
	}
	r := &routes{midID: d.midID, transportID: d.transportID, ridID: d.ridID, repairedID: d.repairedID, levelID: d.levelID, bySSRC: map[uint32]route{}, byMid: map[string]routeMid{}}
	for _, o := range d.sections {
		if !o.sends {
			continue
		}
		pub := u.peer.publishedLocked(o.mid)
		if pub != nil && len(pub.layers) == 0 {
			pub.layLocked(&o)
			u.peer.room.laidLocked(pub)
		}
		r.byMid[o.mid] = routeMid{pub, o.retransmission, o.redundant}
		if o.ssrc != 0 {
			r.bySSRC[o.ssrc] = r.of(stray{mid: o.mid})
		}
		if o.rtxSSRC != 0 {
			r.bySSRC[o.rtxSSRC] = r.of(stray{mid: o.mid, rtx: true})
		}
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for ssrc, x := range u.learned {
		r.bySSRC[ssrc] = r.of(x)
	}
	u.routes.Store(r)
}

func (p *Peer) publishedLocked(mid string) *publication {
	for _, pub := range p.publications {
		if pub.mid == mid {
			return pub
		}
	}
	return nil
}

// inlet is Pion's buffer factory: it makes the place where decrypted packets of one SSRC go. A client that invents SSRCs without end
// is put out, as each costs memory.
func (p *Peer) inlet(k packetio.BufferPacketType, ssrc uint32) io.ReadWriteCloser {
	if int(p.inlets.Add(1)) == maxInlets+4*p.room.sfu.config.maxSections() {
		p.end(byFlood)
	}
	if k == packetio.RTPBufferPacket {
		return newInlet(p.up.receive)
	}
	return newInlet(func(b []byte) { p.feedback(ssrc, b) })
}

// receive takes a decrypted RTP packet. It runs on the peer's SRTP reader.
func (u *uplink) receive(b []byte) {
	v, err := rtpview.Parse(b)
	if err != nil {
		return
	}
	now := u.peer.room.sfu.now()
	r := u.routes.Load()
	if x := v.Extension(r.transportID); len(x) == 2 {
		u.record(v.SSRC, binary.BigEndian.Uint16(x), now)
	}
	where, ok := r.bySSRC[v.SSRC]
	if !ok {
		where = u.learn(r, &v)
	}
	switch {
	case where.layer == nil:
		u.peer.room.sfu.counts.unknown.Add(1)
	case where.rtx:
		where.layer.repaired(&v)
	default:
		if !where.pass(&v, now) {
			u.peer.room.sfu.counts.unknown.Add(1)
			return
		}
		if x := v.Extension(r.levelID); len(x) > 0 {
			where.layer.hear(x[0])
		}
	}
}

// pass hands a packet of the stream itself to its layer; false if it is malformed.
func (x route) pass(v *rtpview.View, now time.Duration) bool {
	if x.redundant == 0 || v.Type != x.redundant {
		x.layer.received(v, nil, now)
		return true
	}
	sound, ok := red.Parse(v.Payload)
	if ok {
		x.layer.received(v, &sound, now)
	}
	return ok
}

// learn finds the route of an SSRC that was not declared, by the mid it carries (RFC 9143 section 9.2) and, with simulcast, the name of its
// layer (RFC 8852).
func (u *uplink) learn(r *routes, v *rtpview.View) route {
	mid, ok := r.byMid[string(v.Extension(r.midID))]
	if !ok {
		return route{}
	}
	x := stray{mid: string(v.Extension(r.midID)), rid: string(v.Extension(r.ridID)), rtx: mid.retransmission[v.Type]}
	if x.rtx {
		x.rid = string(v.Extension(r.repairedID))
	}
	found := r.of(x)
	if mid.publication != nil && found.layer == nil {
		return found // no such layer; perhaps a later packet names one
	}
	u.peer.room.mu.Lock()
	defer u.peer.room.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.routes.Load() != r || len(u.learned) == maxLearned {
		return found
	}
	u.learned[v.SSRC] = x
	next := *r
	next.bySSRC = make(map[uint32]route, len(r.bySSRC)+1)
	for ssrc, x := range r.bySSRC {
		next.bySSRC[ssrc] = x
	}
	next.bySSRC[v.SSRC] = found
	u.routes.Store(&next)
	return found
}

func (u *uplink) record(ssrc uint32, number uint16, now time.Duration) {
	u.mu.Lock()
	u.recorder.Record(ssrc, number, now.Microseconds())
	u.media = ssrc
	u.mu.Unlock()
}

// transportFeedback makes the transport-wide feedback about what came since the last.
func (u *uplink) transportFeedback() []rtcp.Packet {
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.media == 0 {
		return nil
	}
	u.media = 0
	return u.recorder.BuildFeedbackPacket()
}

// senderReport takes over the relation between the client's clocks and ours.
func (u *uplink) senderReport(sr *rtcp.SenderReport) {
	where, ok := u.routes.Load().bySSRC[sr.SSRC]
	if !ok || where.layer == nil || where.rtx {
		return
	}
	now := u.peer.room.sfu.now()
	sent := rtpclock.FromNTP(sr.NTPTime)
	u.mu.Lock()
	offset := u.offset.Observe(sent, u.peer.room.sfu.wall(now))
	u.mu.Unlock()
	// The moment the report speaks of, by our clock.
	at := sent + offset - u.peer.room.sfu.wall(0)
	where.layer.reported(sr, at, now)
}

// write sends RTCP to this peer's client, whose connection may be gone by now.
func (p *Peer) write(packets []rtcp.Packet) {
	if len(packets) == 0 || !p.connected.Load() {
		return
	}
	var out feedbackOut = p.pc.Load()
	p.room.sfu.counts.reportsOut.Add(1)
	_ = out.WriteRTCP(packets) // the connection's end is told by its state
}
