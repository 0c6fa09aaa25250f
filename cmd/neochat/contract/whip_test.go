package contract

import (
	"bytes"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
)

// program speaks WHIP or WHEP, with Pion and bare HTTP.
type program struct {
	t            *testing.T
	s            *server
	token        string
	session      string // URL path
	tag          string // ETag of the ICE session
	pc           *webrtc.PeerConnection
	sound        *webrtc.TrackLocalStaticSample
	picture      *webrtc.TrackLocalStaticSample
	answer       string
	connected    chan struct{}
	sounds, pics atomic.Int64 // packets that arrived
}

// lent asks for a token by the message whip or whep, and gives the path too.
func lent(t *testing.T, c *client, kind, key string) (token, path string) {
	t.Helper()
	c.send("task_id: l\nmessage_type: " + kind + "\ntype: GET\nconnection_key: " + key + "\n\n")
	got := c.find("task_id: l\nmessage_type: " + kind + "\ntype: GET\nstat: 200\nconnection_key: " + key + "\nurl: {u}\ntoken: {t}\nuntil: …")
	return got["t"], got["u"]
}

func newProgram(t *testing.T, s *server, token string, publishes bool) *program {
	t.Helper()
	p := &program{t: t, s: s, token: token, connected: make(chan struct{}, 4)}
	var e webrtc.SettingEngine
	e.SetIncludeLoopbackCandidate(true)
	m := &webrtc.MediaEngine{}
	err := m.RegisterDefaultCodecs()
	if err == nil {
		p.pc, err = webrtc.NewAPI(webrtc.WithSettingEngine(e), webrtc.WithMediaEngine(m)).NewPeerConnection(webrtc.Configuration{})
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.pc.GracefulClose(); err != nil {
			t.Error(err)
		}
	})
	p.pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateConnected {
			p.connected <- struct{}{}
		}
	})
	p.pc.OnTrack(p.count)
	if publishes {
		p.sound, p.picture = p.sends(webrtc.MimeTypeOpus), p.sends(webrtc.MimeTypeVP8)
		return p
	}
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeAudio, webrtc.RTPCodecTypeVideo} {
		if _, err := p.pc.AddTransceiverFromKind(kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly}); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

func (p *program) sends(codec string) *webrtc.TrackLocalStaticSample {
	p.t.Helper()
	track, err := webrtc.NewTrackLocalStaticSample(webrtc.RTPCodecCapability{MimeType: codec}, codec[:5], "p")
	if err == nil {
		_, err = p.pc.AddTransceiverFromTrack(track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
	}
	if err != nil {
		p.t.Fatal(err)
	}
	return track
}

func (p *program) count(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
	n := &p.sounds
	if track.Kind() == webrtc.RTPCodecTypeVideo {
		n = &p.pics
	}
	for {
		if _, _, err := track.ReadRTP(); err != nil {
			return
		}
		n.Add(1)
	}
}

// asks sends a request with the token.
func (p *program) asks(method, path, body string, header ...string) (*http.Response, string) {
	p.t.Helper()
	return p.s.get(method, path, body, append([]string{"Authorization", "Bearer " + p.token}, header...)...)
}

// offers makes a description with all candidates, or with none.
func (p *program) offers(o *webrtc.OfferOptions, candidates bool) string {
	p.t.Helper()
	offer, err := p.pc.CreateOffer(o)
	if err != nil {
		p.t.Fatal(err)
	}
	gathered := webrtc.GatheringCompletePromise(p.pc)
	if err := p.pc.SetLocalDescription(offer); err != nil {
		p.t.Fatal(err)
	}
	<-gathered
	if !candidates {
		return offer.SDP
	}
	return p.pc.LocalDescription().SDP
}

// begins posts the offer and takes the answer.
func (p *program) begins(path string, candidates bool) {
	p.t.Helper()
	resp, body := p.asks("POST", path, p.offers(nil, candidates), "Content-Type", "application/sdp")
	if resp.StatusCode != http.StatusCreated {
		p.t.Fatalf("%s: %s %s", path, resp.Status, body)
	}
	p.session, p.tag, p.answer = resp.Header.Get("Location"), resp.Header.Get("ETag"), body
	if strings.Count(body, "a=rtcp-mux-only") != 2 || !strings.Contains(body, "a=candidate:") {
		p.t.Errorf("the answer is\n%s", body)
	}
	p.takes(body)
}

func (p *program) takes(answer string) {
	p.t.Helper()
	if err := p.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		p.t.Fatalf("the answer: %v\n%s", err, answer)
	}
}

