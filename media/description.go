package media

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/pion/ice/v4"
	"github.com/pion/sdp/v3"

	"neochat/media/allocation"
)

const (
	maxDescription = 256 << 10
	maxMid         = 16 // what fits a one-byte header extension (RFC 8285 section 4.2)

	midURI         = "urn:ietf:params:rtp-hdrext:sdes:mid"
	transportCCURI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01"
	ridURI         = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id"
	levelURI       = "urn:ietf:params:rtp-hdrext:ssrc-audio-level"
	repairedURI    = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id"
)

// description is what we need of a client's offer.
type description struct {
	sections    []sectionOffer
	midID       uint8 // header extension ids, 0 if not offered
	transportID uint8
	ridID       uint8 // of the layer a packet is of
	repairedID  uint8 // of the layer a retransmission is of
	levelID     uint8 // how loud a sound is
}

// sectionOffer is one m-section.
type sectionOffer struct {
	mid            string
	kind           kind
	sends          bool // the client sends in it
	receives       bool
	ssrc, rtxSSRC  uint32         // of what the client sends; 0 if not declared
	rids           []string       // layers it sends, the smallest first; none without simulcast
	retransmission map[uint8]bool // payload types of RTX
	redundant      uint8          // payload type of sound with that of earlier packets (RFC 2198), 0 if not offered
}

// parseDescription reads and checks an offer; before is the one that was accepted last, nil for none. Everything the later steps rely
// on is checked here, so that a bad offer is refused before anything changed.
func parseDescription(text string, before *description, maxSections int) (*description, error) {
	if len(text) > maxDescription {
		return nil, badf("the description is longer than %d bytes", maxDescription)
	}
	var s sdp.SessionDescription
	if err := s.UnmarshalString(text); err != nil {
		return nil, &Error{Text: "this is no SDP", Err: err}
	}
	if n := len(s.MediaDescriptions); n == 0 || n > maxSections {
		return nil, badf("the description has %d sections; 1 to %d are possible", n, maxSections)
	}
	d := &description{}
	bundled := bundle(&s)
	for _, m := range s.MediaDescriptions {
		o, err := d.section(&s, m)
		if err != nil {
			return nil, err
		}
		if !bundled[o.mid] {
			return nil, badf("section %q is not in the BUNDLE group", o.mid)
		}
		d.sections = append(d.sections, o)
	}
	return d, d.follows(before)
}

// bundle is the set of mids of the BUNDLE group (RFC 9143).
func bundle(s *sdp.SessionDescription) map[string]bool {
	set := map[string]bool{}
	for _, a := range s.Attributes {
		if words := strings.Fields(a.Value); a.Key == "group" && len(words) > 0 && words[0] == "BUNDLE" {
			for _, mid := range words[1:] {
				set[mid] = true
			}
		}
	}
	return set
}

func (d *description) section(s *sdp.SessionDescription, m *sdp.MediaDescription) (sectionOffer, error) {
	o := sectionOffer{kind: kind(m.MediaName.Media), retransmission: map[uint8]bool{}}
	o.mid, _ = m.Attribute("mid")
	if o.kind != audio && o.kind != video {
		return o, badf("a section of kind %q is not possible here", m.MediaName.Media)
	}
	if o.mid == "" || len(o.mid) > maxMid {
		return o, badf("each section needs a mid of 1 to %d bytes", maxMid)
	}
	if o.mid == "audio" || o.mid == "video" || o.mid == "data" { // Pion takes them for the old Plan B
		return o, badf("a section cannot have the mid %q", o.mid)
	}
	for _, other := range d.sections {
		if other.mid == o.mid {
			return o, badf("the mid %q is there twice", o.mid)
		}
	}
	if err := checkTransport(s, m); err != nil {
		return o, err
	}
	if err := checkParts(m); err != nil {
		return o, err
	}
	o.sends, o.receives = directions(s, m)
	if !d.attributes(&o, m) {
		return o, badf("section %q offers neither Opus nor VP8", o.mid)
	}
	err := o.simulcast(m)
	return o, err
}

// checkTransport looks for what ICE and DTLS cannot do without.
func checkTransport(s *sdp.SessionDescription, m *sdp.MediaDescription) error {
	for _, need := range []struct {
		key   string
		least int
	}{{"ice-ufrag", 4}, {"ice-pwd", 22}, {"fingerprint", 9}} {
		if v := attribute(s, m, need.key); len(v) < need.least || len(v) > 256 {
			return badf("the description has no valid %s", need.key)
		}
	}
	if len(strings.Split(attribute(s, m, "fingerprint"), " ")) != 2 {
		return badf("the description has no valid fingerprint")
	}
	if setup := attribute(s, m, "setup"); setup != "actpass" && setup != "active" {
		return badf("the server is the DTLS server: offer setup actpass or active")
	}
	return nil
}

// checkParts looks at what Pion would stumble over halfway through, when it can no longer go back.
func checkParts(m *sdp.MediaDescription) error {
	codecs := (&sdp.SessionDescription{MediaDescriptions: []*sdp.MediaDescription{m}}).GetCodecMap()
	for _, format := range m.MediaName.Formats {
		pt, err := strconv.ParseUint(format, 10, 7)
		if _, ok := codecs[uint8(pt)]; err != nil || (!ok && pt != 0) {
			return badf("payload type %q has no rtpmap", format)
		}
	}
	for _, a := range m.Attributes {
		var err error
		switch a.Key {
		case "extmap":
			err = new(sdp.ExtMap).Unmarshal(a.String())
		case "candidate":
			_, err = ice.UnmarshalCandidate(a.Value)
		}
		if err != nil && !errors.Is(err, ice.ErrUnknownCandidateTyp) && !errors.Is(err, ice.ErrDetermineNetworkType) {
			return &Error{Text: "the description has a bad " + a.Key, Err: err}
		}
	}
	return nil
}

