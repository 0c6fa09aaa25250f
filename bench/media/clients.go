package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
)

const readyWithin = 20 * time.Second

// crowd is the publisher and the receivers.
type crowd struct {
	in   *bufio.Reader
	out  *json.Encoder
	pcs  []*webrtc.PeerConnection
	sink []*sink
}

// sink is a receiver's socket: it counts media and keeps it from Pion.
type sink struct {
	net.PacketConn
	media atomic.Uint64
}

func (s *sink) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, a, err := s.PacketConn.ReadFrom(b)
		if err != nil || n < 2 || b[0]>>6 != 2 || (b[1] >= 192 && b[1] < 224) { // RFC 7983, RFC 5761 section 4
			return n, a, err
		}
		s.media.Add(1)
	}
}

// clients is the child process: it connects everybody, publishes, and tells at the end of its input what arrived.
func clients(o options, in io.Reader, out io.Writer) error {
	c := &crowd{in: bufio.NewReader(in), out: json.NewEncoder(out)}
	if err := c.run(o); err != nil {
		return errors.Join(err, c.out.Encode(message{Error: err.Error()}))
	}
	return nil
}

func (c *crowd) run(o options) error {
	track, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "video", "bench")
	if err != nil {
		return err
	}
	for id := range o.receivers + 1 {
		if err := c.connect(id, track); err != nil {
			return fmt.Errorf("client %d: %w", id, err)
		}
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, c.in)
		close(ended)
	}()
	sending := make(chan error, 1)
	go func() { sending <- send(track, o.rate, ended) }()
	if err := c.allReceive(); err != nil {
		return err
	}
	if err := c.out.Encode(message{Ready: true}); err != nil {
		return err
	}
	if err := <-sending; err != nil {
		return err
	}
	time.Sleep(100 * time.Millisecond) // what is still in the sockets
	total := uint64(0)
	for _, s := range c.sink {
		total += s.media.Load()
	}
	return c.out.Encode(message{Received: total})
}

// connect makes a client: number 0 publishes, the others receive.
func (c *crowd) connect(id int, track webrtc.TrackLocal) error {
	udp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return err
	}
	s := &sink{PacketConn: udp}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	e := webrtc.SettingEngine{LoggerFactory: quiet}
	e.SetICEUDPMux(ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: s, Logger: quiet.NewLogger("mux")}))
	e.SetIncludeLoopbackCandidate(true)
	e.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		return err
	}
	pc, err := webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithSettingEngine(e)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return err
	}
	c.pcs = append(c.pcs, pc)
	if id > 0 {
		c.sink = append(c.sink, s)
		_, err = pc.AddTransceiverFromKind(webrtc.RTPCodecTypeVideo, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
	} else {
		_, err = pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	}
	if err != nil {
		return err
	}
	return c.negotiate(id, pc)
}

func (c *crowd) negotiate(id int, pc *webrtc.PeerConnection) error {
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		return err
	}
	connected := make(chan struct{})
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			close(connected)
		}
	})
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(offer); err != nil {
		return err
	}
	<-gathered
	if err := c.out.Encode(message{ID: id, Publish: id == 0, Mid: pc.GetTransceivers()[0].Mid(), SDP: pc.LocalDescription().SDP}); err != nil {
		return err
	}
	var m message
	line, err := c.in.ReadBytes('\n')
	if err != nil {
		return err
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return err
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: m.SDP}); err != nil {
		return err
	}
	select {
	case <-connected:
		return nil
	case <-time.After(readyWithin):
		return errors.New("did not connect")
	}
}

// allReceive waits until media has reached every receiver.
func (c *crowd) allReceive() error {
	limit := time.Now().Add(readyWithin)
	for _, s := range c.sink {
		for s.media.Load() == 0 {
			if time.Now().After(limit) {
				return errors.New("a receiver got nothing")
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return nil
}

// send publishes at an even pace until ended. Every packet begins a key frame, so that nobody waits for one.
func send(track *webrtc.TrackLocalStaticRTP, rate int, ended <-chan struct{}) error {
	payload := make([]byte, 1200)
	payload[0] = 0x10
	tick := time.NewTicker(time.Second / time.Duration(rate))
	defer tick.Stop()
	for n := uint32(0); ; n++ {
		select {
		case <-ended:
			return nil
		case <-tick.C:
		}
		h := rtp.Header{Version: 2, SequenceNumber: uint16(n), Timestamp: n * uint32(90000/rate), Marker: true}
		if err := track.WriteRTP(&rtp.Packet{Header: h, Payload: payload}); err != nil {
			return err
		}
	}
}
