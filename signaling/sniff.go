package signaling

import (
	"bytes"
	"net/http"
	"slices"
)

// sniff finds a file's type by its first sniffBytes: as http.DetectContentType does, and the kinds of sound, video and pictures that it does
// not tell apart, so that browsers play what they can.
func sniff(head []byte) string {
	if len(head) >= 12 && string(head[4:8]) == "ftyp" {
		return sniffMP4(head)
	}
	for _, k := range [...]struct{ magic, kind string }{
		{"fLaC", "audio/flac"},
		{"#!AMR", "audio/amr"},
	} {
		if bytes.HasPrefix(head, []byte(k.magic)) {
			return k.kind
		}
	}
	switch kind := http.DetectContentType(head); kind {
	case "video/webm":
		return sniffMatroska(head)
	case "application/ogg":
		return sniffOgg(head)
	case "application/octet-stream":
		return sniffFrames(head)
	default:
		return kind
	}
}

// brands are the major brands of ISO/IEC 14496-12 files that are no video/mp4.
var brands = map[string]string{
	"M4A ": "audio/mp4", "M4B ": "audio/mp4", "M4P ": "audio/mp4",
	"qt  ": "video/quicktime",
	"avif": "image/avif", "avis": "image/avif",
	"heic": "image/heic", "heix": "image/heic", "heim": "image/heic", "heis": "image/heic", "hevc": "image/heic", "hevx": "image/heic",
	"mif1": "image/heic", "msf1": "image/heic",
}

// sniffMP4 goes by the major brand; only what says no more than that it is a picture, by those it is compatible with.
func sniffMP4(head []byte) string {
	major := string(head[8:12])
	if (major == "mif1" || major == "msf1") && bytes.Contains(head, []byte("avif")) {
		return "image/avif"
	}
	if kind, ok := brands[major]; ok {
		return kind
	}
	return "video/mp4"
}

// sniffMatroska tells WebM from other Matroska, and sound without a picture from video, as far as the tracks are at the beginning (RFC 9559).
func sniffMatroska(head []byte) string {
	has := func(word string) bool { return bytes.Contains(head, []byte(word)) }
	switch {
	case has("matroska"):
		return "video/x-matroska"
	case (has("A_OPUS") || has("A_VORBIS")) && !has("V_"):
		return "audio/webm"
	}
	return "video/webm"
}

// sniffOgg goes by the first packet of the first page (RFC 3533 section 6, RFC 5334).
func sniffOgg(head []byte) string {
	const page = 28 // bytes of the header of a page with one segment
	if len(head) > page {
		first := head[page:]
		for _, sound := range []string{"OpusHead", "\x01vorbis", "Speex   ", "\x7fFLAC"} {
			if bytes.HasPrefix(first, []byte(sound)) {
				return "audio/ogg"
			}
		}
		if bytes.HasPrefix(first, []byte("\x80theora")) {
			return "video/ogg"
		}
	}
	return "application/ogg"
}

// sniffFrames knows sound that begins with a frame, and nothing before it.
func sniffFrames(head []byte) string {
	switch {
	case len(head) < 4 || head[0] != 0xff:
	case head[1]&0xf6 == 0xf0: // ISO/IEC 14496-3, ADTS: syncword, layer 0
		return "audio/aac"
	case slices.Contains([]byte{0xfa, 0xfb, 0xf2, 0xf3, 0xe2, 0xe3}, head[1]) && head[2]>>4 != 0xf && head[2]>>4 != 0 && head[2]&0x0c != 0x0c: // ISO/IEC 11172-3, layer III
		return "audio/mpeg"
	}
	return "application/octet-stream"
}
