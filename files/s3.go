package files

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

const (
	s3PartSize  = 64 << 20 // bytes; what is larger goes up in parts
	s3MaxPart   = 5 << 30  // bytes, of every store
	s3Tries     = 3        // of one request, before the store counts as away
	s3HeadWait  = 30 * time.Second
	s3DialWait  = 5 * time.Second
	s3CheckWait = 10 * time.Second
)

// S3 keeps files in a bucket of an object store, each as PREFIX/hash[:2]/hash. It is
// safe for concurrent use, by several processes too.
//
// A file is first written to a temporary one on the local disk, which already has no
// name there: so its hash and size are known before the first byte goes out, one
// request stores it whole or not at all, under its final key and checked by the store
// against that hash; a request that failed can be repeated; and a process that dies
// leaves nothing behind. The way over a temporary key and a copy in the store would
// write twice there, and leave half-uploaded keys to be swept.
type S3 struct {
	pieces // in spool
	core   minio.Core
	cfg    S3Config
	spool  string // folder of the temporary files
	client *http.Transport

	pieceSize int64            // bytes of a part of an upload in pieces
	now       func() time.Time // but in tests time.Now
}

// OpenS3 connects to the store and checks that the bucket is there and can be written. spool is a
// local folder for what is on its way; it needs room for the files that are uploaded at one time.
// The caller closes it.
func OpenS3(ctx context.Context, cfg S3Config, keys *credentials.Credentials, spool string) (*S3, error) {
	if err := os.MkdirAll(spool, 0o700); err != nil {
		return nil, fmt.Errorf("making the folder for uploads: %w", err)
	}
	trusted, err := cfg.trusted()
	if err != nil {
		return nil, err
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted},
		Proxy:           http.ProxyFromEnvironment,
		DialContext:     (&net.Dialer{Timeout: s3DialWait}).DialContext, TLSHandshakeTimeout: s3DialWait,
		ResponseHeaderTimeout: s3HeadWait, ExpectContinueTimeout: time.Second,
		MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second, DisableCompression: true,
	}
	client, err := minio.New(cfg.Endpoint, &minio.Options{Creds: keys, Secure: !cfg.Plain, Region: cfg.Region,
		BucketLookup: cfg.Lookup, Transport: transport, MaxRetries: s3Tries})
	if err != nil {
		return nil, fmt.Errorf("the object store %s: %w", cfg.Endpoint, err)
	}
	s := &S3{core: minio.Core{Client: client}, cfg: cfg, spool: spool, client: transport, pieces: pieces{dir: spool}, pieceSize: s3PieceSize, now: time.Now}
	s.parts = s3Parts{s}
	ctx, cancel := context.WithTimeout(ctx, s3CheckWait)
	defer cancel()
	if err := s.Check(ctx); err != nil {
		s.Close()
		return nil, err
	}
	s.sweep(ctx)
	return s, nil
}

// Close gives back the idle connections.
func (s *S3) Close() { s.client.CloseIdleConnections() }

// Check reports whether files can be written: it stores an empty object, always the same.
func (s *S3) Check(ctx context.Context) error {
	_, err := s.core.Client.PutObject(ctx, s.cfg.Bucket, s.cfg.Prefix+"check", http.NoBody, 0, minio.PutObjectOptions{})
	if err != nil {
		return fmt.Errorf("writing to the bucket %s: %w", s.cfg.Bucket, s3Error(err))
	}
	return nil
}

// sweep ends what other processes began to upload in parts and nobody goes on with: at once a day or more ago, in pieces
// 30 days or more ago. A store that does not tell of such uploads clears them by rules of its own.
func (s *S3) sweep(ctx context.Context) {
	for up := range s.core.ListIncompleteUploads(ctx, s.cfg.Bucket, s.cfg.Prefix, true) {
		if up.Err != nil {
			return
		}
		limit := abandoned
		if strings.HasPrefix(up.Key, s.cfg.Prefix+partsFolder) {
			limit = abandonedUpload
		}
		if time.Since(up.Initiated) > limit && s.core.AbortMultipartUpload(ctx, s.cfg.Bucket, up.Key, up.UploadID) != nil {
			return
		}
	}
}

func (s *S3) key(hash string) string { return s.cfg.Prefix + hash[:2] + "/" + hash }

// Put stores what r yields and returns its hash and size in bytes. When it returns
// without error the store has them. Where it fails nothing is kept; ErrFull: no room,
// there or for the temporary file here.
func (s *S3) Put(ctx context.Context, r io.Reader) (hash string, size int64, err error) {
	t, err := s.temporary()
	if err != nil {
		return "", 0, fmt.Errorf("beginning to store a file: %w", full(err))
	}
	defer t.Close()
	sum := sha256.New()
	if size, err = io.Copy(io.MultiWriter(t, sum), &contextReader{ctx, r}); err != nil {
		return "", 0, fmt.Errorf("storing a file: %w", full(err))
	}
	hash = hex.EncodeToString(sum.Sum(nil))
	if err := s.send(ctx, t, hash, size); err != nil {
		return "", 0, fmt.Errorf("storing a file: %w", err)
	}
	return hash, size, nil
}

