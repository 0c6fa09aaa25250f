// Package sdk is a client of a NeoChat server for Go programs. A Client keeps one
// connection alive: it comes back after a loss, sends again what was not
// acknowledged, fetches what it missed, and gives everything that happened as typed
// events: the messages of a conversation in their order, and each thing once. With a
// State that holds over restarts of the program too. docs/protocol.md describes what
// goes over the wire.
package sdk

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math"
	mathrand "math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"neochat/wire"
)

// Options say where to connect, and as whom.
type Options struct {
	URL      string // the server's address: http, https, ws or wss, a path before /message allowed
	Account  string
	Password string // may be left out where Session is given
	Session  string // a token from an earlier login, tried before Password
	Device   string // "": the plain device, which the server sends what it missed

	// State keeps what this client handled and what was not acknowledged, so that a later one with
	// the same State takes up there. nil: it starts at now (the plain device: at what it missed).
	State State

	HTTPClient *http.Client                            // nil: http.DefaultClient; for the upgrade and for Download
	Logger     *slog.Logger                            // nil: nothing is logged
	Backoff    func(attempt int) (after time.Duration) // nil: 1 to 5 s at random, after a minute of failures up to 30 s
}

// Client is a logged-in account on one connection at a time. All its methods may
// be called from several goroutines at once.
type Client struct {
	opt    Options
	base   *url.URL // http or https
	log    *slog.Logger
	state  State
	prefix string // begins every client_message_id made with this State, and no other
	run    string // what follows on it in those made by this client

	ctx       context.Context // ends with the client
	cancel    context.CancelFunc
	events    chan Event
	inbox     *inbox
	deliverer *deliverer
	receipts  chan struct{} // holds a token while there is something to confirm
	over      sync.WaitGroup
	saved     sync.Once // by Close

	mu sync.Mutex
	// guarded by mu
	link     *link         // nil while there is no connection that is logged in
	up       chan struct{} // closed once link is set; a new one when it is lost
	session  string
	password string
	watched  []string // by Watch
	presence string   // by SetState
	tasks    uint64   // the last task_id given
	sends    uint64   // the last number given to a client_message_id
	unsent   uint64   // the last number given to a text kept in state
	pending  map[string]*pending
	sending  map[string]struct{} // client_message_id of what was not answered
	received map[string]int64    // by conversation: the highest seq that is to be confirmed
	err      error               // why the client ended
}

// Dial connects and logs in. What happens from then on comes as events, after what happened since
// the State ended, or what the plain device missed. ctx bounds this only; the client then lives until
// Close, or until the server will have it no more. A refused login is a *StatError.
//
// An event counts as handled once the next one was taken, or the client closed. So after a crash the
// last one taken comes again; none is ever missed.
func Dial(ctx context.Context, opt Options) (*Client, error) {
	base, err := baseURL(opt.URL)
	if err != nil {
		return nil, err
	}
	opt = opt.withDefaults()
	saved, err := loadState(opt)
	if err != nil {
		return nil, err
	}
	c := newClient(opt, base, saved)
	unsent := c.takeUnsent(saved)
	l, err := c.connect(ctx)
	if err != nil {
		c.cancel()
		return nil, err
	}
	c.over.Go(func() { c.keepConnected(l) })
	if err := c.begin(ctx, saved); err != nil {
		c.fail(err)
		c.over.Wait()
		return nil, err
	}
	c.over.Go(c.deliverer.run)
	c.over.Go(c.confirmReceived)
	c.over.Go(func() { c.awaitUnsent(unsent) })
	return c, nil
}

func newClient(opt Options, base *url.URL, saved map[string]string) *Client {
	ctx, cancel := context.WithCancel(context.Background())
	c := &Client{
		opt: opt, base: base, log: opt.Logger, state: opt.State, prefix: saved[statePrefix], run: saved[stateRun],
		ctx: ctx, cancel: cancel, events: make(chan Event), inbox: newInbox(inboxSize), receipts: make(chan struct{}, 1),
		up: make(chan struct{}), session: opt.Session, password: opt.Password,
		pending: map[string]*pending{}, sending: map[string]struct{}{}, received: map[string]int64{},
	}
	c.deliverer = newDeliverer(c, saved)
	return c
}

func (o Options) withDefaults() Options {
	if o.HTTPClient == nil {
		o.HTTPClient = http.DefaultClient
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Backoff == nil {
		o.Backoff = backoff
	}
	if o.State == nil {
		o.State = noState{}
	}
	return o
}

// Close ends the client: what waits for an answer fails with ErrClosed, and the
// channel of events is closed; all that was taken from it counts as handled. It returns
// once nothing of the client runs any more.
func (c *Client) Close() {
	c.fail(ErrClosed)
	c.over.Wait()
	c.saved.Do(c.deliverer.save)
}

// Account returns the account that is logged in.
func (c *Client) Account() string { return c.opt.Account }

// Session returns the token of the session, to be kept for a later Dial. It is a secret.
func (c *Client) Session() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// Err says why the client ended, ErrClosed after Close; nil while it lives.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Online reports whether the client is connected and logged in at this moment.
func (c *Client) Online() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.link != nil
}

// Events returns what the server tells, closed when the client ended (see Err).
// Who does not read it gets what is durable later, but does not get calls.
func (c *Client) Events() <-chan Event { return c.events }

// NewMessageID makes a client_message_id that no other client makes.
func (c *Client) NewMessageID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sends++
	return fmt.Sprintf("%s%s-%d", c.prefix, c.run, c.sends)
}

func randomPrefix() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand, since Go 1.24
	return hex.EncodeToString(b[:]) + "-"
}

// backoff spreads reconnects over 1 to 5 s, so that a server that restarted is
// not met by everybody at once; after many failures it waits longer.
func backoff(attempt int) time.Duration {
	longest := 5.0
	if attempt > 20 {
		longest = math.Min(30, float64(attempt)/4)
	}
	return time.Duration((1 + mathrand.Float64()*(longest-1)) * float64(time.Second))
}

// baseURL reads the address of a server.
func baseURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAddress, err)
	}
	switch u.Scheme {
	case "ws":
		u.Scheme = "http"
	case "wss":
		u.Scheme = "https"
	case "http", "https":
	default:
		return nil, fmt.Errorf("%w: %q does not begin with http://, https://, ws:// or wss://", ErrAddress, s)
	}
	if u.Host == "" {
		return nil, fmt.Errorf("%w: %q names no host", ErrAddress, s)
	}
	u.Path = strings.TrimSuffix(u.Path, "/")
	u.RawPath, u.RawQuery, u.Fragment, u.User = "", "", "", nil
	return u, nil
}

// message makes a wire.Message of names and values; empty values are left out.
func message(kv ...string) wire.Message {
	var m wire.Message
	for i := 0; i+1 < len(kv); i += 2 {
		if kv[i+1] != "" {
			m.Add(kv[i], kv[i+1])
		}
	}
	return m
}
