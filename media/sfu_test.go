package media

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
)

var discard = slog.New(slog.DiscardHandler)

func TestTwoPeersHearAndSeeEachOther(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Microphone, 1)
	a.publish(Camera, 2)
	b.publish(Microphone, 3)
	b.publish(Camera, 4)
	a.arrives("b", Microphone, 3, 20)
	mid := a.arrives("b", Camera, 4, 20)
	b.arrives("a", Microphone, 1, 20)
	b.arrives("a", Camera, 2, 20)
	a.mu.Lock()
	defer a.mu.Unlock()
	if r := a.got[mid]; !r.firstKey[4] {
		t.Error("the picture did not begin with a key frame")
	}
	for mid, r := range a.got {
		if len(r.packets) != 1 {
			t.Errorf("section %s carried several sources: %v", mid, r.packets)
		}
	}
}

func TestAScreensSoundArrivesBesideTheVoice(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Microphone, 1)
	a.publish(Screen, 2)
	a.publish(ScreenSound, 3)
	voice := b.arrives("a", Microphone, 1, 20)
	b.arrives("a", Screen, 2, 20)
	if mid := b.arrives("a", ScreenSound, 3, 20); mid == voice {
		t.Error("both came in one section")
	}
	if err := a.peer.Unpublish(ScreenSound); err != nil {
		t.Fatal(err)
	}
	b.wait("the end of the screen's sound", func() bool { _, there := b.tracks[trackKey{"a", ScreenSound}]; return !there })
}

func TestManyPeersAndRoomsStayApart(t *testing.T) {
	s := listen(t)
	names := []string{"a", "b", "c", "d"}
	var all []*client
	for i, n := range names {
		c := join(t, s, "room", n)
		c.publish(Microphone, byte(10+i))
		c.publish(Camera, byte(20+i))
		all = append(all, c)
	}
	other := join(t, s, "elsewhere", "a")
	other.publish(Camera, 99)
	for i, c := range all {
		for j, n := range names {
			if i != j {
				c.arrives(n, Microphone, byte(10+j), 5)
				c.arrives(n, Camera, byte(20+j), 5)
			}
		}
	}
	if st := s.Stats(); st.Rooms != 2 || st.Peers != 5 || st.Publications != 9 {
		t.Errorf("%+v", st)
	}
	other.mu.Lock()
	defer other.mu.Unlock()
	if len(other.got) != 0 || len(other.tracks) != 0 {
		t.Error("media or tracks came from another room")
	}
}

func TestLateJoinerBeginsWithAKeyframe(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Camera, 1)
	b.arrives("a", Camera, 1, 400) // two seconds: the key frame is old
	a.mu.Lock()
	before := a.keyAsked[Camera]
	a.mu.Unlock()
	c := join(t, s, "room", "c")
	mid := c.arrives("a", Camera, 1, 20)
	a.wait("a key frame asked for the newcomer", func() bool { return a.keyAsked[Camera] > before })
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.got[mid].firstKey[1] {
		t.Error("the newcomer's picture did not begin with a key frame")
	}
}

func TestLossTowardsAReceiverIsRepaired(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	b.conn.dropIn.Store(10)
	a.publish(Camera, 1)
	mid := b.arrives("a", Camera, 1, 300)
	b.wait("20 repaired packets", func() bool { return b.got[mid].repaired >= 20 })
	if st := s.Stats(); st.RepairsOut < 20 || st.NacksIn < 20 {
		t.Errorf("%+v", st)
	}
}

func TestLossFromAPublisherIsRepaired(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.conn.dropOut.Store(10)
	a.publish(Camera, 1)
	mid := b.arrives("a", Camera, 1, 300)
	b.wait("everything lost but the last arrives late", func() bool {
		r := b.got[mid]
		return r.holes >= 20 && int(s.Stats().RepairsIn) >= 20 && r.packets[1] > 9*r.holes
	})
	if st := s.Stats(); st.NacksOut < 20 {
		t.Errorf("%+v", st)
	}
}

