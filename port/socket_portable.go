package port

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// socketBuffer is what is asked for on each side: it holds a burst of key frames. The system may give less.
const socketBuffer = 4 << 20

// portableSocket is Go's own UDP socket.
type portableSocket struct {
	conn   *net.UDPConn
	counts *counts
}

func openPortable(at netip.AddrPort, counts *counts) (socket, error) {
	network := "udp"
	if at.Addr().Is4() {
		network = "udp4"
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(at))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(socketBuffer)
	_ = conn.SetWriteBuffer(socketBuffer)
	return &portableSocket{conn, counts}, nil
}

// read implements socket. A read that fails while the socket is open is tried again: the next packet has nothing to do with it.
func (s *portableSocket) read(take func([]byte, netip.AddrPort)) error {
	b := make([]byte, largest+1)
	for {
		n, from, err := s.conn.ReadFromUDPAddrPort(b)
		switch {
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			time.Sleep(retry)
		case n > largest:
			s.counts.tooLong.Add(1)
		default:
			take(b[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()))
		}
	}
}

// retry is the pause after a read that failed, so that an error that stays does not take a processor.
const retry = 5 * time.Millisecond

// send implements socket. Go may wait here for room in the buffer, which is as long as it takes to put one packet on the wire.
func (s *portableSocket) send(packet []byte, to netip.AddrPort) error {
	_, err := s.conn.WriteToUDPAddrPort(packet, to)
	if errors.Is(err, syscall.ENOBUFS) {
		s.counts.sendLost.Add(1)
		return nil
	}
	return err
}

func (s *portableSocket) local() netip.AddrPort {
	at := s.conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

func (s *portableSocket) close() error {
	if err := s.conn.Close(); err != nil {
		return fmt.Errorf("closing the socket: %w", err)
	}
	return nil
}
