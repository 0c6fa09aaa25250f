package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestOpenBlobs(t *testing.T) {
	data := t.TempDir()
	for where, folder := range map[string]string{"": filepath.Join(data, "files"), filepath.Join(data, "else"): filepath.Join(data, "else")} {
		b, err := openBlobs(t.Context(), where, data)
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
		if _, err := os.Stat(folder); err != nil {
			t.Error(err)
		}
	}
}

// TestOpenBlobsRefuses: what cannot be used is refused at the start, with what to do, and without secrets.
func TestOpenBlobsRefuses(t *testing.T) {
	for _, name := range []string{"NEOCHAT_S3_ACCESS_KEY", "NEOCHAT_S3_SECRET_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "")
	}
	refused := func(where, says string) {
		t.Helper()
		_, err := openBlobs(t.Context(), where, t.TempDir())
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", where, err)
		}
	}
	refused("/proc/nowhere", "--files")
	refused("https://host/bucket", "s3://BUCKET")
	refused("s3://key:canary@bucket", "NEOCHAT_S3_ACCESS_KEY")
	refused("s3://bucket", "NEOCHAT_S3_ACCESS_KEY")
	t.Setenv("NEOCHAT_S3_ACCESS_KEY", "key")
	t.Setenv("NEOCHAT_S3_SECRET_KEY", "canary")
	refused("s3://bucket?region=eu-1&endpoint=http://127.0.0.1:1", "check that it runs")
}
