package signaling

import (
	"context"
	"io"
	"time"
)

// Blobs keeps the bytes of files, each under the hash of its content.
type Blobs interface {
	// Put stores what r yields, durably, and returns its name and size in bytes.
	// An error that is syscall.ENOSPC: there is no room.
	Put(ctx context.Context, r io.Reader) (hash string, size int64, err error)
	// Open returns the bytes stored under hash, to be read until ctx ends; the caller closes it.
	// An error that is fs.ErrNotExist: there are none; any other: they cannot be had now.
	Open(ctx context.Context, hash string) (io.ReadSeekCloser, error)
	// Remove removes the bytes stored under hash; nil where there are none.
	Remove(ctx context.Context, hash string) error
	// Address is a URL of the store's own that for so long serves these bytes to everybody, with the given Content-Type and
	// Content-Disposition; "" where the store has none. An error that is fs.ErrNotExist: there are no such bytes.
	Address(ctx context.Context, hash, contentType, disposition string, valid time.Duration) (string, error)
}

// Uploads keeps what arrives in pieces until it becomes bytes of Blobs. Each has an id of 32 characters a-z and 0-9, which
// its caller makes. An error that is fs.ErrNotExist: there is no such upload; syscall.EBUSY: another call works on it;
// syscall.ENOSPC: there is no room; any other: it cannot be had now.
type Uploads interface {
	// Begin begins one of size bytes. fs.ErrExist: there is one of that id.
	Begin(ctx context.Context, id string, size int64) error
	// Offset is how many bytes are kept; while somebody appends, how many are by now.
	Offset(ctx context.Context, id string) (int64, error)
	// Append adds what r yields until its end to an upload whose Offset is at, and returns the Offset then: these bytes
	// are durable. Where r fails or ctx ends, what came before is kept and counted; with whole, for pieces whose reader
	// checks them at their end, nothing of the piece is. syscall.ESPIPE: at is not the Offset, which is returned;
	// syscall.EFBIG: r has more bytes than are missing, and the upload is still not complete.
	Append(ctx context.Context, id string, at int64, r io.Reader, whole bool) (offset int64, err error)
	// Finish makes an upload that has all its bytes durable in Blobs, and returns their hash; again the same, until Drop.
	// io.ErrUnexpectedEOF: bytes are missing; fs.ErrNotExist: also where the bytes were removed from Blobs since.
	Finish(ctx context.Context, id string) (hash string, err error)
	// Drop forgets one; what it has become stays. nil where there is none.
	Drop(ctx context.Context, id string) error
}

// Pictures knows JPEG, PNG, GIF and WebP. An error that is errors.ErrUnsupported: the file is none of them, or broken, or would take
// too much; any other: it cannot be read now. Each reads its file from the first byte on.
type Pictures interface {
	// Dimensions is how large a picture is shown, in pixels. It reads the header alone.
	Dimensions(r io.ReadSeeker) (width, height int, err error)
	// Preview makes a small picture, JPEG or PNG, of a picture. Few are made at a time; it waits for its turn until ctx ends.
	Preview(ctx context.Context, r io.ReadSeeker) ([]byte, error)
	// WithoutLocation yields as many bytes as r, without the place where a picture was taken; what is no picture stays as it is.
	WithoutLocation(r io.Reader) io.Reader
	// HasLocation reports whether WithoutLocation would change anything.
	HasLocation(r io.Reader) (bool, error)
}

// Calls carries the sound and pictures of calls, in rooms of peers.
type Calls interface {
	// Join makes peer a member of room. host is the server as the peer's client sees it (RFC 9110 section 7.2; it may say
	// anything), ctx bounds finding out what addresses that has. ev is told what changes for the peer, in order, on a
	// goroutine of that peer's own.
	Join(ctx context.Context, room, peer, host string, ev CallEvents) (CallPeer, error)
	// Watch is Join for a peer that only receives, and of whom nobody is told: what all others publish or, unless only is "", what that
	// peer does.
	Watch(ctx context.Context, room, peer, only, host string, ev CallEvents) (CallPeer, error)
}

// Relay carries the media of those who cannot reach the server's media port (TURN, RFC 8656).
type Relay interface {
	// Access lends it to a session of an account, whose client sees the server as host; nothing where no URL can be made of that.
	Access(account, session, host string) (RelayAccess, error)
	// Revoke ends at once what a session has there, and what it was lent up to now.
	Revoke(account, session string)
	// RevokeAccount does so for all sessions of an account.
	RevokeAccount(account string)
}

// RelayAccess is what a client needs to use the relay.
type RelayAccess struct {
	URLs               []string // RFC 7065
	Username, Password string
	Lifetime           time.Duration // for new allocations
}

// CallPeer is one participant's side of the media. An error that is a
// *wire.Error is answered as it stands; any other means that the server failed.
type CallPeer interface {
	Offer(sdp string) (answer string, err error)
	Candidate(candidate, mid string, mline uint16) error
	Publish(mid, source string, muted bool) error
	Mute(source string, muted bool) error
	Unpublish(source string) error
	// Subscribe says at which size, in pixels, the source of another is shown here; 0 by 0: not at all.
	Subscribe(peer, source string, width, height int) error
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
	CallReports
}

// CallReports is the part of CallEvents that tells how the media do.
type CallReports interface {
	// Layers tells which layers of a source of the participant's own anybody wants.
	Layers(source string, rids []string)
	// Quality tells how the pictures are that the participant receives (full, reduced, none), and why they are no better.
	Quality(pictures, cause string)
	// Speakers tells who speaks now, who does most first, and how loud each is, in dBov.
	Speakers(peers []string, levels []int)
}
