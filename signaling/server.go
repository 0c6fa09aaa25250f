// Package signaling is the message server and the cell server: connections,
// login, delivery, groups and calls over the text protocol of package wire.
package signaling

import (
	"context"
	"crypto/rand"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"neochat/store"
	"neochat/wire"
)

// Config is what an operator and the parts around it may set.
type Config struct {
	Store        *store.Store
	Blobs        Blobs
	Uploads      Uploads
	Pictures     Pictures
	Calls        Calls
	Relay        Relay // nil: there is none
	Logger       *slog.Logger
	Registration string      // who may make an account: open (everybody), invite (with a code), closed or "" (nobody)
	MinPassword  int         // bytes; 0: 8
	Limits       wire.Limits // of a logged-in connection; zero: wire.DefaultLimits
	MaxText      int         // bytes of a chat text; 0: 16 KiB
	MaxFile      int64       // bytes of a file that comes over HTTP; 0: 2 GiB
	Times        Times
	Rates        Rates
	// CallsFile is where the calls that go on are written down, so that they outlive a restart; "": they end with the server.
	CallsFile string
	// AddressSecret signs the addresses under which single files can be read without a login; nil: one of this process alone.
	AddressSecret []byte
	// RedirectFiles sends who asks for a large file on to Blobs.Address.
	RedirectFiles bool
	// Watching lets programs watch calls over HTTP (WHEP).
	Watching bool
	// NoGuests lets nobody without an account into calls.
	NoGuests bool
	// TrustedProxies are those whose X-Forwarded-For tells an address.
	TrustedProxies []netip.Prefix
}

// Times are the protocol's clocks. Zero fields take their defaults.
type Times struct {
	Login  time.Duration // a connection that has not logged in is closed after; 30 s
	Ring   time.Duration // an unanswered call is missed after; 45 s
	Unrung time.Duration // a cell that is not rung closes after; 60 s
	Linger time.Duration // a vanished participant may come back within; 30 s
	Return time.Duration // after a restart a call waits for its people; 60 s
	Ping   time.Duration // between pings; 25 s
	Call   time.Duration // between pings in a call; 5 s
	Silent time.Duration // a peer without a pong is dropped after; 60 s
	Stall  time.Duration // a file of which nothing more comes over HTTP is waited for; 60 s
}

func (t Times) withDefaults() Times {
	set := func(d *time.Duration, def time.Duration) {
		if *d == 0 {
			*d = def
		}
	}
	set(&t.Login, 30*time.Second)
	set(&t.Ring, 45*time.Second)
	set(&t.Unrung, 60*time.Second)
	set(&t.Linger, 30*time.Second)
	set(&t.Return, 60*time.Second)
	set(&t.Ping, 25*time.Second)
	set(&t.Call, 5*time.Second)
	set(&t.Silent, 60*time.Second)
	set(&t.Stall, 60*time.Second)
	return t
}

// Server answers clients. Its Handler serves until Shutdown.
type Server struct {
	cfg      Config
	store    *store.Store
	log      *slog.Logger
	hub      *hub
	cells    *cells
	streams  *streams
	presence *presence
	pieces   *pieces
	previews *previews
	failures *failures // by account and address
	guessers *failures // by address

	requests, logins, registrations *limiter                      // nil: no bounds
	untrusted                       sync.Once                     // a proxy that is not trusted was spoken of
	commands                        map[string]map[string]command // by message_type, then verb; never changed
	counts                          *counters
	late                            []*conn // whose writers start when the store's batch has been told; owned by its callbacks

	mu      sync.Mutex
	conns   map[*conn]struct{} // guarded by mu
	closing bool               // guarded by mu

	revoked atomic.Int64   // rises whenever sessions have ended, before their connections are looked for
	live    sync.WaitGroup // reader goroutines, and the one that tends uploads
}

