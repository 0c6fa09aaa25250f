package sdk

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strconv"
	"sync"
	"time"

	"neochat/wire"
)

const (
	largeUpload    = 4 << 20  // bytes; what is larger goes in pieces, over HTTP
	uploadPiece    = 16 << 20 // bytes of one request; a proxy may take no larger ones
	uploadFailures = 10       // in a row, without a byte getting through, before an upload is given up
	progressEvery  = 100 * time.Millisecond
)

// UploadOption says more of an Upload.
type UploadOption func(*uploading)

// OnProgress has f told how much of a large file has been sent, up to ten times a second and at the end. It is called
// from another goroutine, one call at a time, and the upload waits for it; sent may fall, where the connection broke.
func OnProgress(f func(sent, size int64)) UploadOption { return func(u *uploading) { u.progress = f } }

// KeepLocation leaves in a picture where it was taken, which the server otherwise takes out.
func KeepLocation() UploadOption { return func(u *uploading) { u.keepLocation = true } }

// GoOn continues the upload that an *UnfinishedError tells of, with the same file. Where the server has it no more, it begins anew.
func GoOn(e *UnfinishedError) UploadOption { return func(u *uploading) { u.before = *e } }

// UnfinishedError is an upload that was broken off. What was sent of it waits on the server for a day; see GoOn.
type UnfinishedError struct {
	Err   error // what broke it off
	id    string
	name  string // of the file it will be
	clock string
}

func (e *UnfinishedError) Error() string { return "the upload was broken off: " + e.Err.Error() }

// Unwrap returns what broke it off.
func (e *UnfinishedError) Unwrap() error { return e.Err }

// uploading is a file on its way in pieces (tus 1.0.0, docs/protocol.md section 9).
type uploading struct {
	c        *Client
	fileName string
	body     io.ReadSeeker
	start    int64 // where in body the file begins
	size     int64 // bytes
	progress func(sent, size int64)
	before   UnfinishedError

	keepLocation bool

	id, name, clock string
	told            time.Time // when progress was called last
}

// run sends the file, and returns its name.
func (u *uploading) run(ctx context.Context) (string, error) {
	u.id, u.name = u.before.id, u.before.name
	if u.before.clock != "" {
		u.clock = u.before.clock
	}
	failures, sent := 0, int64(-1) // -1: it must be asked
	if u.id == "" {
		sent = 0
	}
	for {
		last := sent
		err := u.step(ctx, &sent)
		if err == nil && sent == u.size {
			u.tell(sent, true)
			return u.name, nil
		}
		if sent > last {
			failures = 0
		}
		if err == nil {
			continue
		}
		sent = -1
		if failures++; failures == uploadFailures || !temporary(ctx, err) {
			return "", u.unfinished(err)
		}
		if err := pause(ctx, max(u.c.opt.Backoff(failures), retryAfter(err))); err != nil {
			return "", u.unfinished(err)
		}
	}
}

// unfinished is what an error means to who may want to go on later.
func (u *uploading) unfinished(err error) error {
	if u.id == "" {
		return err
	}
	return &UnfinishedError{err, u.id, u.name, u.clock}
}

// step does what comes next: to begin, to ask how much is there, or to send a piece.
func (u *uploading) step(ctx context.Context, sent *int64) (err error) {
	switch {
	case u.id == "":
		if err = u.create(ctx); err == nil {
			*sent = 0
		}
	case *sent < 0:
		*sent, err = u.ask(ctx)
		if Stat(err) == wire.StatNotFound {
			u.id, *sent, err = "", 0, nil
		}
	default:
		*sent, err = u.send(ctx, *sent)
	}
	return err
}

