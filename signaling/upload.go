package signaling

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"

	"neochat/store"
	"neochat/wire"
)

const (
	maxFileName     = 200 // bytes of file_name, before encoding
	sniffBytes      = 512
	transferTimeout = 10 * time.Minute // of one file, there or back
)

// upload stores the body of a binary frame under a name made of account, time and file_name.
func upload(q *request) error {
	at, name := q.m.Get("time"), q.m.Get("file_name")
	switch {
	case q.body == nil || !q.body.HasBody():
		return refusal(wire.StatBadRequest, "a file comes in a binary frame: the lines, an empty line, one byte 0x00, its bytes")
	case len(at) == 0 || len(at) > 20 || strings.Trim(at, "0123456789") != "":
		return refusal(wire.StatBadRequest, "time is the client's clock: 1 to 20 digits")
	case len(name) > maxFileName:
		return refusal(wire.StatTooLarge, "file_name has at most 200 bytes")
	}
	ctx, cancel := context.WithTimeout(q.c.ctx, transferTimeout)
	defer cancel()
	source, err := q.withinQuota(ctx)
	if err != nil {
		return err
	}
	head := make([]byte, sniffBytes)
	body := &noting{r: source}
	n, err := io.ReadFull(body, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return q.uploadFailed(body, err)
	}
	kind := http.DetectContentType(head[:n])
	hash, size, err := q.c.srv.cfg.Blobs.Put(ctx, io.MultiReader(bytes.NewReader(head[:n]), body))
	if err != nil {
		return q.uploadFailed(body, err)
	}
	if name == "" {
		name = "file" + extension(kind)
	}
	stored, err := q.c.srv.store.PutFile(ctx, store.File{Name: wire.Enc(q.c.account) + "_" + at + "_" + wire.Enc(name),
		Owner: q.c.account, Hash: hash, ContentType: kind, Size: size})
	if errors.Is(err, store.ErrConflict) {
		return refusal(wire.StatConflict, "a file of this account, time and name exists with other bytes; send another time")
	}
	if errors.Is(err, store.ErrTooLarge) { // another upload was faster
		return errQuota()
	}
	if err != nil {
		return err
	}
	q.ok("file", stored.Name)
	return nil
}

// withinQuota returns the body, which ends with an error where the account may upload no more.
func (q *request) withinQuota(ctx context.Context) (io.Reader, error) {
	used, allowed, err := q.c.srv.store.Usage(ctx, q.c.account)
	switch {
	case err != nil:
		return nil, err
	case allowed == 0:
		return q.body, nil
	case used >= allowed:
		return nil, errQuota()
	}
	return &quotaReader{r: q.body, left: allowed - used}, nil
}

// noting remembers what its reader failed with.
type noting struct {
	r   io.Reader
	err error
}

func (n *noting) Read(p []byte) (int, error) {
	k, err := n.r.Read(p)
	if err != nil && err != io.EOF {
		n.err = err
	}
	return k, err
}

// uploadFailed tells apart a client that broke off or sent too much from a disk that failed.
func (q *request) uploadFailed(body *noting, err error) error {
	var mistake *wire.Error
	if errors.As(body.err, &mistake) {
		return mistake
	}
	if body.err != nil || q.c.ctx.Err() != nil {
		q.c.srv.log.Debug("an upload was broken off", "error", err)
		return nil // there is nobody to answer
	}
	q.c.srv.log.Error("storing a file", "error", err)
	if errors.Is(err, syscall.ENOSPC) {
		return refusal(wire.StatUnavailable, "the server has no room left for files; tell whoever runs it")
	}
	return refusal(wire.StatUnavailable, "the file cannot be stored now; try again")
}

// extension names the sniffed types that people send; "" for others.
func extension(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	switch kind {
	case "image/png":
		return ".png"
	case "image/jpeg":
		return ".jpg"
	case "image/gif":
		return ".gif"
	case "image/webp":
		return ".webp"
	case "audio/mpeg":
		return ".mp3"
	case "audio/wave":
		return ".wav"
	case "application/ogg":
		return ".ogg"
	case "video/mp4":
		return ".mp4"
	case "video/webm":
		return ".webm"
	case "application/pdf":
		return ".pdf"
	case "application/zip":
		return ".zip"
	case "application/x-gzip":
		return ".gz"
	case "text/plain":
		return ".txt"
	}
	return ""
}
