package media

import (
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

// film publishes a camera as browsers do: 30 pictures a second of 1.3 Mbit/s, a key frame of 40 packets when one is asked for.
type film struct {
	stream
	last atomic.Int64 // when the latest key frame was sent
}

func (c *client) film() *film {
	c.t.Helper()
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, Camera, "own")
	if err != nil {
		c.t.Fatal(err)
	}
	f := &film{stream: stream{c: c, source: Camera, track: track}}
	c.offering.Lock()
	defer c.offering.Unlock()
	tr, err := c.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err == nil {
		err = c.negotiate(nil)
	}
	if err == nil {
		err = c.peer.Publish(tr.Mid(), Camera, false)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	c.work.Go(func() { f.listen(tr.Sender()) })
	c.work.Go(f.roll)
	return f
}

func (f *film) roll() {
	tick := time.NewTicker(time.Second / 30)
	defer tick.Stop()
	served, seq := int64(-1), uint16(0)
	for stamp := uint32(0); ; stamp += 3000 {
		select {
		case <-f.c.done:
			return
		case <-tick.C:
		}
		packets, key := 5, byte(1)
		if k := f.keys.Load(); k > served {
			served, packets, key = k, 40, 0
			f.last.Store(time.Now().UnixNano())
		}
		for i := range packets {
			payload := make([]byte, 1100)
			payload[1], payload[2] = key, 1
			if i == 0 {
				payload[0] = 0x10 // the picture begins
			}
			h := rtp.Header{Version: 2, SequenceNumber: seq, Timestamp: stamp, Marker: i == packets-1}
			seq++
			if err := f.track.WriteRTP(&rtp.Packet{Header: h, Payload: payload}); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				return
			}
		}
	}
}

// A newcomer waits for a picture: soon after a key frame it is given what there is, long after one a new one is asked for. Told in ms from when its
// connection was up, as it takes the same time in both cases.
func BenchmarkFirstPicture(b *testing.B) {
	for _, away := range []time.Duration{0, 100 * time.Millisecond} {
		for _, age := range []time.Duration{200 * time.Millisecond, 600 * time.Millisecond, 3 * time.Second} {
			b.Run(fmt.Sprintf("away=%s/key=%s", away, age), func(b *testing.B) { firstPicture(b, away, age) })
		}
	}
}

func firstPicture(b *testing.B, away, age time.Duration) {
	s := listen(b)
	a := newClient(b, "a")
	a.away = away
	f := a.join(s, "room", nil).film()
	base := newClient(b, "base")
	base.join(s, "room", nil).arrives("a", Camera, 1, 60)
	var up time.Duration
	var asked int64
	for i := range b.N {
		time.Sleep(1200 * time.Millisecond) // a key frame may be asked for again
		before := f.keys.Add(1)
		for time.Now().UnixNano()-f.last.Load() > int64(age) {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(age)
		c := newClient(b, fmt.Sprint("c", i))
		c.away = away
		c.join(s, "room", nil)
		c.wait("connected", func() bool { return c.connects > 0 })
		connected := time.Now()
		c.wait("a whole key frame", func() bool {
			for _, r := range c.got {
				if r.packets[1] >= 40 {
					return true
				}
			}
			return false
		})
		up += time.Since(connected)
		asked += f.keys.Load() - before
		c.close()
	}
	n := float64(b.N)
	b.ReportMetric(up.Seconds()*1000/n, "ms")
	b.ReportMetric(float64(asked)/n, "keys-asked")
	b.ReportMetric(0, "ns/op")
}
