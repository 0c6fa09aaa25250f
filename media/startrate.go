package media

import (
	"fmt"
	"strings"
)

// startRate is what a client's encoder may begin with, in kbit/s, until transport-wide feedback has told it more.
// Left to itself Chromium begins with 300, at which the first key frame of a 720p picture takes half a second to leave.
const startRate = 1500

// withStartRate adds the start rate to every VP8 that an answer accepts. Chromium reads it from there; others ignore a parameter
// of VP8 that they do not know (RFC 7741 section 6.1).
func withStartRate(answer string) string {
	var b strings.Builder
	b.Grow(len(answer) + 256)
	for line := range strings.Lines(answer) {
		b.WriteString(line)
		var pt int
		if _, err := fmt.Sscanf(line, "a=rtpmap:%d VP8/90000", &pt); err == nil {
			fmt.Fprintf(&b, "a=fmtp:%d x-google-start-bitrate=%d\r\n", pt, startRate)
		}
	}
	return b.String()
}
