package signaling

import (
	"net/http"
	"strconv"
	"strings"

	"neochat/wire"
)

// sdpLines are the lines of an SDP, however they end, without the empty ones.
func sdpLines(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == '\r' || r == '\n' })
}

// sdpValue is what follows a prefix in the first line that begins with it.
func sdpValue(text, prefix string) string {
	for _, line := range sdpLines(text) {
		if value, ok := strings.CutPrefix(line, prefix); ok {
			return value
		}
	}
	return ""
}

// maxStreamSections is how many sections of a kind a watcher may have: with one each it sees one picture and hears one sound.
const maxStreamSections = 16

// streamSection is an m-section of an offer over HTTP.
type streamSection struct{ kind, mid string }

// shapeOffer makes an offer one-way, as WHIP and WHEP are: sendrecv becomes the direction of the two that is allowed, which is want; any
// other is refused (RFC 9725 section 4.2). each is how many sections of a kind there may be.
func shapeOffer(text, want string, each int) (string, []streamSection, error) {
	lines := sdpLines(text)
	if len(lines) == 0 || lines[0] != "v=0" {
		return "", nil, refusal(wire.StatBadRequest, "this is no SDP: it begins with v=0")
	}
	session, direction := "sendrecv", ""
	var all []streamSection
	var b strings.Builder
	end := func() error {
		if len(all) == 0 {
			return nil
		}
		if direction == "" {
			direction = session
		}
		if direction != want && direction != "sendrecv" {
			return refusal(http.StatusUnprocessableEntity, "a section is "+direction+"; here each is "+want)
		}
		b.WriteString("a=" + want + "\r\n")
		return nil
	}
	for _, line := range lines {
		if kind, ok := strings.CutPrefix(line, "m="); ok {
			if err := end(); err != nil {
				return "", nil, err
			}
			kind, _, _ = strings.Cut(kind, " ")
			all, direction = append(all, streamSection{kind: kind}), ""
		}
		switch name, value, _ := strings.Cut(line, ":"); name {
		case "a=sendrecv", "a=sendonly", "a=recvonly", "a=inactive":
			if direction = name[len("a="):]; len(all) == 0 {
				session = direction
			}
			continue
		case "a=mid":
			if len(all) > 0 {
				all[len(all)-1].mid = value
			}
		}
		b.WriteString(line + "\r\n")
	}
	if err := end(); err != nil {
		return "", nil, err
	}
	return b.String(), all, checkSections(all, each)
}

func checkSections(all []streamSection, each int) error {
	count := map[string]int{}
	for _, x := range all {
		if x.kind != "audio" && x.kind != "video" {
			return refusal(http.StatusUnprocessableEntity, "there is a section that is neither audio nor video")
		}
		if count[x.kind]++; count[x.kind] > each {
			return refusal(http.StatusUnprocessableEntity, "at most "+strconv.Itoa(each)+" "+x.kind+" here")
		}
	}
	if len(all) == 0 {
		return refusal(http.StatusUnprocessableEntity, "the offer has no section: there is neither sound nor picture")
	}
	return nil
}

// muxOnly adds to an answer what every bundled section must say (RFC 9725 section 4.4.1, RFC 8858 section 3).
func muxOnly(answer string) string {
	if strings.Contains(answer, "a=rtcp-mux-only\r\n") {
		return answer
	}
	return strings.ReplaceAll(answer, "a=rtcp-mux\r\n", "a=rtcp-mux\r\na=rtcp-mux-only\r\n")
}
