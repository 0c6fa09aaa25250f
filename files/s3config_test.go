package files

import (
	"encoding/pem"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"neochat/files/s3test"
)

func keys(t *testing.T) *credentials.Credentials {
	t.Helper()
	k, err := S3Keys(func(name string) string {
		return map[string]string{"NEOCHAT_S3_ACCESS_KEY": s3test.AccessKey, "NEOCHAT_S3_SECRET_KEY": s3test.SecretKey}[name]
	})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestParseS3(t *testing.T) {
	for address, want := range map[string]S3Config{
		"s3://b":                  {Bucket: "b", Endpoint: "s3.amazonaws.com"},
		"s3://b/":                 {Bucket: "b", Endpoint: "s3.amazonaws.com"},
		"s3://b/p/q/?region=eu-1": {Bucket: "b", Prefix: "p/q/", Endpoint: "s3.amazonaws.com", Region: "eu-1"},
		"s3://b/p?endpoint=http://127.0.0.1:9000&path-style=yes": {Bucket: "b", Prefix: "p/", Endpoint: "127.0.0.1:9000", Plain: true, Lookup: minio.BucketLookupPath},
		"s3://b?endpoint=store.example&path-style=no":            {Bucket: "b", Endpoint: "store.example", Lookup: minio.BucketLookupDNS},
		"s3://b?endpoint=https%3A%2F%2Fstore.example%3A8443%2F":  {Bucket: "b", Endpoint: "store.example:8443"},
		"s3://b?endpoint=store.example&ca=%2Fetc%2Fca.pem":       {Bucket: "b", Endpoint: "store.example", CA: "/etc/ca.pem"},
	} {
		if got, err := ParseS3(address); err != nil || got != want {
			t.Errorf("%s: %+v, %v", address, got, err)
		}
	}
}

func TestParseS3Refuses(t *testing.T) {
	for address, says := range map[string]string{
		"":                                  "s3://BUCKET",
		"data/files":                        "s3://BUCKET",
		"s3:///p":                           "s3://BUCKET",
		"https://b/p":                       "s3://BUCKET",
		"s3://key:canary@b/p":               "NEOCHAT_S3_ACCESS_KEY",
		"s3://b?pathstyle=yes":              "known are",
		"s3://b?path-style=maybe":           "yes or no",
		"s3://b?endpoint=ftp://h":           "http:// or https://",
		"s3://b?endpoint=http://k:s@h":      "http:// or https://",
		"s3://b?endpoint=http://h/bucket/":  "http:// or https://",
		"s3://b?endpoint=http://h&ca=x.pem": "is for https",
		"s3://b?%zz":                        "name=value",
	} {
		_, err := ParseS3(address)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestS3Keys(t *testing.T) {
	for _, c := range []struct {
		env      map[string]string
		key, err string
	}{
		{map[string]string{}, "", "NEOCHAT_S3_ACCESS_KEY"},
		{map[string]string{"NEOCHAT_S3_ACCESS_KEY": "a"}, "", "one is not set"},
		{map[string]string{"AWS_SECRET_ACCESS_KEY": "a"}, "", "one is not set"},
		{map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_SESSION_TOKEN": "c"}, "a", ""},
		{map[string]string{"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "NEOCHAT_S3_ACCESS_KEY": "n", "NEOCHAT_S3_SECRET_KEY": "m"}, "n", ""},
	} {
		k, err := S3Keys(func(name string) string { return c.env[name] })
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%v: %v", c.env, err)
			}
			continue
		}
		if err != nil {
			t.Error(err)
			continue
		}
		if v, err := k.GetWithContext(nil); err != nil || v.AccessKeyID != c.key {
			t.Errorf("%v: %+v, %v", c.env, v.AccessKeyID, err)
		}
	}
}

// TestOwnAuthority talks TLS to a store whose certificate no public authority has signed.
func TestOwnAuthority(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	dir := t.TempDir()
	right, empty := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "empty.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := errors.Join(os.WriteFile(right, text, 0o600), os.WriteFile(empty, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	for ca, says := range map[string]string{right: "", "": "certificate", empty: "no certificate in", filepath.Join(dir, "none.pem"): "no such file"} {
		cfg, err := ParseS3("s3://bucket?region=eu-1&path-style=yes&ca=" + url.QueryEscape(ca) + "&endpoint=" + server.URL)
		if err != nil {
			t.Fatal(err)
		}
		s, err := OpenS3(t.Context(), cfg, keys(t), filepath.Join(dir, "incoming"))
		if err == nil {
			s.Close()
		}
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("with %q: %v", ca, err)
		}
	}
}
