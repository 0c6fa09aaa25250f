package media

import (
	"strings"
	"testing"
)

func TestWithStartRate(t *testing.T) {
	in := "v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=rtpmap:96 VP8/90000\r\na=rtcp-fb:96 nack\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n"
	want := strings.Replace(in, "VP8/90000\r\n", "VP8/90000\r\na=fmtp:96 x-google-start-bitrate=1500\r\n", 1)
	if got := withStartRate(in); got != want {
		t.Errorf("got %q", got)
	}
}
