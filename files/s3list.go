package files

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
)

// List calls each for everything that is kept, in the order of the hashes. What is stored meanwhile may be missing.
// An error of each ends it and is returned. It asks the store once for each thousand objects, and twice for each that
// was uploaded in parts.
func (s *S3) List(ctx context.Context, each func(Stored) error) error {
	return s.eachHash(ctx, func(hash string, info minio.ObjectInfo) error {
		stored, err := s.look(ctx, hash, info)
		if errors.Is(err, ErrNotFound) { // its bytes are missing, or it was removed
			return nil
		}
		if err != nil {
			return err
		}
		return each(stored)
	})
}

// eachHash calls each for the object of every hash.
func (s *S3) eachHash(ctx context.Context, each func(hash string, info minio.ObjectInfo) error) error {
	return s.walk(ctx, "", func(info minio.ObjectInfo) error {
		hash := path.Base(info.Key)
		if !validHash(hash) || info.Key != s.key(hash) {
			return nil
		}
		return each(hash, info)
	})
}

// walk calls each for every object whose key begins with PREFIX and below.
func (s *S3) walk(ctx context.Context, below string, each func(minio.ObjectInfo) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for o := range s.core.Client.ListObjectsIter(ctx, s.cfg.Bucket, minio.ListObjectsOptions{Prefix: s.cfg.Prefix + below, Recursive: true}) {
		if o.Err != nil {
			return fmt.Errorf("listing the bucket %s: %w", s.cfg.Bucket, s3Error(o.Err))
		}
		if err := each(o); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// look is what is kept under a hash. Of a pointer it is what lies where that leads. ErrNotFound: nothing does.
func (s *S3) look(ctx context.Context, hash string, info minio.ObjectInfo) (Stored, error) {
	stored := Stored{hash, info.Size, info.LastModified}
	if info.Size > 0 { // it is no pointer
		return stored, nil
	}
	o, err := s.find(ctx, hash)
	if err != nil || !o.pointer {
		return stored, err
	}
	data, err := s.core.Client.StatObject(ctx, s.cfg.Bucket, o.key, minio.StatObjectOptions{})
	stored.Size = data.Size
	return stored, s3Error(err)
}

// Strays calls each for what lies in the store and leads nowhere: bytes of uploads that have ended in no blob, and that
// nobody can go on with. They are a day old or older.
func (s *S3) Strays(ctx context.Context, each func(Stray) error) error {
	pointed := map[string]bool{}
	err := s.eachHash(ctx, func(hash string, info minio.ObjectInfo) error {
		if info.Size > 0 {
			return nil
		}
		o, err := s.find(ctx, hash)
		if err == nil && o.pointer {
			pointed[o.key] = true
		}
		return unlessMissing(err)
	})
	if err != nil {
		return err
	}
	return s.walk(ctx, partsFolder, func(info minio.ObjectInfo) error {
		name := strings.TrimPrefix(info.Key, s.cfg.Prefix)
		id, _, _ := strings.Cut(strings.TrimPrefix(name, partsFolder), "-")
		if st, err := loadUpload(s.dir, id); err == nil && st.Data == name || pointed[info.Key] || s.now().Sub(info.LastModified) < abandoned {
			return nil
		}
		return each(Stray{name, info.Size, info.LastModified})
	})
}

// RemoveStray removes what Strays named.
func (s *S3) RemoveStray(ctx context.Context, name string) error {
	if !strings.HasPrefix(name, partsFolder) {
		return fmt.Errorf("removing %s: %w", name, ErrNotFound)
	}
	if err := s.removeKey(ctx, s.cfg.Prefix+name); err != nil {
		return fmt.Errorf("removing %s: %w", name, err)
	}
	return nil
}
