package signaling

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"

	"neochat/store"
	"neochat/wire"
)

const (
	maxFileName     = 200 // bytes of file_name, before encoding
	maxStoredName   = 1000
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

// download answers a binary frame with the file's bytes.
func download(q *request) error {
	ctx, cancel := q.context()
	defer cancel()
	f, err := q.c.srv.readable(ctx, q.c.account, q.m.Get("file"))
	if err != nil {
		return err
	}
	if f.Size > q.c.srv.cfg.Limits.Body {
		return refusal(wire.StatTooLarge, "too large for a frame; GET /files/NAME over HTTP")
	}
	reading, done := context.WithTimeout(q.c.ctx, transferTimeout)
	defer done()
	body, err := q.c.srv.cfg.Blobs.Open(reading, f.Hash)
	if err != nil {
		q.c.srv.failed(q.c.ctx, "opening a stored file", err)
		stat, reason := unopened(err)
		return refusal(stat, reason)
	}
	b := wire.Append(q.head(wire.StatOK), "file", f.Name)
	b = wire.AppendInt(b, "size", f.Size)
	b = wire.Append(b, "content_type", f.ContentType)
	q.c.answer(item{data: wire.BeginBody(b), body: body})
	q.c.out.waitIdle() // one file at a time is open for a connection
	return nil
}

// unopened says what became of a file that the database knows.
func unopened(err error) (stat int, reason string) {
	if errors.Is(err, fs.ErrNotExist) {
		return wire.StatFailed, "the server lost this file"
	}
	return wire.StatUnavailable, "the file cannot be read now; try again"
}

// readable finds a file by its name, or by its name encoded once more.
func (s *Server) readable(ctx context.Context, account, name string) (store.File, error) {
	if strings.Contains(name, "%25") {
		if once, err := url.PathUnescape(name); err == nil {
			name = once
		}
	}
	if !validFileName(name) {
		return store.File{}, store.ErrNotFound
	}
	return s.store.ReadableFile(ctx, account, name)
}

// validFileName reports whether name can be a stored file's: what wire.Enc leaves, joined by underscores.
func validFileName(name string) bool {
	return name != "" && len(name) <= maxStoredName && !strings.ContainsFunc(name, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != '-' && r != '_' && r != '%'
	})
}

// serveFile answers GET and HEAD of /files/NAME, with ranges, to who may read it.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		respond(w, http.StatusMethodNotAllowed, "reason", "GET or HEAD; upload over the WebSocket /file")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	session, err := s.store.Session(ctx, requestToken(r))
	if err != nil {
		respond(w, wire.StatLogin, "reason", "log in first")
		return
	}
	f, err := s.readable(ctx, session.Account, strings.TrimPrefix(r.URL.EscapedPath(), "/files/"))
	if errors.Is(err, store.ErrNotFound) {
		respond(w, wire.StatNotFound, "reason", "no such file, or none that you may read")
		return
	}
	if err == nil {
		var body io.ReadSeekCloser
		if body, err = s.cfg.Blobs.Open(r.Context(), f.Hash); err == nil {
			defer body.Close()
			fileHeaders(w.Header(), f)
			http.ServeContent(&counted{w, &s.counts.fileBytesOut}, r, "", time.UnixMilli(f.Time), body)
			return
		}
	}
	s.failed(r.Context(), "serving a file", err)
	stat, reason := unopened(err)
	respond(w, stat, "reason", reason)
}

// fileHeaders lets a browser show pictures and play sound, and nothing run.
func fileHeaders(h http.Header, f store.File) {
	disposition := "attachment"
	for _, safe := range []string{"image/png", "image/jpeg", "image/gif", "image/webp", "audio/", "video/", "text/plain", "application/ogg"} {
		if strings.HasPrefix(f.ContentType, safe) {
			disposition = "inline"
		}
	}
	_, rest, _ := strings.Cut(f.Name, "_")
	_, name, _ := strings.Cut(rest, "_")
	h.Set("Content-Type", f.ContentType)
	h.Set("Content-Disposition", disposition+"; filename*=UTF-8''"+name)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("ETag", `"`+f.Hash+`"`)
}
