package contract

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

// phone is a client in a call: a bare connection, and Pion in the browser's place.
type phone struct {
	*client
	t         *testing.T
	key, id   string
	pc        *webrtc.PeerConnection
	found     chan *webrtc.ICECandidate // nil closes the list
	connected chan struct{}
	arrived   chan arrival
	recvonly  [2]int // sections of audio and video
}

// arrival is the first packet of a track.
type arrival struct {
	mid     string
	payload []byte
}

// enter joins a call that the client is a member of.
func enter(t *testing.T, c *client, key string) *phone {
	t.Helper()
	return enterBy(t, c, key, direct)
}

// enterBy is enter by another route.
func enterBy(t *testing.T, c *client, key string, by route) *phone {
	t.Helper()
	p := &phone{client: c, t: t, key: key, found: make(chan *webrtc.ICECandidate, 32), connected: make(chan struct{}, 1), arrived: make(chan arrival, 8)}
	c.send("message_type: join\nconnection_key: " + key + "\n\n")
	joined := c.find("message_type: join\nstat: 200\nconnection_key: " + key + "\nparticipant: {p}\ncall: …\ncount: {n}")
	p.id = joined["p"]
	own := p.last
	if joined["n"] != "0" {
		c.find("participant: …\nuser_account: …\n.") // at most one other, here
	}
	p.connect(by, own)
	return p
}

func (p *phone) connect(by route, joined message) {
	p.t.Helper()
	var e webrtc.SettingEngine
	e.SetIncludeLoopbackCandidate(true)
	config := by.configure(p.t, &e, joined)
	m := &webrtc.MediaEngine{}
	if err := m.RegisterDefaultCodecs(); err != nil {
		p.t.Fatal(err)
	}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(e), webrtc.WithMediaEngine(m)).NewPeerConnection(config)
	if err != nil {
		p.t.Fatal(err)
	}
	p.pc = pc
	p.t.Cleanup(func() {
		if err := pc.GracefulClose(); err != nil {
			p.t.Error(err)
		}
	})
	pc.OnICECandidate(func(c *webrtc.ICECandidate) { p.found <- c })
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			p.connected <- struct{}{}
		}
	})
	pc.OnTrack(func(track *webrtc.TrackRemote, r *webrtc.RTPReceiver) {
		packet, _, err := track.ReadRTP()
		if err == nil {
			p.arrived <- arrival{r.RTPTransceiver().Mid(), bytes.Clone(packet.Payload)}
		}
	})
}

// offer makes one, sends it with what goes along in the same WebSocket message, and takes the answer.
func (p *phone) offer(along func(mid string) string, publishing *webrtc.RTPTransceiver) {
	p.t.Helper()
	offer, err := p.pc.CreateOffer(nil)
	if err == nil {
		err = p.pc.SetLocalDescription(offer)
	}
	if err != nil {
		p.t.Fatal(err)
	}
	frame, sdp := "", offer.SDP
	if along != nil {
		frame = along(publishing.Mid())
	}
	// Every line of an SDP ends with CRLF: inside a value the CRs stay, for the message's first line has none.
	p.send(frame + "message_type: description\nconnection_key: " + p.key + "\nsdp_type: offer\nsdp: " + strings.ReplaceAll(sdp, "\n", "\n ") + "\n\n")
	p.find("message_type: description\nstat: 200\nconnection_key: " + p.key + "\nsdp_type: answer\nsdp: …")
	answer := webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: p.last.get("sdp")}
	if !strings.Contains(answer.SDP, "a=candidate:") {
		p.t.Error("the answer holds no candidates")
	}
	if err := p.pc.SetRemoteDescription(answer); err != nil {
		p.t.Fatalf("the answer: %v\n%s", err, answer.SDP)
	}
}

// trickle sends each candidate that Pion finds, and that it was all.
func (p *phone) trickle() {
	p.t.Helper()
	for {
		c := <-p.found
		line, mid, n := "", "", 0
		if c != nil {
			j := c.ToJSON()
			line = j.Candidate
			if j.SDPMid != nil {
				mid, n = *j.SDPMid, int(*j.SDPMLineIndex)
			}
		}
		p.send(fmt.Sprintf("task_id: c\nmessage_type: candidate\nconnection_key: %s\ncandidate: %s\nmid: %s\nmline: %d\n\n", p.key, line, mid, n))
		p.find("task_id: c\nmessage_type: candidate\nstat: 200")
		if c == nil {
			return
		}
	}
}

