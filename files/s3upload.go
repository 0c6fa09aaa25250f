package files

import (
	"context"
	"os"

	"github.com/minio/minio-go/v7"
)

// Finish makes an object of an upload that has all its bytes and returns their hash. Called again it returns the same,
// until Drop. ErrUnfinished: bytes are missing; ErrNotFound: there is no such upload, or the object is not there any
// more; ErrBusy: another call works on it.
func (s *S3) Finish(ctx context.Context, id string) (hash string, err error) {
	return s.finish(ctx, id, func(bytes *os.File, hash string) error {
		info, err := bytes.Stat()
		if err != nil {
			return err
		}
		if err := s.send(ctx, bytes, hash, info.Size()); err != nil {
			return err
		}
		return os.Remove(bytes.Name())
	}, func(hash string) error {
		_, err := s.core.Client.StatObject(ctx, s.cfg.Bucket, s.key(hash), minio.StatObjectOptions{})
		return s3Error(err)
	})
}
