package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"time"
)

const (
	sessionLife  = 90 * 24 * time.Hour // a session that was not used for so long ends
	sessionTouch = time.Hour           // between two notes of a session's use
	maxSessions  = 100                 // of an account; past it the one unused longest ends
)

// Session is a login that lasts until it is ended or was not used for 90 days.
type Session struct {
	ID       string // public: hex of the token's SHA-256
	Account  string
	Device   string // "" for the plain device
	Created  int64  // Unix ms
	LastSeen int64  // Unix ms, to the hour
}

// Login is a session that was just made.
type Login struct {
	Token string   // what its owner shows; only its hash is stored
	ID    string   // of the session
	Ended []string // ids of the account's sessions that had to end for it
}

// newToken makes a token of 32 random bytes in base64url.
func newToken() (token string, hash []byte) {
	var random [32]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	token = base64.RawURLEncoding.EncodeToString(random[:])
	return token, tokenHash(token)
}

func tokenHash(token string) []byte {
	hash := sha256.Sum256([]byte(token))
	return hash[:]
}

// CreateSession opens a session. ErrNotFound, ErrSuspended: of the account.
func (s *Store) CreateSession(ctx context.Context, account, device string) (Login, error) {
	token, hash := newToken()
	return written(ctx, s.writer, func(b *batch) (Login, error) {
		var suspended bool
		if err := b.queryRow(wSuspended, account).Scan(&suspended); err != nil {
			return Login{}, absent(err, "account")
		}
		if suspended {
			return Login{}, ErrSuspended
		}
		ended, err := b.roomForSession(account)
		if err == nil {
			err = b.newSession(account, device, hash)
		}
		if err != nil {
			return Login{}, err
		}
		return Login{Token: token, ID: hex.EncodeToString(hash), Ended: ended}, nil
	})
}

func (b *batch) newSession(account, device string, hash []byte) error {
	if _, err := b.exec(wNewSession, hash, account, device, b.now, b.now); err != nil {
		return fmt.Errorf("insert session: %w", err)
	}
	return nil
}

// roomForSession ends what has expired of account's sessions, and the oldest past maxSessions; ended are the latter.
func (b *batch) roomForSession(account string) (ended []string, err error) {
	if _, err := b.exec(wDropExpired, account, b.now-sessionLife.Milliseconds()); err != nil {
		return nil, fmt.Errorf("end expired sessions: %w", err)
	}
	hashes, err := collect(b.ctx, b.w.stmts[wOldSessions], func(row scanner) (hash []byte, err error) {
		return hash, row.Scan(&hash)
	}, account, maxSessions-1)
	if err != nil {
		return nil, fmt.Errorf("look for old sessions: %w", err)
	}
	for _, hash := range hashes {
		if _, err := b.exec(wDropSession, hash, account); err != nil {
			return nil, fmt.Errorf("end old session: %w", err)
		}
		ended = append(ended, hex.EncodeToString(hash))
	}
	return ended, nil
}

// EndSession ends a session of account. ErrNotFound if there is none of that id.
func (s *Store) EndSession(ctx context.Context, account, id string) error {
	hash, err := hex.DecodeString(id)
	if err != nil {
		return fmt.Errorf("session: %w", ErrNotFound)
	}
	return s.write(ctx, func(b *batch) error {
		result, err := b.exec(wDropSession, hash, account)
		if err != nil {
			return fmt.Errorf("end session: %w", err)
		}
		n, err := result.RowsAffected()
		if err == nil && n == 0 {
			err = fmt.Errorf("session: %w", ErrNotFound)
		}
		return err
	})
}

// EndDevice ends all sessions of a device of account, whose ids it returns, and forgets what the
// device has seen. ErrNotFound: there is no such device.
func (s *Store) EndDevice(ctx context.Context, account, device string) ([]string, error) {
	return written(ctx, s.writer, func(b *batch) (ended []string, err error) {
		hashes, err := collect(b.ctx, b.w.stmts[wSessionsOfDevice], func(row scanner) (hash []byte, err error) {
			return hash, row.Scan(&hash)
		}, account, device)
		if err != nil {
			return nil, fmt.Errorf("look for a device's sessions: %w", err)
		}
		result, err := b.exec(wDropDevice, account, device)
		if err != nil {
			return nil, fmt.Errorf("forget device: %w", err)
		}
		delete(b.cursors, deviceKey{account, device})
		n, err := result.RowsAffected()
		if err == nil && n == 0 && len(hashes) == 0 {
			err = fmt.Errorf("device: %w", ErrNotFound)
		}
		for _, hash := range hashes {
			if err == nil {
				_, err = b.exec(wDropSession, hash, account)
			}
			ended = append(ended, hex.EncodeToString(hash))
		}
		return ended, err
	})
}

// Sessions lists account's sessions, oldest first.
func (s *Store) Sessions(ctx context.Context, account string) ([]Session, error) {
	all, err := collect(ctx, s.read(qSessions), func(row scanner) (Session, error) {
		session := Session{Account: account}
		var hash []byte
		err := row.Scan(&hash, &session.Device, &session.Created, &session.LastSeen)
		session.ID = hex.EncodeToString(hash)
		return session, err
	}, account, s.oldestUse())
	return all, readFailed("sessions", err)
}

// oldestUse is when a session that is still good was used at the earliest.
func (s *Store) oldestUse() int64 { return s.writer.now().Add(-sessionLife).UnixMilli() }

// Session finds whose token it is, and notes that it was used. ErrNotFound: void; ErrSuspended: the account is.
func (s *Store) Session(ctx context.Context, token string) (Session, error) {
	return s.session(ctx, tokenHash(token))
}

// SessionByID is Session for somebody who has shown the token before.
func (s *Store) SessionByID(ctx context.Context, id string) (Session, error) {
	hash, err := hex.DecodeString(id)
	if err != nil {
		return Session{}, fmt.Errorf("session: %w", ErrNotFound)
	}
	return s.session(ctx, hash)
}

func (s *Store) session(ctx context.Context, hash []byte) (Session, error) {
	found := Session{ID: hex.EncodeToString(hash)}
	var suspended bool
	err := s.row(ctx, qSession, hash, s.oldestUse()).Scan(&found.Account, &found.Device, &found.Created, &found.LastSeen, &suspended)
	if err != nil {
		return Session{}, readFailed("session", err)
	}
	if suspended {
		return Session{}, ErrSuspended
	}
	if now := s.writer.now().UnixMilli(); now-found.LastSeen > sessionTouch.Milliseconds() {
		s.touchSession(hash)
	}
	return found, nil
}

// touchSession notes that a session is in use; where that fails, the next use notes it.
func (s *Store) touchSession(hash []byte) {
	s.writer.enqueue(&errand{done: func(error) {}, act: func(b *batch) error {
		if _, err := b.exec(wTouchSession, b.now, hash); err != nil {
			return fmt.Errorf("note a session's use: %w", err)
		}
		return nil
	}})
}