// fragment is what the client's description says of ICE.
func (p *program) fragment() string {
	var b strings.Builder
	for line := range strings.SplitSeq(p.pc.LocalDescription().SDP, "\r\n") {
		if strings.HasPrefix(line, "m=video") {
			break
		}
		for _, part := range []string{"m=", "a=mid:", "a=ice-", "a=candidate:", "a=end-of-candidates", "a=group:"} {
			if strings.HasPrefix(line, part) {
				b.WriteString(line + "\r\n")
			}
		}
	}
	return b.String()
}

func (p *program) patches(tag, fragment string) (*http.Response, string) {
	p.t.Helper()
	return p.asks("PATCH", p.session, fragment, "Content-Type", "application/trickle-ice-sdpfrag", "If-Match", tag)
}

// restarts has ICE begin anew, as the network of a client does that has changed.
func (p *program) restarts() {
	p.t.Helper()
	p.offers(&webrtc.OfferOptions{ICERestart: true}, true)
	resp, body := p.patches("*", p.fragment())
	if resp.StatusCode != http.StatusOK || resp.Header.Get("ETag") == p.tag {
		p.t.Fatalf("the restart is answered %s %v\n%s", resp.Status, resp.Header, body)
	}
	p.tag = resp.Header.Get("ETag")
	var b strings.Builder
	fresh := map[string]string{}
	candidates := ""
	for line := range strings.SplitSeq(body, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		if fresh[name] = line; name == "a=candidate" {
			candidates += line + "\r\n"
		}
	}
	for line := range strings.SplitSeq(strings.TrimSpace(p.answer), "\r\n") {
		switch name, _, _ := strings.Cut(line, ":"); name {
		case "a=ice-ufrag":
			line = fresh[name] + "\r\n" + strings.TrimSpace(candidates)
		case "a=ice-pwd":
			line = fresh[name]
		case "a=candidate", "a=end-of-candidates":
			continue
		}
		b.WriteString(line + "\r\n")
	}
	p.answer = b.String()
	p.takes(p.answer)
}

// plays sends until stop is closed: sound all the time, and each picture as a key frame.
func (p *program) plays(stop <-chan struct{}) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	picture := append([]byte{0x10, 0, 0, 0x9d, 1, 0x2a, 64, 0, 64, 0}, bytes.Repeat([]byte{7}, 90)...)
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
			_ = p.sound.WriteSample(media.Sample{Data: []byte("a sound"), Duration: 20 * time.Millisecond}) // before it is connected nothing leaves
			_ = p.picture.WriteSample(media.Sample{Data: picture, Duration: 20 * time.Millisecond})
		}
	}
}

// playing lets p send until the returned function is called.
func (p *program) playing() (end func()) {
	stop := make(chan struct{})
	var work sync.WaitGroup
	work.Go(func() { p.plays(stop) })
	return func() { close(stop); work.Wait() }
}

// sees waits until so many more packets of each kind have arrived.
func (p *program) sees(n int64) {
	p.t.Helper()
	sounds, pics := p.sounds.Load()+n, p.pics.Load()+n
	for deadline := time.Now().Add(patience); p.sounds.Load() < sounds || p.pics.Load() < pics; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Fatalf("%d sounds and %d pictures arrived, and no more", p.sounds.Load(), p.pics.Load())
		}
	}
}

// published waits until a client is told of a participant's microphone and camera.
func published(c *client, account, key string) (participant string) {
	c.t.Helper()
	participant = c.find("user_account: " + account + "\nmessage_type: join\nconnection_key: " + key + "\nparticipant: {p}")["p"]
	for _, source := range []string{"microphone", "camera"} {
		c.find("user_account: " + account + "\nmessage_type: track\nconnection_key: " + key + "\nparticipant: " + participant + "\nsource: " + source + "\nmuted: no")
	}
	return participant
}

