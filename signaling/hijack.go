package signaling

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
)

// connBuffer is the size in bytes of each of a connection's two buffers. Most
// connections are idle most of the time: net/http's 4 KiB each would be most of
// what they cost. Larger frames pass the buffers by.
const connBuffer = 1024

// smallBuffers is a ResponseWriter whose Hijack gives small buffers.
type smallBuffers struct{ http.ResponseWriter }

// Hijack implements http.Hijacker.
func (w smallBuffers) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, fmt.Errorf("taking over the connection: %w", err)
	}
	// What the client sent before the upgrade was answered must lie in the new
	// buffer too: Accept takes it from there.
	early, err := rw.Reader.Peek(rw.Reader.Buffered())
	r := bufio.NewReaderSize(io.MultiReader(bytes.NewReader(early), conn), max(connBuffer, len(early)))
	if err == nil {
		_, err = r.Peek(len(early))
	}
	if err != nil {
		conn.Close()
		return nil, nil, fmt.Errorf("taking over the connection: %w", err)
	}
	return conn, bufio.NewReadWriter(r, bufio.NewWriterSize(conn, connBuffer)), nil
}
