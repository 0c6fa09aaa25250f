package turn

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"

	"golang.org/x/sys/unix"
)

// reactor reads all relay sockets in one goroutine: what has come to many of them
// leaves for the clients in one call.
type reactor struct {
	ready *epoll
	out   pending
	done  chan struct{}

	// owned by run
	v      vector
	whole  [][]byte // buffers with headroom
	bufs   [][]byte // the same after headroom
	sizes  []int
	from   []netip.AddrPort
	filled int // of whole, waiting in out
	events [batchSize]unix.EpollEvent

	mu      sync.RWMutex
	sockets map[int32]*relaySocket // guarded by mu; by descriptor
}

// relaySocket is one of a reactor's.
type relaySocket struct {
	*descriptor
	reactor    *reactor
	allocation *allocation
}

func systemSockets(r *Relay) (relaySockets, error) {
	ready, err := newEpoll()
	if err != nil {
		return nil, err
	}
	x := &reactor{ready: ready, out: pending{relay: r}, done: make(chan struct{}), sockets: map[int32]*relaySocket{},
		sizes: make([]int, batchSize), from: make([]netip.AddrPort, batchSize)}
	for range batchSize {
		b := make([]byte, headroom+maxFrame)
		x.whole, x.bufs = append(x.whole, b), append(x.bufs, b[headroom:])
	}
	go x.run()
	return x, nil
}

func (x *reactor) open(bind netip.AddrPort, a *allocation) (outlet, netip.AddrPort, error) {
	d, err := openDescriptor(bind, relayBuffer)
	if err != nil {
		return nil, netip.AddrPort{}, err
	}
	s := &relaySocket{descriptor: d, reactor: x, allocation: a}
	x.mu.Lock()
	x.sockets[int32(d.fd)] = s
	x.mu.Unlock()
	if err := x.ready.add(d.fd); err != nil {
		return nil, netip.AddrPort{}, errors.Join(fmt.Errorf("epoll: %w", err), s.Close())
	}
	return s, d.local, nil
}

// Close takes the socket out of the reactor's hands, and then away.
func (s *relaySocket) Close() error {
	s.reactor.mu.Lock()
	s.mu.RLock()
	delete(s.reactor.sockets, int32(s.fd))
	s.mu.RUnlock()
	s.reactor.mu.Unlock()
	return s.close()
}

// Close ends the reader. There are no sockets left by then.
func (x *reactor) Close() error {
	err := x.ready.file.Close()
	<-x.done
	return err
}

func (x *reactor) run() {
	defer close(x.done)
	_ = x.ready.raw.Read(func(uintptr) bool {
		for x.round() {
		}
		return false
	})
}

// round reads what is ready, and tells whether there may be more. What comes later
// wakes the netpoller again, also for a socket that was ready before.
func (x *reactor) round() (more bool) {
	n, errno := x.ready.poll(x.events[:])
	if errno != 0 || n == 0 {
		return errno == unix.EINTR
	}
	more = n == len(x.events)
	now := x.out.relay.clock()
	for _, e := range x.events[:n] {
		x.mu.RLock()
		s := x.sockets[e.Fd]
		x.mu.RUnlock()
		if s != nil && x.read(s, now) {
			more = true
		}
	}
	x.flush()
	return more
}

// read takes one batch of a socket, and tells whether there may be more for the next round.
func (x *reactor) read(s *relaySocket, now int64) (more bool) {
	if batchSize-x.filled < batchSize/4 {
		x.flush()
	}
	at := x.filled
	n, err := s.receive(&x.v, x.bufs[at:], x.sizes[at:], x.from[at:])
	if err != nil {
		return err == unix.EINTR
	}
	for i := at; i < at+n; i++ {
		x.out.add(s.allocation, x.whole[i], x.sizes[i], x.from[i], now)
	}
	x.filled += n
	return at+n == batchSize
}

func (x *reactor) flush() {
	x.out.flush()
	x.filled = 0
}
