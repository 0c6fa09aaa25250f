package files

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/minio/minio-go/v7"
)

// The bytes of a hash lie under its key. Those of an upload in parts cannot, for the key must be known before the hash is,
// and a store copies what it renames: they lie under PREFIX/parts/ID-RANDOM, and under the key of their hash an empty object, the
// pointer, says so in its metadata.
const (
	partsFolder = "parts/"
	metaData    = "Neochat-Data" // the key of the bytes, without PREFIX
	metaSize    = "Neochat-Size" // how many they are
)

// s3Object is where the bytes of a hash are.
type s3Object struct {
	key     string
	size    int64
	pointer bool      // key is not that of the hash
	time    time.Time // when they were stored
}

// find looks where the bytes of a hash are. ErrNotFound: there are none.
func (s *S3) find(ctx context.Context, hash string) (o s3Object, err error) {
	info, err := s.core.Client.StatObject(ctx, s.cfg.Bucket, s.key(hash), minio.StatObjectOptions{})
	if err != nil {
		return o, s3Error(err)
	}
	o = s3Object{key: s.key(hash), size: info.Size, time: info.LastModified}
	data := info.UserMetadata[metaData]
	if data == "" {
		return o, nil
	}
	o.key, o.pointer = s.cfg.Prefix+data, true
	if o.size, err = strconv.ParseInt(info.UserMetadata[metaSize], 10, 64); err != nil {
		return o, fmt.Errorf("the pointer %s: %w", s.key(hash), err)
	}
	return o, nil
}

// point makes a pointer to the bytes of an upload.
func (s *S3) point(ctx context.Context, st *uploadState) error {
	opts := minio.PutObjectOptions{ContentType: "application/octet-stream",
		UserMetadata: map[string]string{metaData: st.Data, metaSize: strconv.FormatInt(st.Size, 10)}}
	_, err := s.core.Client.PutObject(ctx, s.cfg.Bucket, s.key(st.Hash), http.NoBody, 0, opts)
	return s3Error(err)
}

// Remove removes the bytes stored under hash, if there are any: the pointer first, so that none leads nowhere.
func (s *S3) Remove(ctx context.Context, hash string) error {
	if err := s.remove(ctx, hash); err != nil {
		return fmt.Errorf("removing a file: %w", err)
	}
	return nil
}

func (s *S3) remove(ctx context.Context, hash string) error {
	if !validHash(hash) {
		return ErrNotFound
	}
	o, err := s.find(ctx, hash)
	if err != nil {
		return unlessMissing(err)
	}
	if err := s.removeKey(ctx, s.key(hash)); err != nil || !o.pointer {
		return err
	}
	return s.removeKey(ctx, o.key)
}

// removeKey removes an object, if it is there.
func (s *S3) removeKey(ctx context.Context, key string) error {
	return unlessMissing(s3Error(s.core.Client.RemoveObject(ctx, s.cfg.Bucket, key, minio.RemoveObjectOptions{})))
}
