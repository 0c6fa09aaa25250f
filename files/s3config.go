package files

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// S3Config says where an object store is. It holds no secrets.
type S3Config struct {
	Bucket   string
	Prefix   string // before every key; empty, or ends with a slash
	Endpoint string // host or host:port
	Plain    bool   // HTTP without TLS
	Region   string // "": asked of the store
	Lookup   minio.BucketLookupType
	CA       string // PEM file of an authority whose certificate the store may have, beside the system's; "": none
}

// S3Form is what the address of an object store looks like.
const S3Form = "s3://BUCKET/PREFIX?endpoint=URL&region=NAME&path-style=yes&ca=FILE"

// ParseS3 reads an address of the form S3Form. Without an endpoint it is Amazon's; one without http:// is https.
func ParseS3(address string) (S3Config, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "s3" || u.Host == "" {
		return S3Config{}, errors.New("not the address of an object store: " + S3Form)
	}
	if u.User != nil {
		return S3Config{}, errors.New("the keys of an object store do not belong into its address; set NEOCHAT_S3_ACCESS_KEY and NEOCHAT_S3_SECRET_KEY")
	}
	c := S3Config{Bucket: u.Host, Endpoint: "s3.amazonaws.com"}
	if c.Prefix = strings.Trim(u.Path, "/"); c.Prefix != "" {
		c.Prefix += "/"
	}
	values, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return S3Config{}, errors.New("the address of the object store: what follows the ? is not name=value&name=value")
	}
	for name, all := range values {
		if err := c.set(name, all[len(all)-1]); err != nil {
			return S3Config{}, fmt.Errorf("the address of the object store: %w", err)
		}
	}
	if c.Plain && c.CA != "" {
		return S3Config{}, errors.New("the address of the object store: ca is for https, and the endpoint is http")
	}
	return c, nil
}

// trusted are the authorities whose certificates the store may have; nil: the system's.
func (c *S3Config) trusted() (*x509.CertPool, error) {
	if c.CA == "" {
		return nil, nil
	}
	text, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("the authority of the object store (ca=): %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("the authority of the object store (ca=): there is no certificate in %s; it is a PEM file", c.CA)
	}
	return pool, nil
}

// set takes one name=value of the address.
func (c *S3Config) set(name, value string) error {
	switch name {
	case "region":
		c.Region = value
	case "ca":
		c.CA = value
	case "endpoint":
		return c.setEndpoint(value)
	case "path-style":
		switch value {
		case "yes":
			c.Lookup = minio.BucketLookupPath
		case "no":
			c.Lookup = minio.BucketLookupDNS
		default:
			return errors.New("path-style is yes or no")
		}
	default:
		return fmt.Errorf("unknown %q; known are endpoint, region, path-style and ca", name)
	}
	return nil
}

func (c *S3Config) setEndpoint(value string) error {
	if !strings.Contains(value, "://") {
		value = "https://" + value
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.User != nil || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" ||
		!slices.Contains([]string{"http", "https"}, u.Scheme) {
		return errors.New("endpoint is http:// or https:// with a host and, if need be, a port")
	}
	c.Endpoint, c.Plain = u.Host, u.Scheme == "http"
	return nil
}

// S3Keys takes the keys of an object store out of the environment: NEOCHAT_S3_ACCESS_KEY and
// NEOCHAT_S3_SECRET_KEY, or else AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.
func S3Keys(getenv func(string) string) (*credentials.Credentials, error) {
	for _, names := range [][3]string{
		{"NEOCHAT_S3_ACCESS_KEY", "NEOCHAT_S3_SECRET_KEY", "NEOCHAT_S3_SESSION_TOKEN"},
		{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"},
	} {
		key, secret := getenv(names[0]), getenv(names[1])
		if key == "" && secret == "" {
			continue
		}
		if key == "" || secret == "" {
			return nil, fmt.Errorf("of %s and %s one is not set", names[0], names[1])
		}
		return credentials.NewStaticV4(key, secret, getenv(names[2])), nil
	}
	return nil, errors.New("there are no keys for the object store; set NEOCHAT_S3_ACCESS_KEY and NEOCHAT_S3_SECRET_KEY in the environment")
}
