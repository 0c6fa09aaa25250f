// Package plugin lets other programs on the same machine chat through a client: a Host is a
// small message server of one person's, on a Unix socket and, where asked for, on a loopback
// port. Plugins speak the grammar of the text protocol over it; each may do what the person
// granted it, and nothing else. docs/plugins.md describes it for those who write plugins.
package plugin

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"neochat/clients/sdk"
	"neochat/wire"
)

// Client is what a Host needs of the client it belongs to; *sdk.Client has it.
type Client interface {
	Account() string
	Do(ctx context.Context, m wire.Message) (answer wire.Message, items []wire.Message, err error)
	Send(ctx context.Context, to sdk.To, d sdk.Draft) (sdk.Sent, error)
}

// Options say how plugins are hosted.
type Options struct {
	Client   Client
	Grants   string    // file of what plugins may; made when something is granted
	Socket   string    // path of the Unix socket; its folder is made, for its owner alone
	Address  string    // loopback address and port to listen on as well; "": none
	Commands []Command // plugins that the host starts

	Note    func(text string)                       // nil: nothing; what the person should know. May be called from any goroutine, and should not wait long
	Sent    func(plugin string, m sdk.Message)      // nil: nothing; what a plugin said in the person's name. The same holds
	Logger  *slog.Logger                            // nil: nothing is logged
	Backoff func(attempt int) (after time.Duration) // nil: 1 s, doubled up to a minute; before a plugin that ended is started again
	Limits  Limits                                  // zero values: the defaults
}

// Limits bound what plugins can take of the client.
type Limits struct {
	Queue      int           // messages that may wait for one plugin: 1,000
	QueueBytes int           // and their bytes: 1 MiB
	Sends      Rate          // of one plugin: 1 a second, 10 at once
	Requests   Rate          // of one plugin; then it is not read until later: 50 a second, 100 at once
	Shared     Rate          // requests of all plugins together that reach the server: 10 a second, 60 at once
	Write      time.Duration // in which a plugin must read what is written to it: 10 s
	Register   time.Duration // in which a connection must say which plugin it is: 10 s
	Answer     time.Duration // in which the server must answer: 30 s
}

func (l Limits) withDefaults() Limits {
	d := Limits{Queue: 1000, QueueBytes: 1 << 20, Sends: Rate{1, 10}, Requests: Rate{50, 100}, Shared: Rate{10, 60},
		Write: 10 * time.Second, Register: 10 * time.Second, Answer: 30 * time.Second}
	set(&d.Queue, l.Queue)
	set(&d.QueueBytes, l.QueueBytes)
	set(&d.Sends, l.Sends)
	set(&d.Requests, l.Requests)
	set(&d.Shared, l.Shared)
	set(&d.Write, l.Write)
	set(&d.Register, l.Register)
	set(&d.Answer, l.Answer)
	return d
}

// set overwrites *to with v, unless that is zero.
func set[T comparable](to *T, v T) {
	var zero T
	if v != zero {
		*to = v
	}
}

// maxConns is how many connections may be open at one time.
const maxConns = 64

// Host is a running host. All its methods may be called from several goroutines at once.
type Host struct {
	opt    Options
	log    *slog.Logger
	shared *bucket
	places *places
	unlock func() // gives the socket's path free

	ctx       context.Context // ends with the host
	cancel    context.CancelFunc
	over      sync.WaitGroup
	listeners []net.Listener

	edit sync.Mutex // held while the file of grants is changed; taken before mu

	mu sync.Mutex
	// guarded by mu
	plugins map[string]*plugin
	conns   int
}

// plugin is one plugin, connected or not.
type plugin struct {
	name     string
	queue    *queue
	sends    *bucket
	requests *bucket

	// guarded by Host.mu
	entry   entry  // as in the file
	started bool   // by the host
	child   string // hash of the token of the process that was started; "": none
	conn    *conn
	opened  bool // it has registered once: messages are kept for it
}