func TestFeedbackFlows(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Camera, 1)
	mid := b.arrives("a", Camera, 1, 100)
	b.wait("transport-wide feedback", func() bool { st := s.Stats(); return st.FeedbackIn > 3 && st.Delivered > 20 })
	var sec *section
	sections, _ := b.peer.lists()
	for _, x := range sections {
		if x.mid == mid {
			sec = x
		}
	}
	b.wait("receiver reports", func() bool { sec.mu.Lock(); defer sec.mu.Unlock(); return sec.acked })
	if sr := sec.senderReport(s.now()); sr == nil || sr.PacketCount < 100 || sr.SSRC == 0 {
		t.Errorf("sender report %+v", sr)
	}
	a.mu.Lock()
	before := a.keyAsked[Camera]
	a.mu.Unlock()
	if err := b.pc.WriteRTCP([]rtcp.Packet{&rtcp.PictureLossIndication{SenderSSRC: 1, MediaSSRC: sec.binding.ssrc}}); err != nil {
		t.Fatal(err)
	}
	a.wait("a receiver's request for a key frame", func() bool { return a.keyAsked[Camera] > before })
	_, layers := a.peer.lists()
	if block, ok := layers[0].reception(s.now()); !ok || block.TotalLost != 0 || block.SSRC == 0 {
		t.Errorf("reception report %+v", block)
	}
}

func TestNobodyButUsWritesMediaAndReports(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	b.conn.dropIn.Store(20)
	a.publishLayers(threeLayers(10))
	a.publish(Microphone, 1)
	b.publish(Microphone, 2)
	mid := b.arrives("a", Camera, 12, 300)
	a.arrives("b", Microphone, 2, 300)
	b.wait("repairs", func() bool { return b.got[mid].repaired > 5 })
	for _, source := range []string{Camera, Microphone} {
		if err := a.peer.Unpublish(source); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.peer.Unpublish(Microphone); err != nil {
		t.Fatal(err)
	}
	b.wait("all that was written", func() bool { // reports go on, so this may take several looks
		before := s.Stats()
		media := a.conn.rtp.Load() + b.conn.rtp.Load()
		reports := a.conn.rtcp.Load() + b.conn.rtcp.Load()
		after := s.Stats()
		if media > int64(after.PacketsOut+after.RepairsOut+after.Padding) || reports > int64(after.ReportsOut) {
			t.Fatalf("%d media packets and %d reports came, more than were written: %+v", media, reports, after)
		}
		return media == int64(before.PacketsOut+before.RepairsOut+before.Padding) && reports == int64(before.ReportsOut)
	})
}

func TestWhoSpeaksIsTold(t *testing.T) {
	s := listen(t)
	a, b, c := join(t, s, "room", "a"), join(t, s, "room", "b"), join(t, s, "room", "c")
	sounds := map[string]*stream{"a": a.publish(Microphone, 1), "b": b.publish(Microphone, 2)}
	told := func(who string) {
		t.Helper()
		for _, x := range []*client{a, b, c} {
			x.wait("told that "+who+" speak", func() bool { return len(x.speaking) > 0 && x.speaking[len(x.speaking)-1] == who })
		}
	}
	c.arrives("a", Microphone, 1, 50)
	c.arrives("b", Microphone, 2, 50)
	if len(c.speaking) != 0 {
		t.Errorf("somebody speaks in silence: %q", c.speaking)
	}
	sounds["a"].level.Store(20)
	told("a")
	sounds["b"].level.Store(25)
	told("a b")
	sounds["a"].level.Store(127)
	told("b")
	if err := b.peer.Mute(Microphone, true); err != nil {
		t.Fatal(err)
	}
	told("")
}

func TestAFreedSectionServesAnotherWithoutNegotiation(t *testing.T) {
	s := listen(t)
	a, b, c := join(t, s, "room", "a"), join(t, s, "room", "b"), join(t, s, "room", "c")
	a.publish(Camera, 1)
	mid := b.arrives("a", Camera, 1, 20)
	c.arrives("a", Camera, 1, 20)
	b.mu.Lock()
	offers, ssrc := b.offers, b.got[mid].ssrc
	b.mu.Unlock()
	a.peer.Leave()
	a.wait("Gone", func() bool { return a.gone == "left" })
	b.wait("the end of a's track", func() bool { return b.ended == 1 })
	c.publish(Camera, 2)
	if again := b.arrives("c", Camera, 2, 50); again != mid {
		t.Fatalf("the new track came in section %s, not in the free %s", again, mid)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	r := b.got[mid]
	if b.offers != offers || r.ssrc != ssrc || !r.firstKey[2] || r.holes != 0 {
		t.Errorf("offers %d, were %d; %+v, SSRC was %d", b.offers, offers, *r, ssrc)
	}
}

func TestMutingStopsAndUnmutingGoesOnWithoutAHole(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Camera, 1)
	mid := b.arrives("a", Camera, 1, 20)
	key := trackKey{"a", Camera}
	in := s.Stats().PacketsIn
	if err := a.peer.Mute(Camera, true); err != nil {
		t.Fatal(err)
	}
	b.wait("muted", func() bool { return b.tracks[key].muted })
	out := s.Stats().PacketsOut
	a.wait("packets while muted", func() bool { return s.Stats().PacketsIn > in+40 })
	if now := s.Stats().PacketsOut; now > out+2 {
		t.Errorf("%d packets of a muted source were passed on", now-out)
	}
	b.mu.Lock()
	had := b.got[mid].packets[1]
	b.mu.Unlock()
	if err := a.peer.Mute(Camera, false); err != nil {
		t.Fatal(err)
	}
	b.arrives("a", Camera, 1, had+20)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.got[mid].holes != 0 || b.tracks[key].muted {
		t.Errorf("%+v %v", *b.got[mid], b.tracks)
	}
}

func TestICERestart(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Camera, 1)
	mid := b.arrives("a", Camera, 1, 20)
	before := b.pc.CurrentRemoteDescription().SDP
	if err := b.offer(0, 0, &webrtc.OfferOptions{ICERestart: true}); err != nil {
		t.Fatal(err)
	}
	after := b.pc.CurrentRemoteDescription().SDP
	if ufrag(before) == ufrag(after) || !strings.Contains(after, "a=candidate:") {
		t.Fatalf("the answer to a restart has old credentials or no candidates:\n%s", after)
	}
	b.mu.Lock()
	had := b.got[mid].packets[1]
	b.mu.Unlock()
	if again := b.arrives("a", Camera, 1, had+100); again != mid {
		t.Error("the section changed")
	}
}

