package signaling

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
)

// A connection's two buffers, in bytes. Most connections are idle most of the
// time: net/http's 4 KiB each would be most of what they cost. Larger frames pass the buffers by,
// and what is written through one are control frames.
const (
	readBuffer  = 1024
	writeBuffer = 256
)

// smallBuffers is a ResponseWriter whose Hijack gives small buffers.
type smallBuffers struct {
	http.ResponseWriter
	link *link // set by Hijack
}

// Hijack implements http.Hijacker.
func (w *smallBuffers) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("taking over the connection: %w", err)
	}
	// What the client sent before the upgrade was answered must lie in the new
	// buffer too: Accept takes it from there.
	early, err := rw.Reader.Peek(rw.Reader.Buffered())
	r := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(early), conn), max(readBuffer, len(early)))
	if err == nil {
		_, err = r.Peek(len(early))
	}
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("taking over the connection: %w", err)
	}
	w.link = &link{Conn: conn}
	return w.link, bufio.NewReadWriter(r, bufio.NewWriterSize(w.link, writeBuffer)), nil
}