// Start hosts plugins until Close. Where the socket's path is in use by another host, or the
// file of grants cannot be understood, it fails.
func Start(opt Options) (*Host, error) {
	opt.Limits = opt.Limits.withDefaults()
	if opt.Note == nil {
		opt.Note = func(string) {}
	}
	if opt.Sent == nil {
		opt.Sent = func(string, sdk.Message) {}
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	if opt.Backoff == nil {
		opt.Backoff = backoff
	}
	h := &Host{opt: opt, log: opt.Logger, shared: newBucket(opt.Limits.Shared), plugins: map[string]*plugin{}}
	h.places = newPlaces(h)
	entries, err := load(opt.Grants)
	if err != nil {
		return nil, err
	}
	for name, e := range entries {
		h.plugins[name] = h.newPlugin(name, e)
	}
	if err := h.listen(); err != nil {
		return nil, err
	}
	h.ctx, h.cancel = context.WithCancel(context.Background())
	for _, l := range h.listeners {
		h.over.Go(func() { h.accept(l) })
	}
	for _, c := range opt.Commands {
		h.start(c)
	}
	return h, nil
}

func (h *Host) newPlugin(name string, e entry) *plugin {
	l := h.opt.Limits
	return &plugin{name: name, entry: e, queue: newQueue(l.Queue, l.QueueBytes), sends: newBucket(l.Sends), requests: newBucket(l.Requests)}
}

// Close ends the host, its connections and the plugins it started, and returns once nothing of
// it runs any more.
func (h *Host) Close() {
	h.cancel()
	for _, l := range h.listeners {
		if err := l.Close(); err != nil {
			h.log.Warn("closing the socket for plugins", "error", err)
		}
	}
	h.over.Wait()
	h.unlock()
}

// Socket is the path of the Unix socket.
func (h *Host) Socket() string { return h.opt.Socket }

// Address is where the host listens on the loopback; "": nowhere.
func (h *Host) Address() string {
	if len(h.listeners) < 2 {
		return ""
	}
	return h.listeners[1].Addr().String()
}

func (h *Host) accept(l net.Listener) {
	for {
		nc, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // out of descriptors, say
			h.log.Warn("taking a connection of a plugin", "error", err)
			if !sleep(h.ctx, 100*time.Millisecond) {
				return
			}
			continue
		}
		if !h.admit() {
			_ = nc.Close() // there are too many: it is told nothing
			continue
		}
		h.over.Go(func() {
			newConn(h, nc).run()
			h.mu.Lock()
			h.conns--
			h.mu.Unlock()
		})
	}
}

func (h *Host) admit() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.conns >= maxConns {
		return false
	}
	h.conns++
	return true
}

// Deliver gives a message of a conversation to the plugins that may receive it, unless a plugin
// sent it: two that answer each other would never end. It never waits.
func (h *Host) Deliver(m sdk.Message) {
	h.places.learn(m)
	if m.Author == h.opt.Client.Account() && strings.HasPrefix(m.ClientMessageID, sentPrefix) {
		return
	}
	encoded, err := wire.Encode(m.Wire)
	if err != nil || len(m.Wire.Fields) == 0 {
		h.log.Warn("a message cannot be told to plugins", "message_id", m.ID, "error", err)
		return
	}
	for _, q := range h.receivers(m.Conversation) {
		q.put(item{conversation: m.Conversation, encoded: encoded})
	}
}

// receivers returns the queues of those that may be told what is said in a conversation.
func (h *Host) receivers(conversation string) (all []*queue) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.plugins {
		if p.opened && p.entry.allows(Receive, conversation) {
			all = append(all, p.queue)
		}
	}
	return all
}

// next takes the oldest message that a plugin may still have, and how many were dropped before it.
func (h *Host) next(p *plugin) (it item, missed int, ok bool) {
	for {
		it, n, ok := p.queue.take()
		missed += n
		if !ok {
			p.queue.owe(missed)
		}
		if !ok || h.allowed(p, Receive, it.conversation) {
			return it, missed, ok
		}
	}
}

// Plugin is what a person may know of a plugin.
type Plugin struct {
	Name      string
	Started   bool // by the host
	Connected bool
	Grants    map[Grant][]string // conversations, or All alone
	Waiting   int                // messages
}

// Plugins returns all plugins that are known, by name.
func (h *Host) Plugins() []Plugin {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []Plugin
	for _, p := range h.plugins {
		all = append(all, Plugin{Name: p.name, Started: p.started, Connected: p.conn != nil, Grants: p.entry.grants(), Waiting: p.queue.len()})
	}
	slices.SortFunc(all, func(a, b Plugin) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// ErrName: a plugin's name is [A-Za-z0-9_-]{1,32}.
var ErrName = errors.New("the name of a plugin is letters, digits, _ and -, at most 32")

// ErrUnknown: there is no such plugin.
var ErrUnknown = errors.New("there is no plugin of that name")

// Add makes a plugin known, granted nothing, and returns the token it has to show; a plugin
// that is known gets another token in place of its own, and its connection ends.
func (h *Host) Add(name string) (token string, err error) {
	if !validName(name) {
		return "", ErrName
	}
	token = newToken()
	err = h.change(name, true, func(e *entry) error {
		e.Token = hashToken(token)
		return nil
	})
	return token, err
}

// Grant lets a plugin do g in a conversation, or in All.
func (h *Host) Grant(name string, g Grant, conversation string) error {
	return h.change(name, false, func(e *entry) error {
		e.add(g, conversation)
		return nil
	})
}

// ErrEverywhere: what is granted in all conversations cannot be taken back in one.
var ErrEverywhere = errors.New("it is granted in all conversations, and can only be taken back in all")

// Revoke takes back a grant for a conversation; All: for all of them.
func (h *Host) Revoke(name string, g Grant, conversation string) error {
	return h.change(name, false, func(e *entry) error {
		if conversation != All && e.allows(g, "") {
			return ErrEverywhere
		}
		e.remove(g, conversation)
		return nil
	})
}

// Remove forgets a plugin, with its grants and its token; its connection ends. A plugin that
// the host started stays, granted nothing.
func (h *Host) Remove(name string) error {
	return h.change(name, true, func(e *entry) error {
		*e = entry{gone: true}
		return nil
	})
}

// change changes what is known of a plugin, in the file and here. end: its connection ends.
// A plugin that is not known yet is made known by end alone.
func (h *Host) change(name string, end bool, edit func(*entry) error) error {
	h.edit.Lock()
	defer h.edit.Unlock()
	entries, known := h.entries(name)
	e := entries[name].clone()
	if err := edit(&e); err != nil {
		return err
	}
	if !known && (!end || e.gone) {
		return fmt.Errorf("%w: %s", ErrUnknown, name)
	}
	entries[name] = e
	if err := save(h.opt.Grants, entries); err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.plugins[name]
	if p == nil {
		p = h.newPlugin(name, e)
		h.plugins[name] = p
	}
	p.entry, p.entry.gone = e, false
	if end && p.conn != nil {
		p.conn.cancel()
	}
	if e.gone && !p.started {
		delete(h.plugins, name)
	}
	return nil
}

// entries returns what is known of all plugins, and whether name is among them.
func (h *Host) entries(name string) (all map[string]entry, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	all = map[string]entry{}
	for _, p := range h.plugins {
		all[p.name] = p.entry
	}
	_, known = all[name]
	return all, known
}

// allowed reports whether a plugin may do g in a conversation at this moment.
func (h *Host) allowed(p *plugin, g Grant, conversation string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return p.entry.allows(g, conversation)
}

// sleep waits, and reports whether ctx is still alive.
func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
