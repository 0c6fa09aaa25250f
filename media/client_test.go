package media

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"go.uber.org/goleak"

	"neochat/media/red"
)

const patience = time.Minute // how long a test waits before it calls something lost

// client is a Pion client that does what docs/protocol.md tells clients to do.
type client struct {
	t       testing.TB
	tcp     bool // has no UDP
	narrows bool // what comes to it goes through down
	repeats bool // knows sound that brings along that of earlier packets, and sends it so
	down    *narrow
	away    time.Duration // a round trip to it takes so long
	name    string
	peer    *Peer
	pc      *webrtc.PeerConnection
	conn    *wire
	ask     chan [2]int // sections wanted
	done    chan struct{}
	work    sync.WaitGroup

	offering sync.Mutex
	audio    int // guarded by offering: recvonly sections
	video    int // guarded by offering

	mu       sync.Mutex
	change   *sync.Cond
	offers   int                     // guarded by mu, and what follows too
	tracks   map[trackKey]trackState // as told
	got      map[string]*arrival     // by mid
	ended    int
	gone     string
	wanted   map[string]string // layers, by source
	pictures []string          // how they are, and why: all that was told
	speaking []string          // who does: all that was told
	keyAsked map[string]int    // requests for key frames, by source
	connects int
	sent     int
}

// arrival is what arrived in a section.
type arrival struct {
	from     byte // tag of the publisher whose packet came last
	packets  map[byte]int
	repaired int
	brings   int             // packets that brought along earlier sound
	heard    map[uint32]bool // times of all sound that came, with its own packet or another
	firstKey map[byte]bool   // whether each publisher's first packet began a key frame
	lastSeq  uint16
	holes    int
	ssrc     uint32

	run       int // packets in a row of one publisher or layer
	lastTime  uint32
	picture   uint16
	jumps     int // pictures whose number does not follow the one before
	backwards int // packets whose time does not
}

// read looks into the packets of publish, and of publishLayers.
func read(payload []byte) (tag byte, key bool, picture uint16) {
	if payload[0]&0x80 == 0 {
		return payload[2], payload[1] == 0, 0
	}
	return payload[15], payload[5] == 0, binary.BigEndian.Uint16(payload[2:]) & 0x7fff
}

func listen(t testing.TB, change ...func(*Config)) *SFU {
	t.Helper()
	before := goleak.IgnoreCurrent()
	cfg := Config{Loopback: true}
	for _, f := range change {
		f(&cfg)
	}
	s, err := Listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		goleak.VerifyNone(t, before)
	})
	return s
}

// wire is a client's UDP socket that can lose media packets.
type wire struct {
	net.PacketConn
	dropIn, dropOut atomic.Int64 // every so many-th media packet is lost; 0 loses none
	nIn, nOut       atomic.Int64
	loseIn          atomic.Int64 // so many percent of the media packets that come are lost, at random
	dead            atomic.Bool  // loses everything
	rtp, rtcp       atomic.Int64 // packets that came
	numbers         map[number]bool
	twice           atomic.Int64 // packets whose number had come before
}

// number is what must never be used twice with one key: of a packet of RTP or RTCP (RFC 7714 sections 8.1 and 9.1).
type number struct{ ssrc, index uint32 }

func (w *wire) seen(n number) {
	if w.numbers == nil {
		w.numbers = map[number]bool{}
	}
	if w.numbers[n] {
		w.twice.Add(1)
	}
	w.numbers[n] = true
}

// narrow is a socket at the end of a way that carries so many bits per second, 0 for any number, with a queue in front of it.
type narrow struct {
	net.PacketConn
	rate  atomic.Int64
	delay time.Duration
	ready chan datagram
}

type datagram struct {
	b    []byte
	from net.Addr
	at   time.Time // when it gets through
	err  error
}

const narrowQueue = 300 * time.Millisecond

func newNarrow(conn net.PacketConn, delay time.Duration) *narrow {
	n := &narrow{PacketConn: conn, delay: delay, ready: make(chan datagram, 4096)}
	go n.pump()
	return n
}

func (n *narrow) pump() {
	free := time.Now()
	for {
		b := make([]byte, 1600)
		size, from, err := n.PacketConn.ReadFrom(b)
		now := time.Now()
		if free.Before(now) {
			free = now
		}
		if free.Sub(now) > narrowQueue && err == nil {
			continue
		}
		if r := n.rate.Load(); r > 0 {
			free = free.Add(time.Duration(int64(size+28) * 8 * int64(time.Second) / r))
		}
		n.ready <- datagram{b[:size], from, free.Add(n.delay), err}
		if err != nil {
			return
		}
	}
}

