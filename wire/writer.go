package wire

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// Append adds one line to an encoded message: name, colon, space, value. Line
// feeds in value become continuation lines. The first line of a message must not
// end with CR (a reader would take the message for one with CRLF line ends), and
// no value may hold a NUL; Encode refuses both.
func Append(dst []byte, name, value string) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	for {
		i := strings.IndexByte(value, '\n')
		if i < 0 {
			break
		}
		dst = append(dst, value[:i+1]...)
		dst = append(dst, ' ')
		value = value[i+1:]
	}
	dst = append(dst, value...)
	return append(dst, '\n')
}

// AppendInt adds one line with a number.
func AppendInt(dst []byte, name string, value int64) []byte {
	dst = append(dst, name...)
	dst = append(dst, ':', ' ')
	dst = strconv.AppendInt(dst, value, 10)
	return append(dst, '\n')
}

// End closes a message with its empty line.
func End(dst []byte) []byte { return append(dst, '\n') }

// BeginBody closes a message and opens its body, which follows to the end of the binary frame.
func BeginBody(dst []byte) []byte { return append(dst, '\n', 0) }

// Encode returns m as it is sent. An *Error where m cannot be sent: a bad or
// repeated name, a NUL, bad UTF-8, or a first line that ends with CR.
func Encode(m Message) ([]byte, error) {
	size := 1
	for _, f := range m.Fields {
		size += len(f.Name) + len(f.Value) + 3
	}
	dst := make([]byte, 0, size)
	for _, f := range m.Fields {
		dst = Append(dst, f.Name, f.Value)
	}
	if err := sendable(m); err != nil {
		return nil, err
	}
	return End(dst), nil
}

func sendable(m Message) error {
	for i, f := range m.Fields {
		first, _, _ := strings.Cut(f.Value, "\n")
		switch {
		case !ValidName(f.Name):
			return &Error{StatBadRequest, "not a name: " + strconv.Quote(f.Name)}
		case strings.IndexByte(f.Value, 0) >= 0:
			return &Error{StatBadRequest, "the value of " + f.Name + " holds a NUL"}
		case !utf8.ValidString(f.Value):
			return &Error{StatBadRequest, "the value of " + f.Name + " is not UTF-8"}
		case i == 0 && strings.HasSuffix(first, "\r"):
			return &Error{StatBadRequest, "the first line of a message must not end with CR"}
		}
		for _, g := range m.Fields[:i] {
			if g.Name == f.Name {
				return &Error{StatBadRequest, "the name " + f.Name + " stands twice"}
			}
		}
	}
	return nil
}
