package signaling

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"neochat/store"
	"neochat/wire"
)

// servePut answers PUT of /files/NAME: a whole file in one request, under the name that it says.
func (s *Server) servePut(w http.ResponseWriter, r *http.Request) {
	f, made, err := s.receive(w, r)
	if err != nil {
		s.refuseHTTP(w, r, "a file over HTTP", err)
		return
	}
	stat := wire.StatOK
	if made {
		stat = http.StatusCreated
	}
	respond(w, stat, "file", f.Name, "size", strconv.FormatInt(f.Size, 10))
}

// receive stores the body; made tells that there was no file of this name before.
func (s *Server) receive(w http.ResponseWriter, r *http.Request) (f store.File, made bool, err error) {
	asking, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	found, err := s.caller(asking, r)
	if err != nil {
		return f, false, err
	}
	name, err := ownName(found.Account, strings.TrimPrefix(r.URL.EscapedPath(), "/files/"))
	if err != nil {
		return f, false, err
	}
	if r.ContentLength > s.cfg.MaxFile {
		return f, false, errFileTooLarge(s.cfg.MaxFile)
	}
	leave, err := s.pieces.enter(found.Account)
	if err != nil {
		return f, false, err
	}
	defer leave()
	old, err := s.store.ReadableFile(asking, found.Account, name)
	switch {
	case errors.Is(err, store.ErrNotFound):
		made = true
	case err != nil:
		return f, false, err
	case r.ContentLength >= 0 && r.ContentLength != old.Size:
		return f, false, errOtherBytes()
	}
	f, err = s.receiveBody(w, r, found, name)
	return f, made, err
}

func (s *Server) receiveBody(w http.ResponseWriter, r *http.Request, from store.Session, name string) (f store.File, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), pieceTime)
	defer cancel()
	steady := newSteadyBody(w, r, s.cfg.Times.Stall)
	release, err := s.pieces.take(ctx, newUploadID(), steady.interrupt) // by the end of the server: nobody else knows the id
	if err != nil {
		return f, err
	}
	defer release()
	source, err := s.withinQuota(ctx, from.Account, &atMost{r: steady, left: s.cfg.MaxFile})
	if err != nil {
		return f, err
	}
	body := &noting{r: source}
	if f, err = s.put(ctx, body, r.Header.Get("X-Keep-Location") == "yes"); err != nil {
		return f, s.notReceived(body.err, err)
	}
	if _, err := s.store.SessionByID(ctx, from.ID); err != nil { // it may have ended while the bytes came
		return f, asCaller(err)
	}
	f.Name, f.Owner = name, from.Account
	return s.keepFile(ctx, f)
}

// notReceived says why a body was not stored: reading is what reading it failed with, if that was it.
func (s *Server) notReceived(reading, storing error) error {
	var mistake *wire.Error
	switch {
	case errors.As(reading, &mistake):
		return mistake
	case errors.Is(reading, errBeyond):
		return errFileTooLarge(s.cfg.MaxFile)
	case errors.Is(reading, errStalled):
		return refusal(http.StatusRequestTimeout, "nothing more came for too long; nothing was stored")
	case errors.Is(reading, errInterrupted):
		return errRestarts()
	case reading != nil:
		return refusal(wire.StatBadRequest, "the body broke off; nothing was stored")
	}
	return s.notStored("storing a file", storing)
}

func errFileTooLarge(most int64) error {
	return refusal(wire.StatTooLarge, "a file has at most "+strconv.FormatInt(most, 10)+" bytes here")
}

// errBeyond: a body has more bytes than it may.
var errBeyond = errors.New("too many bytes")

// atMost reads up to left bytes, and fails with errBeyond where there are more.
type atMost struct {
	r    io.Reader
	left int64
}

// Read implements io.Reader.
func (e *atMost) Read(p []byte) (int, error) {
	if e.left == 0 {
		var one [1]byte
		n, err := e.r.Read(one[:])
		if n > 0 {
			return 0, errBeyond
		}
		return 0, err
	}
	if int64(len(p)) > e.left {
		p = p[:e.left]
	}
	n, err := e.r.Read(p)
	e.left -= int64(n)
	return n, err
}

// uncounted is from how many bytes on a request is not counted against haste: those bytes are counted.
const uncounted = 64 << 10

// caller finds out whose session an HTTP request shows, and counts it as one of that account.
func (s *Server) caller(ctx context.Context, r *http.Request) (store.Session, error) {
	if !sameOrigin(r) {
		return store.Session{}, refusal(wire.StatForbidden, "this page does not belong to this server")
	}
	found, err := s.store.Session(ctx, requestToken(r))
	if err != nil {
		return store.Session{}, asCaller(err)
	}
	if r.ContentLength >= uncounted {
		return found, nil
	}
	if wait := s.requests.take(found.Account, time.Now()); wait > 0 {
		return store.Session{}, &tooOften{of: boundRequests, after: wait, what: "too many requests of this account; wait"}
	}
	return found, nil
}

// asCaller is what a session that is not there means to who shows it.
func asCaller(err error) error {
	if errors.Is(err, store.ErrNotFound) {
		return refusal(wire.StatLogin, "log in first")
	}
	return err
}

// refuseHTTP answers an error over HTTP; what was done, for the log.
func (s *Server) refuseHTTP(w http.ResponseWriter, r *http.Request, what string, err error) {
	var mistake *wire.Error
	var often *tooOften
	switch {
	case errors.As(err, &mistake):
		respond(w, mistake.Stat, "reason", mistake.Reason)
	case errors.As(err, &often):
		s.counts.refused[often.of].Add(1)
		w.Header().Set("Retry-After", often.seconds())
		respond(w, wire.StatTooOften, "reason", often.Error(), "retry_after", often.seconds())
	case errors.Is(err, store.ErrSuspended):
		respond(w, wire.StatForbidden, "reason", "this account is suspended; ask the server's operator")
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		respond(w, wire.StatUnavailable, "reason", "the server cannot do this now; try again")
	default:
		s.failed(r.Context(), what, err)
		respond(w, wire.StatFailed, "reason", "the server failed; nothing was done")
	}
}
