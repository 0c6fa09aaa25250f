package signaling

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"slices"
	"strconv"
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
	f, err := s.askedFor(ctx, r, strings.TrimPrefix(r.URL.EscapedPath(), "/files/"))
	if err != nil {
		s.refuseHTTP(w, r, "looking for a file", err)
		return
	}
	if r.Header.Get("If-None-Match") == etag(f) { // what ServeContent would find out too, once the file is open
		fileHeaders(w.Header(), f)
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if s.redirectFile(ctx, w, r, f) {
		return
	}
	body, err := s.cfg.Blobs.Open(r.Context(), f.Hash)
	if err != nil {
		s.failed(r.Context(), "serving a file", err)
		stat, reason := unopened(err)
		respond(w, stat, "reason", reason)
		return
	}
	defer body.Close()
	fileHeaders(w.Header(), f)
	if !boundRanges(r, f.Size) {
		w.Header().Set("Content-Range", fmt.Sprintf("bytes */%d", f.Size))
		respond(w, http.StatusRequestedRangeNotSatisfiable, "reason", "the last 0 bytes are none")
		return
	}
	http.ServeContent(&counted{w, &s.counts.fileBytesOut}, r, "", time.UnixMilli(f.Time), body)
}

// askedFor finds the file that a request names, if who asks may read it: by a signed address, or by a session.
func (s *Server) askedFor(ctx context.Context, r *http.Request, name string) (f store.File, err error) {
	account := ""
	if q := r.URL.Query(); isAddress(q) {
		account, err = s.addressed(ctx, name, q)
	} else {
		var session store.Session
		session, err = s.store.Session(ctx, requestToken(r))
		account, err = session.Account, asCaller(err)
	}
	if err == nil {
		f, err = s.readable(ctx, account, name)
	}
	return f, noFile(err)
}

// noFile is store.ErrNotFound for people, and any other error as it is.
func noFile(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refusal(wire.StatNotFound, "no such file, or none that you may read")
	}
	return err
}

// minRedirect is from how many bytes on the way over the store of files is worth a second request.
const minRedirect = 1 << 20

// redirectFile sends who asks for a large file on to the store that keeps it, where the operator lets it, and tells whether it did.
func (s *Server) redirectFile(ctx context.Context, w http.ResponseWriter, r *http.Request, f store.File) bool {
	if !s.cfg.RedirectFiles || r.Method != http.MethodGet || f.Size < minRedirect {
		return false
	}
	to, err := s.cfg.Blobs.Address(ctx, f.Hash, f.ContentType, disposition(f.Name, f.ContentType), addressLife)
	if err != nil {
		s.failed(r.Context(), "making the address of a file in its store", err)
	}
	if to == "" {
		return false // it goes through here
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	http.Redirect(w, r, to, http.StatusFound)
	return true
}

// maxRanges is how many ranges of a file one request may ask for: each of them is a request to the store of files.
const maxRanges = 16

// boundRanges takes the ranges from a request that asks for too many, or of an empty file: it gets the whole file (RFC 9110 section 14.2). It reports
// whether the rest of them can be satisfied as far as http.ServeContent does not see it: the last 0 bytes are none (section 14.1.2).
func boundRanges(r *http.Request, size int64) bool {
	asked, ok := strings.CutPrefix(r.Header.Get("Range"), "bytes=")
	if !ok {
		return true
	}
	ranges := strings.Split(asked, ",")
	if size == 0 || len(ranges) > maxRanges {
		r.Header.Del("Range")
		return true
	}
	ranges = slices.DeleteFunc(ranges, func(one string) bool {
		last, suffix := strings.CutPrefix(strings.TrimSpace(one), "-")
		n, err := strconv.ParseInt(strings.TrimSpace(last), 10, 64)
		return suffix && err == nil && n == 0
	})
	r.Header.Set("Range", "bytes="+strings.Join(ranges, ","))
	return len(ranges) > 0
}
