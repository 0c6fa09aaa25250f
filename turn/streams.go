package turn

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
)

// streams are the TCP (or TLS) connections of a listener, as a gate's source.
type streams struct {
	listener net.Listener
	gate     *gate
	requests chan ask
	done     chan struct{} // closed by Close
	closing  sync.Once

	mu   sync.Mutex
	open map[netip.AddrPort]*stream // guarded by mu; by the client's address
}

// ask is a request that a connection's reader hands to the library's.
type ask struct {
	who client
	f   *frame
}

// ServeStreams relays for those who connect to listener, until Close. The listener
// belongs to the relay from now on; its connections carry TURN and nothing else,
// TLS is ended. transport is TCP or TLS, for the statistics.
func (r *Relay) ServeStreams(listener net.Listener, transport Transport) error {
	if transport != TCP && transport != TLS {
		return fmt.Errorf("turn: serving connections: not over %d", transport)
	}
	s := &streams{listener: listener, requests: make(chan ask), done: make(chan struct{}), open: map[netip.AddrPort]*stream{}}
	s.gate = &gate{relay: r, transport: transport, source: s, allocations: map[netip.AddrPort]*allocation{}}
	if err := r.serve(s.gate, s.accept); err != nil {
		return fmt.Errorf("turn: serving connections: %w", err)
	}
	return nil
}

