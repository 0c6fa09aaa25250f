package media

import "net/netip"

// defaultMaxWatchers is how many a room has unless Config says so.
const defaultMaxWatchers = 250

// watching is what makes a peer one that only receives.
type watching struct {
	only string // the peer it sees; "": everybody
}

// Watch adds a peer that receives and never publishes: what everybody in the room publishes or, with only, what that peer does,
// as far as its sections go. Nobody is told of it. A room has up to Config.MaxWatchers of them besides its peers. Otherwise it is as Join.
func (s *SFU) Watch(roomName, peer, only string, seen []netip.Addr, ev Events) (*Peer, error) {
	return s.enter(roomName, peer, seen, &watching{only}, ev)
}

// sees tells whether p receives what another publishes.
func (p *Peer) sees(other *Peer) bool {
	return p != other && (p.watching == nil || p.watching.only == "" || p.watching.only == other.id)
}

// fullLocked tells whether the room takes no more peers or, with w, no more watchers.
func (r *room) fullLocked(w *watching) bool {
	if w != nil {
		return r.watchers >= r.sfu.config.MaxWatchers
	}
	return len(r.order)-r.watchers >= r.sfu.config.MaxPeers
}
