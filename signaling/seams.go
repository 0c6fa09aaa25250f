package signaling

import (
	"context"
	"io"
)

// Blobs keeps the bytes of files, each under the hash of its content.
type Blobs interface {
	// Put stores what r yields, durably, and returns its name and size in bytes.
	// An error that is syscall.ENOSPC: there is no room.
	Put(ctx context.Context, r io.Reader) (hash string, size int64, err error)
	// Open returns the bytes stored under hash, to be read until ctx ends; the caller closes it.
	// An error that is fs.ErrNotExist: there are none; any other: they cannot be had now.
	Open(ctx context.Context, hash string) (io.ReadSeekCloser, error)
}

// Calls carries the sound and pictures of calls, in rooms of peers.
type Calls interface {
	// Join makes peer a member of room. ev is told what changes for it, in
	// order, on a goroutine of that peer's own.
	Join(room, peer string, ev CallEvents) (CallPeer, error)
}

// CallPeer is one participant's side of the media. An error that is a
// *wire.Error is answered as it stands; any other means that the server failed.
type CallPeer interface {
	Offer(sdp string) (answer string, err error)
	Candidate(candidate, mid string, mline uint16) error
	Publish(mid, source string, muted bool) error
	Mute(source string, muted bool) error
	Unpublish(source string) error
	Session
}

// Session is the part of a CallPeer that signaling itself drives.
type Session interface {
	Attach(ev CallEvents) error // replays the present state to ev, and tells it from now on
	Leave()
}

// CallEvents is told what a participant's client must know of the media.
type CallEvents interface {
	Sections(audio, video int)
	Track(peer, source, mid string, muted bool)
	TrackEnded(peer, source, mid string)
	Gone(cause string)
}
