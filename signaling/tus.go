package signaling

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"syscall"
	"time"

	"neochat/store"
	"neochat/wire"
)

// What is spoken at /uploads/: tus 1.0.0 (https://tus.io/protocols/resumable-upload).
const (
	tusVersion    = "1.0.0"
	tusExtensions = "creation,creation-with-upload,checksum,termination,expiration"
	tusContent    = "application/offset+octet-stream"
	uploadsPath   = "/uploads/"
	statChecksum  = 460 // Checksum Mismatch
)

// tusRequest is one request about an upload.
type tusRequest struct {
	s       *Server
	w       http.ResponseWriter
	r       *http.Request
	account string
	session string // public id of the session that asks
}

// serveUploads answers /uploads/ and /uploads/ID.
func (s *Server) serveUploads(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Tus-Resumable", tusVersion)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	method := r.Method
	if m := r.Header.Get("X-HTTP-Method-Override"); m != "" {
		method = m
	}
	if method == http.MethodOptions {
		h.Set("Tus-Version", tusVersion)
		h.Set("Tus-Extension", tusExtensions)
		h.Set("Tus-Max-Size", strconv.FormatInt(s.cfg.MaxFile, 10))
		h.Set("Tus-Checksum-Algorithm", checksumNames)
		w.WriteHeader(http.StatusNoContent)
		return
	}
	if r.Header.Get("Tus-Resumable") != tusVersion {
		h.Set("Tus-Version", tusVersion)
		respond(w, http.StatusPreconditionFailed, "reason", "say Tus-Resumable: "+tusVersion)
		return
	}
	q := &tusRequest{s: s, w: w, r: r}
	if err := q.run(method, strings.TrimPrefix(r.URL.EscapedPath(), uploadsPath)); err != nil {
		s.refuseHTTP(w, r, "an upload", err)
	}
}

func (q *tusRequest) run(method, id string) error {
	leave, err := q.enter()
	if err != nil {
		return err
	}
	defer leave()
	switch {
	case id == "" && method == http.MethodPost:
		return q.create()
	case id == "":
		return q.notAllowed("OPTIONS, POST")
	case method != http.MethodHead && method != http.MethodPatch && method != http.MethodDelete:
		return q.notAllowed("OPTIONS, HEAD, PATCH, DELETE")
	}
	return q.with(id, method)
}

func (q *tusRequest) notAllowed(methods string) error {
	q.w.Header().Set("Allow", methods)
	return refusal(http.StatusMethodNotAllowed, methods)
}

// enter finds out who asks, and counts the request in.
func (q *tusRequest) enter() (leave func(), err error) {
	ctx, cancel := context.WithTimeout(q.r.Context(), requestTimeout)
	defer cancel()
	found, err := q.s.caller(ctx, q.r)
	if err != nil {
		return nil, err
	}
	q.account, q.session = found.Account, found.ID
	return q.s.pieces.enter(q.account)
}

// create answers POST.
func (q *tusRequest) create() error {
	size, err := q.length()
	if err != nil {
		return err
	}
	meta, err := parseMetadata(q.r.Header.Get("Upload-Metadata"), time.Now())
	if err != nil {
		return err
	}
	name, err := storedName(q.account, meta.time, meta.name)
	if err != nil {
		return err
	}
	body := q.r.ContentLength != 0
	if body {
		if err := q.checkBody(size); err != nil {
			return err
		}
	}
	u, err := q.s.begin(q.r.Context(), store.Upload{ID: newUploadID(), Owner: q.account, Name: name, Size: size, Carry: meta.carry(),
		Expires: time.Now().Add(uploadLife).UnixMilli()})
	if err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Location", uploadsPath+u.ID)
	q.about(u)
	if body || size == 0 {
		if err := q.first(u); err != nil {
			return q.notBegun(u, err)
		}
	}
	respond(q.w, http.StatusCreated, "file", u.Name)
	return nil
}

// notBegun ends an upload whose creation failed with its first piece, unless it was broken off in a way that the answer gets through,
// so that its client goes on; any other begins anew.
func (q *tusRequest) notBegun(u store.Upload, err error) error {
	var why *wire.Error
	if errors.As(err, &why) && (why.Stat == http.StatusRequestTimeout || why.Stat == http.StatusLocked) {
		return err
	}
	q.s.forget(u.ID)
	for _, told := range []string{"Location", "Neochat-File", "Upload-Expires", "Upload-Offset"} {
		q.w.Header().Del(told)
	}
	return err
}

