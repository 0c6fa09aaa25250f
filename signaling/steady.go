package signaling

import (
	"errors"
	"io"
	"net/http"
	"os"
	"sync"
	"time"
)

// Why a body was read no further.
var (
	errStalled     = errors.New("nothing more came for too long")
	errInterrupted = errors.New("another request goes on with this upload, or the server restarts")
)

// steadyBody reads the body of a request as long as it comes. It needs neither memory nor a goroutine of its own.
type steadyBody struct {
	r        io.Reader
	rc       *http.ResponseController
	patience time.Duration // how long nothing may come

	mu          sync.Mutex
	interrupted bool      // guarded by mu
	renewed     time.Time // when the connection's deadline was set last; guarded by mu
}

func newSteadyBody(w http.ResponseWriter, r *http.Request, patience time.Duration) *steadyBody {
	return &steadyBody{r: r.Body, rc: http.NewResponseController(w), patience: patience}
}

// Read implements io.Reader. It fails with errStalled or errInterrupted, or as the body does.
func (b *steadyBody) Read(p []byte) (int, error) {
	if err := b.renew(); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	switch {
	case err == nil:
	case err == io.EOF:
		b.rest()
	case b.wasInterrupted():
		err = errInterrupted
	case errors.Is(err, os.ErrDeadlineExceeded):
		err = errStalled
	}
	return n, err
}

// renew moves the deadline, not for every few bytes.
func (b *steadyBody) renew() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.interrupted {
		return errInterrupted
	}
	now := time.Now()
	if now.Sub(b.renewed) < b.patience/16 {
		return nil
	}
	b.renewed = now
	return b.rc.SetReadDeadline(now.Add(b.patience))
}

// rest takes the deadline off: the connection is used further, however long the answer takes.
func (b *steadyBody) rest() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.interrupted {
		_ = b.rc.SetReadDeadline(time.Time{}) // it was set before, or the connection is gone
	}
}

// interrupt makes a Read that waits, and every later one, fail. It may be called from any goroutine.
func (b *steadyBody) interrupt() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.interrupted {
		b.interrupted = true
		_ = b.rc.SetReadDeadline(time.Unix(1, 0)) // fails only where there is nothing to interrupt
	}
}

func (b *steadyBody) wasInterrupted() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.interrupted
}
