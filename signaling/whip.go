package signaling

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"neochat/store"
	"neochat/wire"
)

// What is spoken at /whip/KEY and /whep/KEY, and at the sessions below them.
const (
	sdpType      = "application/sdp"
	fragmentType = "application/trickle-ice-sdpfrag"
	maxOffer     = 64 << 10 // bytes
)

// streamRequest is one request about a stream.
type streamRequest struct {
	s       *Server
	w       http.ResponseWriter
	r       *http.Request
	kind    streamKind
	key, id string // id "": the endpoint itself
	token   string // "": none was shown
}

// serveStreams answers /whip/ or /whep/. What is shown is a token, never a cookie, so pages of any origin may ask.
func (s *Server) serveStreams(kind streamKind) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		cw := &countedAnswer{ResponseWriter: w, of: &s.counts.streamAnswers[kind]}
		q := &streamRequest{s: s, w: cw, r: r, kind: kind}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Access-Control-Allow-Origin", "*")
		h.Set("Access-Control-Expose-Headers", "Location, ETag, Link, Retry-After, Accept-Post, Accept-Patch")
		if err := q.run(); err != nil {
			q.refuse(err)
		}
	}
}

// countedAnswer counts an answer by the class of its status.
type countedAnswer struct {
	http.ResponseWriter
	of *answers
}

// WriteHeader implements http.ResponseWriter.
func (c *countedAnswer) WriteHeader(stat int) {
	c.of[stat/100].Add(1)
	c.ResponseWriter.WriteHeader(stat)
}

// Unwrap is for http.ResponseController.
func (c *countedAnswer) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (q *streamRequest) refuse(err error) {
	var mistake *wire.Error
	if errors.As(err, &mistake) {
		switch mistake.Stat {
		case wire.StatLogin:
			q.w.Header().Set("WWW-Authenticate", `Bearer realm="neochat"`)
		case wire.StatUnavailable:
			q.w.Header().Set("Retry-After", "5")
		}
	}
	q.s.refuseHTTP(q.w, q.r, "a stream over HTTP", err)
}

func (q *streamRequest) run() error {
	if q.kind == whep && !q.s.cfg.Watching {
		return errNoWatching()
	}
	parts := strings.Split(strings.TrimPrefix(q.r.URL.EscapedPath(), q.kind.path()), "/")
	q.key = callKey(parts[0])
	if len(parts) == 2 {
		q.id = parts[1]
	}
	if q.key == "" || len(parts) > 2 || len(parts) == 2 && q.id == "" {
		return refusal(wire.StatNotFound, "the path is "+q.kind.path()+"KEY: the call's connection_key, percent-encoded")
	}
	q.token, _ = strings.CutPrefix(q.r.Header.Get("Authorization"), "Bearer ")
	if q.id != "" {
		return q.session()
	}
	switch q.r.Method {
	case http.MethodPost:
		return q.begin()
	case http.MethodOptions:
		return q.options("OPTIONS, GET, HEAD, POST", "Accept-Post", sdpType)
	case http.MethodGet, http.MethodHead:
		if q.kind == whep { // so that players know what the URL is (section 4.2 of the draft)
			q.w.Header().Set("Content-Type", sdpType)
			q.w.WriteHeader(http.StatusOK)
			return nil
		}
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	return q.notAllowed("OPTIONS, GET, HEAD, POST")
}

// callKey is the key that a path names. A key has percent signs of its own, so a path that has it as it stands is understood too.
func callKey(escaped string) string {
	key, err := url.PathUnescape(escaped)
	if err != nil || strings.ContainsFunc(key, func(r rune) bool { return r != '%' && r != '_' && wire.Enc(string(r)) != string(r) }) {
		return escaped
	}
	return key
}

func (q *streamRequest) notAllowed(methods string) error {
	q.w.Header().Set("Allow", methods)
	return refusal(http.StatusMethodNotAllowed, methods)
}

// options answers a browser's question whether it may ask, and any other with the relay's access, for clients that need it before they
// make their offer (RFC 9725 section 4.6).
func (q *streamRequest) options(methods, accepts, mediaType string) error {
	h := q.w.Header()
	h.Set(accepts, mediaType)
	h.Set("Allow", methods)
	h.Set("Access-Control-Allow-Methods", methods)
	h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
	h.Set("Access-Control-Max-Age", "86400")
	if q.token != "" && q.id == "" && q.r.Header.Get("Access-Control-Request-Method") == "" {
		ctx, cancel := context.WithTimeout(q.r.Context(), requestTimeout)
		defer cancel()
		found, err := q.caller(ctx)
		if err == nil {
			err = q.links(found.Account, found.ID)
		}
		if err != nil {
			return err
		}
	}
	q.w.WriteHeader(http.StatusOK)
	return nil
}

// caller finds out on whose account the request is made, and counts it as one of that account.
func (q *streamRequest) caller(ctx context.Context) (store.Session, error) {
	found, err := q.s.streamCaller(ctx, q.kind, q.key, q.token)
	if err != nil {
		return found, err
	}
	if wait := q.s.requests.take(found.Account, time.Now()); wait > 0 {
		return found, &tooOften{of: boundRequests, after: wait, what: "too many requests of this account; wait"}
	}
	return found, nil
}

// links names the relay (RFC 9725 section 4.6).
func (q *streamRequest) links(account, session string) error {
	if q.s.cfg.Relay == nil {
		return nil
	}
	access, err := q.s.cfg.Relay.Access(account, session, q.r.Host)
	if err != nil {
		return err
	}
	for _, u := range access.URLs {
		q.w.Header().Add("Link", "<"+u+`>; rel="ice-server"; username="`+access.Username+`"; credential="`+access.Password+`"; credential-type="password"`)
	}
	return nil
}

// body is what the request brings, of that type and up to so many bytes.
func (q *streamRequest) body(mediaType string, limit int64) (string, error) {
	if is, _, err := mime.ParseMediaType(q.r.Header.Get("Content-Type")); err != nil || is != mediaType {
		return "", refusal(http.StatusUnsupportedMediaType, "the body is Content-Type: "+mediaType)
	}
	if !accepts(q.r.Header.Values("Accept"), mediaType) {
		return "", refusal(http.StatusNotAcceptable, "the answer is "+mediaType+", which Accept does not allow")
	}
	rc := http.NewResponseController(q.w)
	if err := rc.SetReadDeadline(time.Now().Add(q.s.cfg.Times.Stall)); err != nil {
		return "", err
	}
	text, err := io.ReadAll(http.MaxBytesReader(q.w, q.r.Body, limit))
	var large *http.MaxBytesError
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "", refusal(http.StatusRequestTimeout, "the body took too long")
	case errors.As(err, &large):
		return "", refusal(wire.StatTooLarge, "at most "+strconv.FormatInt(limit, 10)+" bytes")
	case err != nil:
		return "", refusal(wire.StatBadRequest, "the body broke off")
	}
	return string(text), rc.SetReadDeadline(time.Time{}) // the connection is used further
}

