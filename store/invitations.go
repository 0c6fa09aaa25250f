package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"
	"time"
)

// CreateInvitation makes a code that lets uses people register until the given time; only its hash is stored.
func (s *Store) CreateInvitation(ctx context.Context, uses int, until time.Time) (string, error) {
	var random [10]byte
	rand.Read(random[:]) // never fails: crypto/rand ends the program instead
	text := strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))
	code := text[:4] + "-" + text[4:8] + "-" + text[8:12] + "-" + text[12:]
	err := s.write(ctx, func(b *batch) error {
		if _, err := b.exec(wNewInvitation, invitationHash(code), uses, until.UnixMilli(), b.now); err != nil {
			return fmt.Errorf("insert invitation: %w", err)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return code, nil
}

// invitationHash is that of a code however its letters and dashes were typed.
func invitationHash(code string) []byte {
	plain := strings.ToLower(strings.NewReplacer("-", "", " ", "").Replace(code))
	hash := sha256.Sum256([]byte(plain))
	return hash[:]
}

// Invited returns ErrForbidden unless the code lets somebody register.
func (s *Store) Invited(ctx context.Context, code string) error {
	var left int
	err := s.row(ctx, qInvitation, invitationHash(code), s.writer.now().UnixMilli()).Scan(&left)
	err = readFailed("invitation", err)
	if errors.Is(err, ErrNotFound) || err == nil && left <= 0 {
		return fmt.Errorf("invitation: %w", ErrForbidden)
	}
	return err
}

// Register is CreateUser for somebody with an invitation, one use of which it takes. ErrForbidden: it is none, or used up, or expired.
func (s *Store) Register(ctx context.Context, u User, password, code string) error {
	if err := s.Invited(ctx, code); err != nil { // before the costly hash
		return err
	}
	return s.createUser(ctx, u, password, invitationHash(code))
}

// useInvitation takes one use of an invitation, if hash names one. It writes only where it succeeds.
func (b *batch) useInvitation(hash []byte) error {
	if hash == nil {
		return nil
	}
	result, err := b.exec(wUseInvitation, hash, b.now)
	if err != nil {
		return fmt.Errorf("use invitation: %w", err)
	}
	n, err := result.RowsAffected()
	if err == nil && n == 0 {
		err = fmt.Errorf("invitation: %w", ErrForbidden)
	}
	return err
}