// publish sends a microphone and returns its track.
func (p *phone) publish() *webrtc.TrackLocalStaticSample {
	p.t.Helper()
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "m", "m")
	if err != nil {
		p.t.Fatal(err)
	}
	tr, err := p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	if err != nil {
		p.t.Fatal(err)
	}
	p.offer(func(mid string) string {
		return "task_id: t\nmessage_type: track\nconnection_key: " + p.key + "\nmid: " + mid + "\nsource: microphone\nmuted: no\n\n"
	}, tr)
	p.find("task_id: t\nmessage_type: track\nstat: 200")
	p.trickle()
	return track
}

// receive makes the sections that the server asks for.
func (p *phone) receive() {
	p.t.Helper()
	want := p.find("message_type: sections\nconnection_key: " + p.key + "\naudio: {a}\nvideo: {v}")
	for kind, n := range []string{want["a"], want["v"]} {
		for wanted, _ := strconv.Atoi(n); p.recvonly[kind] < wanted; p.recvonly[kind]++ {
			_, err := p.pc.AddTransceiverFromKind([]webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo}[kind],
				webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
			if err != nil {
				p.t.Fatal(err)
			}
		}
	}
	if p.recvonly == [2]int{} {
		p.t.Fatal("no section is wanted though a track is published")
	}
	p.offer(nil, nil)
	p.trickle()
}

// pairInCall opens a call of +1 and +2 that is answered.
func pairInCall(s *server) (a, b *client, key string) {
	s.t.Helper()
	a, b = s.login("/cell", "+1", "a"), s.login("/cell", "+2", "b")
	a.send("friends: +2\n\n")
	key = a.want("stat: 200\nconnection_key: {k}")["k"]
	a.send("message_type: call\ncell_key: " + key + "\n\n")
	a.want("message_type: call\nstat: 200")
	b.want("user_account: +1\nmessage_type: call\ncell_key: " + key)
	b.send("cell_type: 200\nfriends: +1\ncell_key: " + key + "\n\n")
	b.want("stat: 200")
	a.want("user_account: +2\nmessage_type: cell\ncell_type: 200\nfriends: +2\ncell_key: " + key)
	return a, b, key
}

func TestSoundFromOneToTheOther(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b, key := pairInCall(s)
	pa, pb := enter(t, a, key), enter(t, b, key)
	a.find("user_account: +2\nmessage_type: join\nconnection_key: " + key + "\nparticipant: " + pb.id)
	track := pa.publish()
	told := "user_account: +1\nmessage_type: track\nconnection_key: " + key + "\nparticipant: " + pa.id + "\nsource: microphone\nmuted: "
	b.find(told + "no")
	pb.receive()
	mid := b.find(told + "no\nmid: {mid}")["mid"]
	<-pa.connected
	<-pb.connected
	got := pb.hear(track)
	if got.mid != mid || !bytes.HasPrefix(got.payload, []byte("a frame")) {
		t.Errorf("arrived: %q in section %s; told was section %s", got.payload, got.mid, mid)
	}
	a.send("message_type: track\ntype: PATCH\nconnection_key: " + key + "\nsource: microphone\nmuted: yes\n\n")
	a.find("message_type: track\ntype: PATCH\nstat: 200")
	b.find(told + "yes\nmid: " + mid)
	restarted(t, s, pa, pb)
	a = pa.client
	a.send("message_type: track\ntype: DELETE\nconnection_key: " + key + "\nsource: microphone\n\n")
	a.find("message_type: track\ntype: DELETE\nstat: 200")
	b.find("user_account: +1\nmessage_type: track\ntype: DELETE\nconnection_key: " + key + "\nparticipant: " + pa.id + "\nsource: microphone\nmid: " + mid)
	a.send("message_type: leave\nconnection_key: " + key + "\n\n")
	a.find("message_type: leave\nstat: 200")
	b.find("user_account: +1\nmessage_type: leave\nconnection_key: " + key + "\nparticipant: " + pa.id)
	b.find("message_type: cell\ntype: DELETE\ncell_key: " + key)
	b.find("user_account: +1\nmessage_type: call_record\ncall: call\noutcome: answered")
	b.ask("message_type: join\nconnection_key: "+key+"\n\n").fails(t, "404")
}

