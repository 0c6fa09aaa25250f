package media

import (
	"errors"
	"strings"
	"testing"

	"github.com/pion/webrtc/v4"
)

const firefox = `v=0
o=mozilla 8258327536334119927 1 IN IP4 0.0.0.0
s=-
t=0 0
a=sendrecv
a=fingerprint:sha-256 33:9D:E7:F9:48:FD:AA:AF:7D:FF:99:97:40:B7:62:26:C1:CA:E5:43:DA:F6:05:2F:21:6F:7E:95:69:FF:93:84
a=group:BUNDLE 0 1
a=ice-options:trickle
m=audio 9 UDP/TLS/RTP/SAVPF 109 9
c=IN IP4 0.0.0.0
a=recvonly
a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:7/sendrecv http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
a=ice-pwd:d7e6d25127841bc4ec7665b32ea0e5e0
a=ice-ufrag:5230c37b
a=mid:0
a=rtcp-mux
a=rtpmap:109 opus/48000/2
a=rtpmap:9 G722/8000/1
a=setup:actpass
m=video 0 UDP/TLS/RTP/SAVPF 120 124
c=IN IP4 0.0.0.0
a=bundle-only
a=sendonly
a=ice-pwd:d7e6d25127841bc4ec7665b32ea0e5e0
a=ice-ufrag:5230c37b
a=mid:1
a=rtcp-mux
a=rtpmap:120 VP8/90000
a=rtpmap:124 rtx/90000
a=fmtp:124 apt=120
a=setup:actpass
a=ssrc:3628496825 cname:x
a=ssrc:1586941163 cname:x
a=ssrc-group:FID 3628496825 1586941163
`

func crlf(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }

func TestDescriptionOfABrowser(t *testing.T) {
	d, err := parseDescription(crlf(firefox), nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	if d.midID != 3 || d.transportID != 7 || len(d.sections) != 2 {
		t.Errorf("%+v", d)
	}
	if o := d.sections[0]; o.kind != audio || o.mid != "0" || o.sends || !o.receives {
		t.Errorf("%+v", o)
	}
	if o := d.sections[1]; o.kind != video || !o.sends || o.receives || o.ssrc != 3628496825 || o.rtxSSRC != 1586941163 || !o.retransmission[124] || o.retransmission[120] {
		t.Errorf("%+v", o)
	}
	both, err := parseDescription(crlf(strings.Replace(firefox, "a=recvonly\n", "", 1)), nil, 10)
	if err != nil || !both.sections[0].sends || !both.sections[0].receives {
		t.Errorf("the session's direction does not count: %+v, %v", both, err)
	}
}

func TestDescriptionsMustFollow(t *testing.T) {
	before, err := parseDescription(crlf(firefox), nil, 10)
	if err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(string) string{
		"fewer sections": func(s string) string {
			return strings.Replace(s[:strings.Index(s, "m=video")], "BUNDLE 0 1", "BUNDLE 0", 1)
		},
		"other mid": func(s string) string {
			return strings.NewReplacer("BUNDLE 0 1", "BUNDLE 0 7", "mid:1", "mid:7").Replace(s)
		},
		"plan B": func(s string) string {
			return strings.NewReplacer("BUNDLE 0 1", "BUNDLE 0 video", "mid:1", "mid:video").Replace(s)
		},
		"mid twice":     func(s string) string { return strings.Replace(s, "mid:1", "mid:0", 1) },
		"too many":      func(s string) string { return s + strings.Repeat(s[strings.Index(s, "m=video"):], 9) },
		"short ufrag":   func(s string) string { return strings.ReplaceAll(s, "5230c37b", "52") },
		"half a finger": func(s string) string { return strings.Replace(s, "sha-256 ", "sha-256", 1) },
		"long mid":      func(s string) string { return strings.Replace(s, "mid:1", "mid:"+strings.Repeat("1", 17), 1) },
	} {
		_, err := parseDescription(crlf(change(firefox)), before, 10)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := parseDescription(crlf(strings.ReplaceAll(firefox, "a=sendonly", "a=inactive")), before, 10); err != nil {
		t.Error(err)
	}
}

func FuzzDescription(f *testing.F) {
	f.Add(crlf(firefox))
	f.Add("v=0\r\n")
	f.Add(layered("a=rid:q send\na=rid:h send\na=simulcast:send q;~h,q\n"))
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseDescription(text, nil, 10)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Text == "" {
				t.Fatalf("%v is not for the client", err)
			}
			return
		}
		if len(d.sections) == 0 || len(d.sections) > 10 {
			t.Fatalf("%d sections", len(d.sections))
		}
		for _, o := range d.sections {
			if len(o.rids) > 3 || (len(o.rids) > 0 && o.ssrc != 0) {
				t.Fatalf("%+v", o)
			}
		}
		if _, err := parseDescription(text, d, 10); err != nil {
			t.Fatalf("a description does not follow itself: %v", err)
		}
	})
}