func ufrag(sdp string) string {
	_, rest, _ := strings.Cut(sdp, "a=ice-ufrag:")
	u, _, _ := strings.Cut(rest, "\r\n")
	return u
}

func TestAClosedClientIsGone(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Camera, 1)
	b.arrives("a", Camera, 1, 20)
	if err := a.pc.Close(); err != nil { // DTLS close_notify
		t.Fatal(err)
	}
	a.wait("Gone", func() bool { return a.gone == "failed" })
	b.wait("the end of the track", func() bool { return b.ended == 1 && len(b.tracks) == 0 })
}

func TestAVanishedClientIsGone(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 20 seconds")
	}
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Camera, 1)
	b.arrives("a", Camera, 1, 20)
	a.conn.dead.Store(true)
	// The wait for an event is itself limited: twice as long as it may take.
	a.wait("disconnected", func() bool {
		return a.peer.pc.Load().ConnectionState() != webrtc.PeerConnectionStateConnected || a.gone != ""
	})
	a.wait("Gone", func() bool { return a.gone == "failed" })
}

func TestMistakesOfClientsChangeNothing(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	bad := func(what string, err error) {
		t.Helper()
		var e *Error
		if !errors.As(err, &e) || e.Text == "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err := a.peer.Offer("rubbish")
	bad("rubbish before the first offer", err)
	a.publish(Camera, 1)
	b.arrives("a", Camera, 1, 20)
	good := a.pc.LocalDescription().SDP
	for what, offer := range map[string]string{
		"rubbish":        "v=0\r\nrubbish",
		"too long":       strings.Repeat("x", maxDescription+1),
		"no sections":    good[:strings.Index(good, "m=")],
		"no credentials": strings.ReplaceAll(good, "a=ice-ufrag:", "a=x-ufrag:"),
		"no fingerprint": strings.ReplaceAll(good, "a=fingerprint:", "a=x:"),
		"passive":        strings.ReplaceAll(good, "a=setup:actpass", "a=setup:passive"),
		"no mid":         strings.ReplaceAll(good, "a=mid:", "a=x:"),
		"unbundled":      strings.ReplaceAll(good, "a=group:BUNDLE", "a=group:LS"),
		"other kind":     strings.ReplaceAll(good, "m=video", "m=audio"),
		"data":           strings.ReplaceAll(good, "m=video", "m=application"),
		"bad candidate":  strings.Replace(good, "a=candidate:", "a=candidate:nonsense\r\na=candidate:", 1),
		"bad extension":  strings.Replace(good, "a=extmap:", "a=extmap:nonsense\r\na=extmap:", 1),
		"bad payload":    strings.Replace(good, "SAVPF ", "SAVPF 77 x ", 1),
		"bad finger":     strings.ReplaceAll(good, "sha-256 ", "sha-256 x "),
		"no codec":       strings.ReplaceAll(good, "VP8/90000", "VPX/90000"),
	} {
		_, err := a.peer.Offer(offer)
		bad(what, err)
	}
	bad("second camera", a.peer.Publish("7", Camera, false))
	bad("section in use", a.peer.Publish("0", Screen, false))
	bad("unknown source", a.peer.Publish("7", "nose", false))
	bad("long mid", a.peer.Publish(strings.Repeat("m", 99), Screen, false))
	bad("not published", a.peer.Mute(Screen, true))
	bad("not published", a.peer.Unpublish(Screen))
	bad("candidate", a.peer.Candidate("candidate:nonsense", "0", 0))
	bad("long candidate", a.peer.Candidate(strings.Repeat("c", 2000), "0", 0))
	b.mu.Lock()
	mid := b.tracks[trackKey{"a", Camera}].mid
	had := b.got[mid].packets[1]
	b.mu.Unlock()
	b.arrives("a", Camera, 1, had+20)
	if err := a.offer(0, 1, nil); err != nil {
		t.Fatal("a good offer after the bad ones:", err)
	}
}

func TestAFailedFirstOfferLeavesTheWayFree(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	broken, err := s.newConnection(a.peer.inlet)
	if err != nil {
		t.Fatal(err)
	}
	if err := broken.Close(); err != nil {
		t.Fatal(err)
	}
	a.peer.pc.Store(broken)
	var e *Error
	if _, err := a.peer.Offer(crlf(firefox)); !errors.As(err, &e) || e.Err == nil {
		t.Fatal(err)
	}
	a.publish(Camera, 1)
	b.arrives("a", Camera, 1, 20)
}

func TestAttachTellsEverythingAgain(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Camera, 1)
	mid := b.arrives("a", Camera, 1, 5)
	again := &client{t: t, name: "b again", peer: b.peer, tracks: map[trackKey]trackState{}, ask: make(chan [2]int, 1), wanted: map[string]string{}}
	again.change = sync.NewCond(&again.mu)
	if err := b.peer.Attach(again); err != nil {
		t.Fatal(err)
	}
	again.wait("the same track", func() bool { return again.tracks[trackKey{"a", Camera}] == trackState{mid, false} })
	if want := <-again.ask; want != [2]int{0, 1} {
		t.Errorf("sections %v", want)
	}
	b.peer.Leave()
	again.wait("Gone", func() bool { return again.gone == "left" })
	if err := b.peer.Attach(again); !errors.Is(err, ErrGone) {
		t.Errorf("Attach after the end: %v", err)
	}
	if _, err := b.peer.Offer(b.pc.LocalDescription().SDP); !errors.Is(err, ErrGone) {
		t.Errorf("Offer after the end: %v", err)
	}
	if err := b.peer.Publish("0", Camera, false); !errors.Is(err, ErrGone) {
		t.Errorf("Publish after the end: %v", err)
	}
}

