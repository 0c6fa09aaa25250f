package signaling

import (
	"strings"
	"testing"
)

func TestFragments(t *testing.T) {
	f, err := parseFragment(candidateLines)
	if err != nil || f.ufrag != "EsAw" || f.pwd != "P2uYro0UCOQ4zxjKXaWCBui1" || !f.ended || len(f.candidates) != 1 || f.candidates[0].mid != "0" ||
		f.candidates[0].line != "candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host" {
		t.Errorf("read as %+v, %v", f, err)
	}
	if f, err = parseFragment("a=candidate:1 1 udp 1 192.0.2.1 9 typ host\na=mid:0\n\n"); err != nil || len(f.candidates) != 1 || f.ufrag != "" || f.ended {
		t.Errorf("read as %+v, %v", f, err)
	}
	offer := offered("sendonly", "sendonly")
	f, err = parseFragment(candidateLines)
	if err != nil || f.restarts(offer) {
		t.Errorf("candidates for the ICE session there is restart it: %v", err)
	}
	f, err = parseFragment(restartLines)
	if err != nil || !f.restarts(offer) {
		t.Errorf("another password does not restart ICE: %v", err)
	}
	next := f.restarted(offer + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n")
	if want := strings.NewReplacer("EsAw", "ysXw", "P2uYro0UCOQ4zxjKXaWCBui1", "vw5LmwG4y/e6dPP/zAP9Gp5k").Replace(offer); next != want {
		t.Errorf("the offer became\n%s", next)
	}
	for _, bad := range []string{"", "\r\n", "v=0\r\n", "a=ice-ufrag:abcd\r\n", "a=ice-pwd:0123456789012345678901\r\n", "a=ice-ufrag:abc\r\na=ice-pwd:0123456789012345678901\r\n",
		"a=ice-ufrag:ab cd\r\na=ice-pwd:0123456789012345678901\r\n", restartLines + candidateLines, strings.Repeat("a=candidate:1\r\n", maxFragmentCandidates+1), "a=group:BUNDLE 0\r\n"} {
		if f, err := parseFragment(bad); err == nil {
			t.Errorf("%q is read as %+v", bad, f)
		}
	}
}

func TestAnswersBecomeFragments(t *testing.T) {
	answer := "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=fingerprint:sha-256 00\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=setup:passive\r\na=mid:0\r\n" +
		"a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-ufrag:abcd\r\n"
	want := "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\na=end-of-candidates\r\n"
	if got := answerFragment(answer); got != want {
		t.Errorf("became\n%s", got)
	}
}

func TestOffersBecomeOneWay(t *testing.T) {
	for _, x := range []struct{ name, offer, want string }{
		{"said nowhere", "v=0\r\nm=audio 9 x 111\r\na=mid:a0\r\n", "v=0\r\nm=audio 9 x 111\r\na=mid:a0\r\na=sendonly\r\n"},
		{"said for all", "v=0\na=sendonly\nm=audio 9 x 111\na=mid:0\nm=video 9 x 96\na=mid:1\n", "v=0\r\nm=audio 9 x 111\r\na=mid:0\r\na=sendonly\r\nm=video 9 x 96\r\na=mid:1\r\na=sendonly\r\n"},
		{"both ways", "v=0\r\nm=video 9 x 96\r\na=sendrecv\r\na=mid:1", "v=0\r\nm=video 9 x 96\r\na=mid:1\r\na=sendonly\r\n"},
	} {
		got, sections, err := shapeOffer(x.offer, "sendonly", 1)
		if err != nil || got != x.want || sections[len(sections)-1].mid == "" {
			t.Errorf("%s: %q %v %v", x.name, got, sections, err)
		}
	}
	if _, _, err := shapeOffer("v=0\r\na=recvonly\r\nm=audio 9 x 111\r\n", "sendonly", 1); err == nil {
		t.Error("an offer to receive only is taken for one to send")
	}
	many := "v=0\r\n" + strings.Repeat("m=video 9 x 96\r\na=recvonly\r\n", maxStreamSections)
	if _, sections, err := shapeOffer(many, "recvonly", maxStreamSections); err != nil || len(sections) != maxStreamSections {
		t.Errorf("%d sections: %v", len(sections), err)
	}
	if _, _, err := shapeOffer(many+"m=video 9 x 96\r\na=recvonly\r\n", "recvonly", maxStreamSections); err == nil {
		t.Error("one section too many is taken")
	}
}

// FuzzFragment: what is read holds what was promised, and makes no line of an offer that the client did not write.
func FuzzFragment(f *testing.F) {
	f.Add(candidateLines)
	f.Add(restartLines)
	f.Add("a=ice-ufrag:abcd\na=ice-pwd:0123456789012345678901\r\r\na=end-of-candidates")
	f.Fuzz(func(t *testing.T, text string) {
		frag, err := parseFragment(text)
		if err != nil {
			return
		}
		if len(frag.candidates) > maxFragmentCandidates || (frag.ufrag == "") != (frag.pwd == "") || len(frag.ufrag) > maxIceString || len(frag.pwd) > maxIceString {
			t.Fatalf("read as %+v", frag)
		}
		offer := offered("sendonly", "sendonly")
		if !frag.restarts(offer) {
			return
		}
		next := frag.restarted(offer)
		if frag.restarts(next) || strings.Count(next, "\n") != strings.Count(offer, "\n") {
			t.Fatalf("the offer became %q", next)
		}
	})
}

// FuzzOffer: what is let through has one direction in each section, and nothing of another.
func FuzzOffer(f *testing.F) {
	f.Add(offered("sendonly", "sendrecv"))
	f.Add("v=0\na=inactive\nm=audio 9 x 111\na=sendonly\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, sections, err := shapeOffer(text, "sendonly", 1)
		if err != nil {
			return
		}
		if n := strings.Count("\n"+got, "\na=sendonly\r\n"); n != len(sections) || len(sections) > 2 || strings.Contains("\n"+got, "\na=recvonly\r\n") || strings.Contains("\n"+got, "\na=sendrecv\r\n") {
			t.Fatalf("%q became %q with %d sections", text, got, len(sections))
		}
	})
}