// New makes a server of its parts. Store, Blobs, Uploads, Pictures and Calls stay the caller's to close, after Shutdown.
func New(cfg Config) *Server {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.MinPassword == 0 {
		cfg.MinPassword = 8
	}
	if cfg.Limits == (wire.Limits{}) {
		cfg.Limits = wire.DefaultLimits()
	}
	if cfg.MaxText == 0 {
		cfg.MaxText = 16 << 10
	}
	if cfg.MaxFile == 0 {
		cfg.MaxFile = 2 << 30
	}
	if cfg.AddressSecret == nil {
		cfg.AddressSecret = make([]byte, 32)
		rand.Read(cfg.AddressSecret) // never fails
	}
	cfg.Times = cfg.Times.withDefaults()
	s := &Server{
		cfg:      cfg,
		store:    cfg.Store,
		log:      cfg.Logger,
		hub:      newHub(),
		failures: newFailures(10, time.Minute),
		guessers: newFailures(50, time.Minute),

		requests:      newLimiter(float64(cfg.Rates.Requests), float64(burstFactor*cfg.Rates.Requests)),
		logins:        newLimiter(float64(cfg.Rates.Logins)/60, float64(cfg.Rates.Logins)),
		registrations: newLimiter(float64(cfg.Rates.Registrations)/3600, float64(cfg.Rates.Registrations)),
		conns:         map[*conn]struct{}{},
	}
	s.streams = newStreams(s)
	s.cells = newCells(s)
	s.presence = newPresence(s)
	s.pieces = newPieces()
	s.previews = newPreviews(s)
	s.commands = s.table()
	s.counts = newCounters(s.commands)
	s.store.Listen(store.Listener{Batch: s.startLate, Receipts: s.tellReceipts, Doubt: s.tellDoubt})
	s.cells.takeUp()
	s.live.Add(1)
	go s.tendUploads()
	return s
}

// Handler serves the three WebSocket URLs, /session, /files/, /uploads/, /whip/ and /whep/.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/message", s.upgrade(""))
	mux.HandleFunc("/cell", s.upgrade("cell"))
	mux.HandleFunc("/file", s.upgrade("file"))
	mux.HandleFunc("/session", s.serveSession)
	mux.HandleFunc("/files/", previewOr(s.servePreview, s.serveFile))
	mux.HandleFunc("PUT /files/", previewOr(s.servePoster, s.servePut))
	mux.HandleFunc(uploadsPath, s.serveUploads)
	mux.HandleFunc(whip.path(), s.serveStreams(whip))
	mux.HandleFunc(whep.path(), s.serveStreams(whep))
	return mux
}

// Shutdown keeps all calls for the next server (see Config.CallsFile) or ends them, and closes every connection with
// 1012, and interrupts uploads, then waits for them, at most until ctx is done.
func (s *Server) Shutdown(ctx context.Context) {
	s.mu.Lock()
	s.closing = true
	s.mu.Unlock()
	conns := s.connections()
	s.cells.shutdown()
	for _, c := range conns {
		c.close(wire.CloseRestart, "the server restarts")
	}
	s.pieces.stop(ctx)
	s.previews.stop()
	done := make(chan struct{})
	go func() { s.live.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		for _, c := range conns {
			c.cancel()
		}
		<-done
	}
	s.streams.stop()
	s.cells.release()
	s.presence.stop()
}

// connections returns those there are.
func (s *Server) connections() []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Collect(maps.Keys(s.conns))
}

// startLate starts the writers of those whom a batch of the store's callbacks told something, so that each
// writes all of it at once.
func (s *Server) startLate() {
	for _, c := range s.late {
		go c.write()
	}
	clear(s.late)
	s.late = s.late[:0]
}

// failed logs what went wrong here. Where the client left meanwhile, client being
// done, it was nothing but that.
func (s *Server) failed(client context.Context, what string, err error) {
	if client.Err() == nil {
		s.log.Error(what, "error", err)
	}
}

// admit counts a new connection in, unless the server is closing.
func (s *Server) admit(c *conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closing {
		return false
	}
	s.conns[c] = struct{}{}
	s.live.Add(1)
	return true
}

func (s *Server) dismiss(c *conn) {
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
	s.live.Done()
}
