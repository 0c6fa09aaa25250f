package media

import (
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// encoding is one layer of what a client publishes.
type encoding struct {
	rid           string
	tag           byte
	width, height int
	track         *webrtc.TrackLocalStaticRTP
	keys          atomic.Int64 // key frames asked for
	first         uint16       // number its pictures and packets begin with
	bytes         int          // of a picture
}

func threeLayers(tag byte) []*encoding {
	return []*encoding{
		{rid: "q", tag: tag, width: 320, height: 180, first: 65000, bytes: 100},
		{rid: "h", tag: tag + 1, width: 640, height: 360, first: 100, bytes: 450},
		{rid: "f", tag: tag + 2, width: 1280, height: 720, first: 32700, bytes: 1100},
	}
}

// publishLayers publishes a camera in several layers and sends those that are wanted.
func (c *client) publishLayers(layers []*encoding) {
	c.t.Helper()
	var tr *webrtc.RTPTransceiver
	c.offering.Lock()
	defer c.offering.Unlock()
	for i, e := range layers {
		var err error
		e.track, err = webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, Camera, "own", webrtc.WithRTPStreamID(e.rid))
		if err != nil {
			c.t.Fatal(err)
		}
		if i == 0 {
			tr, err = c.pc.AddTransceiverFromTrack(e.track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		} else {
			err = tr.Sender().AddEncoding(e.track)
		}
		if err != nil {
			c.t.Fatal(err)
		}
	}
	if err := c.negotiate(nil); err != nil {
		c.t.Fatal(err)
	}
	if err := c.peer.Publish(tr.Mid(), Camera, false); err != nil {
		c.t.Fatal(err)
	}
	for _, e := range layers {
		c.work.Go(func() { c.listenTo(e, tr.Sender()) })
		c.work.Go(func() { c.sendLayer(e, tr) })
	}
}

func (c *client) listenTo(e *encoding, s *webrtc.RTPSender) {
	for {
		packets, _, err := s.ReadSimulcastRTCP(e.rid)
		if err != nil {
			return
		}
		for _, p := range packets {
			if _, ok := p.(*rtcp.PictureLossIndication); ok {
				e.keys.Add(1)
				c.note(func() { c.keyAsked[e.rid]++ })
			}
		}
	}
}

// sendLayer sends a picture each 10 ms in one packet, a key frame whenever one was asked for or the layer begins.
func (c *client) sendLayer(e *encoding, tr *webrtc.RTPTransceiver) {
	var midID, ridID uint8
	for _, x := range tr.Sender().GetParameters().HeaderExtensions {
		switch x.URI {
		case midURI:
			midID = uint8(x.ID)
		case ridURI:
			ridID = uint8(x.ID)
		}
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	served, on := int64(-1), true
	for n, at := uint16(0), uint32(e.first)*1000; ; at += 900 {
		select {
		case <-c.done:
			return
		case <-tick.C:
		}
		c.mu.Lock()
		wanted, limited := c.wanted[Camera]
		was := on
		on = !limited || strings.Contains(wanted, e.rid)
		c.mu.Unlock()
		if !on {
			continue
		}
		k := e.keys.Load()
		payload := e.picture(e.first+n, k > served || !was)
		served = k
		h := rtp.Header{Version: 2, SequenceNumber: e.first + n, Timestamp: at, Marker: true}
		_ = h.SetExtension(midID, []byte(tr.Mid()))
		_ = h.SetExtension(ridID, []byte(e.rid))
		n++
		if err := e.track.WriteRTP(&rtp.Packet{Header: h, Payload: payload}); err != nil && !errors.Is(err, io.ErrClosedPipe) {
			return
		}
	}
}

// picture is a packet of a VP8 picture with a 15-bit number, a number of its temporal level and, if it is a key frame, its size.
func (e *encoding) picture(number uint16, key bool) []byte {
	frame := []byte{1, 0, 0, 0x9d, 0x01, 0x2a, byte(e.width), byte(e.width >> 8), byte(e.height), byte(e.height >> 8), e.tag}
	if key {
		frame[0] = 0
	}
	return append([]byte{0x90, 0xc0, 0x80 | byte(number>>8), byte(number), byte(number)}, append(frame, make([]byte, e.bytes)...)...)
}

// comesAlone waits until the last n packets in a section are of one layer.
func (c *client) comesAlone(mid string, tag byte, n int) {
	c.t.Helper()
	c.wait("only that layer", func() bool { r := c.got[mid]; return r.from == tag && r.run >= n })
}

func (c *client) subscribe(peer string, width, height int) {
	c.t.Helper()
	if err := c.peer.Subscribe(peer, Camera, width, height); err != nil {
		c.t.Fatal(err)
	}
}

func TestEachReceiverGetsTheLayerItShows(t *testing.T) {
	s := listen(t)
	a, b, c := join(t, s, "room", "a"), join(t, s, "room", "b"), join(t, s, "room", "c")
	layers := threeLayers(10)
	a.publishLayers(layers)
	mid := b.arrives("a", Camera, 12, 20)
	other := c.arrives("a", Camera, 12, 20)
	for _, x := range []struct {
		width, height int
		tag           byte
	}{{300, 170, 10}, {600, 400, 11}, {1920, 1080, 12}, {320, 180, 10}, {640, 360, 11}} {
		b.subscribe("a", x.width, x.height)
		b.comesAlone(mid, x.tag, 20)
	}
	b.mu.Lock()
	r := *b.got[mid]
	b.mu.Unlock()
	if r.holes != 0 || r.jumps != 0 || r.backwards != 0 {
		t.Errorf("not continuous: %+v", r)
	}
	c.mu.Lock()
	if r := c.got[other]; r.jumps != 0 || r.holes != 0 {
		t.Errorf("the other receiver noticed: %+v", *r)
	}
	c.mu.Unlock()
	b.subscribe("a", 0, 0)
	c.subscribe("a", 100, 100)
	a.wait("the layers nobody wants named", func() bool { return a.wanted[Camera] == "q" })
	c.comesAlone(other, 10, 50)
	b.mu.Lock()
	had := b.got[mid].run
	b.mu.Unlock()
	c.comesAlone(other, 10, 100)
	b.mu.Lock()
	if now := b.got[mid].run; now > had+5 {
		t.Errorf("%d packets of what nobody wants", now-had)
	}
	b.mu.Unlock()
	b.subscribe("a", 1280, 720)
	b.comesAlone(mid, 12, 20)
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.got[mid]; r.holes != 0 || r.jumps != 0 || r.backwards != 0 {
		t.Errorf("not continuous after the pause: %+v", *r)
	}
}

// joinNarrow is join for a client whose way from the server can be made narrow.
func joinNarrow(t *testing.T, s *SFU, room, name string) *client {
	t.Helper()
	c := newClient(t, name)
	c.narrows = true
	return c.join(s, room, nil)
}

func (c *client) told(pictures string) {
	c.t.Helper()
	c.wait("told that pictures are "+pictures, func() bool {
		return len(c.pictures) > 0 && strings.HasPrefix(c.pictures[len(c.pictures)-1], pictures)
	})
}

func TestANarrowWayGetsASmallerLayerAndAllOfTheSound(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 15 seconds")
	}
	s := listen(t)
	a, b, c := join(t, s, "room", "a"), joinNarrow(t, s, "room", "b"), join(t, s, "room", "c")
	a.publishLayers(threeLayers(10))
	a.publish(Microphone, 1)
	mid := b.arrives("a", Camera, 12, 50)
	other := c.arrives("a", Camera, 12, 50)
	sound := b.arrives("a", Microphone, 1, 50)
	for _, width := range []int64{1_000_000, 0} { // sound takes 740 kbit/s here, the layers 140, 420 and 940
		b.down.rate.Store(width)
		if width > 0 {
			b.comesAlone(mid, 10, 200)
			b.told(Reduced)
			b.figures("a limited receiver and what it gets", func(st Stats) bool {
				return st.Limited == 1 && st.Estimates.count() > 0 && st.Pictures["small"] == 1 && st.Pictures["large"] == 1
			})
			if e := s.Stats().Estimates; e.Sum/float64(e.count()) > 2_000_000 {
				t.Errorf("estimates far above what gets through: %+v", e)
			}
			b.mu.Lock()
			had := *b.got[sound]
			b.mu.Unlock()
			b.comesAlone(mid, 10, 400)
			b.mu.Lock()
			if now := b.got[sound]; now.run < had.run+100 || now.holes > had.holes+3 {
				t.Errorf("sound suffers: %+v, was %+v", *now, had)
			}
			b.mu.Unlock()
			continue
		}
		b.comesAlone(mid, 12, 100)
		b.told(Full)
	}
	c.mu.Lock()
	if r := c.got[other]; r.packets[10]+r.packets[11] > 60 || r.from != 12 {
		t.Errorf("the other receiver's layer fell too: %+v", *r)
	}
	c.mu.Unlock()
	b.down.rate.Store(800_000)
	b.told(Nothing)
	b.down.rate.Store(0)
	b.told(Full)
	if st := s.Stats(); st.Padding == 0 || st.Pauses == 0 {
		t.Errorf("%+v", st)
	}
}

func TestAMutedPictureTakesNothingFromOthers(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 10 seconds")
	}
	s := listen(t)
	a, b, c := join(t, s, "room", "a"), joinNarrow(t, s, "room", "b"), join(t, s, "room", "c")
	a.publishLayers(threeLayers(10))
	c.publishLayers(threeLayers(20))
	mid := b.arrives("a", Camera, 12, 20)
	b.arrives("c", Camera, 22, 20)
	b.down.rate.Store(1_400_000) // the largest layers take 940 kbit/s each
	b.told(Reduced)
	if err := c.peer.Mute(Camera, true); err != nil {
		t.Fatal(err)
	}
	b.told(Full)
	b.comesAlone(mid, 12, 50)
	if err := c.peer.Mute(Camera, false); err != nil {
		t.Fatal(err)
	}
	b.told(Reduced)
}
