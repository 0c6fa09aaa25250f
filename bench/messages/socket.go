package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// socket is the leanest WebSocket client that will do (RFC 6455): frames are
// masked with zeros, so that what is sent can be made in advance, and read whole.
type socket struct {
	conn net.Conn
	in   *bufio.Reader
	buf  []byte // of the last frame read
}

// Opcodes of RFC 6455 section 5.2.
const (
	opText  = 1
	opClose = 8
	opPing  = 9
	opPong  = 10
)

var errClosed = errors.New("the server closed the connection")

// dialSocket connects and upgrades.
func dialSocket(addr string) (*socket, error) {
	conn, err := net.DialTimeout("tcp", addr, 10*time.Second)
	if err != nil {
		return nil, err
	}
	s := &socket{conn: conn, in: bufio.NewReaderSize(conn, 4<<10)}
	if err := s.upgrade(addr); err != nil {
		conn.Close()
		return nil, fmt.Errorf("upgrading: %w", err)
	}
	return s, nil
}

func (s *socket) upgrade(addr string) error {
	_, err := io.WriteString(s.conn, "GET /message HTTP/1.1\r\nHost: "+addr+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"+
		"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: neochat.v1\r\n\r\n")
	if err != nil {
		return err
	}
	r, err := http.ReadResponse(s.in, nil)
	if err != nil {
		return err
	}
	if r.StatusCode != http.StatusSwitchingProtocols {
		return errors.New(r.Status)
	}
	return nil
}

// appendFrame adds a frame with that payload, ready to be written.
func appendFrame(dst []byte, opcode byte, payload []byte) []byte {
	const final, masked = 0x80, 0x80
	dst = append(dst, final|opcode)
	if n := len(payload); n < 126 {
		dst = append(dst, masked|byte(n))
	} else {
		dst = append(dst, masked|126)
		dst = binary.BigEndian.AppendUint16(dst, uint16(n)) // nothing here comes near 64 KiB
	}
	dst = append(dst, 0, 0, 0, 0) // the mask
	return append(dst, payload...)
}

// next returns the payload of the next text frame, valid until the next call. Pings are answered on the way.
func (s *socket) next() ([]byte, error) {
	for {
		opcode, err := s.frame()
		if err != nil {
			return nil, err
		}
		switch opcode {
		case opText:
			return s.buf, nil
		case opPing:
			if _, err := s.conn.Write(appendFrame(nil, opPong, s.buf)); err != nil {
				return nil, err
			}
		case opClose:
			return nil, errClosed
		}
	}
}

func (s *socket) frame() (opcode byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(s.in, head[:2]); err != nil {
		return 0, err
	}
	opcode = head[0] & 0x0f
	n := uint64(head[1] & 0x7f)
	if long := lengthBytes(n); long > 0 {
		if _, err := io.ReadFull(s.in, head[:long]); err != nil {
			return 0, err
		}
		n = 0
		for _, b := range head[:long] {
			n = n<<8 | uint64(b)
		}
	}
	if uint64(cap(s.buf)) < n {
		s.buf = make([]byte, n)
	}
	s.buf = s.buf[:n]
	_, err = io.ReadFull(s.in, s.buf)
	return opcode, err
}

// ask sends lines as a message and returns the value of one line of its 200.
func (s *socket) ask(want string, lines ...string) (string, error) {
	if _, err := s.conn.Write(appendFrame(nil, opText, []byte(strings.Join(lines, "\n")+"\n\n"))); err != nil {
		return "", err
	}
	answer, err := s.next()
	if err != nil {
		return "", err
	}
	if !bytes.Contains(answer, statOK) {
		return "", fmt.Errorf("%s was answered %q", lines[0], answer)
	}
	for line := range strings.Lines(string(answer)) {
		if v, ok := strings.CutPrefix(line, want+": "); ok {
			return strings.TrimSuffix(v, "\n"), nil
		}
	}
	return "", nil
}

// lengthBytes is how many bytes of length follow a frame's first two.
func lengthBytes(n uint64) int {
	switch n {
	case 126:
		return 2
	case 127:
		return 8
	}
	return 0
}
