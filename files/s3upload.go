package files

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/minio/minio-go/v7"
)

const (
	s3PieceSize = 16 << 20 // bytes of a part of an upload in pieces
	s3MaxParts  = 10_000   // of one object
)

// s3Parts makes objects of uploads in parts.
type s3Parts struct{ s *S3 }

// partSize implements multipart.
func (m s3Parts) partSize(size int64) int64 {
	if size <= m.s.pieceSize {
		return 0
	}
	const unit = 1 << 20
	needed := (size + s3MaxParts - 1) / s3MaxParts
	return max(m.s.pieceSize, (needed+unit-1)/unit*unit)
}

func (m s3Parts) key(st *uploadState) string { return m.s.cfg.Prefix + st.Data }

// begin implements multipart.
func (m s3Parts) begin(ctx context.Context, id string, st *uploadState) (err error) {
	st.Data = partsFolder + id + "-" + rand.Text() // a blob may have come of another upload of that id
	st.Upload, err = m.s.core.NewMultipartUpload(ctx, m.s.cfg.Bucket, m.key(st), minio.PutObjectOptions{ContentType: "application/octet-stream"})
	return s3Error(err)
}

// put implements multipart. The store checks the bytes against their hash.
func (m s3Parts) put(ctx context.Context, st *uploadState, n int, file *os.File) (tag string, err error) {
	sum := sha256.New()
	size, err := io.CopyBuffer(sum, &contextReader{ctx, io.NewSectionReader(file, 0, s3MaxPart)}, make([]byte, copyBuffer))
	if err != nil {
		return "", err
	}
	part, err := m.s.core.PutObjectPart(ctx, m.s.cfg.Bucket, m.key(st), st.Upload, n, io.NewSectionReader(file, 0, size), size,
		minio.PutObjectPartOptions{Sha256Hex: hex.EncodeToString(sum.Sum(nil)), DisableContentSha256: true})
	if err = s3Error(err); err != nil && ctx.Err() == nil { // a store may hang up on who sends to an upload that it does not know
		_, unknown := m.s.core.ListObjectParts(ctx, m.s.cfg.Bucket, m.key(st), st.Upload, 0, 1)
		if unknown = s3Error(unknown); errors.Is(unknown, ErrNotFound) {
			err = unknown
		}
	}
	return part.ETag, err
}

// drop implements multipart.
func (m s3Parts) drop(ctx context.Context, st *uploadState) error {
	if st.Hash != "" {
		o, err := m.s.find(ctx, st.Hash)
		if err == nil && o.key == m.key(st) {
			return nil // it has become a blob
		}
		if unlessMissing(err) != nil {
			return err
		}
	}
	err := unlessMissing(s3Error(m.s.core.AbortMultipartUpload(ctx, m.s.cfg.Bucket, m.key(st), st.Upload)))
	if err == nil && st.Hash != "" {
		err = m.s.removeKey(ctx, m.key(st))
	}
	return err
}

// Finish makes an object of an upload that has all its bytes and returns their hash. Called again it returns the same,
// until Drop. ErrUnfinished: bytes are missing; ErrNotFound: there is no such upload, or the object is not there any
// more; ErrBusy: another call works on it.
func (s *S3) Finish(ctx context.Context, id string) (hash string, err error) {
	return s.finish(ctx, id, func(p *partial) error {
		o, err := s.find(ctx, p.state.Hash)
		switch {
		case err == nil && o.key != s3Parts{s}.key(&p.state) && p.state.Upload != "": // the store had these bytes before
			return s3Parts{s}.drop(ctx, &p.state)
		case err == nil || !errors.Is(err, ErrNotFound):
			return err
		case p.state.Upload == "":
			return s.finishSmall(ctx, p)
		}
		if err := s.join(ctx, p); err != nil {
			return err
		}
		return s.point(ctx, &p.state)
	})
}

// finishSmall sends an upload that has no parts.
func (s *S3) finishSmall(ctx context.Context, p *partial) error {
	file, err := os.Open(segmentPath(s.dir, p.id, 1))
	if errors.Is(err, os.ErrNotExist) {
		return ErrNotFound // it was sent before, and removed since
	}
	if err != nil {
		return err
	}
	defer file.Close()
	return s.send(ctx, file, p.state.Hash, p.state.Size)
}

// join sends what is left here, and has the store make one object of the parts.
func (s *S3) join(ctx context.Context, p *partial) error {
	for n := len(p.state.Parts) + 1; int64(n-1)*p.state.PartSize < p.state.Size; n++ {
		p.send(n, nil)
		if err := p.arrived(); err != nil {
			return err
		}
	}
	parts, key := make([]minio.CompletePart, len(p.state.Parts)), s3Parts{s}.key(&p.state)
	for i, tag := range p.state.Parts {
		parts[i] = minio.CompletePart{PartNumber: i + 1, ETag: tag}
	}
	_, err := s.core.CompleteMultipartUpload(ctx, s.cfg.Bucket, key, p.state.Upload, parts, minio.PutObjectOptions{})
	if err = s3Error(err); errors.Is(err, ErrNotFound) { // it was joined before
		_, err = s.core.Client.StatObject(ctx, s.cfg.Bucket, key, minio.StatObjectOptions{})
		err = s3Error(err)
	}
	if err != nil {
		return fmt.Errorf("joining the parts: %w", err)
	}
	return nil
}