// first takes what came with the creation.
func (q *tusRequest) first(u store.Upload) error {
	body := newSteadyBody(q.w, q.r, q.s.cfg.Times.Stall)
	release, err := q.s.pieces.take(q.r.Context(), u.ID, body.interrupt)
	if err != nil {
		return err
	}
	defer release()
	return q.piece(u, 0, body)
}

// length is what Upload-Length says.
func (q *tusRequest) length() (int64, error) {
	v := q.r.Header.Get("Upload-Length")
	size, err := strconv.ParseInt(v, 10, 64)
	switch {
	case q.r.Header.Get("Upload-Defer-Length") != "":
		return 0, refusal(wire.StatBadRequest, "the length must be known from the beginning: say Upload-Length")
	case q.r.Header.Get("Upload-Concat") != "":
		return 0, refusal(wire.StatBadRequest, "uploads are not put together of others here")
	case err != nil && strings.Trim(v, "0123456789") == "" && v != "", size > q.s.cfg.MaxFile:
		return 0, errFileTooLarge(q.s.cfg.MaxFile)
	case err != nil || size < 0 || strings.Trim(v, "0123456789") != "":
		return 0, refusal(wire.StatBadRequest, "Upload-Length is the number of bytes of the file")
	}
	return size, nil
}

// checkBody refuses a body that is no piece, or has more bytes than room is left for.
func (q *tusRequest) checkBody(room int64) error {
	if kind, _, _ := strings.Cut(q.r.Header.Get("Content-Type"), ";"); strings.TrimSpace(kind) != tusContent {
		return refusal(http.StatusUnsupportedMediaType, "a piece has Content-Type: "+tusContent)
	}
	if q.r.ContentLength > room {
		return errTooLong()
	}
	_, err := newChecksum(q.r.Header.Get("Upload-Checksum"))
	return err
}

// with answers HEAD, PATCH and DELETE of an upload.
func (q *tusRequest) with(id, method string) error {
	ctx, cancel := context.WithTimeout(q.r.Context(), requestTimeout)
	defer cancel()
	if _, err := q.upload(ctx, id); err != nil { // so that a stranger interrupts nobody
		return err
	}
	body := newSteadyBody(q.w, q.r, q.s.cfg.Times.Stall)
	release, err := q.s.pieces.take(ctx, id, body.interrupt)
	if err != nil {
		return err
	}
	defer release()
	u, err := q.upload(ctx, id) // as it is now that nobody else works on it
	if err != nil {
		return err
	}
	switch method {
	case http.MethodDelete:
		return q.terminate(ctx, u)
	case http.MethodHead:
		return q.tell(ctx, u)
	}
	return q.patch(ctx, u, body)
}

// upload finds an upload of who asks. What cannot be an id is looked for too: it takes the same time.
func (q *tusRequest) upload(ctx context.Context, id string) (store.Upload, error) {
	u, err := q.s.store.Upload(ctx, q.account, id)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoUpload()
	}
	return u, err
}

func errNoUpload() error {
	return refusal(wire.StatNotFound, "no such upload, or none of yours, or it has expired; begin anew")
}

// offset is how many bytes an upload has.
func (q *tusRequest) offset(ctx context.Context, u store.Upload) (int64, error) {
	if u.Finished {
		return u.Size, nil
	}
	n, err := q.s.cfg.Uploads.Offset(ctx, u.ID)
	if errors.Is(err, fs.ErrNotExist) { // the server ended while it began
		err = errNoUpload()
	}
	return n, err
}

// terminate answers DELETE. A file that the upload has become stays.
func (q *tusRequest) terminate(ctx context.Context, u store.Upload) error {
	err := q.end(ctx, u, nil)
	if err == nil {
		q.w.WriteHeader(http.StatusNoContent)
	}
	return err
}

// end drops an upload for good, and returns why.
func (q *tusRequest) end(ctx context.Context, u store.Upload, why error) error {
	if err := q.s.store.ExpireUpload(ctx, u.ID); err != nil {
		return err
	}
	q.s.dropUpload(ctx, u.ID)
	return why
}

