package port

import (
	"net"
	"sync"
	"time"
)

// share is the listener of one protocol. Closing it leaves the port open; connections for it are closed from then on.
type share struct {
	address net.Addr
	ready   chan arrival
	done    chan struct{} // closed by Close
	once    sync.Once
}

// arrival is a connection that waits to be accepted, still in the lobby.
type arrival struct {
	conn  net.Conn
	guest *guest
}

func newShare(address net.Addr) *share {
	return &share{address: address, ready: make(chan arrival), done: make(chan struct{})}
}

// give waits until the connection is accepted; false: it was not.
func (s *share) give(g *guest, conn net.Conn, patience time.Duration) bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case s.ready <- arrival{conn, g}:
		return true
	case <-g.out:
	case <-s.done:
	case <-timer.C:
	}
	return false
}

// Accept implements net.Listener.
func (s *share) Accept() (net.Conn, error) {
	for {
		select {
		case <-s.done:
			return nil, net.ErrClosed
		default:
		}
		select {
		case a := <-s.ready:
			if a.guest.lobby.leave(a.guest) {
				return a.conn, nil
			}
		case <-s.done:
			return nil, net.ErrClosed
		}
	}
}

// Close implements net.Listener.
func (s *share) Close() error {
	s.once.Do(func() { close(s.done) })
	return nil
}

// Addr implements net.Listener.
func (s *share) Addr() net.Addr { return s.address }
