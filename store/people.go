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
	Operator                                     bool   // the first account ever made
	Deleted                                      bool   // only its name is left
	Avatar                                       string // a file's name, or ""
	MessagesFrom                                 string // everyone or friends
	PresenceTo                                   string // everyone, friends or nobody
}

// CreateUser registers u. The first account ever made is the operator's. ErrExists: the account is taken, or was once.
func (s *Store) CreateUser(ctx context.Context, u User, password string) error {
	return s.createUser(ctx, u, password, nil)
}

func (s *Store) createUser(ctx context.Context, u User, password string, invitation []byte) error {
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return err
	}
	return s.write(ctx, func(b *batch) error {
		taken, err := b.found(wTaken, u.Account)
		if err == nil && taken {
			err = fmt.Errorf("account: %w", ErrExists)
		}
		if err != nil {
			return err
		}
		others, err := b.found(wAnybody)
		if err != nil {
			return err
		}
		if err := b.useInvitation(invitation); err != nil {
			return err
		}
		return b.insertUser(u, hash, !others)
	})
}

// found reports whether a query finds a row.
func (b *batch) found(q writeQuery, args ...any) (bool, error) {
	var one int
	err := b.queryRow(q, args...).Scan(&one)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("look for a row: %w", err)
	}
	return true, nil
}

func (b *batch) insertUser(u User, hash string, operator bool) error {
	registered := b.now
	if !u.RegistrationTime.IsZero() {
		registered = u.RegistrationTime.UnixMilli()
	}
	_, err := b.exec(wNewUser, u.Account, hash, u.Name, u.Phone, u.Sex, u.Birthday, u.Address, registered, u.Suspended, operator)
	if err != nil {
		return fmt.Errorf("insert user: %w", err)
	}
	return nil
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

// User returns an account's profile, or ErrNotFound.
func (s *Store) User(ctx context.Context, account string) (User, error) {
	u, err := scanUser(s.row(ctx, qUser, account))
	return u, readFailed("user", err)
}

// Users lists at most limit accounts in byte order, after the one named by after.
func (s *Store) Users(ctx context.Context, after string, limit int) ([]User, error) {
	users, err := collect(ctx, s.read(qUsers), scanUser, after, max(limit, 1))
	return users, readFailed("users", err)
}

func scanUser(row scanner) (User, error) {
	var u User
	var registered int64
	err := row.Scan(&u.Account, &u.Name, &u.Phone, &u.Sex, &u.Birthday, &u.Address, &registered, &u.Suspended, &u.Operator, &u.Deleted,
		&u.Avatar, &u.MessagesFrom, &u.PresenceTo)
	u.RegistrationTime = time.UnixMilli(registered).UTC()
	return u, err
}
