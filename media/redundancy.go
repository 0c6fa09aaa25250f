package media

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"neochat/media/red"
	"neochat/media/rtpview"
)

// mimeTypeRED is sound whose packets bring along that of earlier ones (RFC 2198): one that got lost is in the next.
const mimeTypeRED = "audio/red"

// redundancy is what a layer keeps for packets that bring along earlier sound. It is guarded by layer.mu.
type redundancy struct {
	newest uint32 // timestamp of the packet with the highest number

	epoch  uint32 // since when it is that of the layer
	begins uint32 // timestamp of its first packet
	young  bool   // a packet may still bring along what was before
}

// unpackLocked looks into a packet that brings along earlier sound; before is the highest number before it, 0 for none. It gives the payload to
// keep, and where in it the packet's own sound begins: 0 if nothing else is in it, because what it brought along is from before, as when it was muted.
func (l *layer) unpackLocked(v *rtpview.View, sound *red.Packet, seq, before uint64) (payload []byte, primary int) {
	r := &l.redundancy
	if r.epoch != l.epoch {
		r.epoch, r.begins, r.young = l.epoch, v.Time, true
	}
	if r.young {
		r.young = slices.ContainsFunc(sound.Earlier(), func(b red.Block) bool { return int32(v.Time-b.Offset-r.begins) < 0 })
	}
	if r.young {
		return v.Payload[sound.Primary():], 0
	}
	if before != 0 && seq > before+1 {
		l.restoreLocked(before, seq, v.Time, sound.Earlier())
	}
	return v.Payload, sound.Primary()
}

// restoreLocked keeps the packets between two that arrived, if the later one, of the time stamp, brings all of them along: for receivers that do not
// understand it themselves.
func (l *layer) restoreLocked(before, after uint64, stamp uint32, earlier []red.Block) {
	for len(earlier) > 0 && earlier[0].Offset >= stamp-l.redundancy.newest {
		earlier = earlier[1:]
	}
	if after-before-1 != uint64(len(earlier)) {
		return
	}
	for i, b := range earlier {
		if b.Offset == 0 || len(b.Data) == 0 || i > 0 && b.Offset >= earlier[i-1].Offset {
			return
		}
	}
	for i, b := range earlier {
		if l.putLocked(before+1+uint64(i), stamp-b.Offset, false, b.Data, 0) {
			l.sfu().counts.restored.Add(1)
		}
	}
}

// bodyLocked is what of a packet goes out, and as what payload type. The packet is the caller's to change.
func (s *section) bodyLocked(payload []byte, primary int) (body []byte, pt uint8) {
	b := &s.binding
	if primary == 0 {
		return payload, b.pt
	}
	if b.redundantPT == 0 || s.lean.Load() {
		return payload[primary:], b.pt
	}
	red.Retype(payload, b.pt)
	return payload, b.redundantPT
}

// repeats tells whether the parameters of a redundant format say that all in it is of the payload type pt.
func repeats(parameters string, pt uint8) bool {
	blocks := strings.Split(parameters, "/")
	return len(blocks) > 1 && !slices.ContainsFunc(blocks, func(b string) bool { return b != strconv.Itoa(int(pt)) })
}

// withRedundancy puts redundant sound first in those sections of an answer in which the client sends: it sends what stands first.
func withRedundancy(answer string) string {
	const border = "\r\nm="
	sections := strings.Split(answer, border)
	for i := range sections[1:] {
		sections[i+1] = redundantFirst(sections[i+1])
	}
	return strings.Join(sections, border)
}

// redundantFirst is withRedundancy for one section, without its m=.
func redundantFirst(section string) string {
	head, attributes, _ := strings.Cut(section, "\r\n")
	if !strings.HasPrefix(head, "audio ") || !strings.Contains(attributes, "a=recvonly") && !strings.Contains(attributes, "a=sendrecv") {
		return section
	}
	var opus, redundant uint8
	for line := range strings.SplitSeq(attributes, "\r\n") {
		var pt uint8
		var codec string
		if n, _ := fmt.Sscanf(line, "a=rtpmap:%d %s", &pt, &codec); n < 2 {
			continue
		}
		switch strings.ToLower(codec) {
		case "opus/48000/2":
			opus = pt
		case "red/48000/2":
			redundant = pt
		}
	}
	_, after, found := strings.Cut(attributes, fmt.Sprintf("a=fmtp:%d ", redundant))
	parameters, _, _ := strings.Cut(after, "\r\n")
	if redundant == 0 || !found || !repeats(parameters, opus) {
		return section
	}
	words := strings.Split(head, " ") // medium, port, protocol, payload types
	one := strconv.Itoa(int(redundant))
	types := slices.DeleteFunc(words[3:], func(w string) bool { return w == one })
	return strings.Join(append(words[:3:3], append([]string{one}, types...)...), " ") + "\r\n" + attributes
}
