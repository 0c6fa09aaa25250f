package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"neochat/files"
)

// filesFlags say how long files stay, and which way they go.
type filesFlags struct {
	FilesGrace    time.Duration `help:"How long a file stays that no message, profile or group refers to, such as 24h; and for how long after that its bytes stay, so it should be longer than a backup takes." default:"24h" env:"NEOCHAT_FILES_GRACE"`
	FilesRedirect bool          `help:"With files in an object store: send who downloads one of 1 MiB or more there, by an address that holds for five minutes, instead of passing it through this server. People must be able to reach the store." default:"false" env:"NEOCHAT_FILES_REDIRECT"`
}

// checkFiles is told where files are.
func (c *filesFlags) checkFiles(where string) error {
	switch {
	case c.FilesGrace < time.Second:
		return errors.New("--files-grace must be at least 1s; a file needs some time between being uploaded and being sent")
	case c.FilesRedirect && !strings.Contains(where, "://"):
		return errors.New("--files-redirect is for files in an object store (--files s3://…): a folder has no address of its own")
	}
	return nil
}

// fileOrigins are where a browser is sent for files besides this server, as a Content-Security-Policy names them; none: nowhere.
func (c *filesFlags) fileOrigins(where string) (origins []string) {
	cfg, err := files.ParseS3(where)
	if !c.FilesRedirect || err != nil {
		return nil
	}
	scheme := "https"
	if cfg.Plain {
		scheme = "http"
	}
	for _, host := range []string{cfg.Endpoint, cfg.Bucket + "." + cfg.Endpoint} { // which of them, the store's kind decides
		origins = append(origins, fmt.Sprintf("%s://%s", scheme, host))
	}
	return origins
}
