package signaling

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"neochat/store"
	"neochat/wire"
)

// streamTokenLife is how long a token for one call can begin streams.
const streamTokenLife = 24 * time.Hour

// lendPublishing and lendWatching answer a token with which a program publishes in a call, or watches it, over HTTP: for that
// call only, as long as the session that asked lasts.
func lendPublishing(q *request) error { return lendStream(q, whip) }

func lendWatching(q *request) error { return lendStream(q, whep) }

func lendStream(q *request, kind streamKind) error {
	if kind == whep && !q.c.srv.cfg.Watching {
		return errNoWatching()
	}
	ctx, cancel := q.context()
	defer cancel()
	if err := q.c.srv.cells.concerns(ctx, q.key(), q.c.account); err != nil {
		return err
	}
	until := strconv.FormatInt(time.Now().Add(streamTokenLife).UnixMilli(), 10)
	token := q.c.srv.streamToken(kind, q.key(), *q.c.session.Load(), until)
	q.ok("connection_key", q.key(), "url", kind.path()+url.PathEscape(q.key()), "token", token, "until", until)
	return nil
}

func errNoWatching() error {
	return refusal(wire.StatNotFound, "this server lets nobody watch calls over HTTP; its operator can (--whep)")
}

// streamToken is good for one kind of stream in one call, until a time in Unix ms. Dots tell it from a session's token.
func (s *Server) streamToken(kind streamKind, key, session, until string) string {
	return strings.Join([]string{kind.name(), until, session, base64.RawURLEncoding.EncodeToString(s.streamKey(kind, key, session, until))}, ".")
}

// streamKey is what only this server can make of a token.
func (s *Server) streamKey(kind streamKind, key, session, until string) []byte {
	mac := hmac.New(sha256.New, s.cfg.AddressSecret)
	for _, part := range []string{"stream " + kind.name(), key, session, until} {
		fmt.Fprintf(mac, "%d %s", len(part), part)
	}
	return mac.Sum(nil)
}

// streamCaller returns the session on whose account a token begins a stream in a call: the one that was lent it, or, of a session's token,
// that one. Whatever is wrong with it is one answer, also where it is another call's.
func (s *Server) streamCaller(ctx context.Context, kind streamKind, key, token string) (store.Session, error) {
	var found store.Session
	var err error
	if parts := strings.Split(token, "."); len(parts) == 4 {
		found, err = s.lentTo(ctx, kind, key, parts)
	} else {
		found, err = s.store.Session(ctx, token)
	}
	if errors.Is(err, store.ErrNotFound) {
		err = errStreamToken()
	}
	return found, err
}

func errStreamToken() error {
	return refusal(wire.StatLogin, "send Authorization: Bearer with a token for this call, or a session's; this one is unknown, over or another call's")
}

// lentTo returns the session that a token was lent to; store.ErrNotFound: it holds no longer, or never did.
func (s *Server) lentTo(ctx context.Context, kind streamKind, key string, parts []string) (store.Session, error) {
	mac, err := base64.RawURLEncoding.Strict().DecodeString(parts[3])
	if err != nil || parts[0] != kind.name() || !hmac.Equal(mac, s.streamKey(kind, key, parts[2], parts[1])) {
		return store.Session{}, store.ErrNotFound
	}
	until, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || time.Now().UnixMilli() >= until {
		return store.Session{}, store.ErrNotFound
	}
	return s.store.SessionByID(ctx, parts[2])
}