func (s *streams) accept() {
	r := s.gate.relay
	defer r.running.Done()
	for {
		conn, err := s.listener.Accept()
		switch {
		case err == nil:
			s.take(conn)
		case s.ending() || errors.Is(err, net.ErrClosed):
			return
		default: // out of descriptors, most likely
			r.cfg.Logger.Warn("relay cannot accept connections", "err", err)
			select {
			case <-s.done:
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
}

func (s *streams) ending() bool {
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

// take starts a connection, within the limits.
func (s *streams) take(conn net.Conn) {
	r := s.gate.relay
	st := &stream{streams: s, conn: conn, out: newOutbox(streamFrames), since: time.Now()}
	st.who = client{addr: rawAddrPort(conn.RemoteAddr()), stream: st}
	if why, ok := r.enter(st.who.addr.Addr()); !ok {
		r.refuse(why)
		_ = conn.Close()
		return
	}
	s.mu.Lock()
	_, there := s.open[st.who.addr] // another of our addresses, from the same port
	fine := !there && !s.ending()
	if fine {
		s.open[st.who.addr] = st
	}
	s.mu.Unlock()
	if !fine {
		r.refuse(refusedStreams)
		r.leave(st.who.addr.Addr())
		_ = conn.Close()
		return
	}
	r.running.Add(2)
	go st.read()
	go st.write()
}

// next gives the library's reader the next request.
func (s *streams) next(p []byte) (int, client, error) {
	select {
	case a := <-s.requests:
		n := copy(p, a.f.out)
		frames.Put(a.f)
		return n, a.who, nil
	case <-s.done:
		return 0, client{}, net.ErrClosed
	}
}

func (s *streams) queue(to client, f *frame) bool {
	if f.out[0] >= 0x40 { // ChannelData is padded on streams, RFC 8656 section 12.5
		whole := headroom - channelHeader + len(f.out)
		padded := headroom - channelHeader + (len(f.out)+3)&^3
		clear(f.buf[whole:padded]) // or somebody else's bytes would go along
		f.out = f.buf[headroom-channelHeader : padded]
	}
	return to.stream.out.put(f)
}

func (s *streams) answer(to client, p []byte) {
	f := frames.Get().(*frame)
	f.out = f.buf[:copy(f.buf[:], p)]
	s.gate.queue(to, f)
}

func (s *streams) addr() net.Addr { return s.listener.Addr() }

// Close ends the listener and all its connections.
func (s *streams) Close() error {
	err := s.listener.Close()
	s.closing.Do(func() {
		s.mu.Lock()
		close(s.done)
		open := make([]*stream, 0, len(s.open))
		for _, st := range s.open {
			open = append(open, st)
		}
		s.mu.Unlock()
		for _, st := range open {
			_ = st.conn.Close()
		}
	})
	return err
}

// enter counts a connection in, if there is room for it.
func (r *Relay) enter(from netip.Addr) (refusal, bool) {
	key := neighbours(from)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case !from.IsValid() || r.counters.streams.Load() >= int64(r.cfg.Limits.Streams):
		return refusedStreams, false
	case r.perAddress[key] >= r.cfg.Limits.StreamsPerAddress:
		return refusedStreamsOfAddress, false
	}
	r.counters.streams.Add(1)
	r.perAddress[key]++
	return 0, true
}

func (r *Relay) leave(from netip.Addr) {
	key := neighbours(from)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.counters.streams.Add(-1)
	if r.perAddress[key]--; r.perAddress[key] == 0 {
		delete(r.perAddress, key)
	}
}

// neighbours is who counts as one: an IPv4 address, or the /64 that an IPv6 customer has at the least.
func neighbours(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits)
	return p
}

const (
	// writeTimeout is how long a connection may take nothing of what is written to it.
	writeTimeout = 10 * time.Second
	// writeSize is how much is written at once to a TCP connection, in bytes.
	writeSize = 16 << 10
)

// stream is one connection.
type stream struct {
	streams *streams
	conn    net.Conn
	who     client
	out     *outbox

	mu        sync.Mutex
	allocated bool      // guarded by mu
	ended     bool      // guarded by mu
	since     time.Time // guarded by mu; when it was last without an allocation
	begun     time.Time // guarded by mu; when the frame at hand began, zero between frames
}

// read hands on frame by frame. What a frame announces is never more than what
// the buffer holds, or it is the connection's last.
func (s *stream) read() {
	defer s.end()
	buf := make([]byte, 2*maxFrame)
	have := 0
	for {
		s.arm(have > 0)
		n, err := s.conn.Read(buf[have:])
		have += n
		used, good := s.frames(buf[:have])
		switch {
		case !good:
			s.streams.gate.relay.refuse(refusedStreamFrame)
			return
		case err != nil:
			s.count(err, have > used)
			return
		}
		if used > 0 {
			s.restart()
			have = copy(buf, buf[used:have])
		}
	}
}

// count tells why a connection ended when it was us who ended it.
func (s *stream) count(err error, inFrame bool) {
	var timeout net.Error
	if !errors.As(err, &timeout) || !timeout.Timeout() {
		return
	}
	why := refusedStreamIdle
	if inFrame {
		why = refusedStreamFrame
	}
	s.streams.gate.relay.refuse(why)
}

// frames takes the whole frames of what has been read.
func (s *stream) frames(b []byte) (used int, good bool) {
	g := s.streams.gate
	now := g.relay.clock()
	for {
		size, good := frameSize(b[used:])
		if !good {
			return used, false
		}
		if size == 0 || used+size > len(b) {
			return used, true
		}
		message := b[used : used+size]
		used += size
		if !g.data(message, s.who, now) && !s.request(message) {
			return used, false
		}
	}
}

// request waits until the library's reader takes a request.
func (s *stream) request(b []byte) bool {
	if len(b) > maxRequest {
		return false
	}
	f := frames.Get().(*frame)
	f.out = f.buf[:copy(f.buf[:], b)]
	select {
	case s.streams.requests <- ask{s.who, f}:
		return true
	case <-s.streams.done:
		frames.Put(f)
		return false
	}
}

// frameSize tells how long the message is that b begins with (RFC 8656 section
// 12.5, RFC 8489 section 6.2.2), 0 while that cannot be known, and false when it is none we take.
func frameSize(b []byte) (int, bool) {
	if len(b) == 0 {
		return 0, true
	}
	channel := b[0] >= 0x40 && b[0] < 0x80
	if !channel && b[0] >= 4 {
		return 0, false
	}
	if len(b) < channelHeader {
		return 0, true
	}
	n := int(binary.BigEndian.Uint16(b[2:]))
	if channel {
		size := channelHeader + (n+3)&^3
		return size, size <= maxFrame
	}
	if len(b) >= 8 && binary.BigEndian.Uint32(b[4:]) != cookie {
		return 0, false
	}
	return stunHeader + n, n%4 == 0 && stunHeader+n <= maxFrame
}

// arm sets the time by which the connection has to say something more: the rest
// of a frame soon, anything at all while it has no allocation.
func (s *stream) arm(inFrame bool) {
	limits := s.streams.gate.relay.cfg.Limits
	s.mu.Lock()
	defer s.mu.Unlock()
	if inFrame && s.begun.IsZero() {
		s.begun = time.Now()
	}
	var by time.Time
	if !s.allocated {
		by = s.since.Add(limits.StreamTimeout)
	}
	if inFrame {
		if whole := s.begun.Add(limits.FrameTimeout); by.IsZero() || whole.Before(by) {
			by = whole
		}
	}
	_ = s.conn.SetReadDeadline(by)
}

// restart notes that a frame has been completed.
func (s *stream) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = time.Time{}
}

// setAllocated notes that an allocation has come or gone, and tells whether the
// connection is still there to have one.
func (s *stream) setAllocated(on bool) bool {
	s.mu.Lock()
	s.allocated, s.since = on, time.Now()
	inFrame, ended := !s.begun.IsZero(), s.ended
	s.mu.Unlock()
	s.arm(inFrame)
	return !ended
}

// write sends what waits: over TCP as much at once as there is, over TLS each
// message in a record of its own, for there are clients (coturn's is one) that take
// the one for the other.
func (s *stream) write() {
	defer s.streams.gate.relay.running.Done()
	limit := writeSize
	if s.streams.gate.transport == TLS {
		limit = 0
	}
	var buf []byte
	for taken := s.out.take(nil); taken != nil; taken = s.out.take(taken) {
		var err error
		for _, f := range taken {
			if len(buf) > 0 && len(buf)+len(f.out) > limit {
				err = errors.Join(err, s.flush(buf))
				buf = buf[:0]
			}
			buf = append(buf, f.out...)
		}
		if err == nil {
			err = s.flush(buf)
		}
		buf = buf[:0]
		release(taken)
		if err != nil { // the reader ends, and with it all
			_ = s.conn.Close()
		}
	}
}

func (s *stream) flush(b []byte) error {
	_ = s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	_, err := s.conn.Write(b)
	return err
}

// end takes the connection out. Its allocation is gone before another connection
// from the same address may come.
func (s *stream) end() {
	r := s.streams.gate.relay
	defer r.running.Done()
	_ = s.conn.Close()
	s.out.close()
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	if a := s.streams.gate.allocation(s.who.addr); a != nil {
		a.end()
		<-a.closed
	}
	s.streams.mu.Lock()
	delete(s.streams.open, s.who.addr)
	s.streams.mu.Unlock()
	r.leave(s.who.addr.Addr())
}