// hear writes to the track until a packet has come through.
func (p *phone) hear(track *webrtc.TrackLocalStaticSample) arrival {
	p.t.Helper()
	tick, guard := time.NewTicker(20*time.Millisecond), time.NewTimer(patience)
	defer tick.Stop()
	defer guard.Stop()
	for {
		select {
		case got := <-p.arrived:
			return got
		case <-guard.C:
			p.t.Fatal("no sound arrived")
		case <-tick.C:
			if err := track.WriteSample(media.Sample{Data: []byte("a frame"), Duration: 20 * time.Millisecond}); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

// restarted loses a's WebSocket and takes the participant back; b hears nothing of it.
func restarted(t *testing.T, s *server, a, b *phone) {
	t.Helper()
	a.drop()
	fresh := s.login("/cell", "+1", "a")
	fresh.send("message_type: restart\nconnection_key: " + a.key + "\n\n")
	fresh.want("message_type: restart\nstat: 200\nconnection_key: " + a.key + "\nparticipant: " + a.id)
	fresh.find("user_account: +2\nmessage_type: join\nconnection_key: " + a.key + "\nparticipant: " + b.id)
	a.client = fresh
	b.quiet()
	other := s.login("/cell", "+1", "another-device")
	other.ask("message_type: restart\nconnection_key: "+a.key+"\n\n").fails(t, "404")
	other.drop()
}

func TestRubbishInACall(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b, key := pairInCall(s)
	in := "connection_key: " + key + "\n"
	a.ask("message_type: description\nsdp_type: offer\nsdp: x\n"+in+"\n").fails(t, "404") // not joined yet
	a.send("message_type: join\n" + in + "\n")
	a.want("message_type: join\nstat: 200\nconnection_key: " + key + "\nparticipant: …\ncall: call\ncount: 0")
	for _, lines := range []string{
		"message_type: description\nsdp_type: offer\nsdp: rubbish", "message_type: description\nsdp_type: offer\nsdp: v=0\r\n o=- 1 1 IN IP4 0.0.0.0\r\n s=-\r\n t=0 0\r\n m=audio",
		"message_type: description\nsdp_type: answer\nsdp: v=0", "message_type: description\nsdp_type: offer", "message_type: description\nsdp: v=0",
		"message_type: description\nsdp_type: offer\nsdp: v=0\r\n o=- 1 1 IN IP4 0.0.0.0\r\n s=-\r\n t=0 0\r\n ",
		"message_type: candidate\ncandidate: \nmid: 0\nmline: -1", "message_type: candidate\ncandidate: \nmid: 0\nmline: 99999999999", "message_type: track\nsource: camera\nmuted: no",
		"message_type: track\nmid: 0\nsource: fridge\nmuted: no", "message_type: track\nmid: 0\nmuted: no", "message_type: track\ntype: PATCH\nsource: microphone\nmuted: perhaps",
		"message_type: track\ntype: PATCH\nsource: microphone",
	} {
		for i := range 2 {
			task := "task_id: " + strconv.Itoa(i) + "\n"
			a.send(task + lines + "\n" + in + "\n")
			if m := a.find(task + "~\nstat: {s}\nreason: …"); m["s"] != "400" {
				t.Errorf("%q: %v", lines, a.last)
			}
		}
	}
	for _, verb := range []string{"PATCH", "DELETE"} { // nothing of that source is published
		a.send("message_type: track\ntype: " + verb + "\nsource: screen\nmuted: yes\n" + in + "\n")
		a.find("message_type: track\ntype: " + verb + "\nstat: 40…\nreason: …")
	}
	b.quiet()
	a.send("message_type: leave\n" + in + "\n")
	a.find("message_type: leave\nstat: 200")
	b.find("message_type: cell\ntype: DELETE\ncell_key: " + key)
}
