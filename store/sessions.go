package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
)

// Session is a login that lasts until it is deleted.
type Session struct {
	ID      string // public: hex of the token's SHA-256
	Account string
	Device  string // "" for the plain device
}

// CreateSession makes a token of 32 random bytes in base64url; only its hash is
// stored. ErrNotFound, ErrSuspended: of the account.
func (s *Store) CreateSession(ctx context.Context, account, device string) (token string, err error) {
	var random [32]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	token = base64.RawURLEncoding.EncodeToString(random[:])
	err = s.write(ctx, func(b *batch) error {
		var suspended bool
		if err := b.queryRow(wSuspended, account).Scan(&suspended); err != nil {
			return absent(err, "account")
		}
		if suspended {
			return ErrSuspended
		}
		hash := sha256.Sum256([]byte(token))
		if _, err := b.exec(wNewSession, hash[:], account, device, b.now); err != nil {
			return fmt.Errorf("insert session: %w", err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return token, nil
}

// DeleteSession voids the token. ErrNotFound if it is void already.
func (s *Store) DeleteSession(ctx context.Context, token string) error {
	return s.write(ctx, func(b *batch) error {
		hash := sha256.Sum256([]byte(token))
		result, err := b.exec(wDropSession, hash[:])
		if err != nil {
			return fmt.Errorf("delete session: %w", err)
		}
		n, err := result.RowsAffected()
		if err != nil {
			return fmt.Errorf("delete session: %w", err)
		}
		if n == 0 {
			return fmt.Errorf("session: %w", ErrNotFound)
		}
		return nil
	})
}

// Session finds whose token it is. ErrNotFound: void; ErrSuspended: the account is.
func (s *Store) Session(ctx context.Context, token string) (Session, error) {
	hash := sha256.Sum256([]byte(token))
	session := Session{ID: hex.EncodeToString(hash[:])}
	var suspended bool
	if err := s.row(ctx, qSession, hash[:]).Scan(&session.Account, &session.Device, &suspended); err != nil {
		return Session{}, readFailed("session", err)
	}
	if suspended {
		return Session{}, ErrSuspended
	}
	return session, nil
}
