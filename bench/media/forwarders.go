package main

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"neochat/media"
	"neochat/port"
)

// ours is the SFU on the server's own port.
type ours struct {
	sfu *media.SFU
	udp *port.UDP
}

func openOurs() (forwarder, error) {
	udp, err := port.ListenUDP(port.UDPConfig{Address: ":0"})
	if err != nil {
		return nil, err
	}
	s, err := media.Listen(media.Config{Conn: udp.Media(), Loopback: true, MaxPeers: 1000})
	return ours{s, udp}, err
}

func (o ours) connect(m message) (string, error) {
	p, err := o.sfu.Join("bench", fmt.Sprint(m.ID), nil, nobody{})
	if err != nil {
		return "", err
	}
	if m.Publish {
		if err := p.Publish(m.Mid, media.Camera, false); err != nil {
			return "", err
		}
	}
	return p.Offer(m.SDP)
}

func (o ours) sent() uint64 { return o.sfu.Stats().PacketsOut }
func (o ours) close() error { return errors.Join(o.sfu.Close(), o.udp.Close()) }

// nobody listens to events.
type nobody struct{}

func (nobody) Sections(int, int)                  {}
func (nobody) Track(string, string, string, bool) {}
func (nobody) TrackEnded(string, string, string)  {}
func (nobody) Gone(string)                        {}
func (nobody) Layers(string, []string)            {}
func (nobody) Quality(string, string)             {}
func (nobody) Speakers([]string, []int)           {}

// stock is what one writes with Pion first: a TrackLocalStaticRTP for each receiver, and the default interceptors.
type stock struct {
	api   *webrtc.API
	mux   ice.UDPMux
	count atomic.Uint64

	mu     sync.Mutex
	pcs    []*webrtc.PeerConnection      // guarded by mu
	tracks []*webrtc.TrackLocalStaticRTP // guarded by mu
}

func openStock() (forwarder, error) {
	udp, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, err
	}
	quiet := logging.NewDefaultLoggerFactory()
	quiet.DefaultLogLevel = logging.LogLevelDisabled
	s := &stock{mux: ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: udp, Logger: quiet.NewLogger("mux")})}
	e := webrtc.SettingEngine{LoggerFactory: quiet}
	e.SetICEUDPMux(s.mux)
	e.SetIncludeLoopbackCandidate(true)
	m, r := &webrtc.MediaEngine{}, &interceptor.Registry{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		return nil, err
	}
	if err := webrtc.RegisterDefaultInterceptors(m, r); err != nil {
		return nil, err
	}
	s.api = webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(e))
	return s, nil
}

func (s *stock) connect(m message) (string, error) {
	pc, err := s.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	s.pcs = append(s.pcs, pc)
	s.mu.Unlock()
	if m.Publish {
		pc.OnTrack(func(t *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { s.forward(t) })
	} else if err := s.receiver(pc); err != nil {
		return "", err
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: m.SDP}); err != nil {
		return "", err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-gathered
	return pc.LocalDescription().SDP, nil
}

func (s *stock) receiver(pc *webrtc.PeerConnection) error {
	t, err := webrtc.NewTrackLocalStaticRTP(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "video", "bench")
	if err != nil {
		return err
	}
	sender, err := pc.AddTrack(t)
	if err != nil {
		return err
	}
	go func() {
		b := make([]byte, 1500)
		for {
			if _, _, err := sender.Read(b); err != nil {
				return
			}
		}
	}()
	s.mu.Lock()
	s.tracks = append(s.tracks, t)
	s.mu.Unlock()
	return nil
}

func (s *stock) forward(t *webrtc.TrackRemote) {
	for {
		p, _, err := t.ReadRTP()
		if err != nil {
			return
		}
		s.mu.Lock()
		tracks := s.tracks
		s.mu.Unlock()
		for _, t := range tracks {
			if t.WriteRTP(p) == nil {
				s.count.Add(1)
			}
		}
	}
}

func (s *stock) sent() uint64 { return s.count.Load() }

func (s *stock) close() error {
	for _, pc := range s.pcs {
		_ = pc.Close()
	}
	return s.mux.Close()
}
