package main

import (
	"context"
	"errors"

	"neochat/media"
	"neochat/signaling"
	"neochat/wire"
)

// calls lets signaling use the SFU without knowing it.
type calls struct {
	sfu   *media.SFU
	hosts *hosts
}

// Join implements signaling.Calls.
func (c calls) Join(ctx context.Context, room, peer, host string, ev signaling.CallEvents) (signaling.CallPeer, error) {
	p, err := c.sfu.Join(room, peer, c.hosts.seen(ctx, host), ev)
	if err != nil {
		return nil, told(err)
	}
	return callPeer{p}, nil
}

// Watch implements signaling.Calls.
func (c calls) Watch(ctx context.Context, room, peer, only, host string, ev signaling.CallEvents) (signaling.CallPeer, error) {
	p, err := c.sfu.Watch(room, peer, only, c.hosts.seen(ctx, host), ev)
	if err != nil {
		return nil, told(err)
	}
	return callPeer{p}, nil
}

// callPeer is a media.Peer whose errors speak the protocol.
type callPeer struct{ *media.Peer }

// Offer implements signaling.CallPeer.
func (p callPeer) Offer(sdp string) (string, error) {
	answer, err := p.Peer.Offer(sdp)
	return answer, told(err)
}

// Candidate implements signaling.CallPeer.
func (p callPeer) Candidate(candidate, mid string, mline uint16) error {
	return told(p.Peer.Candidate(candidate, mid, mline))
}

// Publish implements signaling.CallPeer.
func (p callPeer) Publish(mid, source string, muted bool) error {
	return told(p.Peer.Publish(mid, source, muted))
}

// Mute implements signaling.CallPeer.
func (p callPeer) Mute(source string, muted bool) error { return told(p.Peer.Mute(source, muted)) }

// Unpublish implements signaling.CallPeer.
func (p callPeer) Unpublish(source string) error { return told(p.Peer.Unpublish(source)) }

// Subscribe implements signaling.CallPeer.
func (p callPeer) Subscribe(peer, source string, width, height int) error {
	return told(p.Peer.Subscribe(peer, source, width, height))
}

// Attach implements signaling.CallPeer.
func (p callPeer) Attach(ev signaling.CallEvents) error { return p.Peer.Attach(ev) }

// told turns the SFU's errors into answers for the client.
func told(err error) error {
	var mistake *media.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mistake):
		return &wire.Error{Stat: wire.StatBadRequest, Reason: mistake.Text}
	case errors.Is(err, media.ErrRoomFull):
		return &wire.Error{Stat: wire.StatUnavailable, Reason: "this call is full"}
	case errors.Is(err, media.ErrGone):
		return &wire.Error{Stat: wire.StatNotFound, Reason: "this device is no longer in that call; join again"}
	case errors.Is(err, media.ErrClosed):
		return &wire.Error{Stat: wire.StatUnavailable, Reason: "the server restarts; try again"}
	}
	return err
}
