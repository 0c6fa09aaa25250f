package files

import (
	"context"
	"fmt"
	"net/url"
	"time"
)

// Address is a URL of the store that serves the bytes of hash to everybody who has it for so long, at most seven days,
// with these headers. ErrNotFound: there are none.
func (s *S3) Address(ctx context.Context, hash, contentType, disposition string, valid time.Duration) (string, error) {
	if !validHash(hash) {
		return "", fmt.Errorf("an address for a file: %w", ErrNotFound)
	}
	headers := url.Values{"response-content-type": {contentType}, "response-content-disposition": {disposition}}
	o, err := s.find(ctx, hash)
	if err != nil {
		return "", fmt.Errorf("an address for a file: %w", err)
	}
	u, err := s.core.Client.PresignedGetObject(ctx, s.cfg.Bucket, o.key, valid, headers)
	if err != nil {
		return "", fmt.Errorf("an address for a file: %w", s3Error(err))
	}
	return u.String(), nil
}
