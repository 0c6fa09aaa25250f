package signaling

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"time"

	"neochat/store"
	"neochat/wire"
)

const (
	previewSuffix = "/preview" // of a file's path
	maxPoster     = 1 << 20    // bytes of a preview that a client made
)

// previewOr serves paths of previews by one handler, and those of files by the other.
func previewOr(preview, file http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.EscapedPath(), previewSuffix) {
			preview(w, r)
			return
		}
		file(w, r)
	}
}

// previewed is the name of the file whose preview a request is about.
func previewed(r *http.Request) string {
	return strings.TrimSuffix(strings.TrimPrefix(r.URL.EscapedPath(), "/files/"), previewSuffix)
}

// servePreview answers GET and HEAD of /files/NAME/preview to who may read the file.
func (s *Server) servePreview(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD, PUT")
		respond(w, http.StatusMethodNotAllowed, "reason", "GET, HEAD or PUT")
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	f, err := s.askedFor(ctx, r, previewed(r))
	if err == nil {
		err = s.sendPreview(ctx, w, r, f)
	}
	var mistake *wire.Error
	if errors.As(err, &mistake) && mistake.Stat == wire.StatUnavailable {
		w.Header().Set("Retry-After", strconv.Itoa(previewWait))
	}
	if err != nil {
		s.refuseHTTP(w, r, "a preview", err)
	}
}

// sendPreview answers with the preview of a file, or returns why not.
func (s *Server) sendPreview(ctx context.Context, w http.ResponseWriter, r *http.Request, f store.File) error {
	hash, err := s.previews.of(ctx, &f, "")
	if err != nil {
		return err
	}
	blob, err := s.cfg.Blobs.Open(r.Context(), hash)
	if errors.Is(err, fs.ErrNotExist) {
		f.Preview = hash
		if hash, err = s.previews.of(ctx, &f, hash); err != nil {
			return err
		}
		blob, err = s.cfg.Blobs.Open(r.Context(), hash)
	}
	if err != nil {
		s.failed(r.Context(), "opening a preview", err)
		return errPreviewLater()
	}
	defer blob.Close()
	head := make([]byte, sniffBytes)
	n, err := io.ReadFull(blob, head)
	if err == nil || err == io.EOF || err == io.ErrUnexpectedEOF {
		_, err = blob.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.failed(r.Context(), "reading a preview", err)
		return errPreviewLater()
	}
	fileHeaders(w.Header(), store.File{Name: f.Name, Hash: hash, ContentType: http.DetectContentType(head[:n])})
	http.ServeContent(&counted{w, &s.counts.fileBytesOut}, r, "", time.UnixMilli(f.Time), blob)
	return nil
}

// servePoster answers PUT of /files/NAME/preview: a picture that the file's owner made of it, of a video for instance.
func (s *Server) servePoster(w http.ResponseWriter, r *http.Request) {
	f, made, err := s.receivePoster(w, r)
	if err != nil {
		s.refuseHTTP(w, r, "a preview over HTTP", err)
		return
	}
	stat := wire.StatOK
	if made {
		stat = http.StatusCreated
	}
	respond(w, stat, "file", f.Name, "width", strconv.FormatInt(f.Width, 10), "height", strconv.FormatInt(f.Height, 10))
}

// receivePoster takes the body; made tells that the file had no preview before.
func (s *Server) receivePoster(w http.ResponseWriter, r *http.Request) (f store.File, made bool, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), makingTime)
	defer cancel()
	found, err := s.caller(ctx, r)
	if err != nil {
		return f, false, err
	}
	if f, err = s.readable(ctx, found.Account, previewed(r)); err != nil {
		return f, false, noFile(err)
	}
	if f.Owner != found.Account {
		return f, false, refusal(wire.StatForbidden, "only who uploaded a file may give it a preview")
	}
	leave, err := s.pieces.enter(found.Account)
	if err != nil {
		return f, false, err
	}
	defer leave()
	small, width, height, err := s.poster(ctx, w, r)
	if err != nil {
		return f, false, err
	}
	made = f.Preview == ""
	f, err = s.previews.keep(ctx, f.Name, "", small, int64(width), int64(height))
	if errors.Is(err, store.ErrConflict) {
		err = refusal(wire.StatConflict, "the file has another preview")
	}
	return f, made, err
}

// poster makes a preview of the picture in the body: so it has no more than a preview may have, and is no other thing.
func (s *Server) poster(ctx context.Context, w http.ResponseWriter, r *http.Request) (small []byte, width, height int, err error) {
	if r.ContentLength > maxPoster {
		return nil, 0, 0, errPosterTooLarge()
	}
	sent, err := io.ReadAll(&atMost{r: newSteadyBody(w, r, s.cfg.Times.Stall), left: maxPoster})
	if errors.Is(err, errBeyond) {
		return nil, 0, 0, errPosterTooLarge()
	}
	if err != nil {
		return nil, 0, 0, s.notReceived(err, nil)
	}
	if width, height, err = s.cfg.Pictures.Dimensions(bytes.NewReader(sent)); err == nil {
		small, err = s.cfg.Pictures.Preview(ctx, bytes.NewReader(sent))
	}
	if errors.Is(err, errors.ErrUnsupported) {
		err = refusal(wire.StatBadRequest, "a preview is a JPEG, PNG, GIF or WebP, whole and not too large")
	}
	return small, width, height, err
}

func errPosterTooLarge() error {
	return refusal(wire.StatTooLarge, "a preview has at most "+strconv.Itoa(maxPoster)+" bytes")
}