// accepts reports whether an Accept field lets a media type be sent (RFC 9110 section 12.5.1); none lets everything.
func accepts(fields []string, mediaType string) bool {
	general, _, _ := strings.Cut(mediaType, "/")
	for _, one := range strings.Split(strings.Join(fields, ","), ",") {
		is, parameters, err := mime.ParseMediaType(one)
		if err == nil && strings.Trim(parameters["q"], "0.") == "" && parameters["q"] != "" {
			continue
		}
		if err == nil && slices.Contains([]string{mediaType, general + "/*", "*/*"}, is) {
			return true
		}
	}
	return strings.Join(fields, "") == ""
}

// begin answers the POST that begins a stream.
func (q *streamRequest) begin() error {
	ctx, cancel := context.WithTimeout(q.r.Context(), requestTimeout)
	defer cancel()
	before := q.s.revoked.Load()
	found, err := q.caller(ctx)
	if err != nil {
		return err
	}
	text, err := q.body(sdpType, maxOffer)
	if err != nil {
		return err
	}
	st := &stream{kind: q.kind, key: q.key, account: found.Account, session: found.ID, bearer: sha256.Sum256([]byte(q.token))}
	var sections []streamSection
	if q.kind == whip {
		st.offer, sections, err = shapeOffer(text, "sendonly", 1)
	} else {
		st.offer, sections, err = shapeOffer(text, "recvonly", maxStreamSections)
	}
	if err == nil {
		err = q.s.cells.concerns(ctx, q.key, found.Account)
	}
	if err == nil {
		err = q.s.streams.begin(st)
	}
	if err != nil {
		return err
	}
	answer, err := q.enter(ctx, st, sections)
	if err == nil && q.s.revoked.Load() != before && !q.s.streams.stillWelcome(st) {
		err = errStreamToken()
	}
	if err == nil {
		err = q.links(found.Account, found.ID)
	}
	if err != nil {
		q.s.streams.end(st)
		return err
	}
	h := q.w.Header()
	h.Set("Content-Type", sdpType)
	h.Set("Location", q.kind.path()+url.PathEscape(q.key)+"/"+st.id)
	h.Set("ETag", etagOf(0))
	q.w.WriteHeader(http.StatusCreated)
	io.WriteString(q.w, muxOnly(answer))
	return nil
}