// tell answers HEAD. Where all bytes are there and no file has been made of them, that is done now.
func (q *tusRequest) tell(ctx context.Context, u store.Upload) error {
	n, err := q.offset(ctx, u)
	if err != nil {
		return err
	}
	if n == u.Size && !u.Finished {
		if err := q.finish(u); err != nil {
			return err
		}
	}
	h := q.w.Header()
	h.Set("Upload-Offset", strconv.FormatInt(n, 10))
	h.Set("Upload-Length", strconv.FormatInt(u.Size, 10))
	if m := carried(u.Carry).Metadata; m != "" {
		h.Set("Upload-Metadata", m)
	}
	q.about(u)
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// about tells what every answer about an upload does.
func (q *tusRequest) about(u store.Upload) {
	q.w.Header().Set("Neochat-File", u.Name)
	q.w.Header().Set("Upload-Expires", time.UnixMilli(u.Expires).UTC().Format(http.TimeFormat))
}

// patch answers PATCH.
func (q *tusRequest) patch(ctx context.Context, u store.Upload, body *steadyBody) error {
	at, err := strconv.ParseInt(q.r.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || at < 0 {
		return refusal(wire.StatBadRequest, "Upload-Offset is the number of bytes that are there already")
	}
	n, err := q.offset(ctx, u)
	if err != nil {
		return err
	}
	if at != n {
		q.w.Header().Set("Upload-Offset", strconv.FormatInt(n, 10))
		return refusal(wire.StatConflict, "the upload has another offset; ask with HEAD")
	}
	if err := q.checkBody(u.Size - at); err != nil {
		return err
	}
	if !u.Finished {
		if err := q.piece(u, at, body); err != nil {
			return err
		}
	} else {
		q.w.Header().Set("Upload-Offset", strconv.FormatInt(n, 10))
		q.about(u)
	}
	q.w.WriteHeader(http.StatusNoContent)
	return nil
}

// piece adds the body to an upload that has at bytes, sets the headers that tell of it, and makes it a file once it is whole.
func (q *tusRequest) piece(u store.Upload, at int64, body *steadyBody) error {
	sum, err := newChecksum(q.r.Header.Get("Upload-Checksum"))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(q.s.pieces.ctx, pieceTime) // what came is kept also where the client has gone
	defer cancel()
	if time.Until(time.UnixMilli(u.Expires)) < pieceTime {
		if u.Expires, err = q.keep(ctx, u); err != nil {
			return err
		}
	}
	from := &noting{r: sum.over(body)}
	n, err := q.s.cfg.Uploads.Append(ctx, u.ID, at, from, sum != nil)
	switch {
	case from.err != nil:
		return q.broken(ctx, u, from.err)
	case errors.Is(err, syscall.EFBIG):
		return errTooLong()
	case err != nil:
		return q.s.notStored("adding to an upload", err)
	}
	q.w.Header().Set("Upload-Offset", strconv.FormatInt(n, 10))
	if u.Expires, err = q.keep(ctx, u); err != nil {
		return err
	}
	q.about(u)
	if n < u.Size {
		return nil
	}
	return q.finish(u)
}

// keep has the upload wait for its next piece from now on.
func (q *tusRequest) keep(ctx context.Context, u store.Upload) (expires int64, err error) {
	until := time.Now().Add(uploadLife)
	err = q.s.store.KeepUpload(ctx, u.ID, until)
	if errors.Is(err, store.ErrNotFound) {
		err = errNoUpload()
	}
	return until.UnixMilli(), err
}

// broken says why a body was not taken to its end.
func (q *tusRequest) broken(ctx context.Context, u store.Upload, err error) error {
	if n, err := q.offset(ctx, u); err == nil {
		q.w.Header().Set("Upload-Offset", strconv.FormatInt(n, 10))
	}
	switch {
	case errors.Is(err, errChecksum):
		return refusal(statChecksum, "the piece does not have the checksum that Upload-Checksum says; nothing of it was kept, send it again")
	case errors.Is(err, errStalled):
		return refusal(http.StatusRequestTimeout, "nothing more came for too long; what came was kept, go on with another PATCH")
	case errors.Is(err, errInterrupted):
		return refusal(http.StatusLocked, "another request goes on with this upload, or the server restarts; what came was kept, ask with HEAD")
	}
	q.s.log.Debug("an upload was broken off", "error", err)
	return refusal(wire.StatBadRequest, "the body broke off; what came was kept, ask with HEAD")
}

// finish makes a file of an upload whose bytes are all there. Whether the client waits for it does not matter.
func (q *tusRequest) finish(u store.Upload) error {
	ctx, cancel := context.WithTimeout(q.s.pieces.ctx, finishTime)
	defer cancel()
	if _, err := q.s.store.SessionByID(ctx, q.session); err != nil { // it may have ended while the bytes came
		return asCaller(err)
	}
	hash, err := q.s.cfg.Uploads.Finish(ctx, u.ID)
	switch {
	case errors.Is(err, fs.ErrNotExist): // its bytes are gone: they were finished once, and nothing referred to them
		return q.end(ctx, u, errNoUpload())
	case err != nil:
		return q.s.notStored("finishing an upload", err)
	}
	head := make([]byte, sniffBytes)
	n, err := q.s.beginning(ctx, hash, head)
	if err != nil {
		return q.s.notStored("reading an upload", err)
	}
	f, err := q.s.finished(ctx, u, store.File{Name: u.Name, Owner: u.Owner, Hash: hash, ContentType: sniff(head[:n]), Size: u.Size})
	switch {
	case err == nil:
		if err := q.s.checkBytes(ctx, f); err != nil {
			return q.end(ctx, u, err)
		}
	case errors.Is(err, store.ErrBeingRemoved):
		return errBeingRemoved()
	case errors.Is(err, store.ErrConflict):
		return q.end(ctx, u, errOtherBytes())
	case errors.Is(err, store.ErrNotFound):
		return errNoUpload()
	}
	return err
}

// finished makes the file of an upload, whose bytes are stored.
func (s *Server) finished(ctx context.Context, u store.Upload, f store.File) (store.File, error) {
	said, err := parseMetadata(carried(u.Carry).Metadata, time.Now())
	if err != nil { // it was read when the upload began
		return f, err
	}
	came := f.Hash
	if !said.keepLocation {
		if err := s.dropLocation(ctx, &f); err != nil {
			return f, s.notStored("taking the place out of a picture", err)
		}
	}
	s.describe(ctx, &f, said)
	stored, err := s.store.FinishUpload(ctx, u.ID, f)
	if err == nil && came != f.Hash {
		s.discardLocated(ctx, came)
	}
	return stored, err
}

// beginning reads the first bytes of a blob.
func (s *Server) beginning(ctx context.Context, hash string, head []byte) (int, error) {
	blob, err := s.cfg.Blobs.Open(ctx, hash)
	if err != nil {
		return 0, err
	}
	defer blob.Close()
	n, err := io.ReadFull(blob, head)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		err = nil
	}
	return n, err
}

// begin makes an upload: first it is noted, then there is room for its bytes, so that those that nobody knows of are never kept.
func (s *Server) begin(ctx context.Context, u store.Upload) (store.Upload, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	u, err := s.store.BeginUpload(ctx, u)
	switch {
	case errors.Is(err, store.ErrTooLarge):
		return u, errQuota()
	case errors.Is(err, store.ErrConflict):
		return u, errOtherBytes()
	case errors.Is(err, store.ErrTooMany):
		return u, &tooOften{of: boundRequests, after: time.Minute, what: "too many uploads are under way; finish some, or end them with DELETE"}
	case err != nil:
		return u, err
	}
	if err := s.cfg.Uploads.Begin(ctx, u.ID, u.Size); err != nil {
		s.forget(u.ID)
		return u, s.notStored("beginning an upload", err)
	}
	return u, nil
}

// forget ends an upload that could not begin, also where its client has gone.
func (s *Server) forget(id string) {
	ctx, cancel := context.WithTimeout(s.pieces.ctx, requestTimeout)
	defer cancel()
	if err := s.store.ExpireUpload(ctx, id); err != nil {
		s.failed(s.pieces.ctx, "ending an upload", err)
		return
	}
	s.dropUpload(ctx, id)
}

// newUploadID makes an id that cannot be guessed.
func newUploadID() string {
	var random [20]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	return strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))
}

func errTooLong() error {
	return refusal(wire.StatTooLarge, "there are more bytes than Upload-Length says; nothing of this piece was kept")
}

func errOtherBytes() error {
	return refusal(wire.StatConflict, "a file of this account, time and name exists with other bytes; send another time")
}