func TestEarlyPublishAndCandidates(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	for range maxEarlyCandidates {
		if err := a.peer.Candidate("candidate:1 1 udp 2130706431 127.0.0.1 9 typ host", "0", 0); err != nil {
			t.Fatal(err)
		}
	}
	if err := a.peer.Candidate("", "0", 0); err == nil {
		t.Error("early candidates are not bounded")
	}
	if err := a.peer.Publish("0", Camera, true); err != nil {
		t.Fatal(err)
	}
	key := trackKey{"a", Camera}
	b.wait("the track before its description", func() bool { return b.tracks[key].muted })
	if err := a.peer.Unpublish(Camera); err != nil {
		t.Fatal(err)
	}
	b.wait("its end", func() bool { _, there := b.tracks[key]; return !there })
	a.publish(Camera, 1)
	b.arrives("a", Camera, 1, 20)
}

func TestJoinAndListenRefuse(t *testing.T) {
	s := listen(t, func(c *Config) { c.MaxPeers = 1 })
	a := join(t, s, "room", "a")
	if _, err := s.Join("room", "a", nil, a); !errors.Is(err, ErrPeerExists) {
		t.Error(err)
	}
	if _, err := s.Join("room", "b", nil, a); !errors.Is(err, ErrRoomFull) {
		t.Error(err)
	}
	if _, err := Listen(Config{Port: s.Port()}); err == nil || !strings.Contains(err.Error(), "UDP port") {
		t.Error("a port in use:", err)
	}
	for _, bad := range []Config{{Port: -1}, {Port: 70000}, {MaxPeers: -1}} {
		if _, err := Listen(bad); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
}

func TestWhereWeAreSeenIsOffered(t *testing.T) {
	public, seen := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("2001:db8::7")
	s := listen(t, func(c *Config) { c.PublicAddresses = func() []netip.Addr { return []netip.Addr{public} } })
	a := joinSeeing(t, s, "room", "a", seen, public, netip.IPv6Unspecified(), netip.Addr{})
	if err := a.offer(1, 0, nil); err != nil {
		t.Fatal(err)
	}
	answer := a.pc.CurrentRemoteDescription().SDP
	for _, line := range []string{fmt.Sprintf(" 192.0.2.7 %d typ host\r\n", s.port), fmt.Sprintf(" 2001:db8::7 %d typ host\r\n", s.port)} {
		if strings.Count(answer, line) != 1 {
			t.Errorf("%d times %q in\n%s", strings.Count(answer, line), line, answer)
		}
	}
	if !strings.Contains(answer, " 127.0.0.1 ") {
		t.Errorf("the machine's own address is missing:\n%s", answer)
	}
	for _, addr := range []netip.Addr{public, seen, netip.MustParseAddr("127.0.0.1")} {
		if port := uint16(s.port); !s.Reaches(netip.AddrPortFrom(addr, port)) || s.Reaches(netip.AddrPortFrom(addr, port+1)) {
			t.Errorf("%s is ours at one port, and at no other", addr)
		}
	}
	a.peer.Leave()
	a.wait("Gone", func() bool { return a.gone != "" })
	if s.Hosts(seen) || s.Hosts(netip.MustParseAddr("192.0.2.8")) || !s.Hosts(public) {
		t.Error("what nobody sees any more, or never saw, is ours; or the public address is not")
	}
	if !strings.Contains(answer, "a=setup:passive") || !strings.Contains(answer, "a=sendonly") {
		t.Errorf("answer:\n%s", answer)
	}
}

// Browsers hide addresses behind names that only their own network knows; nothing comes of them, and no harm.
func TestHiddenAddressesAreIgnored(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	for _, candidate := range []string{
		"candidate:1 1 udp 2122260223 4f1d2b3c-0000-4000-8000-123456789abc.local 50000 typ host generation 0",
		"candidate:2 1 tcp 1518280447 4f1d2b3c-0000-4000-8000-123456789abc.local 9 typ host tcptype active",
	} {
		if err := a.peer.Candidate(candidate, "0", 0); err != nil {
			t.Errorf("%s: %v", candidate, err)
		}
	}
	a.publish(Camera, 1)
	b.arrives("a", Camera, 1, 10)
	for range 2 {
		if err := a.peer.Candidate("candidate:1 1 udp 2122260223 another.local 50000 typ host", "0", 0); err != nil {
			t.Error(err)
		}
	}
	b.arrives("a", Camera, 1, 50)
}

// Who gets no UDP through has a call all the same.
func TestMediaOverTCP(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := listen(t, func(c *Config) { c.Streams = l })
	a := newClient(t, "a")
	a.tcp = true
	a.join(s, "room", nil)
	b := join(t, s, "room", "b")
	a.publish(Camera, 1)
	b.publish(Camera, 2)
	a.arrives("b", Camera, 2, 50)
	b.arrives("a", Camera, 1, 50)
	pair, err := a.pc.SCTP().Transport().ICETransport().GetSelectedCandidatePair()
	if err != nil || pair == nil || pair.Remote.Protocol != webrtc.ICEProtocolTCP {
		t.Errorf("%v over %v", err, pair)
	}
}

func TestCloseTellsEverybody(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Camera, 1)
	b.arrives("a", Camera, 1, 5)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []*client{a, b} {
		c.wait("Gone", func() bool { return c.gone == "shutdown" })
	}
	if _, err := s.Join("room", "c", nil, a); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
}
