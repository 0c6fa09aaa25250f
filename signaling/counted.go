package signaling

import (
	"io"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
)

// copyBuffers are for what comes from elsewhere than a file: 32 KiB at a time, as without them, cost eight times the calls.
var copyBuffers = sync.Pool{New: func() any { return new([256 << 10]byte) }}

// counted counts the bytes of an answer's body. It lets a file go to the socket by the system's own way, as without it.
type counted struct {
	http.ResponseWriter
	bytes *atomic.Uint64
}

// Write implements io.Writer.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.bytes.Add(uint64(n))
	return n, err
}

// ReadFrom implements io.ReaderFrom.
func (c *counted) ReadFrom(r io.Reader) (int64, error) {
	if l, ok := r.(*io.LimitedReader); ok {
		if _, ok := l.R.(*os.File); !ok {
			return c.readFrom(r)
		}
	}
	n, err := io.Copy(c.ResponseWriter, r)
	c.bytes.Add(uint64(n))
	return n, err
}

func (c *counted) readFrom(r io.Reader) (int64, error) {
	buffer := copyBuffers.Get().(*[256 << 10]byte)
	defer copyBuffers.Put(buffer)
	return io.CopyBuffer(struct{ io.Writer }{c}, struct{ io.Reader }{r}, buffer[:])
}

// Unwrap is for http.ResponseController.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }
