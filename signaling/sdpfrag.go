package signaling

import (
	"strconv"
	"strings"

	"neochat/wire"
)

const (
	maxFragment           = 16 << 10 // bytes of the body of a PATCH
	maxFragmentCandidates = 64
	maxIceString          = 256 // characters of an ice-ufrag or an ice-pwd (RFC 8839 section 5.4)
)

// fragment is what a PATCH of application/trickle-ice-sdpfrag says (RFC 8840 section 9).
type fragment struct {
	ufrag, pwd string // both or neither
	candidates []fragmentCandidate
	ended      bool // there are no further candidates
}

// fragmentCandidate is a candidate as WebRTC's addIceCandidate takes it, with the mid of the section it stands in.
type fragmentCandidate struct{ line, mid string }

// parseFragment reads the body of a PATCH.
func parseFragment(text string) (f fragment, err error) {
	mid := ""
	for _, line := range sdpLines(text) {
		switch name, value, _ := strings.Cut(line, ":"); {
		case strings.HasPrefix(line, "m="):
			mid = ""
		case name == "a=mid":
			mid = value
		case name == "a=ice-ufrag":
			err = setOnce(&f.ufrag, value, "ice-ufrag", 4)
		case name == "a=ice-pwd":
			err = setOnce(&f.pwd, value, "ice-pwd", 22)
		case name == "a=candidate":
			f.candidates = append(f.candidates, fragmentCandidate{line[len("a="):], mid})
		case line == "a=end-of-candidates":
			f.ended = true
		case !strings.HasPrefix(line, "a="):
			err = badFragment("it has lines that begin with a= and m= only")
		}
		if err != nil {
			return fragment{}, err
		}
	}
	switch {
	case (f.ufrag == "") != (f.pwd == ""):
		return fragment{}, badFragment("ice-ufrag and ice-pwd go together")
	case len(f.candidates) > maxFragmentCandidates:
		return fragment{}, badFragment("at most " + strconv.Itoa(maxFragmentCandidates) + " candidates at once")
	case f.ufrag == "" && len(f.candidates) == 0 && !f.ended:
		return fragment{}, badFragment("it has neither candidates nor ice-ufrag and ice-pwd")
	}
	return f, nil
}

func badFragment(why string) error {
	return refusal(wire.StatBadRequest, "this is no SDP fragment for ICE: "+why)
}

// setOnce takes the value of an attribute that must be the same wherever it stands, made of ice-char (RFC 8839 section 5.4).
func setOnce(at *string, value, name string, least int) error {
	for _, c := range []byte(value) {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '+' && c != '/' {
			return badFragment(name + " has letters, digits, + and / only")
		}
	}
	switch {
	case len(value) < least || len(value) > maxIceString:
		return badFragment(name + " has " + strconv.Itoa(least) + " to " + strconv.Itoa(maxIceString) + " characters")
	case *at != "" && *at != value:
		return badFragment("there are two different " + name)
	}
	*at = value
	return nil
}

// restarts tells whether the fragment has the client's ICE begin anew, rather than going on as the offer said.
func (f *fragment) restarts(offer string) bool {
	return f.ufrag != "" && (f.ufrag != sdpValue(offer, "a=ice-ufrag:") || f.pwd != sdpValue(offer, "a=ice-pwd:"))
}

// restarted is the offer with the fragment's ice-ufrag and ice-pwd, and without candidates: all else stays (RFC 9725 section 4.3.3).
func (f *fragment) restarted(offer string) string {
	var b strings.Builder
	for _, line := range sdpLines(offer) {
		switch name, _, _ := strings.Cut(line, ":"); name {
		case "a=ice-ufrag":
			line = "a=ice-ufrag:" + f.ufrag
		case "a=ice-pwd":
			line = "a=ice-pwd:" + f.pwd
		case "a=candidate", "a=end-of-candidates":
			continue
		}
		b.WriteString(line + "\r\n")
	}
	return b.String()
}

// answerFragment is what an answer says of ICE: of its first section, which all others are bundled with.
func answerFragment(answer string) string {
	var session, media strings.Builder
	sections := 0
	for _, line := range sdpLines(answer) {
		name, _, _ := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, "m="):
			if sections++; sections == 1 {
				media.WriteString(line + "\r\n")
			}
		case name == "a=group" || name == "a=ice-options" || name == "a=ice-lite":
			if sections == 0 {
				session.WriteString(line + "\r\n")
			} else if sections == 1 {
				media.WriteString(line + "\r\n")
			}
		case sections == 1 && (name == "a=mid" || name == "a=ice-ufrag" || name == "a=ice-pwd" || name == "a=candidate" || name == "a=end-of-candidates"):
			media.WriteString(line + "\r\n")
		}
	}
	return session.String() + media.String()
}
