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

	"neochat/media/rtpclock"
	"neochat/media/rtpview"
)

// uplink is what comes from one peer's client.
type uplink struct {
	peer   *Peer
	ssrc   uint32 // ours, in the feedback we send; never 0
	routes atomic.Pointer[routes]

	mu       sync.Mutex
	recorder *twcc.Recorder  // guarded by mu: arrivals by transport-wide number
	media    uint32          // guarded by mu: SSRC of the latest packet, 0 if none came since the last feedback
	offset   rtpclock.Offset // guarded by mu: of the client's clock
	streams  int             // guarded by mu: undeclared SSRCs learned
}

// routes tells where the client's packets belong. Never changed, only replaced.
type routes struct {
	midID, transportID uint8
	bySSRC             map[uint32]route
	byMid              map[string]routeMid
}

// route is where the packets of one SSRC go; publication is nil while nothing is published in its section.
type route struct {
	publication *publication
	rtx         bool
}

type routeMid struct {
	publication    *publication
	retransmission map[uint8]bool
}

func (u *uplink) init(p *Peer) {
	u.peer = p
	u.ssrc = rand.Uint32() | 1
	u.recorder = twcc.NewRecorder(u.ssrc)
	u.routes.Store(&routes{})
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
	r := &routes{midID: d.midID, transportID: d.transportID, bySSRC: map[uint32]route{}, byMid: map[string]routeMid{}}
	for _, o := range d.sections {
		if !o.sends {
			continue
		}
		pub := u.peer.publishedLocked(o.mid)
		r.byMid[o.mid] = routeMid{pub, o.retransmission}
		if o.ssrc != 0 {
			r.bySSRC[o.ssrc] = route{publication: pub}
		}
		if o.rtxSSRC != 0 {
			r.bySSRC[o.rtxSSRC] = route{publication: pub, rtx: true}
		}
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
		p.end("failed")
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
	case where.publication == nil:
		u.peer.room.sfu.counts.unknown.Add(1)
	case where.rtx:
		where.publication.repaired(&v)
	default:
		where.publication.received(&v, now)
	}
}

// learn finds the route of an SSRC that was not declared, by the mid it carries (RFC 9143 section 9.2).
func (u *uplink) learn(r *routes, v *rtpview.View) route {
	mid, ok := r.byMid[string(v.Extension(r.midID))]
	if !ok {
		return route{}
	}
	found := route{publication: mid.publication, rtx: mid.retransmission[v.Type]}
	u.peer.room.mu.Lock()
	defer u.peer.room.mu.Unlock()
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.routes.Load() != r || u.streams == maxLearned {
		return found
	}
	u.streams++
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
	if !ok || where.publication == nil || where.rtx {
		return
	}
	now := u.peer.room.sfu.now()
	sent := rtpclock.FromNTP(sr.NTPTime)
	u.mu.Lock()
	offset := u.offset.Observe(sent, u.peer.room.sfu.wall(now))
	u.mu.Unlock()
	// The moment the report speaks of, by our clock.
	at := sent + offset - u.peer.room.sfu.wall(0)
	where.publication.reported(sr, at, now)
}

// write sends RTCP to this peer's client, whose connection may be gone by now.
func (p *Peer) write(packets []rtcp.Packet) {
	if len(packets) == 0 || !p.connected.Load() {
		return
	}
	var out feedbackOut = p.pc.Load()
	_ = out.WriteRTCP(packets) // the connection's end is told by its state
}
