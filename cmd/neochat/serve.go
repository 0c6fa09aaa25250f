package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"neochat/clients/web"
	"neochat/media"
	"neochat/signaling"
	"neochat/store"
	"neochat/turn"
)

// shutdownTime is what connections get to end orderly; all of it is over within 5 s.
const shutdownTime = 3 * time.Second

type serveCommand struct {
	Data          string `help:"Folder for the database and the files; made if missing." default:"data" env:"NEOCHAT_DATA"`
	Database      string `help:"Where people, messages and rights are kept: the path of an SQLite file, or mysql://user:password@host:port/name of a MySQL or MariaDB server (mysql://user:password@unix(/path/of/socket)/name; ?tls=true, preferred or skip-verify). Nothing means neochat.db in the data folder. It holds a password, so better give it by the environment or the configuration file." default:"" env:"NEOCHAT_DATABASE"`
	Files         string `help:"Where the bytes of files are: a folder, or s3://BUCKET/PREFIX?endpoint=URL&region=NAME&path-style=yes&ca=FILE with the keys in NEOCHAT_S3_ACCESS_KEY and NEOCHAT_S3_SECRET_KEY; empty: \"files\" in the data folder." default:"" env:"NEOCHAT_FILES"`
	Registration  string `help:"open: people make accounts for themselves; invite: with a code of \"neochat user invite\"; closed: only \"neochat user add\" does; auto: open where only this machine can connect, else closed." enum:"auto,open,invite,closed" default:"auto" env:"NEOCHAT_REGISTRATION"`
	Quota         int    `help:"MiB of files that one account may upload in all; 0: any number." default:"5120" env:"NEOCHAT_QUOTA"`
	MaxFile       int    `help:"MiB that a file may have which comes over HTTP." default:"2048" env:"NEOCHAT_MAX_FILE"`
	Requests      int    `help:"Requests that one account may send in a second over time; ten times as many at once. 0: any number." default:"50" env:"NEOCHAT_REQUESTS"`
	Logins        int    `help:"Logins with a password that one address may try in a minute. 0: any number." default:"120" env:"NEOCHAT_LOGINS"`
	Registrations int    `help:"Accounts that may be registered from one address in an hour. 0: any number." default:"20" env:"NEOCHAT_REGISTRATIONS"`
	TrustedProxy  string `help:"Addresses or networks (10.0.0.0/8) of proxies in front, separated by commas: their X-Forwarded-For says where a request comes from. Without it everybody behind a proxy counts as one address." default:"" env:"NEOCHAT_TRUSTED_PROXY"`
	WHEP          bool   `name:"whep" help:"Let programs watch calls over HTTP (WHEP): those that members of a call give a token for it." default:"false" env:"NEOCHAT_WHEP"`
	NoGuests      bool   `name:"no-guests" help:"Let nobody without an account into calls: no links for guests." default:"false" env:"NEOCHAT_NO_GUESTS"`
	MinPassword   int    `help:"Least number of bytes in a password." default:"8" env:"NEOCHAT_MIN_PASSWORD"`
	LogLevel      string `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"NEOCHAT_LOG_LEVEL"`
	LogFormat     string `help:"text or json." enum:"text,json" default:"text" env:"NEOCHAT_LOG_FORMAT"`

	filesFlags    `embed:""`
	networkFlags  `embed:""`
	operatorFlags `embed:""`
}

// Run serves until ctx is done.
func (c *serveCommand) Run(ctx context.Context, std streams) error {
	log, err := c.logger(std.err)
	if err != nil {
		return err
	}
	tendMemory(ctx)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP) // from now on: unheard, it would end the process
	defer signal.Stop(hangup)
	h, err := c.open(ctx, log)
	if err != nil {
		return err
	}
	defer h.close()
	h.announce(std.out)
	c.watch(ctx, &h.doors)
	go h.reloadOn(ctx, hangup, log)
	failed := make(chan error, 1)
	go func() { failed <- h.http.Serve(h.tcp.HTTP()) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serving: %w", err)
	case <-ctx.Done():
	}
	log.Info("stopping")
	h.stop()
	log.Info("stopped")
	return nil
}

func (c *serveCommand) logger(out io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return nil, err
	}
	opts := &slog.HandlerOptions{Level: level}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(out, opts)), nil
	}
	return slog.New(slog.NewTextHandler(out, opts)), nil
}