// A program publishes in a call by WHIP and others watch it by WHEP: with all candidates at once and with each as it is found, across an ICE
// restart of either, until it ends; then by one that dies.
func TestPublishAndWatchOverHTTP(t *testing.T) {
	t.Parallel()
	s := serve(t, "--whep")
	a, b, key := pairInCall(s)
	b.send("message_type: join\nconnection_key: " + key + "\n\n")
	b.find("message_type: join\nstat: 200")
	token, path := lent(t, a, "whip", key)
	camera := newProgram(t, s, token, true)
	camera.begins(path, true)
	id := published(b, "+1", key)
	defer camera.playing()()
	<-camera.connected

	token, watched := lent(t, b, "whep", key)
	one := newProgram(t, s, token, false)
	one.begins(watched+"?participant="+id, true)
	one.sees(25)
	two := newProgram(t, s, token, false)
	two.begins(watched, false)
	if resp, body := two.patches(two.tag, two.fragment()); resp.StatusCode != http.StatusNoContent {
		t.Fatalf("candidates are answered %s %s", resp.Status, body)
	}
	two.sees(25)
	b.send("message_type: cell\ntype: GET\n\n")
	b.find("connection_key: " + key + "\n~\nparticipants: 2") // who watches is none
	for _, p := range []*program{camera, one} {
		p.restarts()
		one.sees(25)
		two.sees(25)
	}
	if resp, _ := one.asks("DELETE", one.session, ""); resp.StatusCode != http.StatusOK {
		t.Errorf("the end is answered %s", resp.Status)
	}
	two.sees(25)
	if resp, _ := camera.asks("DELETE", camera.session, ""); resp.StatusCode != http.StatusOK {
		t.Errorf("the end is answered %s", resp.Status)
	}
	b.find("user_account: +1\nmessage_type: leave\nconnection_key: " + key + "\nparticipant: " + id)

	dying := newProgram(t, s, camera.token, true)
	dying.begins(path, true)
	id = published(b, "+1", key)
	<-dying.connected
	if err := dying.pc.GracefulClose(); err != nil {
		t.Fatal(err)
	}
	b.find("user_account: +1\nmessage_type: leave\nconnection_key: " + key + "\nparticipant: " + id)
	if resp, _ := dying.asks("DELETE", dying.session, ""); resp.StatusCode != http.StatusNotFound {
		t.Errorf("the end of what has gone is answered %s", resp.Status)
	}
}

// What the media cannot take is refused with the reason, and nobody was there.
func TestOffersOverHTTPThatCannotBeTaken(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b, key := pairInCall(s)
	b.send("message_type: join\nconnection_key: " + key + "\n\n")
	b.find("message_type: join\nstat: 200")
	token, path := lent(t, a, "whip", key)
	p := newProgram(t, s, token, true)
	good := p.offers(nil, true)
	for what, x := range map[string]struct{ from, to, says string }{
		"H.264 alone":        {"VP8/90000", "H264/90000", "neither Opus nor VP8"},
		"without BUNDLE":     {"a=group:BUNDLE 0 1", "a=x", "BUNDLE"},
		"a server's DTLS":    {"a=setup:actpass", "a=setup:passive", "setup"},
		"without ICE":        {"a=ice-ufrag:", "a=x:", "ice-ufrag"},
		"two sections alike": {"a=mid:1", "a=mid:0", "twice"},
	} {
		if resp, body := p.asks("POST", path, strings.ReplaceAll(good, x.from, x.to), "Content-Type", "application/sdp"); resp.StatusCode != 400 || !strings.Contains(body, x.says) {
			t.Errorf("%s is answered %s %s", what, resp.Status, body)
		}
	}
	b.quiet()
	if resp, body := p.asks("POST", strings.Replace(path, "whip", "whep", 1), good, "Content-Type", "application/sdp"); resp.StatusCode != 404 || !strings.Contains(body, "--whep") {
		t.Errorf("watching where it is off is answered %s %s", resp.Status, body)
	}
}

// Two hundred may watch one call.
func TestTwoHundredWatch(t *testing.T) {
	t.Parallel()
	s := serve(t, "--whep")
	a, _, key := pairInCall(s)
	token, path := lent(t, a, "whip", key)
	camera := newProgram(t, s, token, true)
	camera.begins(path, true)
	token, path = lent(t, a, "whep", key)
	offer := newProgram(t, s, token, false)
	text := offer.offers(nil, true)
	for n := range 200 { // of the others only ICE and DTLS would be tried here
		resp, body := offer.asks("POST", path, text, "Content-Type", "application/sdp")
		if resp.StatusCode != http.StatusCreated {
			t.Fatalf("watcher %d is answered %s %s", n, resp.Status, body)
		}
	}
	last := newProgram(t, s, token, false)
	last.begins(path, true)
	defer camera.playing()()
	last.sees(20)
}