func (n *narrow) ReadFrom(b []byte) (int, net.Addr, error) {
	d := <-n.ready
	time.Sleep(time.Until(d.at))
	if d.err != nil {
		n.ready <- d
	}
	return copy(b, d.b), d.from, d.err
}

func lost(b []byte, every, n *atomic.Int64) bool {
	e := every.Load()
	return e > 0 && len(b) > 300 && b[0] >= 128 && b[0] < 192 && n.Add(1)%e == 0
}

func (w *wire) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, a, err := w.PacketConn.ReadFrom(b)
		if n > 12 && b[0]>>6 == 2 { // RFC 7983
			if b[1] >= 192 && b[1] < 224 { // RFC 5761 section 4
				w.rtcp.Add(1)
				w.seen(number{binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[n-4:])}) // the index comes last, its highest bit set
			} else {
				w.rtp.Add(1)
				w.seen(number{binary.BigEndian.Uint32(b[8:]), uint32(binary.BigEndian.Uint16(b[2:]))})
			}
		}
		if err != nil || (!w.dead.Load() && !lost(b[:n], &w.dropIn, &w.nIn) && (n < 300 || rand.Int64N(100) >= w.loseIn.Load())) {
			return n, a, err
		}
	}
}

func (w *wire) WriteTo(b []byte, a net.Addr) (int, error) {
	if w.dead.Load() || lost(b, &w.dropOut, &w.nOut) {
		return len(b), nil
	}
	return w.PacketConn.WriteTo(b, a)
}

func join(t testing.TB, s *SFU, room, name string) *client {
	t.Helper()
	return joinSeeing(t, s, room, name)
}

func joinSeeing(t testing.TB, s *SFU, room, name string, seen ...netip.Addr) *client {
	t.Helper()
	return newClient(t, name).join(s, room, seen)
}

func newClient(t testing.TB, name string) *client {
	return &client{t: t, name: name, ask: make(chan [2]int, 64), done: make(chan struct{}), tracks: map[trackKey]trackState{}, got: map[string]*arrival{}, keyAsked: map[string]int{}, wanted: map[string]string{}}
}

func (c *client) join(s *SFU, room string, seen []netip.Addr) *client {
	t := c.t
	t.Helper()
	c.change = sync.NewCond(&c.mu)
	c.connect()
	var err error
	if c.peer, err = s.Join(room, c.name, seen, c); err != nil {
		t.Fatal(err)
	}
	c.work.Go(c.serve)
	t.Cleanup(c.close)
	return c
}

func (c *client) connect() {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		c.t.Fatal(err)
	}
	c.conn = &wire{PacketConn: udp}
	if c.narrows || c.away > 0 {
		c.down = newNarrow(udp, c.away)
		c.conn.PacketConn = c.down
	}
	m, r := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := errors.Join(m.RegisterDefaultCodecs(), webrtc.RegisterDefaultInterceptors(m, r), webrtc.ConfigureTWCCHeaderExtensionSender(m, r), webrtc.ConfigureSimulcastExtensionHeaders(m),
		m.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: levelURI}, webrtc.RTPCodecTypeAudio)); err != nil {
		c.t.Fatal(err)
	}
	if c.repeats {
		if err := m.RegisterCodec(webrtc.RTPCodecParameters{PayloadType: 63, RTPCodecCapability: webrtc.RTPCodecCapability{
			MimeType: mimeTypeRED, ClockRate: 48000, Channels: 2, SDPFmtpLine: "111/111"}}, webrtc.RTPCodecTypeAudio); err != nil {
			c.t.Fatal(err)
		}
	}
	e := webrtc.SettingEngine{LoggerFactory: pionLogs{discard}}
	e.SetIncludeLoopbackCandidate(true)
	if c.tcp {
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeTCP4})
	} else {
		e.SetICEUDPMux(webrtc.NewICEUDPMux(pionLogs{discard}.NewLogger(""), c.conn))
		e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	}
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		c.t.Fatal(err)
	}
	c.pc = pc
	pc.OnTrack(c.onTrack)
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			c.note(func() { c.connects++ })
		}
	})
}

func (c *client) close() {
	select {
	case <-c.done:
		return
	default:
	}
	close(c.done)
	c.peer.Leave()
	if err := c.pc.GracefulClose(); err != nil {
		c.t.Log(c.name, err)
	}
	_ = c.conn.Close()
	c.work.Wait()
	if n := c.conn.twice.Load(); n > 0 {
		c.t.Errorf("%s: %d packets had the number of another", c.name, n)
	}
}

