package picture

import (
	"bytes"
	"compress/zlib"
	"io"
)

// What says what a picture's colours mean (ICC.1:2022) goes along into its preview, where it is not too long: photos of today's telephones would look
// pale without.
const (
	maxProfile    = 16 << 10
	profileHeader = 128
	profilePrefix = "ICC_PROFILE\x00" // of an APP2 segment; then the number of the part, and how many there are
	markerAPP2    = 0xe2
)

// setProfile keeps a profile that colours of red, green and blue can have.
func (h *header) setProfile(profile []byte) {
	if h.profile == nil && len(profile) >= profileHeader && len(profile) <= maxProfile && string(profile[16:20]) == "RGB " {
		h.profile = bytes.Clone(profile)
	}
}

// jpegProfile takes the profile of an APP2 segment that has all of it.
func (h *header) jpegProfile(segment []byte) {
	if rest, ok := bytes.CutPrefix(segment, []byte(profilePrefix+"\x01\x01")); ok {
		h.setProfile(rest)
	}
}

// pngProfile takes the profile of an iCCP chunk: a name, a zero, a method, and then it is compressed.
func (h *header) pngProfile(chunk []byte) {
	_, rest, ok := bytes.Cut(chunk, []byte{0})
	if !ok || len(rest) < 2 || rest[0] != 0 {
		return
	}
	z, err := zlib.NewReader(bytes.NewReader(rest[1:]))
	if err != nil {
		return
	}
	defer z.Close()
	if profile, err := io.ReadAll(io.LimitReader(z, maxProfile+1)); err == nil {
		h.setProfile(profile)
	}
}

// withProfile puts a profile behind the first marker of a JPEG.
func withProfile(jpeg, profile []byte) []byte {
	if profile == nil {
		return jpeg
	}
	n := 2 + len(profilePrefix) + 2 + len(profile)
	segment := append([]byte{0xff, markerAPP2, byte(n >> 8), byte(n)}, profilePrefix+"\x01\x01"...)
	return bytes.Join([][]byte{jpeg[:2], segment, profile, jpeg[2:]}, nil)
}
