package sdk

import (
	"errors"
	"fmt"
	"time"

	"neochat/wire"
)

var (
	// ErrClosed: Close was called.
	ErrClosed = errors.New("the client is closed")
	// ErrConnectionLost: the connection broke before the answer came, and the
	// request may or may not have been carried out. Requests that may be sent
	// again are, and do not fail with it.
	ErrConnectionLost = errors.New("the connection was lost before the answer came")
	// ErrAddress: Options.URL is not the address of a server.
	ErrAddress = errors.New("not the address of a server")
	// ErrState: Options.State belongs to another account.
	ErrState = errors.New("the state cannot be used")
	// ErrLoggedOut: the session was ended.
	ErrLoggedOut = errors.New("the session was logged out")
)

// StatError is an answer other than 200.
type StatError struct {
	Stat       int           // see the constants of package wire
	Reason     string        // written for people
	RetryAfter time.Duration // with 429: how long to wait
}

func (e *StatError) Error() string {
	if e.Reason == "" {
		return fmt.Sprintf("the server answered %d", e.Stat)
	}
	return fmt.Sprintf("%s (%d)", e.Reason, e.Stat)
}

// Stat returns the stat of the *StatError in err, or 0.
func Stat(err error) int {
	var e *StatError
	if errors.As(err, &e) {
		return e.Stat
	}
	return 0
}

// statError returns the error that an answer stands for, nil for 200.
func statError(m wire.Message) error {
	stat := int(number(m, "stat"))
	if stat == wire.StatOK {
		return nil
	}
	wait := min(number(m, "retry_after"), 24*3600)
	return &StatError{Stat: stat, Reason: m.Get("reason"), RetryAfter: time.Duration(wait) * time.Second}
}

// retryAfter returns how long the server asks to wait.
func retryAfter(err error) time.Duration {
	var e *StatError
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// refused reports whether a login failed in a way that trying again would not mend.
func refused(err error) bool {
	stat := Stat(err)
	return stat >= 400 && stat < 500 && stat != wire.StatTooOften
}