func attribute(s *sdp.SessionDescription, m *sdp.MediaDescription, key string) string {
	if v, ok := m.Attribute(key); ok {
		return v
	}
	v, _ := s.Attribute(key)
	return v
}

// directions tells whether the client sends and receives in a section (RFC 8866 section 6.7).
func directions(s *sdp.SessionDescription, m *sdp.MediaDescription) (sends, receives bool) {
	for _, list := range [][]sdp.Attribute{m.Attributes, s.Attributes} {
		for _, a := range list {
			switch a.Key {
			case "sendrecv":
				return true, true
			case "sendonly":
				return true, false
			case "recvonly":
				return false, true
			case "inactive":
				return false, false
			}
		}
	}
	return true, true
}

// attributes collects codecs, streams and header extensions; false if no codec of ours is among them.
func (d *description) attributes(o *sectionOffer, m *sdp.MediaDescription) (usable bool) {
	for _, a := range m.Attributes {
		words := strings.Fields(a.Value)
		if len(words) < 2 {
			continue
		}
		switch a.Key {
		case "rtpmap":
			codec := strings.ToLower(words[1])
			usable = usable || (o.kind == audio && codec == "opus/48000/2") || (o.kind == video && codec == "vp8/90000")
			if pt, err := strconv.ParseUint(words[0], 10, 7); err == nil && strings.HasPrefix(codec, "rtx/") {
				o.retransmission[uint8(pt)] = true
			} else if err == nil && o.kind == audio && codec == "red/48000/2" {
				o.redundant = uint8(pt)
			}
		case "extmap":
			d.extension(words[0], words[1])
		case "ssrc", "ssrc-group":
			o.stream(a.Key, words)
		}
	}
	return usable
}

func (d *description) extension(id, uri string) {
	number, _, _ := strings.Cut(id, "/") // RFC 8285 section 5: a direction may follow
	n, err := strconv.ParseUint(number, 10, 8)
	if err != nil {
		return
	}
	switch uri {
	case midURI:
		d.midID = uint8(n)
	case transportCCURI:
		d.transportID = uint8(n)
	case ridURI:
		d.ridID = uint8(n)
	case repairedURI:
		d.repairedID = uint8(n)
	case levelURI:
		d.levelID = uint8(n)
	}
}

// maxRid is the longest name of a layer that fits a one-byte header extension.
const maxRid = 16

// simulcast reads a=rid and a=simulcast (RFC 8851, RFC 8853), of which it takes the first of alternatives. With layers there are no streams to
// be known by SSRC.
func (o *sectionOffer) simulcast(m *sdp.MediaDescription) error {
	list, ok := "", false
	for _, a := range m.Attributes {
		if a.Key != "simulcast" || !o.sends {
			continue
		}
		words := strings.Fields(a.Value)
		ok = ok || !slices.Contains(words, "recv")
		for i := 0; i+1 < len(words); i += 2 {
			if words[i] == "send" {
				list, ok = words[i+1], true
			}
		}
	}
	if !ok {
		return nil
	}
	for _, one := range strings.Split(list, ";") {
		rid, _, _ := strings.Cut(strings.ReplaceAll(one, "~", ""), ",")
		if rid == "" || len(rid) > maxRid || slices.Contains(o.rids, rid) || !sendsRid(m, rid) {
			return badf("section %q has a bad list of layers", o.mid)
		}
		o.rids = append(o.rids, rid)
	}
	if len(o.rids) > allocation.Layers || o.kind != video {
		return badf("section %q has %d layers; a picture may have %d", o.mid, len(o.rids), allocation.Layers)
	}
	o.ssrc, o.rtxSSRC = 0, 0
	return nil
}

func sendsRid(m *sdp.MediaDescription, rid string) bool {
	for _, a := range m.Attributes {
		if words := strings.Fields(a.Value); a.Key == "rid" && len(words) > 1 && words[0] == rid && words[1] == "send" {
			return true
		}
	}
	return false
}

// stream reads a=ssrc (RFC 5576 section 4.1) and a=ssrc-group:FID (RFC 4588 section 8.8). The first of each counts.
func (o *sectionOffer) stream(key string, words []string) {
	if key == "ssrc" {
		if n, err := strconv.ParseUint(words[0], 10, 32); err == nil && o.ssrc == 0 {
			o.ssrc = uint32(n)
		}
		return
	}
	if words[0] != "FID" || len(words) < 3 || o.rtxSSRC != 0 {
		return
	}
	media, err1 := strconv.ParseUint(words[1], 10, 32)
	rtx, err2 := strconv.ParseUint(words[2], 10, 32)
	if err1 == nil && err2 == nil {
		o.ssrc, o.rtxSSRC = uint32(media), uint32(rtx)
	}
}

// follows checks that d continues before: sections stay in their place (RFC 8829 section 5.2.2).
func (d *description) follows(before *description) error {
	if before == nil {
		return nil
	}
	if len(d.sections) < len(before.sections) {
		return badf("the description has fewer sections than the one before")
	}
	for i, was := range before.sections {
		if is := d.sections[i]; is.mid != was.mid || is.kind != was.kind {
			return badf("section %d was %s %q and cannot become %s %q", i, was.kind, was.mid, is.kind, is.mid)
		}
	}
	return nil
}

// find gives the section of that mid.
func (d *description) find(mid string) (sectionOffer, bool) {
	if d != nil {
		for _, o := range d.sections {
			if o.mid == mid {
				return o, true
			}
		}
	}
	return sectionOffer{}, false
}