func (u *uploading) create(ctx context.Context) error {
	in := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	meta := "time " + in(u.clock)
	if u.fileName != "" {
		meta += ",filename " + in(u.fileName)
	}
	if u.keepLocation {
		meta += ",keep_location " + in("yes")
	}
	resp, err := u.c.tus(ctx, http.MethodPost, "", nil, 0, "Upload-Length", strconv.FormatInt(u.size, 10), "Upload-Metadata", meta)
	if err != nil {
		return err
	}
	u.id, u.name = path.Base(resp.Header.Get("Location")), resp.Header.Get("Neochat-File")
	if len(u.id) < 2 || !validFile(u.id) || !validFile(u.name) {
		u.id = ""
		return errors.New("the server does not say where the upload is; is something in front of it that takes away headers?")
	}
	return nil
}

func (u *uploading) ask(ctx context.Context) (int64, error) {
	resp, err := u.c.tus(ctx, http.MethodHead, u.id, nil, 0)
	if err != nil {
		return -1, err
	}
	return u.offset(resp)
}

func (u *uploading) offset(resp *http.Response) (int64, error) {
	n, err := strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || n < 0 || n > u.size {
		return -1, errors.New("the server does not say how much of the upload it has")
	}
	return n, nil
}

// send sends a piece from at on, and returns how much is there then.
func (u *uploading) send(ctx context.Context, at int64) (int64, error) {
	if _, err := u.body.Seek(u.start+at, io.SeekStart); err != nil {
		return at, &localError{err}
	}
	n := min(uploadPiece, u.size-at)
	body := &piece{u: u, r: io.LimitReader(u.body, n), at: at}
	resp, err := u.c.tus(ctx, http.MethodPatch, u.id, body, n, "Upload-Offset", strconv.FormatInt(at, 10), "Content-Type", "application/offset+octet-stream")
	if failed := body.end(); failed != nil {
		return at, &localError{failed}
	}
	if err != nil {
		return at, err
	}
	return u.offset(resp)
}

// tell calls progress, not too often.
func (u *uploading) tell(sent int64, now bool) {
	if u.progress != nil && (now || time.Since(u.told) >= progressEvery) {
		u.told = time.Now()
		u.progress(sent, u.size)
	}
}

// errEnded: the request is over, and its body is read no more.
var errEnded = errors.New("the request is over")

// piece is the body of a request. The request may go on reading it after it has failed; what it reads then would be missing
// in the next one.
type piece struct {
	u *uploading

	mu     sync.Mutex
	r      io.Reader // guarded by mu
	at     int64     // guarded by mu
	failed error     // what reading the file failed with; guarded by mu
	ended  bool      // guarded by mu
}

// Read implements io.Reader.
func (p *piece) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ended {
		return 0, errEnded
	}
	n, err := p.r.Read(b)
	p.at += int64(n)
	p.u.tell(p.at, false)
	if err != nil && err != io.EOF {
		p.failed = err
	}
	return n, err
}

// end makes every Read from now on fail, and returns what reading the file failed with before.
func (p *piece) end() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = true
	return p.failed
}

// localError is a failure of this side, which trying again does not mend.
type localError struct{ error }

func (e *localError) Unwrap() error { return e.error }

// temporary reports whether an upload may succeed when it is tried again.
func temporary(ctx context.Context, err error) bool {
	var local *localError
	if ctx.Err() != nil || errors.As(err, &local) {
		return false
	}
	switch stat := Stat(err); stat {
	case 0, http.StatusRequestTimeout, http.StatusLocked, wire.StatTooOften:
		return true
	case wire.StatNoRoom:
		return false
	default:
		return stat >= 500
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// tus sends a request about an upload. Anything but success is an error.
func (c *Client) tus(ctx context.Context, method, id string, body io.Reader, length int64, header ...string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.base.String()+"/uploads/"+id, body)
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	req.ContentLength = length
	req.Header.Set("Authorization", "Bearer "+c.Session())
	req.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := c.opt.HTTPClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	switch {
	case resp.StatusCode == http.StatusConflict && resp.Header.Get("Upload-Offset") != "":
		return nil, errors.New("upload: the server has more or less of it than was thought")
	case resp.StatusCode/100 != 2:
		return nil, httpError(resp, "the file cannot be stored")
	}
	return resp, nil
}