func (c *client) note(f func()) {
	c.mu.Lock()
	f()
	c.mu.Unlock()
	c.change.Broadcast()
}

// wait blocks until cond, which may read what mu guards, holds.
func (c *client) wait(what string, cond func() bool) {
	c.t.Helper()
	late := false
	alarm := time.AfterFunc(patience, func() { c.note(func() { late = true }) })
	defer alarm.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	for !cond() {
		if late {
			for mid, r := range c.got {
				c.t.Logf("%s: section %s: %+v", c.name, mid, *r)
			}
			c.t.Logf("%s: told %v, key frames asked %v, stats %+v", c.name, c.tracks, c.keyAsked, c.peer.room.sfu.Stats())
			c.t.Fatalf("%s: never happened: %s", c.name, what)
		}
		c.change.Wait()
	}
}

func (c *client) Sections(audio, video int) { c.ask <- [2]int{audio, video} }
func (c *client) Track(peer, source, mid string, muted bool) {
	c.note(func() { c.tracks[trackKey{peer, source}] = trackState{mid, muted} })
}
func (c *client) TrackEnded(peer, source, mid string) {
	c.note(func() { delete(c.tracks, trackKey{peer, source}); c.ended++ })
}
func (c *client) Layers(source string, rids []string) {
	c.note(func() { c.wanted[source] = strings.Join(rids, " ") })
}
func (c *client) Quality(pictures, cause string) {
	c.note(func() { c.pictures = append(c.pictures, pictures+" "+cause) })
}
func (c *client) Speakers(peers []string, levels []int) {
	c.note(func() { c.speaking = append(c.speaking, strings.Join(peers, " ")) })
}
func (c *client) Gone(cause string) { c.note(func() { c.gone = cause }) }

// serve adds sections as they are asked for.
func (c *client) serve() {
	for {
		select {
		case <-c.done:
			return
		case want := <-c.ask:
			if err := c.offer(want[0], want[1], nil); err != nil && !errors.Is(err, ErrGone) {
				c.t.Errorf("%s: %v", c.name, err)
			}
		}
	}
}

// offer negotiates, with at least so many receiving sections.
func (c *client) offer(audio, video int, o *webrtc.OfferOptions) error {
	c.offering.Lock()
	defer c.offering.Unlock()
	for ; c.audio < audio; c.audio++ {
		c.receive(webrtc.RTPCodecTypeAudio)
	}
	for ; c.video < video; c.video++ {
		c.receive(webrtc.RTPCodecTypeVideo)
	}
	return c.negotiate(o)
}

func (c *client) receive(k webrtc.RTPCodecType) {
	if _, err := c.pc.AddTransceiverFromKind(k, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
		c.t.Error(err)
	}
}

func (c *client) negotiate(o *webrtc.OfferOptions) error {
	offer, err := c.pc.CreateOffer(o)
	if err != nil {
		return err
	}
	gathered := webrtc.GatheringCompletePromise(c.pc)
	if err := c.pc.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	answer, err := c.peer.Offer(c.pc.LocalDescription().SDP)
	if err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	c.note(func() { c.offers++ })
	return c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer})
}

// stream is what a client publishes.
type stream struct {
	c       *client
	source  string
	mid     string
	track   *webrtc.TrackLocalStaticRTP
	keys    atomic.Int64 // key frames asked for
	level   atomic.Int64 // of the sound, below full scale
	levelID uint8
}

// publish adds a sending section and starts to send; every packet carries tag.
func (c *client) publish(source string, tag byte) *stream {
	c.t.Helper()
	codec := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	if kindOf(source) == video {
		codec = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
	} else if c.repeats {
		codec.MimeType = mimeTypeRED
	}
	track, err := webrtc.NewTrackLocalStaticRTP(codec, source, "own")
	if err != nil {
		c.t.Fatal(err)
	}
	st := &stream{c: c, source: source, track: track}
	c.offering.Lock()
	defer c.offering.Unlock()
	tr, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		c.t.Fatal(err)
	}
	if err := c.negotiate(nil); err != nil {
		c.t.Fatal(err)
	}
	st.mid = tr.Mid()
	if err := c.peer.Publish(st.mid, source, false); err != nil {
		c.t.Fatal(err)
	}
	c.work.Go(func() { st.listen(tr.Sender()) })
	for _, x := range tr.Sender().GetParameters().HeaderExtensions {
		if x.URI == levelURI {
			st.levelID = uint8(x.ID)
		}
	}
	st.level.Store(127)
	c.work.Go(func() { st.send(tag) })
	return st
}

