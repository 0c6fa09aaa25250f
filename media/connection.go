package media

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/transport/v5/packetio"
	"github.com/pion/webrtc/v4"
)

// A vanished peer is disconnected after the first and failed after the sum of both.
const (
	disconnectedAfter = 5 * time.Second
	failedAfter       = 15 * time.Second
	keepalive         = 2 * time.Second
	gatherLimit       = 5 * time.Second
)

// packetOut is how a media packet leaves towards one section. Header and payload stay the caller's. Today Pion seals and sends behind it.
type packetOut interface {
	WriteRTP(header *rtp.Header, payload []byte) (int, error)
}

// feedbackOut is how RTCP leaves towards one peer.
type feedbackOut interface {
	WriteRTCP(packets []rtcp.Packet) error
}

// inletFactory makes the place where the decrypted packets of one SSRC go.
type inletFactory func(packetio.BufferPacketType, uint32) io.ReadWriteCloser

// newConnection makes a PeerConnection with no interceptors: repair, reports and feedback are ours. Each has an API of its own, because
// the inlets belong to one peer.
func (s *SFU) newConnection(inlets inletFactory) (*webrtc.PeerConnection, error) {
	engine := &webrtc.MediaEngine{}
	if err := registerCodecs(engine); err != nil {
		return nil, fmt.Errorf("registering codecs: %w", err)
	}
	settings, err := s.settings(inlets)
	if err != nil {
		return nil, err
	}
	api := webrtc.NewAPI(webrtc.WithMediaEngine(engine), webrtc.WithSettingEngine(settings), webrtc.WithInterceptorRegistry(&interceptor.Registry{}))
	pc, err := api.NewPeerConnection(webrtc.Configuration{BundlePolicy: webrtc.BundlePolicyMaxBundle, RTPHeaderEncryptionPolicy: webrtc.RTPHeaderEncryptionPolicyDisable})
	if err != nil {
		return nil, fmt.Errorf("making a peer connection: %w", err)
	}
	pc.OnTrack(func(*webrtc.TrackRemote, *webrtc.RTPReceiver) {}) // or each would be logged as forgotten
	return pc, nil
}

func registerCodecs(engine *webrtc.MediaEngine) error {
	transport := webrtc.RTCPFeedback{Type: "transport-cc"}
	// Without parameters, any that a client offers fit, and are answered as they are.
	opus := webrtc.RTPCodecParameters{PayloadType: 111, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2, RTCPFeedback: []webrtc.RTCPFeedback{transport}}}
	redundant := webrtc.RTPCodecParameters{PayloadType: 63, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: mimeTypeRED, ClockRate: 48000, Channels: 2, RTCPFeedback: []webrtc.RTCPFeedback{transport}}}
	vp8 := webrtc.RTPCodecParameters{PayloadType: 96, RTPCodecCapability: webrtc.RTPCodecCapability{
		MimeType: webrtc.MimeTypeVP8, ClockRate: 90000,
		RTCPFeedback: []webrtc.RTCPFeedback{transport, {Type: "nack"}, {Type: "nack", Parameter: "pli"}, {Type: "ccm", Parameter: "fir"}}}}
	rtx := webrtc.RTPCodecParameters{PayloadType: 97, RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: 90000, SDPFmtpLine: "apt=96"}}
	err := errors.Join(engine.RegisterCodec(opus, webrtc.RTPCodecTypeAudio), engine.RegisterCodec(redundant, webrtc.RTPCodecTypeAudio), engine.RegisterCodec(vp8, webrtc.RTPCodecTypeVideo), engine.RegisterCodec(rtx, webrtc.RTPCodecTypeVideo))
	for _, x := range []struct {
		kind webrtc.RTPCodecType
		uris []string
	}{{webrtc.RTPCodecTypeAudio, []string{midURI, transportCCURI, levelURI}}, {webrtc.RTPCodecTypeVideo, []string{midURI, transportCCURI, ridURI, repairedURI}}} {
		for _, uri := range x.uris {
			err = errors.Join(err, engine.RegisterHeaderExtension(webrtc.RTPHeaderExtensionCapability{URI: uri}, x.kind))
		}
	}
	return err
}

func (s *SFU) settings(inlets inletFactory) (webrtc.SettingEngine, error) {
	e := webrtc.SettingEngine{LoggerFactory: pionLogs{s.config.Logger}, BufferFactory: inlets}
	e.SetICEUDPMux(s.mux)
	networks := []webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6}
	if s.streams != nil {
		e.SetICETCPMux(s.streams)
		networks = append(networks, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6)
	}
	e.SetNetworkTypes(networks)
	e.SetIncludeLoopbackCandidate(s.config.Loopback)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetICETimeouts(disconnectedAfter, failedAfter, keepalive)
	// Take the first pair that works: waiting for a better one costs up to a second (RFC 8445 section 8.1.1 leaves this to us).
	e.SetHostAcceptanceMinWait(0)
	e.SetSrflxAcceptanceMinWait(0)
	e.SetPrflxAcceptanceMinWait(0)
	e.SetRelayAcceptanceMinWait(0)
	// As the DTLS server we choose the profile: AES-128-GCM costs the least.
	e.SetSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80)
	// DTLS runs only over a path that ICE has checked, so a second proof of the client's address would cost a round trip for nothing.
	e.SetDTLSInsecureSkipHelloVerify(true)
	// The inlets have the packets; Pion need not wait for the first one of each track.
	e.SetFireOnTrackBeforeFirstRTP(true)
	if err := e.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return e, fmt.Errorf("choosing the DTLS role: %w", err)
	}
	return e, nil
}

// inlet takes the decrypted packets of one SSRC straight from the SRTP session's reader. Pion's own readers find nothing in it and
// wait until it is closed.
type inlet struct {
	closed chan struct{}
	once   sync.Once
	take   func(packet []byte)
}

func newInlet(take func([]byte)) *inlet { return &inlet{closed: make(chan struct{}), take: take} }

// Write hands over one packet, which is the caller's again afterwards.
func (i *inlet) Write(packet []byte) (int, error) {
	i.take(packet)
	return len(packet), nil
}

// Read waits for the end.
func (i *inlet) Read([]byte) (int, error) {
	<-i.closed
	return 0, io.EOF
}

// Close ends the readers. Pion may call it more than once.
func (i *inlet) Close() error {
	i.once.Do(func() { close(i.closed) })
	return nil
}

// answer makes pc accept an offer and gives the answer with all candidates in it. prepare is called between the two, when the transceivers
// exist, to put senders into them.
func answer(pc *webrtc.PeerConnection, offer string, prepare func() error) (string, error) {
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", fmt.Errorf("accepting the offer: %w", err)
	}
	if err := prepare(); err != nil {
		return "", err
	}
	description, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", fmt.Errorf("making the answer: %w", err)
	}
	gathered := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(description); err != nil {
		return "", fmt.Errorf("applying the answer: %w", err)
	}
	limit := time.NewTimer(gatherLimit)
	defer limit.Stop()
	select {
	case <-gathered:
		return withRedundancy(withStartRate(pc.LocalDescription().SDP)), nil
	case <-limit.C:
		return "", errors.New("gathering candidates took too long")
	}
}
