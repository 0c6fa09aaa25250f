package signaling

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"neochat/wire"
)

const (
	maxFileName = 200 // bytes of file_name, before encoding
	sniffBytes  = 512
)

// storedName makes the name of a file out of whose it is, when it was sent by the sender's clock, and what people call it.
func storedName(account, at, name string) (string, error) {
	if len(at) == 0 || len(at) > 20 || strings.Trim(at, "0123456789") != "" {
		return "", refusal(wire.StatBadRequest, "time is the client's clock: 1 to 20 digits")
	}
	if err := checkFileName(name); err != nil {
		return "", err
	}
	return wire.Enc(account) + "_" + at + "_" + wire.Enc(name), nil
}

// checkFileName refuses what is no name, or would not be shown as what it is.
func checkFileName(name string) error {
	switch {
	case len(name) > maxFileName:
		return refusal(wire.StatTooLarge, "file_name has at most 200 bytes")
	case name == "" || name == "." || name == ".." || strings.ContainsAny(name, `/\`):
		return refusal(wire.StatBadRequest, "file_name is the name of a file, not of a folder: without / and \\")
	case !utf8.ValidString(name) || strings.ContainsFunc(name, steers):
		return refusal(wire.StatBadRequest, "file_name is UTF-8 without control characters")
	}
	return nil
}

// steers tells characters that are not shown but change how others are: control characters, ends of lines and paragraphs, and
// those that turn the direction of writing (with them, txt.exe is shown as exe.txt).
func steers(r rune) bool {
	return unicode.IsControl(r) || r >= 0x2028 && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// ownName checks the name of a file that its owner gives whole, as in a URL.
func ownName(account, name string) (string, error) {
	own := wire.Enc(account) + "_"
	if !strings.HasPrefix(name, own) {
		name = decodedOnce(name)
	}
	rest, mine := strings.CutPrefix(name, own)
	if !mine {
		return "", refusal(wire.StatForbidden, "the name of a file begins with its owner: "+own+"TIME_NAME")
	}
	at, encoded, _ := strings.Cut(rest, "_")
	plain, err := url.PathUnescape(encoded)
	if err != nil || wire.Enc(plain) != encoded {
		return "", refusal(wire.StatBadRequest, "in the name of a file every byte of file_name but [A-Za-z0-9.-] is percent-encoded, with capital letters")
	}
	return storedName(account, at, plain)
}

// decodedOnce takes off one encoding, which the name of a file may have got on its way through a URL; without one it is the name.
func decodedOnce(name string) string {
	if strings.Contains(name, "%25") {
		if once, err := url.PathUnescape(name); err == nil {
			return once
		}
	}
	return name
}
