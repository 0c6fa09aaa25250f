package signaling

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"time"

	"neochat/store"
	"neochat/wire"
)

const transferTimeout = 10 * time.Minute // of one file, there or back

// upload stores the body of a binary frame under a name made of account, time and file_name.
func upload(q *request) error {
	if q.body == nil || !q.body.HasBody() {
		return refusal(wire.StatBadRequest, "a file comes in a binary frame: the lines, an empty line, one byte 0x00, its bytes")
	}
	at, name := q.m.Get("time"), q.m.Get("file_name")
	given := name
	if given == "" { // it is made up when its content is known
		given = "file"
	}
	stored, err := storedName(q.c.account, at, given)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(q.c.ctx, transferTimeout)
	defer cancel()
	source, err := q.c.srv.withinQuota(ctx, q.c.account, q.body)
	if err != nil {
		return err
	}
	body := &noting{r: source}
	f, err := q.c.srv.put(ctx, body, q.m.Get("keep_location") == "yes")
	if err != nil {
		return q.uploadFailed(body, err)
	}
	if name == "" {
		stored += wire.Enc(extension(f.ContentType))
	}
	f.Name, f.Owner = stored, q.c.account
	if f, err = q.c.srv.keepFile(ctx, f); err != nil {
		return err
	}
	q.ok("file", f.Name)
	return nil
}

// put stores what body yields, without the place where a picture was taken unless its sender keeps that, and tells what is known of it.
func (s *Server) put(ctx context.Context, body io.Reader, keepLocation bool) (f store.File, err error) {
	if !keepLocation {
		body = s.cfg.Pictures.WithoutLocation(body)
	}
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(body, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return f, err
	}
	f.ContentType = sniff(head[:n])
	if f.Hash, f.Size, err = s.cfg.Blobs.Put(ctx, io.MultiReader(bytes.NewReader(head[:n]), body)); err != nil {
		return f, err
	}
	s.measure(ctx, &f)
	return f, nil
}

// keepFile notes a file whose bytes are stored.
func (s *Server) keepFile(ctx context.Context, f store.File) (store.File, error) {
	f, err := s.store.PutFile(ctx, f)
	switch {
	case err == nil:
		err = s.checkBytes(ctx, f)
	case errors.Is(err, store.ErrBeingRemoved):
		err = errBeingRemoved()
	case errors.Is(err, store.ErrConflict):
		err = errOtherBytes()
	case errors.Is(err, store.ErrTooLarge): // another upload was faster
		err = errQuota()
	}
	return f, err
}

// withinQuota returns the body, which ends with an error where the account may upload no more.
func (s *Server) withinQuota(ctx context.Context, account string, body io.Reader) (io.Reader, error) {
	used, allowed, err := s.store.Usage(ctx, account)
	switch {
	case err != nil:
		return nil, err
	case allowed == 0:
		return body, nil
	case used >= allowed:
		return nil, errQuota()
	}
	return &quotaReader{r: body, left: allowed - used}, nil
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
	return q.c.srv.notStored("storing a file", err)
}

// notStored logs that the store of files failed, and says what a client may know of it.
func (s *Server) notStored(what string, err error) error {
	s.log.Error(what, "error", err)
	if errors.Is(err, syscall.ENOSPC) {
		return refusal(wire.StatNoRoom, "the server has no room left for files; tell whoever runs it")
	}
	return refusal(wire.StatUnavailable, "the file cannot be stored now; try again")
}

// extensions are of the sniffed types that people send.
var extensions = map[string]string{
	"image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/webp": ".webp", "image/avif": ".avif", "image/heic": ".heic",
	"audio/mpeg": ".mp3", "audio/wave": ".wav", "audio/mp4": ".m4a", "audio/aac": ".aac", "audio/flac": ".flac", "audio/ogg": ".ogg", "audio/webm": ".webm", "audio/amr": ".amr",
	"application/ogg": ".ogg", "video/ogg": ".ogv", "video/mp4": ".mp4", "video/webm": ".webm", "video/quicktime": ".mov", "video/x-matroska": ".mkv",
	"application/pdf": ".pdf", "application/zip": ".zip", "application/x-gzip": ".gz", "text/plain": ".txt",
}

// extension is that of a sniffed type; "" for one that is not known.
func extension(contentType string) string {
	kind, _, _ := strings.Cut(contentType, ";")
	return extensions[kind]
}