// etagOf names the ICE session that began after so many others of a stream.
func etagOf(epoch int) string { return `"ice-` + strconv.Itoa(epoch) + `"` }

// enter lets a stream into the media of its call.
func (q *streamRequest) enter(ctx context.Context, st *stream, sections []streamSection) (answer string, err error) {
	ev := &streamEvents{streams: q.s.streams, stream: st, begun: make(chan struct{})}
	defer close(ev.begun)
	var media CallPeer
	if st.kind == whip {
		if st.cell, st.p, err = q.s.cells.newcomer(st.key, st.account, st.id); err == nil {
			media, err = q.s.cfg.Calls.Join(ctx, st.key, st.p.id, q.r.Host, ev)
		}
	} else {
		media, err = q.s.cells.watch(ctx, st, q.r, ev)
	}
	if err != nil {
		return "", err
	}
	answer, err = media.Offer(st.offer)
	if err == nil && st.kind == whip {
		err = q.s.cells.present(st.cell, st.p, media)
	}
	if err == nil && !q.s.streams.begun(st, media) {
		err = errNoCell()
	}
	for _, x := range sections {
		if err == nil && st.kind == whip {
			err = media.Publish(x.mid, map[string]string{"audio": "microphone", "video": "camera"}[x.kind], false)
		}
	}
	if err != nil && st.kind == whip {
		q.s.cells.vanished(st.cell, st.p)
	}
	if err != nil {
		media.Leave()
	}
	return answer, err
}

// session answers what is asked of the URL of a stream.
func (q *streamRequest) session() error {
	const methods = "OPTIONS, GET, HEAD, PATCH, DELETE"
	if q.r.Method == http.MethodOptions {
		return q.options(methods, "Accept-Patch", fragmentType)
	}
	if q.token == "" {
		return errStreamToken()
	}
	st, err := q.s.streams.find(q.kind, q.key, q.id, sha256.Sum256([]byte(q.token)))
	if err != nil {
		return err
	}
	if wait := q.s.requests.take(st.account, time.Now()); wait > 0 && q.r.Method != http.MethodDelete {
		return &tooOften{of: boundRequests, after: wait, what: "too many requests of this account; wait"}
	}
	switch q.r.Method {
	case http.MethodGet, http.MethodHead:
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	case http.MethodDelete:
		q.s.streams.end(st)
		q.w.WriteHeader(http.StatusOK)
		return nil
	case http.MethodPatch:
		return q.patch(st)
	}
	return q.notAllowed(methods)
}

// patch takes candidates, or begins ICE anew (RFC 9725 section 4.3).
func (q *streamRequest) patch(st *stream) error {
	text, err := q.body(fragmentType, maxFragment)
	if err != nil {
		return err
	}
	f, err := parseFragment(text)
	if err != nil {
		return err
	}
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := matches(q.r.Header.Values("If-Match"), etagOf(st.epoch)); err != nil {
		return err
	}
	if !f.restarts(st.offer) {
		if err := st.candidates(&f); err != nil {
			return err
		}
		q.w.WriteHeader(http.StatusNoContent)
		return nil
	}
	offer := f.restarted(st.offer)
	answer, err := st.media.Offer(offer)
	if err != nil {
		return err
	}
	st.offer = offer
	st.epoch++
	if err := st.candidates(&f); err != nil {
		return err
	}
	h := q.w.Header()
	h.Set("Content-Type", fragmentType)
	h.Set("ETag", etagOf(st.epoch))
	q.w.WriteHeader(http.StatusOK)
	io.WriteString(q.w, answerFragment(answer))
	return nil
}

// matches compares an If-Match with the entity-tag of now (RFC 9110 section 13.1.1, RFC 6585 section 3). The star may stand in quotes, as in
// the examples of RFC 9725.
func matches(fields []string, now string) error {
	if len(fields) == 0 {
		return refusal(http.StatusPreconditionRequired, `say If-Match: the ETag of the last answer that had one or, to begin ICE anew, *`)
	}
	for _, tag := range strings.Split(strings.Join(fields, ","), ",") {
		if tag = strings.TrimSpace(tag); tag == now || tag == "*" || tag == `"*"` {
			return nil
		}
	}
	return refusal(http.StatusPreconditionFailed, "ICE has begun anew since; use the latest ETag")
}

// candidates hands candidates on; those that are of no use are passed over (RFC 9725 section 4.3.2).
func (st *stream) candidates(f *fragment) error {
	list := f.candidates
	if f.ended {
		list = append(slices.Clip(list), fragmentCandidate{})
	}
	for _, c := range list {
		var mistake *wire.Error
		err := st.media.Candidate(c.line, c.mid, 0)
		if errors.As(err, &mistake) && mistake.Stat == wire.StatBadRequest {
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}
