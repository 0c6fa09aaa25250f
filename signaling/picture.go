package signaling

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"neochat/store"
)

// isPicture reports whether Pictures knows files of that type, as they are sniffed here.
func isPicture(contentType string) bool {
	switch contentType {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
		return true
	}
	return false
}

// measure adds to a file whose bytes are stored how large the picture in it is shown. Where that cannot be found out now, the file is none the
// worse for it.
func (s *Server) measure(ctx context.Context, f *store.File) {
	if !isPicture(f.ContentType) {
		return
	}
	width, height, err := s.dimensions(ctx, f.Hash)
	if err != nil && !errors.Is(err, errors.ErrUnsupported) {
		s.failed(ctx, "measuring a picture", err)
	}
	f.Width, f.Height = int64(width), int64(height)
}

func (s *Server) dimensions(ctx context.Context, hash string) (width, height int, err error) {
	blob, err := s.cfg.Blobs.Open(ctx, hash)
	if err != nil {
		return 0, 0, err
	}
	defer blob.Close()
	return s.cfg.Pictures.Dimensions(blob)
}

// describe adds to a file that came in pieces what is known of it besides its bytes: what they show, and what its sender says where
// they are no picture.
func (s *Server) describe(ctx context.Context, f *store.File, said metadata) {
	s.measure(ctx, f)
	if strings.HasPrefix(f.ContentType, "image/") {
		return
	}
	f.Duration = said.durationMS
	if said.width > 0 && said.height > 0 {
		f.Width, f.Height = said.width, said.height
	}
}

// dropLocation stores a picture anew where it tells where it was taken, without that. The bytes that told it stay, for whoever asks once
// more to finish the upload.
func (s *Server) dropLocation(ctx context.Context, f *store.File) error {
	if !isPicture(f.ContentType) {
		return nil
	}
	blob, err := s.cfg.Blobs.Open(ctx, f.Hash)
	if err != nil {
		return err
	}
	defer blob.Close()
	has, err := s.cfg.Pictures.HasLocation(blob)
	if err != nil || !has {
		return err
	}
	if _, err := blob.Seek(0, 0); err != nil {
		return fmt.Errorf("reading a picture again: %w", err)
	}
	f.Hash, _, err = s.cfg.Blobs.Put(ctx, s.cfg.Pictures.WithoutLocation(blob))
	return err
}

// discardLocated removes the bytes of a picture that told where it was taken, unless another file has them.
func (s *Server) discardLocated(ctx context.Context, hash string) {
	if _, err := s.store.DiscardUnknown(ctx, []string{hash}); err != nil {
		s.failed(ctx, "discarding a picture that tells where it was taken", err)
	}
}
