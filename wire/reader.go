package wire

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// Reader takes the protocol messages of one WebSocket message, one at a time,
// holding at most twice Limits.Header of it in memory. It is not safe for
// concurrent use.
type Reader struct {
	src    io.Reader
	binary bool
	lim    Limits

	buf    []byte // what was read and not yet taken
	eof    bool   // src has ended
	taken  int    // bytes of lines taken so far
	hasB   bool   // a body follows
	ended  bool   // nothing more may be taken
	bodyN  int64  // bytes of body handed out
	failed error  // ends the connection; returned from then on
}

// NewReader reads one WebSocket message from src; binary tells its frame type.
func NewReader(src io.Reader, binary bool, lim Limits) *Reader {
	return &Reader{src: src, binary: binary, lim: lim}
}

// Next returns the next message. io.EOF: there are no more. An *Error: the
// message cannot be used (it is returned as far as it could be read, for the
// answer to echo), the next one can. A *CloseError: the connection must end.
func (r *Reader) Next() (Message, error) {
	if r.failed != nil {
		return Message{}, r.failed
	}
	if r.ended {
		return Message{}, io.EOF
	}
	raw, crlf, err := r.take()
	if err != nil {
		if err != io.EOF {
			r.failed = err
		}
		return Message{}, err
	}
	valid := utf8.Valid(raw)
	if !valid && !r.binary {
		r.failed = &CloseError{CloseInvalidUTF8, "a text frame holds bad UTF-8"}
		return Message{}, r.failed
	}
	m, err := parse(string(raw), crlf)
	switch {
	case !valid:
		m.Fields = slices.DeleteFunc(m.Fields, func(f Field) bool { return !utf8.ValidString(f.Value) })
		err = &Error{StatBadRequest, "the lines before the body are not UTF-8"}
	case len(raw) > r.lim.Header:
		err = &Error{StatTooLarge, "the lines of this message are too long; send large things as a file"}
	case r.lim.Frame > 0 && r.taken > r.lim.Frame:
		err = &Error{StatTooLarge, "before login a WebSocket message may have at most 4 KiB"}
	}
	if r.binary {
		r.ended = true
		if e := r.findBody(); e != nil && err == nil {
			err = e
		}
	}
	return m, err
}

// take cuts the lines of the next message off the buffer, its empty line left out.
func (r *Reader) take() (raw []byte, crlf bool, err error) {
	for {
		if !r.binary {
			r.skipEmpty()
		}
		end, next, cr := messageEnd(r.buf, r.eof)
		if next >= 0 && end <= 2*r.lim.Header {
			raw = r.buf[:end]
			r.buf = r.buf[next:]
			r.taken += next
			return raw, cr, nil
		}
		if r.eof && next < 0 {
			return nil, false, io.EOF
		}
		if next >= 0 || len(r.buf) > 2*r.lim.Header || r.lim.Frame > 0 && r.taken+len(r.buf) > 2*r.lim.Frame {
			return nil, false, &CloseError{CloseTooLarge, "a message was more than twice as long as allowed"}
		}
		if err := r.fill(); err != nil {
			return nil, false, err
		}
	}
}

// fill reads on, at most to just past the point where take gives up.
func (r *Reader) fill() error {
	if cap(r.buf)-len(r.buf) < 512 {
		grown := make([]byte, len(r.buf), max(1024, 2*len(r.buf)))
		copy(grown, r.buf)
		r.buf = grown
	}
	n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	if err == io.EOF {
		r.eof = true
		return nil
	}
	return err
}

// messageEnd finds the message that b begins with: its lines are b[:end], the
// next message starts at next. next is -1 where more must be read to tell.
func messageEnd(b []byte, last bool) (end, next int, crlf bool) {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			if last && len(b) > 0 {
				return len(b), len(b), crlf
			}
			return 0, -1, false
		}
		line := b[at : at+i]
		if at == 0 {
			crlf = bytes.HasSuffix(line, []byte{'\r'})
		}
		if len(line) == 0 || crlf && len(line) == 1 {
			return at, at + i + 1, crlf
		}
		at += i + 1
	}
}

// skipEmpty drops the empty lines before a message: they are nothing.
func (r *Reader) skipEmpty() {
	n := 0
	for {
		switch b := r.buf[n:]; {
		case len(b) > 0 && b[0] == '\n':
			n++
		case len(b) > 1 && b[0] == '\r' && b[1] == '\n':
			n += 2
		default:
			r.buf = r.buf[n:]
			r.taken += n
			return
		}
	}
}

