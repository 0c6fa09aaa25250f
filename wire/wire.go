// Package wire is the text protocol neochat.v1: messages of "name: value" lines,
// several to a WebSocket message, and in a binary frame a body behind them. It
// decodes, validates and encodes, and does nothing else. docs/protocol.md is its
// description for people.
package wire

// Subprotocol is the WebSocket subprotocol that clients offer (RFC 6455, section 1.9).
const Subprotocol = "neochat.v1"

// Close codes of RFC 6455, section 7.4.1, and of the registry it opened, as the protocol uses them.
const (
	CloseNormal      = 1000 // logged out
	CloseProtocol    = 1002 // the stream of messages can no longer be read
	CloseInvalidUTF8 = 1007 // bad UTF-8 in a text frame
	ClosePolicy      = 1008 // revoked, suspended, or no login in time
	CloseTooLarge    = 1009 // far too large
	CloseRestart     = 1012 // the server restarts: come back in 1 to 5 s
	CloseTryLater    = 1013 // too slow a reader, or a busy server: come back and catch up
)

// Values of stat.
const (
	StatOK          = 200
	StatBadRequest  = 400
	StatLogin       = 401
	StatForbidden   = 403
	StatNotFound    = 404
	StatConflict    = 409
	StatTooLarge    = 413
	StatTooOften    = 429
	StatFailed      = 500
	StatUnavailable = 503
	StatNoRoom      = 507
)

// Limits bound what a Reader takes. Sizes are bytes as sent.
type Limits struct {
	Header int   // lines of one message, line ends included
	Frame  int   // all lines of one WebSocket message; 0: only Header bounds them
	Body   int64 // body of a binary frame
}

// DefaultLimits are those of a logged-in connection.
func DefaultLimits() Limits { return Limits{Header: 64 << 10, Body: 16 << 20} }

// LoginLimits are those of a connection that has not logged in.
func LoginLimits() Limits { return Limits{Header: 4 << 10, Frame: 4 << 10} }

// MaxName is the longest name, in bytes.
const MaxName = 64

// MaxFields is the largest number of names in one message.
const MaxFields = 256

// MaxAccount is the longest account, in bytes.
const MaxAccount = 100

// Error is a mistake of the sender that is answered with Stat and Reason, after
// which the connection goes on. Reason is written for the sender to read.
type Error struct {
	Stat   int
	Reason string
}

func (e *Error) Error() string { return e.Reason }

// A CloseError ends the connection with Code.
type CloseError struct {
	Code   int
	Reason string
}

func (e *CloseError) Error() string { return e.Reason }

// Field is one line of a message.
type Field struct{ Name, Value string }

// Message is the lines of one protocol message in the order sent. Its strings are its own.
type Message struct{ Fields []Field }

// Lookup returns the value of name, and whether the message has it.
func (m *Message) Lookup(name string) (string, bool) {
	for i := range m.Fields {
		if m.Fields[i].Name == name {
			return m.Fields[i].Value, true
		}
	}
	return "", false
}

// Get returns the value of name, or "".
func (m *Message) Get(name string) string {
	v, _ := m.Lookup(name)
	return v
}

// Add appends a line. It does not look for a line of that name.
func (m *Message) Add(name, value string) { m.Fields = append(m.Fields, Field{name, value}) }

// ValidName reports whether s may be a name: [a-z][a-z0-9_]*, at most MaxName bytes.
func ValidName(s string) bool {
	if len(s) == 0 || len(s) > MaxName || s[0] < 'a' || s[0] > 'z' {
		return false
	}
	for i := 1; i < len(s); i++ {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

// ValidAccount reports whether s may be an account: [A-Za-z0-9+._@-]{1,100}.
func ValidAccount(s string) bool {
	if len(s) == 0 || len(s) > MaxAccount {
		return false
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; !alphanumeric(c) && c != '+' && c != '.' && c != '_' && c != '@' && c != '-' {
			return false
		}
	}
	return true
}

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// Enc percent-encodes every byte of s but [A-Za-z0-9.-], the underscore too, so
// that names joined with underscores never collide.
func Enc(s string) string {
	const hex = "0123456789ABCDEF"
	b := make([]byte, 0, len(s)+8)
	for i := 0; i < len(s); i++ {
		if c := s[i]; alphanumeric(c) || c == '.' || c == '-' {
			b = append(b, c)
		} else {
			b = append(b, '%', hex[c>>4], hex[c&15])
		}
	}
	return string(b)
}
