package media

import (
	"errors"
	"fmt"
)

// Errors of the SFU itself, for the program that uses it.
var (
	// ErrPeerExists is returned by Join for a peer id that is in the room already.
	ErrPeerExists = errors.New("media: this peer is already in the room")
	// ErrRoomFull is returned by Join when the room has Config.MaxPeers peers, by Watch when it has Config.MaxWatchers watchers.
	ErrRoomFull = errors.New("media: the room is full")
	// ErrClosed is returned after SFU.Close.
	ErrClosed = errors.New("media: closed")
	// ErrGone is returned by the methods of a peer that has left.
	ErrGone = errors.New("media: the peer is gone")
)

// Error is a mistake of the client. Its text is fit to be shown to the client; Err, if any, is for the log only.
type Error struct {
	Text string
	Err  error
}

// Error gives the text for the client.
func (e *Error) Error() string { return e.Text }

// Unwrap gives the cause, for the log.
func (e *Error) Unwrap() error { return e.Err }

func badf(format string, args ...any) *Error { return &Error{Text: fmt.Sprintf(format, args...)} }
