package signaling

import (
	"io"
	"net/http"
	"sync/atomic"
)

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
	n, err := io.Copy(c.ResponseWriter, r)
	c.bytes.Add(uint64(n))
	return n, err
}

// Unwrap is for http.ResponseController.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }
