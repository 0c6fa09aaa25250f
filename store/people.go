package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// User is an account and its profile. RegistrationTime has millisecond precision.
type User struct {
	Account, Name, Phone, Sex, Birthday, Address string
	RegistrationTime                             time.Time // zero in CreateUser: now
	Suspended                                    bool
	Avatar                                       string // a file's name, or ""
	MessagesFrom                                 string // everyone or friends
	PresenceTo                                   string // everyone, friends or nobody
}

// CreateUser registers u. ErrExists: the account is taken.
func (s *Store) CreateUser(ctx context.Context, u User, password string) error {
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.write(ctx, func(b *batch) error {
		var one int
		if err := b.queryRow(wTaken, u.Account).Scan(&one); !errors.Is(err, sql.ErrNoRows) {
			if err == nil {
				err = fmt.Errorf("account: %w", ErrExists)
			}
			return err
		}
		registered := b.now
		if !u.RegistrationTime.IsZero() {
			registered = u.RegistrationTime.UnixMilli()
		}
		_, err := b.exec(wNewUser, u.Account, hash, u.Name, u.Phone, u.Sex, u.Birthday, u.Address, registered, u.Suspended)
		if err != nil {
			return fmt.Errorf("insert user: %w", err)
		}
		return nil
	})
}

// CheckPassword returns the account's profile. A wrong password and an unknown
// account are both ErrNotFound, after the same work; ErrSuspended is told only
// to who knows the password. It waits for a free core as long as ctx lasts.
func (s *Store) CheckPassword(ctx context.Context, account, password string) (User, error) {
	var hash string
	err := s.row(ctx, qPassword, account).Scan(&hash)
	if err := readFailed("password", err); err != nil && !errors.Is(err, ErrNotFound) {
		return User{}, err
	}
	right, err := s.passwords.check(ctx, hash, password)
	if err != nil {
		return User{}, err
	}
	if !right {
		return User{}, fmt.Errorf("account or password: %w", ErrNotFound)
	}
	u, err := s.User(ctx, account)
	if err == nil && u.Suspended {
		return User{}, ErrSuspended
	}
	return u, err
}

// SetPassword replaces the password and ends the account's sessions.
func (s *Store) SetPassword(ctx context.Context, account, password string) error {
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.write(ctx, func(b *batch) error {
		if err := b.account(account); err != nil {
			return err
		}
		if _, err := b.exec(wSetPassword, hash, account); err != nil {
			return fmt.Errorf("set password: %w", err)
		}
		return b.dropSessions(account)
	})
}

// SetSuspended suspends the account, which ends its sessions, or lifts that.
func (s *Store) SetSuspended(ctx context.Context, account string, suspended bool) error {
	return s.write(ctx, func(b *batch) error {
		if err := b.account(account); err != nil {
			return err
		}
		if _, err := b.exec(wSetSuspended, suspended, account); err != nil {
			return fmt.Errorf("set suspended: %w", err)
		}
		if !suspended {
			return nil
		}
		return b.dropSessions(account)
	})
}

func (b *batch) dropSessions(account string) error {
	if _, err := b.exec(wDropSessions, account); err != nil {
		return fmt.Errorf("end sessions: %w", err)
	}
	return nil
}

// User returns an account's profile, or ErrNotFound.
func (s *Store) User(ctx context.Context, account string) (User, error) {
	u, err := scanUser(s.row(ctx, qUser, account))
	return u, readFailed("user", err)
}

// Users lists at most limit accounts in byte order, after the one named by after.
func (s *Store) Users(ctx context.Context, after string, limit int) ([]User, error) {
	users, err := collect(ctx, s.queries[qUsers], scanUser, after, max(limit, 1))
	return users, readFailed("users", err)
}

func scanUser(row scanner) (User, error) {
	var u User
	var registered int64
	err := row.Scan(&u.Account, &u.Name, &u.Phone, &u.Sex, &u.Birthday, &u.Address, &registered, &u.Suspended,
		&u.Avatar, &u.MessagesFrom, &u.PresenceTo)
	u.RegistrationTime = time.UnixMilli(registered).UTC()
	return u, err
}
