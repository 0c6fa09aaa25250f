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
	"time"

	"neochat/store"
)

// addressLife is how long a signed address of a file holds.
const addressLife = 5 * time.Minute

// fileAddress answers a path under which whoever has it can read a file without logging in, for addressLife, as long as the session
// that asked lasts and its account may read the file.
func fileAddress(q *request) error {
	ctx, cancel := q.context()
	defer cancel()
	f, err := q.c.srv.readable(ctx, q.c.account, q.m.Get("file"))
	if err != nil {
		return err
	}
	until := strconv.FormatInt(time.Now().Add(addressLife).UnixMilli(), 10)
	q.ok("file", f.Name, "url", q.c.srv.signedAddress(f.Name, *q.c.session.Load(), until), "until", until)
	return nil
}

// signedAddress is the path of a file that a session may read, until a time in Unix ms.
func (s *Server) signedAddress(name, session, until string) string {
	return "/files/" + name + "?until=" + until + "&by=" + session + "&key=" + base64.RawURLEncoding.EncodeToString(s.addressKey(name, session, until))
}

// addressKey is what only this server can make of an address.
func (s *Server) addressKey(name, session, until string) []byte {
	mac := hmac.New(sha256.New, s.cfg.AddressSecret)
	for _, part := range []string{name, session, until} {
		fmt.Fprintf(mac, "%d %s", len(part), part)
	}
	return mac.Sum(nil)
}

// isAddress tells a signed address from one that needs a login.
func isAddress(q url.Values) bool { return q.Has("until") || q.Has("by") || q.Has("key") }

// addressed returns the account whose rights a signed address of a file has. Whatever is wrong with it is store.ErrNotFound, as a file that is not
// there is.
func (s *Server) addressed(ctx context.Context, name string, q url.Values) (account string, err error) {
	key, err := base64.RawURLEncoding.Strict().DecodeString(q.Get("key"))
	if err != nil || !hmac.Equal(key, s.addressKey(name, q.Get("by"), q.Get("until"))) {
		return "", store.ErrNotFound
	}
	until, err := strconv.ParseInt(q.Get("until"), 10, 64)
	if err != nil || time.Now().UnixMilli() >= until {
		return "", store.ErrNotFound
	}
	session, err := s.store.SessionByID(ctx, q.Get("by"))
	if errors.Is(err, store.ErrSuspended) {
		return "", store.ErrNotFound
	}
	return session.Account, err
}
