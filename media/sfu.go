// Package media is a selective forwarding unit: it takes the sound and pictures that the peers of a room send and passes them on to
// all others. It knows rooms and peers by name only, and nothing of who they are or how they signal.
//
// Each peer has one PeerConnection, and only the client offers. Packets go from the SRTP session's reader into the ring of their
// layer (a publication has one or, with simulcast, several); its number goes to the writers, each of which serves a share of the receivers.
package media

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
)

// SFU forwards media between the peers of its rooms, all over one UDP port. Its methods may be called from any goroutine.
type SFU struct {
	config  Config
	start   time.Time // zero of all durations in this package
	mux     *ice.UDPMuxDefault
	port    int
	streams *ice.TCPMuxDefault // nil: none come

	streamPort int // TCP, of streams
	writers    []*writer
	nextOne    atomic.Uint32 // spreads peers over writers
	nextLayer  atomic.Uint64
	counts     *counters
	joined     chan struct{}  // wakes the clockwork, which sleeps while nobody is here
	stop       chan struct{}  // closed by Close
	running    sync.WaitGroup // writers and the clockwork

	mu        sync.Mutex
	addresses addresses
	rooms     map[string]*room // guarded by mu
	closed    bool             // guarded by mu
	closing   int              // connections being closed, or about to be; guarded by mu
	quiet     sync.Cond        // on mu: closing has become 0
}

// Listen opens the UDP port, if it is not there, and begins to serve.
func Listen(config Config) (*SFU, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	if config.Conn == nil {
		if config.Conn, err = openUDP(config.Port); err != nil {
			return nil, err
		}
	}
	s := &SFU{config: config, start: time.Now(), rooms: map[string]*room{}, counts: newCounters(), joined: make(chan struct{}, 1), stop: make(chan struct{})}
	s.quiet.L = &s.mu
	s.port = config.Conn.LocalAddr().(*net.UDPAddr).Port
	s.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: config.Conn, Logger: pionLogs{config.Logger}.NewLogger("mux")})
	s.addresses = addresses{seen: map[netip.Addr]int{}}
	if config.Streams != nil {
		s.streamPort = config.Streams.Addr().(*net.TCPAddr).Port
		s.streams = ice.NewTCPMuxDefault(ice.TCPMuxParams{Listener: config.Streams, ReadBufferSize: streamPackets, WriteBufferSize: streamBuffer,
			Logger: pionLogs{config.Logger}.NewLogger("streams")})
	}
	for range runtime.GOMAXPROCS(0) {
		w := newWriter(s)
		s.writers = append(s.writers, w)
		s.running.Go(w.run)
	}
	s.running.Go(s.clockwork)
	return s, nil
}

// What may wait in a connection of ICE over TCP: packets to be read, bytes to be written. Past it packets are lost, as on UDP.
const (
	streamPackets = 64
	streamBuffer  = 512 << 10
)

func openUDP(port int) (net.PacketConn, error) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{Port: port})
	if err != nil {
		return nil, fmt.Errorf("media: opening UDP port %d: %w", port, err)
	}
	enlarge(conn)
	return conn, nil
}

// enlarge asks for socket buffers that hold a burst of key frames; the system may give less.
func enlarge(conn *net.UDPConn) {
	const wanted = 4 << 20
	_ = conn.SetReadBuffer(wanted)
	_ = conn.SetWriteBuffer(wanted)
}

// Port is the UDP port in use.
func (s *SFU) Port() int { return s.port }

// Close ends every peer (Gone "shutdown"), closes the port and waits until all goroutines have ended. It must
// not be called from within an event, which it would wait for.
func (s *SFU) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	peers := s.peers()
	for _, p := range peers {
		p.end(byShutdown)
	}
	for _, p := range peers {
		<-p.notes.done
	}
	s.mu.Lock()
	for s.closing > 0 {
		s.quiet.Wait()
	}
	s.mu.Unlock()
	close(s.stop)
	s.running.Wait()
	err := s.mux.Close()
	if s.streams != nil {
		err = errors.Join(err, s.streams.Close())
	}
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("media: closing the ports: %w", err)
	}
	return nil
}

// now is the time since the SFU started, by a clock that never jumps.
func (s *SFU) now() time.Duration { return time.Since(s.start) }

// wall is the time since 1970 that belongs to a time since the start.
func (s *SFU) wall(now time.Duration) time.Duration {
	return time.Duration(s.start.UnixNano()) + now
}

// allRooms are those of this moment.
func (s *SFU) allRooms() []*room {
	s.mu.Lock()
	defer s.mu.Unlock()
	rooms := make([]*room, 0, len(s.rooms))
	for _, r := range s.rooms {
		rooms = append(rooms, r)
	}
	return rooms
}

// peers is everybody at this moment.
func (s *SFU) peers() []*Peer {
	var all []*Peer
	for _, r := range s.allRooms() {
		all = r.appendPeers(all)
	}
	return all
}

// Join adds a peer to a room, which is made if need be. seen are the addresses at which the peer sees this server, at most
// four: candidates of them are offered to it besides the others. Events are called until Gone, which is always the last call.
func (s *SFU) Join(roomName, peer string, seen []netip.Addr, ev Events) (*Peer, error) {
	return s.enter(roomName, peer, seen, nil, ev)
}

// enter adds a peer or, with w, a watcher.
func (s *SFU) enter(roomName, peer string, seen []netip.Addr, w *watching, ev Events) (*Peer, error) {
	p, err := s.join(roomName, peer, usable(seen), w, ev)
	if err == nil {
		select {
		case s.joined <- struct{}{}:
		default:
		}
	}
	return p, err
}

func (s *SFU) join(roomName, peer string, seen []netip.Addr, w *watching, ev Events) (*Peer, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, ErrClosed
	}
	r := s.rooms[roomName]
	if r == nil {
		r = &room{sfu: s, name: roomName, peers: map[string]*Peer{}}
	}
	p, err := r.join(peer, seen, w, ev)
	if err == nil {
		s.rooms[roomName] = r
		s.seeLocked(seen, 1)
	}
	return p, err
}

// leave takes a peer out of its room, and the room away with the last one. It counts the closing of the peer's connection in, before
// Close could overlook it: the caller counts it out with closedOne.
func (s *SFU) leave(p *Peer, cause string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	was, empty := p.room.leave(p, cause)
	if was {
		s.closing++
		s.seeLocked(p.seen, -1)
	}
	if empty && s.rooms[p.room.name] == p.room {
		delete(s.rooms, p.room.name)
	}
	return was
}

func (s *SFU) closedOne() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing--; s.closing == 0 {
		s.quiet.Broadcast()
	}
}