func (st *stream) listen(s *webrtc.RTPSender) {
	for {
		packets, _, err := s.ReadRTCP()
		if err != nil {
			return
		}
		for _, p := range packets {
			if _, ok := p.(*rtcp.PictureLossIndication); ok {
				st.keys.Add(1)
				st.c.note(func() { st.c.keyAsked[st.source]++ })
			}
		}
	}
}

// send sends a packet each 5 ms, a key frame whenever one was asked for.
func (st *stream) send(tag byte) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	seq, served, before := uint16(65500), int64(0), []byte{}
	for n := uint32(0); ; n++ {
		select {
		case <-st.c.done:
			return
		case <-tick.C:
		}
		payload := make([]byte, 400)
		payload[0], payload[1], payload[2] = 0x10, 0x01, tag
		if k := st.keys.Load(); k > served {
			served, payload[1] = k, 0
		}
		if st.track.Codec().MimeType == mimeTypeRED {
			payload, before = withEarlier(payload, before), payload
		}
		h := rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: n * 450, Marker: true}
		seq++
		if st.levelID != 0 {
			_ = h.SetExtension(st.levelID, []byte{byte(st.level.Load())})
		}
		if err := st.track.WriteRTP(&rtp.Packet{Header: h, Payload: payload}); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return
		}
		st.c.note(func() { st.c.sent++ })
	}
}

// withEarlier makes a packet of sound that brings along the one before it, 450 earlier (RFC 2198 section 3).
func withEarlier(own, before []byte) []byte {
	b := []byte{111}
	if len(before) > 0 {
		b = []byte{0x80 | 111, 450 >> 6, 450&0x3f<<2 | byte(len(before)>>8), byte(len(before)), 111}
	}
	return append(append(b, before...), own...)
}

func (c *client) onTrack(tr *webrtc.TrackRemote, rx *webrtc.RTPReceiver) {
	mid := rx.RTPTransceiver().Mid()
	c.work.Go(func() {
		for {
			if _, _, err := rx.ReadRTCP(); err != nil {
				return
			}
		}
	})
	for {
		p, attributes, err := tr.ReadRTP()
		if err != nil {
			return
		}
		if len(p.Payload) < 3 {
			continue
		}
		repaired := attributes.Get(webrtc.AttributeRtxSsrc) != nil
		c.note(func() { c.arrived(mid, uint32(tr.SSRC()), p, repaired) })
	}
}

func (c *client) arrived(mid string, ssrc uint32, p *rtp.Packet, repaired bool) {
	r := c.got[mid]
	if r == nil {
		r = &arrival{packets: map[byte]int{}, firstKey: map[byte]bool{}, heard: map[uint32]bool{}, lastSeq: p.SequenceNumber - 1}
		c.got[mid] = r
	}
	r.heard[p.Timestamp] = true
	if p.PayloadType == 63 {
		sound, _ := red.Parse(p.Payload)
		r.brings += len(sound.Earlier())
		for _, b := range sound.Earlier() {
			r.heard[p.Timestamp-b.Offset] = true
		}
		p.Payload = p.Payload[sound.Primary():]
	}
	tag, key, picture := read(p.Payload)
	if r.packets[tag] == 0 {
		r.firstKey[tag] = key
	}
	if r.from != tag {
		r.run = 0
	}
	r.packets[tag]++
	r.run++
	before := *r
	r.from, r.ssrc = tag, ssrc
	if repaired {
		r.repaired++
		return
	}
	r.lastTime, r.picture = p.Timestamp, picture
	if n := before.picture + 1; before.lastTime != 0 && picture != n&0x7fff && picture != 0 {
		r.jumps++
	}
	if before.lastTime != 0 && int32(p.Timestamp-before.lastTime) <= 0 {
		r.backwards++
	}
	if gap := int16(p.SequenceNumber - r.lastSeq); gap > 0 {
		r.holes += int(gap) - 1
		r.lastSeq = p.SequenceNumber
	}
}

// arrives waits until the source of another is told with a section and n packets with its tag came in that.
func (c *client) arrives(peer, source string, tag byte, n int) (mid string) {
	c.t.Helper()
	c.wait(fmt.Sprintf("%d packets of %s's %s", n, peer, source), func() bool {
		mid = c.tracks[trackKey{peer, source}].mid
		r := c.got[mid]
		return mid != "" && r != nil && r.packets[tag] >= n
	})
	return mid
}