// parse splits the lines of one message. The message is returned as far as it
// could be read, whatever the error.
func parse(s string, crlf bool) (Message, error) {
	m := Message{Fields: make([]Field, 0, 8)}
	var bad error
	note := func(reason string) {
		if bad == nil {
			bad = &Error{StatBadRequest, reason}
		}
	}
	for len(s) > 0 {
		line, rest, _ := strings.Cut(s, "\n")
		s = rest
		if crlf {
			line = strings.TrimSuffix(line, "\r")
		}
		if line == "" {
			break // a lone CR, the last thing of the frame
		}
		if line[0] == ' ' {
			if n := len(m.Fields); n > 0 {
				line, s = continued(line, s, crlf)
				m.Fields[n-1].Value += line
			} else {
				note("a message begins with a name, not with a space")
			}
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case !ok:
			note("a line has no colon")
		case len(m.Fields) == MaxFields:
			note("a message has at most 256 names")
		case !ValidName(name):
			note("a name is [a-z][a-z0-9_]*, at most 64 bytes")
		case m.has(name):
			note("the name " + name + " stands twice in one message")
		default:
			m.Add(name, value)
			continue
		}
		_, s = continued("", s, crlf)
	}
	if bad == nil && strings.IndexByte(joined(m), 0) >= 0 {
		note("a value must not hold a NUL")
	}
	return m, bad
}

// continued joins a continuation line with those behind it, in one go, so that a
// value of many lines costs no more than its length.
func continued(line, rest string, crlf bool) (value, after string) {
	var b strings.Builder
	for {
		if line != "" {
			b.WriteByte('\n')
			b.WriteString(line[1:])
		}
		if !strings.HasPrefix(rest, " ") {
			return b.String(), rest
		}
		line, rest, _ = strings.Cut(rest, "\n")
		if crlf {
			line = strings.TrimSuffix(line, "\r")
		}
	}
}

func (m *Message) has(name string) bool { _, ok := m.Lookup(name); return ok }

// joined returns something that holds a NUL if and only if a value does.
func joined(m Message) string {
	for i := range m.Fields {
		if strings.IndexByte(m.Fields[i].Value, 0) >= 0 {
			return m.Fields[i].Value
		}
	}
	return ""
}

// findBody looks at the byte behind the empty line of a binary frame.
func (r *Reader) findBody() error {
	for len(r.buf) == 0 && !r.eof {
		if err := r.fill(); err != nil {
			return err
		}
	}
	if len(r.buf) == 0 {
		return nil
	}
	if r.buf[0] != 0 {
		r.buf = nil
		return &Error{StatBadRequest, "in a binary frame one byte 0x00 and the body follow the empty line"}
	}
	r.buf, r.hasB = r.buf[1:], true
	return nil
}

// HasBody reports whether a body follows the message that Next returned.
func (r *Reader) HasBody() bool { return r.hasB }

// Read reads the body. Past Limits.Body it returns an *Error with StatTooLarge.
func (r *Reader) Read(p []byte) (int, error) {
	if !r.hasB {
		return 0, io.EOF
	}
	n, err := r.readBody(p)
	r.bodyN += int64(n)
	if r.bodyN > r.lim.Body {
		return 0, &Error{StatTooLarge, "the body is too large"}
	}
	return n, err
}

func (r *Reader) readBody(p []byte) (int, error) {
	if len(r.buf) > 0 {
		n := copy(p, r.buf)
		r.buf = r.buf[n:]
		return n, nil
	}
	if r.eof {
		return 0, io.EOF
	}
	n, err := r.src.Read(p)
	if err == io.EOF {
		r.eof = true
	}
	return n, err
}

// Discard reads the rest of the WebSocket message and forgets it. A *CloseError:
// it was more than twice as long as allowed.
func (r *Reader) Discard() error {
	var scratch [4096]byte
	left := 2*max(r.lim.Body, int64(r.lim.Header)) - r.bodyN
	for left >= 0 {
		n, err := r.readBody(scratch[:])
		left -= int64(n)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return &CloseError{CloseTooLarge, "a frame was more than twice as long as allowed"}
}
