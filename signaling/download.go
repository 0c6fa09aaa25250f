package signaling

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"neochat/store"
	"neochat/wire"
)

const maxStoredName = 1000 // bytes of a file's name

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
	if !validFileName(name) {
		return store.File{}, store.ErrNotFound
	}
	f, err := s.store.ReadableFile(ctx, account, name)
	if errors.Is(err, store.ErrNotFound) && strings.Contains(name, "%25") { // which a name has of its own where file_name has a %
		if once, err := url.PathUnescape(name); err == nil && validFileName(once) {
			return s.store.ReadableFile(ctx, account, once)
		}
	}
	return f, err
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
		w.Header().Set("Allow", "GET, HEAD, PUT")
		respond(w, http.StatusMethodNotAllowed, "reason", "GET, HEAD or PUT")
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
