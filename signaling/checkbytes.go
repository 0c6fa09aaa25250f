package signaling

import (
	"context"
	"errors"
	"io/fs"

	"neochat/store"
	"neochat/wire"
)

// checkBytes looks whether the bytes of a file that was just noted are there. They were stored, but where they had been garbage they may have
// been removed since, before they had a file. Then the file is taken back: what is answered 200 is there.
func (s *Server) checkBytes(ctx context.Context, f store.File) error {
	body, err := s.cfg.Blobs.Open(ctx, f.Hash)
	if err == nil {
		return body.Close()
	}
	if errors.Is(err, fs.ErrNotExist) {
		err = errors.Join(err, s.store.DropFile(ctx, f.Owner, f.Name))
	}
	s.failed(ctx, "looking for the bytes of a new file", err)
	return refusal(wire.StatUnavailable, "the file cannot be stored now; try again")
}

// errBeingRemoved is store.ErrBeingRemoved for people.
func errBeingRemoved() error {
	return refusal(wire.StatUnavailable, "the same bytes, to which nothing referred, are just being removed; upload them again in a minute")
}
