package media

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"neochat/media/red"
	"neochat/media/ring"
	"neochat/media/rtpview"
)

// joinRepeating is join for a client that knows sound which brings along earlier sound.
func joinRepeating(t *testing.T, s *SFU, room, name string) *client {
	t.Helper()
	c := newClient(t, name)
	c.repeats = true
	return c.join(s, room, nil)
}

func TestEarlierSoundReachesThoseWhoKnowIt(t *testing.T) {
	s := listen(t)
	a, b, c := joinRepeating(t, s, "room", "a"), joinRepeating(t, s, "room", "b"), join(t, s, "room", "c")
	a.publish(Microphone, 1)
	c.publish(Microphone, 2)
	mid, plain := b.arrives("a", Microphone, 1, 200), c.arrives("a", Microphone, 1, 200)
	other := b.arrives("c", Microphone, 2, 50)
	b.mu.Lock()
	if r := b.got[mid]; r.brings < 150 || r.backwards != 0 {
		t.Errorf("who knows it gets %d of 200 packets with earlier sound: %+v", r.brings, *r)
	}
	if r := b.got[other]; r.brings != 0 {
		t.Errorf("earlier sound of somebody who sends none: %+v", *r)
	}
	b.mu.Unlock()
	c.mu.Lock()
	if r := c.got[plain]; r.brings != 0 || r.from != 1 || len(r.packets) != 1 || r.holes > 5 {
		t.Errorf("who does not know it: %+v", *r)
	}
	c.mu.Unlock()
	if st := s.Stats(); st.Restored > 10 { // a busy machine may lose some
		t.Errorf("%d packets restored where hardly one was lost", st.Restored)
	}
}

func TestSoundLostFromAPublisherIsRestored(t *testing.T) {
	s := listen(t)
	a, b := joinRepeating(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Microphone, 1)
	mid := b.arrives("a", Microphone, 1, 20)
	a.conn.dropOut.Store(10)
	b.figures("20 packets restored", func(st Stats) bool { return st.Restored >= 20 })
	b.arrives("a", Microphone, 1, 300)
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.got[mid]; r.holes > 5 || r.backwards > 0 { // 30 without
		t.Errorf("not whole: %+v", *r)
	}
}

// Of what gets lost at random towards somebody who knows earlier sound, only that is missing which was lost twice in a row.
func TestSoundLostTowardsAReceiverIsHeardFromTheNextPacket(t *testing.T) {
	s := listen(t)
	a, b, c := joinRepeating(t, s, "room", "a"), joinRepeating(t, s, "room", "b"), join(t, s, "room", "c")
	a.publish(Microphone, 1)
	for _, x := range []*client{b, c} {
		x.arrives("a", Microphone, 1, 20)
		x.conn.loseIn.Store(20)
	}
	missing := func(x *client) float64 {
		mid := x.arrives("a", Microphone, 1, 800)
		x.mu.Lock()
		defer x.mu.Unlock()
		heard, pieces := x.got[mid].heard, 0
		last := x.got[mid].lastTime
		for at := last - 800*450; at != last; at += 450 {
			if heard[at] {
				pieces++
			}
		}
		return 1 - float64(pieces)/800
	}
	with, without := missing(b), missing(c)
	t.Logf("missing of 20 %% loss: %.1f %% with earlier sound, %.1f %% without", 100*with, 100*without)
	if with > 0.1 || without < 0.12 { // 0.04 and 0.2, and chance
		t.Errorf("missing: %.3f with earlier sound, %.3f without", with, without)
	}
}

// sound is a layer of a microphone without a network; tests hand it packets and look into its ring.
type sound struct {
	*layer
	t *testing.T
}

func newSound(t *testing.T) sound {
	t.Helper()
	b := newBench(t)
	if err := b.from.Publish("1", Microphone, false); err != nil {
		t.Fatal(err)
	}
	pub := b.from.publications[1]
	pub.layLocked(&sectionOffer{})
	return sound{pub.layers[0], t}
}

// take hands a packet over whose time is 100 times its number; what it brings along is named by the number it had.
func (s sound) take(seq uint16, own string, earlier ...uint16) {
	s.t.Helper()
	var heads, bodies []byte
	for _, n := range earlier {
		offset := uint32(seq-n) * 100
		heads = append(heads, 0x80|111, byte(offset>>6), byte(offset<<2), 1)
		bodies = append(bodies, byte(n))
	}
	payload := append(append(append(heads, 111), bodies...), own...)
	parsed, ok := red.Parse(payload)
	if !ok {
		s.t.Fatalf("% x", payload)
	}
	s.received(&rtpview.View{Seq: seq, SSRC: 1, Time: uint32(seq) * 100, Payload: payload}, &parsed, time.Duration(seq)*time.Millisecond)
}

// kept is what the ring has, in order of arrival: number, time, and how many bytes come before the packet's own sound.
func (s sound) kept() (all [][3]int) {
	var p ring.Packet
	for i := uint64(0); s.ring.At(i, &p) == ring.Found; i++ {
		all = append(all, [3]int{int(uint16(p.Seq)), int(p.Time), p.Primary})
	}
	return all
}

func TestWhatOfEarlierSoundIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(sound)
		want [][3]int
	}{
		"nothing lost": {func(s sound) { s.take(1, "a"); s.take(2, "b", 1); s.take(3, "c", 1, 2) }, [][3]int{{1, 100, 1}, {2, 200, 6}, {3, 300, 11}}},
		"one lost":     {func(s sound) { s.take(1, "a"); s.take(3, "c", 2) }, [][3]int{{1, 100, 1}, {2, 200, 0}, {3, 300, 6}}},
		"one lost, two brought": {func(s sound) { s.take(1, "a"); s.take(2, "b"); s.take(4, "d", 2, 3) },
			[][3]int{{1, 100, 1}, {2, 200, 1}, {3, 300, 0}, {4, 400, 11}}},
		"two lost, two brought": {func(s sound) { s.take(1, "a"); s.take(4, "d", 2, 3) }, [][3]int{{1, 100, 1}, {2, 200, 0}, {3, 300, 0}, {4, 400, 11}}},
		"two lost, one brought": {func(s sound) { s.take(1, "a"); s.take(4, "d", 3) }, [][3]int{{1, 100, 1}, {4, 400, 6}}},
		"in no order":           {func(s sound) { s.take(1, "a"); s.take(4, "d", 3, 2) }, [][3]int{{1, 100, 1}, {4, 400, 11}}},
		"a late one is not taken twice": {func(s sound) { s.take(1, "a"); s.take(3, "c", 2); s.take(2, "b", 1) },
			[][3]int{{1, 100, 1}, {2, 200, 0}, {3, 300, 6}}},
		"what was before the first packet": {func(s sound) { s.take(3, "c", 1, 2); s.take(4, "d", 2, 3); s.take(5, "e", 3, 4) },
			[][3]int{{3, 300, 0}, {4, 400, 0}, {5, 500, 11}}},
		"what was before it was unmuted": {func(s sound) {
			s.take(1, "a")
			s.publication.setMuted(true)
			s.take(2, "b", 1)
			s.take(3, "c", 2)
			s.publication.setMuted(false)
			s.take(5, "e", 3, 4)
			s.take(6, "f", 4, 5)
			s.take(7, "g", 5, 6)
		}, [][3]int{{1, 100, 1}, {5, 500, 0}, {6, 600, 0}, {7, 700, 11}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newSound(t)
			c.do(s)
			if got := s.kept(); !slices.Equal(got, c.want) {
				t.Errorf("%v, not %v", got, c.want)
			}
		})
	}
}

func TestEarlierSoundIsOfTheTypeTheClientNamed(t *testing.T) {
	payload := []byte{0x80 | 111, 0, 0, 1, 111, 'o', 'x'}
	for _, c := range []struct {
		redundant uint8
		lean      bool
		pt        uint8
		want      string
	}{
		{0, false, 109, "x"}, {63, true, 109, "x"}, {63, false, 63, "\xed\x00\x00\x01\x6dox"},
	} {
		s := &section{binding: binding{pt: 109, redundantPT: c.redundant}}
		s.lean.Store(c.lean)
		body, pt := s.bodyLocked(bytes.Clone(payload), 6)
		if string(body) != c.want || pt != c.pt {
			t.Errorf("%+v: %q of type %d", c, body, pt)
		}
		if body, pt := s.bodyLocked([]byte("whole"), 0); string(body) != "whole" || pt != 109 {
			t.Errorf("without earlier sound: %q of type %d", body, pt)
		}
	}
}

func TestTheAnswerPrefersEarlierSoundWhereTheClientSends(t *testing.T) {
	section := func(head, rest string) string { return "m=audio 9 UDP/TLS/RTP/SAVPF " + head + "\r\nc=IN\r\n" + rest }
	const opus, both, fits = "a=rtpmap:111 opus/48000/2\r\n", "a=rtpmap:111 opus/48000/2\r\na=rtpmap:63 red/48000/2\r\n", "a=fmtp:63 111/111\r\n"
	video := "m=video 9 UDP/TLS/RTP/SAVPF 96 63\r\na=recvonly\r\na=rtpmap:63 red/90000\r\n"
	for name, c := range map[string]struct{ in, want string }{
		"it sends":           {section("111 63", both+fits+"a=recvonly\r\n"), section("63 111", both+fits+"a=recvonly\r\n")},
		"both ways":          {section("111 63 9", both+fits+"a=sendrecv\r\n"), section("63 111 9", both+fits+"a=sendrecv\r\n")},
		"it only receives":   {section("111 63", both+fits+"a=sendonly\r\n"), ""},
		"it does not know":   {section("111", opus+"a=recvonly\r\n"), ""},
		"of something else":  {section("111 63", both+"a=fmtp:63 0/111\r\na=recvonly\r\n"), ""},
		"without parameters": {section("111 63", both+"a=recvonly\r\n"), ""},
		"a picture":          {video, ""},
	} {
		if c.want == "" {
			c.want = c.in
		}
		for _, frame := range []string{"%", "%" + video, section("111", opus+"a=recvonly\r\n") + "%"} {
			in, want := "v=0\r\n"+strings.Replace(frame, "%", c.in, 1), "v=0\r\n"+strings.Replace(frame, "%", c.want, 1)
			if got := withRedundancy(in); got != want {
				t.Errorf("%s: %q\nnot %q", name, got, want)
			}
		}
	}
}

// Who offers Opus with other parameters than ours gets it all the same.
func TestOpusIsAnsweredWhateverItsParameters(t *testing.T) {
	const usual = "minptime=10;useinbandfec=1"
	s := listen(t)
	c := joinRepeating(t, s, "room", "c")
	c.publish(Microphone, 1)
	c.offering.Lock()
	offer := c.pc.LocalDescription().SDP
	c.offering.Unlock()
	for _, parameters := range []string{usual, "useinbandfec=0", "minptime=20;stereo=1"} {
		l := newListener()
		close(l.hold)
		p, err := s.Join("room", parameters, nil, l)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := p.Offer(strings.ReplaceAll(offer, usual, parameters))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(answer, "SAVPF 63 111\r\n") || !strings.Contains(answer, "a=fmtp:111 "+parameters) || !strings.Contains(answer, "a=fmtp:63 111/111") {
			t.Errorf("%s: %s", parameters, answer)
		}
		p.Leave()
	}
}
