package signaling

import (
	"encoding/binary"
	"errors"
	"net"
	"sync"
	"time"
)

// link is a connection's socket. The WebSocket library reads, and writes control frames
// and file bodies; texts, which are nearly all that is written, go out here: one frame
// around many messages, in one system call.
type link struct {
	net.Conn

	mu    sync.Mutex // held while a frame is written, so that frames do not mix
	ended bool       // a close frame has been asked for; guarded by mu
	until time.Time  // the deadline of writes; guarded by mu
}

// bodyTimeout is how long a piece of a file may take to leave.
const bodyTimeout = time.Minute

var errLinkEnded = errors.New("the connection is being closed")

// frameHead is the most bytes that stand before the payload of an unmasked frame.
const frameHead = 10

// frames are buffers for what is on its way out.
var frames = sync.Pool{New: func() any { return new([]byte) }}

// maxKept is the largest buffer worth keeping.
const maxKept = maxFrame + maxFrame/2

// Write is the WebSocket library's way out: it flushes whole control frames.
func (l *link) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.within(bodyTimeout); err != nil {
		return 0, err
	}
	return l.Conn.Write(p)
}

// within gives what is written next between half of d and all of it: setting a deadline costs, so one that
// will do is left. Called with mu held.
func (l *link) within(d time.Duration) error {
	now := time.Now()
	if left := l.until.Sub(now); left >= d/2 && left <= d {
		return nil
	}
	l.until = now.Add(d)
	return l.SetWriteDeadline(l.until)
}

// texts writes items as one text frame (RFC 6455, section 5.2: unmasked, not fragmented). It takes at most
// writeTimeout, and at least half of it if it fails for that; an error leaves the connection of no use.
func (l *link) texts(items []item) error {
	buf := frames.Get().(*[]byte)
	b := append((*buf)[:0], make([]byte, frameHead)...)
	for i := range items {
		b = append(b, items[i].data...)
	}
	err := l.send(framed(b))
	if cap(b) <= maxKept {
		*buf = b
		frames.Put(buf)
	}
	return err
}

func (l *link) send(frame []byte) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ended {
		return errLinkEnded
	}
	if err := l.within(writeTimeout); err != nil {
		return err
	}
	_, err := l.Conn.Write(frame)
	return err
}

// end lets no more texts out: nothing may follow a close frame (RFC 6455, section 5.5.1).
func (l *link) end() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
}

// framed puts the head in front of the payload that begins at frameHead.
func framed(b []byte) []byte {
	const finalText = 0x80 | 0x1
	switch n := len(b) - frameHead; {
	case n < 126:
		b = b[frameHead-2:]
		b[1] = byte(n)
	case n < 1<<16:
		b = b[frameHead-4:]
		b[1] = 126
		binary.BigEndian.PutUint16(b[2:], uint16(n))
	default:
		b[1] = 127
		binary.BigEndian.PutUint64(b[2:], uint64(n))
	}
	b[0] = finalText
	return b
}