func TestASectionTheClientClosesIsGivenUp(t *testing.T) {
	s := listen(t)
	a, b := join(t, s, "room", "a"), join(t, s, "room", "b")
	a.publish(Camera, 1)
	mid := b.arrives("a", Camera, 1, 20)
	b.offering.Lock()
	offer, err := b.pc.CreateOffer(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.pc.SetLocalDescription(offer); err != nil {
		t.Fatal(err)
	}
	answer, err := b.peer.Offer(strings.ReplaceAll(b.pc.LocalDescription().SDP, "a=recvonly", "a=inactive"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		t.Fatal(err)
	}
	b.offering.Unlock()
	key := trackKey{"a", Camera}
	b.wait("the track without a section", func() bool { x, ok := b.tracks[key]; return ok && x.mid == "" })
	if err := b.offer(0, 2, nil); err != nil {
		t.Fatal(err)
	}
	if again := b.arrives("a", Camera, 1, 20); again == mid {
		t.Error("the closed section was used again")
	}
}

// layered is the browser's offer with layers in its picture.
func layered(lines string) string {
	return crlf(strings.Replace(firefox, "a=sendonly\n", "a=sendonly\n"+lines, 1))
}

func TestLayersOfADescription(t *testing.T) {
	rids := "a=rid:q send\na=rid:h send\na=rid:f send\n"
	for lines, want := range map[string][]string{
		rids + "a=simulcast:send q;h;f\n":        {"q", "h", "f"},
		rids + "a=simulcast:send f;~h\n":         {"f", "h"},
		rids + "a=simulcast:recv x send q,h;f\n": {"q", "f"},
		rids:                                     nil,
		"a=extmap:5 " + ridURI + "\na=extmap:6 " + repairedURI + "\n": nil,
	} {
		d, err := parseDescription(layered(lines), nil, 10)
		if err != nil {
			t.Errorf("%q: %v", lines, err)
			continue
		}
		o := d.sections[1]
		if strings.Join(o.rids, " ") != strings.Join(want, " ") || (o.ssrc == 0) != (want != nil) {
			t.Errorf("%q: layers %q, SSRC %d", lines, o.rids, o.ssrc)
		}
		if strings.Contains(lines, "extmap") && (d.ridID != 5 || d.repairedID != 6) {
			t.Errorf("extensions %+v", d)
		}
	}
	for _, bad := range []string{
		rids + "a=simulcast:send\n", rids + "a=simulcast:send q;q\n", rids + "a=simulcast:send q;x\n", rids + "a=simulcast:send q;;h\n",
		rids + "a=simulcast:nonsense\n", rids + "a=rid:g send\na=simulcast:send q;h;f;g\n",
		"a=rid:q recv\na=simulcast:send q\n", "a=rid:" + strings.Repeat("q", 17) + " send\na=simulcast:send " + strings.Repeat("q", 17) + "\n",
	} {
		var e *Error
		if _, err := parseDescription(layered(bad), nil, 10); !errors.As(err, &e) {
			t.Errorf("%q was taken: %v", bad, err)
		}
	}
}