// send uploads the temporary file t, unless the store has these bytes.
func (s *S3) send(ctx context.Context, t *os.File, hash string, size int64) error {
	known, err := s.find(ctx, hash)
	if err == nil && known.size == size {
		return nil
	}
	if unlessMissing(err) != nil {
		return err
	}
	opts := minio.PutObjectOptions{PartSize: s3PartSize, ContentType: "application/octet-stream"}
	if size > s3PartSize {
		_, err = s.core.Client.PutObject(ctx, s.cfg.Bucket, s.key(hash), io.NewSectionReader(t, 0, size), size, opts)
		return s3Error(err)
	}
	opts.DisableContentSha256 = true // of pieces; the hash of the whole is signed, and checked by every store
	_, err = s.core.PutObject(ctx, s.cfg.Bucket, s.key(hash), io.NewSectionReader(t, 0, size), size, "", hash, opts)
	return s3Error(err)
}

// temporary opens a file without a name: it is gone when it is closed, or the process dies.
func (s *S3) temporary() (*os.File, error) {
	t, err := os.CreateTemp(s.spool, "put-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(filepath.Clean(t.Name())); err != nil {
		t.Close()
		return nil, err
	}
	return t, nil
}

// Open returns the bytes stored under hash, read from the store as they are asked for until ctx
// ends; the caller closes it. ErrNotFound: there are none.
func (s *S3) Open(ctx context.Context, hash string) (io.ReadSeekCloser, error) {
	if !validHash(hash) {
		return nil, fmt.Errorf("opening a file: %w", ErrNotFound)
	}
	o, err := s.find(ctx, hash)
	if err != nil {
		return nil, fmt.Errorf("opening a file: %w", err)
	}
	return &s3Reader{ctx: ctx, s: s, key: o.key, size: o.size}, nil
}

// s3Error tells the errors of the store apart.
func s3Error(err error) error {
	if err == nil {
		return nil
	}
	answer := minio.ToErrorResponse(err)
	switch {
	case answer.Code == minio.NoSuchKey, answer.Code == minio.NoSuchUpload:
		return fmt.Errorf("%w: %w", ErrNotFound, err)
	case answer.StatusCode == http.StatusInsufficientStorage,
		slices.Contains([]string{"XMinioStorageFull", "XMinioAdminBucketQuotaExceeded", "QuotaExceeded"}, answer.Code):
		return fmt.Errorf("%w: %w", ErrFull, err)
	}
	return err
}

// unlessMissing is err, but for ErrNotFound.
func unlessMissing(err error) error {
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	return err
}

// s3Reader reads one object. It asks for the bytes behind its place when they are first
// read; what is sought past is never fetched. It is not safe for concurrent use.
type s3Reader struct {
	ctx  context.Context
	s    *S3
	key  string
	size int64
	at   int64         // of the next byte to be read
	body io.ReadCloser // stands at `at`; nil: not asked for
}

// Read reads on.
func (r *s3Reader) Read(p []byte) (int, error) {
	if r.at >= r.size {
		return 0, io.EOF
	}
	if len(p) == 0 {
		return 0, nil
	}
	if r.body == nil {
		if err := r.ask(); err != nil {
			return 0, err
		}
	}
	n, err := r.body.Read(p)
	r.at += int64(n)
	switch {
	case r.at > r.size:
		return 0, fmt.Errorf("reading a file: %w: the object is longer than it was", io.ErrUnexpectedEOF)
	case err == io.EOF && r.at < r.size:
		err = fmt.Errorf("reading a file: %w", io.ErrUnexpectedEOF)
	case err != nil && err != io.EOF:
		err = fmt.Errorf("reading a file: %w", err)
	}
	return n, err
}

func (r *s3Reader) ask() error {
	opts := minio.GetObjectOptions{}
	if r.at > 0 {
		if err := opts.SetRange(r.at, 0); err != nil {
			return fmt.Errorf("reading a file: %w", err)
		}
	}
	body, _, _, err := r.s.core.GetObject(r.ctx, r.s.cfg.Bucket, r.key, opts)
	if err != nil {
		return fmt.Errorf("reading a file: %w", s3Error(err))
	}
	r.body = body
	return nil
}

// Seek sets the place of the next Read; it asks nothing of the store.
func (r *s3Reader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += r.at
	case io.SeekEnd:
		offset += r.size
	}
	if offset < 0 {
		return 0, errors.New("seeking in a file: before its beginning")
	}
	if offset != r.at {
		if err := r.Close(); err != nil {
			return 0, err
		}
		r.at = offset
	}
	return offset, nil
}

// Close gives the connection back.
func (r *s3Reader) Close() error {
	if r.body == nil {
		return nil
	}
	body := r.body
	r.body = nil
	return body.Close()
}
