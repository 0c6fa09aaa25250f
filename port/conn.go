package port

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"

	"neochat/port/firstbytes"
)

// head holds the first bytes of a stream until they are read again. It belongs to who reads the connection.
type head struct {
	bytes     [firstbytes.Enough]byte
	next, end uint8 // of bytes: what is still to be read
}

// peek reads as many bytes as it takes to tell what the stream is.
func (h *head) peek(conn net.Conn, patience time.Duration) (firstbytes.Protocol, error) {
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return firstbytes.Unknown, err
	}
	for {
		n, err := conn.Read(h.bytes[h.end:])
		h.end += uint8(n)
		if p := firstbytes.Stream(h.bytes[:h.end]); p != firstbytes.More {
			return p, conn.SetReadDeadline(time.Time{})
		}
		if err != nil {
			return firstbytes.Unknown, err
		}
	}
}

// read takes from the head first, and from conn when it is empty.
func (h *head) read(conn net.Conn, b []byte) (int, error) {
	if h.next < h.end {
		n := copy(b, h.bytes[h.next:h.end])
		h.next += uint8(n)
		return n, nil
	}
	return conn.Read(b)
}

// plainConn is a connection whose first bytes were looked at.
type plainConn struct {
	net.Conn
	head head
}

// Read implements net.Conn.
func (c *plainConn) Read(b []byte) (int, error) { return c.head.read(c.Conn, b) }

// ReadFrom lets a file go to the socket without passing through this process, as net/http does where it can.
func (c *plainConn) ReadFrom(r io.Reader) (int64, error) {
	if to, ok := c.Conn.(io.ReaderFrom); ok {
		return to.ReadFrom(r)
	}
	return io.Copy(struct{ io.Writer }{c.Conn}, r)
}

// CloseWrite ends this side's stream and leaves the other open.
func (c *plainConn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// secureConn is what came out of TLS, its first bytes looked at.
type secureConn struct {
	*tls.Conn
	head head
}

// Read implements net.Conn.
func (c *secureConn) Read(b []byte) (int, error) { return c.head.read(c.Conn, b) }