// house is everything a running server consists of.
type house struct {
	doors
	data       string
	hosts      *hosts
	lends      string // --relay
	lock       *os.File
	store      *store.Store
	blobs      blobs
	sfu        *media.SFU
	turn       *turn.Relay // nil: it is off
	server     *signaling.Server
	begun      time.Time
	counted    *countedBlobs // blobs
	filesPlace string
	relayLimit int       // allocations
	operator   *operator // nil: it is off
	control    *control  // nil: it could not be opened
	endSweep   func()    // ends the sweeper; nil: it has not begun
	http       *http.Server
}

// open builds the house from the ground up; where it fails, what was built is taken down.
func (c *serveCommand) open(ctx context.Context, log *slog.Logger) (_ *house, err error) {
	h := &house{hosts: newHosts(), lends: c.Relay, begun: time.Now(), relayLimit: c.RelayTotalAllocations, filesPlace: c.Files}
	defer func() {
		if err != nil {
			h.close()
		}
	}()
	proxies, err := c.limits()
	if err != nil {
		return nil, err
	}
	if err := c.checkFiles(c.Files); err != nil {
		return nil, err
	}
	if c.MinPassword < 1 || c.MinPassword > 1024 {
		return nil, errors.New("--min-password must be from 1 to 1024")
	}
	if err := c.bind(&h.doors, log.With("part", "port")); err != nil { // first of all: a refused start changes nothing
		return nil, err
	}
	if h.operator, err = c.openOperator(); err != nil {
		return nil, err
	}
	if h.data, err = openData(c.Data); err != nil {
		return nil, err
	}
	if h.lock, err = lockData(h.data); err != nil {
		return nil, err
	}
	if err := refuseRestoring(h.data); err != nil {
		return nil, err
	}
	if h.blobs, err = openBlobs(ctx, c.Files, h.data); err != nil {
		return nil, err
	}
	h.countFiles()
	if h.store, err = openStore(ctx, store.Config{Database: c.Database, Exclusive: true, Quota: int64(c.Quota) << 20}, h.data, log); err != nil {
		return nil, err
	}
	if err := c.networkFlags.open(&h.doors, h.data, c.TrustedProxy != "", log.With("part", "port")); err != nil {
		return nil, err
	}
	if h.sfu, err = h.listenMedia(log.With("part", "media")); err != nil {
		return nil, err
	}
	relay, err := c.lend(h, log)
	if err != nil {
		return nil, err
	}
	signs, err := keptSecret(h.data, "address.key", "the secret of files' addresses")
	if err != nil {
		return nil, err
	}
	h.server = signaling.New(signaling.Config{Store: h.store, Blobs: h.blobs, Uploads: h.blobs, Pictures: newPictures(), Calls: calls{h.sfu, h.hosts}, Relay: relay, Logger: log.With("part", "signaling"),
		Registration: c.registration(h.tcp.Addr()), MinPassword: c.MinPassword, MaxFile: int64(c.MaxFile) << 20,
		Rates: signaling.Rates{Requests: c.Requests, Logins: c.Logins, Registrations: c.Registrations}, TrustedProxies: proxies,
		CallsFile: filepath.Join(h.data, "calls.json"), AddressSecret: signs, RedirectFiles: c.FilesRedirect, Watching: c.WHEP, NoGuests: c.NoGuests})
	h.sweep(c.FilesGrace, log.With("part", "files"))
	if h.control, err = listenControl(h.data, h.server.LookAgain, h.status); err != nil {
		log.Warn("commands cannot tell this server what they changed; it sees it within half a minute", "error", err)
	}
	h.http = h.openHTTP(h.routes(c.fileOrigins(c.Files)), log)
	if h.operator != nil {
		h.operator.serve(h.metricsHandler(log), log.With("part", "operator"))
	}
	return h, nil
}

// lend opens the relay; nil: there is none.
func (c *serveCommand) lend(h *house, log *slog.Logger) (_ signaling.Relay, err error) {
	if h.turn, err = c.openRelay(&h.doors, h.sfu, h.data, log.With("part", "turn")); err != nil || h.turn == nil {
		return nil, err
	}
	return lender{h.turn, &h.doors, words(c.Domain), c.Relay == "open"}, nil
}

