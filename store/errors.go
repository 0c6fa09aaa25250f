package store

import "errors"

// What a caller can act on. Every error of this package wraps one of these, is a
// context's error, or comes from Open. Compare with errors.Is.
var (
	// ErrNotFound: no such thing, or none the asker may know of.
	ErrNotFound = errors.New("not found")
	// ErrExists: the account is taken.
	ErrExists = errors.New("exists already")
	// ErrConflict: the same name or client id stands for other content.
	ErrConflict = errors.New("conflicts with what is stored")
	// ErrForbidden: the thing exists, but not for this account.
	ErrForbidden = errors.New("not permitted")
	// ErrRefused: the other takes nothing from this account: blocked, or only from friends.
	ErrRefused = errors.New("refused by the other")
	// ErrPermissions: what one's permissions in a group do not cover.
	ErrPermissions = errors.New("not covered by one's permissions in the group")
	// ErrNotYours: the account can see it, but not do this to it.
	ErrNotYours = errors.New("not yours to do")
	// ErrSuspended: the account is suspended.
	ErrSuspended = errors.New("account is suspended")
	// ErrUnavailable: the database failed or the store is overloaded or closed. Whether
	// the operation took effect is unknown; repeat it with the same client id.
	ErrUnavailable = errors.New("store unavailable")
	// ErrNewerSchema: the database was written by a newer release. It was not touched.
	ErrNewerSchema = errors.New("database has a newer schema than this program knows")
	// ErrOlderSchema: the database was written by an older release, and what was asked does not change it.
	ErrOlderSchema = errors.New("database has an older schema; run this program's server on it once")
	// ErrHalfCopied: the database is the target of a copy that was not completed.
	ErrHalfCopied = errors.New("database is an incomplete copy; complete it by copying again")
	// ErrInUse: another server, or a program that copies, has claimed the database.
	ErrInUse = errors.New("another NeoChat server uses this database")
	// ErrBeingRemoved: bytes that nothing referred to are just being removed; store them again in a minute.
	ErrBeingRemoved = errors.New("being removed")
	// ErrTooLarge: more members or recipients than the store takes at once.
	ErrTooLarge = errors.New("too large")
	// ErrTooMany: the account has as many of it at one time as it may.
	ErrTooMany = errors.New("too many at one time")
)

// isDomain tells an expected refusal, found by reading before anything was
// written, from a failure that makes the transaction worthless.
func isDomain(err error) bool {
	switch {
	case errors.Is(err, ErrUnavailable):
		return false
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrExists), errors.Is(err, ErrConflict),
		errors.Is(err, ErrForbidden), errors.Is(err, ErrRefused), errors.Is(err, ErrPermissions), errors.Is(err, ErrNotYours), errors.Is(err, ErrSuspended), errors.Is(err, ErrTooLarge), errors.Is(err, ErrTooMany), errors.Is(err, ErrBeingRemoved):
		return true
	}
	return false
}
