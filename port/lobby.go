package port

import (
	"container/list"
	"net"
	"net/netip"
	"sync"
)

// lobby is where connections wait until they have said what they are. What costs nothing to open costs little to keep: there
// are so many places, and so many for each address, and whoever has waited longest makes room for the next.
type lobby struct {
	places, placesFrom int

	mu     sync.Mutex
	all    list.List                 // of *guest, who has waited longest first; guarded by mu
	from   map[netip.Addr]*list.List // the same of each address; guarded by mu
	closed bool                      // guarded by mu
}

// guest is a connection in the lobby.
type guest struct {
	lobby *lobby
	conn  net.Conn
	home  netip.Addr
	out   chan struct{} // closed when it had to make room

	inAll, inFrom *list.Element // guarded by lobby.mu; nil once it is out
}

func newLobby(places, placesFrom int) *lobby {
	return &lobby{places: places, placesFrom: placesFrom, from: map[netip.Addr]*list.List{}}
}

// home is what one client can be told by: its address, or the /64 that a network gives to one customer.
func home(conn net.Conn) netip.Addr {
	t, ok := conn.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Addr{}
	}
	a := t.AddrPort().Addr().Unmap().WithZone("")
	if a.Is4() {
		return a
	}
	prefix, err := a.Prefix(64)
	if err != nil {
		return a
	}
	return prefix.Addr()
}

// enter takes a connection in; nil: the lobby is closed.
func (l *lobby) enter(conn net.Conn) *guest {
	g := &guest{lobby: l, conn: conn, home: home(conn), out: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	own := l.from[g.home]
	if own == nil {
		own = list.New()
		l.from[g.home] = own
	}
	switch {
	case own.Len() >= l.placesFrom:
		l.evictLocked(own.Front().Value.(*guest))
	case l.all.Len() >= l.places:
		l.evictLocked(l.all.Front().Value.(*guest))
	}
	if l.from[g.home] == nil { // the one evicted was the last of its home
		l.from[g.home] = own
	}
	g.inAll, g.inFrom = l.all.PushBack(g), own.PushBack(g)
	return g
}

// evictLocked closes a guest's connection. Closing does not wait for anything.
func (l *lobby) evictLocked(g *guest) {
	l.removeLocked(g)
	close(g.out)
	g.conn.Close()
}

func (l *lobby) removeLocked(g *guest) {
	own := l.from[g.home]
	l.all.Remove(g.inAll)
	own.Remove(g.inFrom)
	if own.Len() == 0 {
		delete(l.from, g.home)
	}
	g.inAll, g.inFrom = nil, nil
}

// leave reports whether the guest was still there: a connection that had to make room is closed.
func (l *lobby) leave(g *guest) bool {
	if g == nil {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if g.inAll == nil {
		return false
	}
	l.removeLocked(g)
	return true
}

func (l *lobby) len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Len()
}

// close sends everybody away and lets nobody in.
func (l *lobby) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for e := l.all.Front(); e != nil; e = l.all.Front() {
		l.evictLocked(e.Value.(*guest))
	}
}