// reloadOn reads certificates again on every signal, until ctx is done.
func (h *house) reloadOn(ctx context.Context, hangup <-chan os.Signal, log *slog.Logger) {
	for {
		select {
		case <-hangup:
			if h.cert == nil {
				continue
			}
			if err := h.cert.reload(); err != nil {
				log.Error("the certificate cannot be read again; the one in use stays", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// openData makes the data folder, readable by its owner alone.
func openData(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("the data folder: %w", err)
	}
	if err := os.MkdirAll(abs, 0o700); err != nil {
		return "", fmt.Errorf("the data folder cannot be made: %w; choose another with --data", err)
	}
	return abs, nil
}

// lockData keeps a second server off the folder; the lock ends with the process.
func lockData(data string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(data, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("the data folder cannot be written: %w; mend its rights or choose another with --data", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		return nil, fmt.Errorf("another neochat serves the data folder %s; stop it or choose another with --data", data)
	}
	return f, nil
}

// databaseName is what --database says, or the file in the data folder.
func databaseName(database, data string) string {
	if database == "" {
		return filepath.Join(data, "neochat.db")
	}
	return database
}

// openStore opens the database; exclusive keeps a second server off it.
func openStore(ctx context.Context, cfg store.Config, data string, log *slog.Logger) (*store.Store, error) {
	name := databaseName(cfg.Database, data)
	cfg.Database, cfg.Logger = name, log.With("part", "store")
	s, err := store.Open(ctx, cfg)
	switch {
	case err == nil:
		return s, nil
	case errors.Is(err, store.ErrNewerSchema):
		return nil, fmt.Errorf("%w: use the newer neochat that wrote it, or another folder with --data or database with --database", err)
	case errors.Is(err, store.ErrInUse):
		return nil, fmt.Errorf("opening the database: %w; stop that one or choose another database with --database", err)
	case store.IsFile(name):
		return nil, fmt.Errorf("opening the database: %w; if the file is damaged restore a copy of it, or begin anew in another folder with --data", err)
	}
	return nil, fmt.Errorf("opening the database: %w; see to it that it runs and that --database (NEOCHAT_DATABASE) is right", err)
}

// explainListen says what to do about an address that cannot be had.
func explainListen(err error, what, flag string) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is in use by another program; stop it or choose another with %s", what, flag)
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("%s needs more rights (ports below 1024 do); choose another with %s", what, flag)
	}
	return fmt.Errorf("listening on %s (%s): %w", what, flag, err)
}

// local reports whether only this machine can reach addr.
func local(addr net.Addr) bool {
	t, ok := addr.(*net.TCPAddr)
	return ok && t.IP.IsLoopback()
}

// announce tells a person what is where.
func (h *house) announce(out io.Writer) {
	open, listens := h.doors.announce()
	hint := "  Browsers give camera and microphone only on localhost or over https.\n"
	if h.cert != nil {
		hint = "  certificate " + h.cert.note() + "\n"
	}
	if h.operator != nil {
		hint = "  operator    " + h.operator.note() + "\n" + hint
	}
	fmt.Fprintf(out, `NeoChat %s
  open        %s
  listens on  %s
  data in     %s
  database    %s
%s  End it with Ctrl-C.
`, version, open, listens, h.data, h.store.Place(), hint)
	if !web.Built() {
		fmt.Fprintln(out, "  This binary was built without the web client; `make build` makes one with it.")
	}
}

// stop ends everything in order: first what people are told, last what keeps their data.
func (h *house) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	h.closeControl()
	h.endSweep()
	h.server.Shutdown(ctx)
	if err := h.http.Shutdown(ctx); err != nil {
		h.http.Close()
	}
}

func (h *house) closeControl() {
	if h.control != nil {
		h.control.close()
		h.control = nil
	}
}

// close gives back what open took; it may be called on a house half built.
func (h *house) close() {
	if h.http != nil {
		h.http.Close()
	}
	h.closeControl()
	if h.operator != nil {
		h.operator.close()
	}
	if h.endSweep != nil {
		h.endSweep()
	}
	if h.turn != nil {
		h.turn.Close()
	}
	if h.sfu != nil {
		h.sfu.Close()
	}
	h.doors.close()
	if h.store != nil {
		if err := h.store.Close(); err != nil {
			slog.Error("closing the database", "error", err)
		}
	}
	if h.blobs != nil {
		h.blobs.Close()
	}
	if h.lock != nil {
		h.lock.Close()
	}
}
