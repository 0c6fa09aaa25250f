// Package terminal is a chat for people at a terminal, and for pipes: lines go in,
// lines come out.
package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"neochat/clients/plugin"
	"neochat/clients/sdk"
)

// Options are how a chat is held.
type Options struct {
	URL      string
	Account  string
	Password func() (string, error) // asked once; nil: AskPassword
	Device   string                 // "": the plain device, which is sent what it missed
	State    string                 // a file that keeps how far the chat came and what was not sent; "": none
	Register bool                   // make the account first
	Invite   string                 // a code to register with, where the server asks for one
	Plugins  *PluginOptions         // nil: no plugins are hosted

	In          io.Reader // an *os.File that is a terminal where Interactive is set
	Out         io.Writer // what others say, and what commands answer
	Err         io.Writer // everything else, where not Interactive
	Interactive bool      // a person types: edit lines, show a prompt, mark as read

	Logger  *slog.Logger                    // nil: nothing is logged
	Backoff func(attempt int) time.Duration // nil: the SDK's
}

// Exit codes that ExitCode returns.
const (
	ExitOK          = 0
	ExitFailed      = 1   // anything else
	ExitUsage       = 2   // the options cannot be used
	ExitRefused     = 3   // the server refused the login or the registration
	ExitUnreachable = 4   // no connection
	ExitNotAll      = 5   // the chat went on, but not every line could be carried out
	ExitInterrupted = 130 // Ctrl-C
)

// exitError is an error with its exit code.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// ExitCode returns the code with which a program ends after Run returned err.
func ExitCode(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &e):
		return e.code
	}
	return ExitFailed
}

// Run holds a chat until In ends, /quit, ctx ends, or the server will have the account no
// more. Before it returns, everything that was read has been acknowledged or reported; a
// Read of In that was begun may go on.
func Run(ctx context.Context, opt Options) error {
	state, err := openState(opt)
	if err != nil {
		return err
	}
	if state != nil {
		defer func() { _ = state.Close() }() // all was written before
	}
	client, err := signIn(ctx, opt, state)
	if err != nil {
		return err
	}
	defer client.Close()
	scr, err := openScreen(opt)
	if err != nil {
		return err
	}
	defer scr.restore()
	c := newChat(opt, client, scr)
	if err := c.hostPlugins(); err != nil {
		return err
	}
	defer c.endPlugins()
	return c.run(ctx)
}

// openState opens the file that Options name; nil: they name none.
func openState(opt Options) (*sdk.FileState, error) {
	if opt.State == "" {
		return nil, nil
	}
	state, err := sdk.OpenFileState(opt.State)
	if err != nil {
		return nil, &exitError{ExitUsage, err}
	}
	return state, nil
}

// signIn registers if asked to, and logs in. state may be nil.
func signIn(ctx context.Context, opt Options, state *sdk.FileState) (*sdk.Client, error) {
	if opt.Account == "" {
		return nil, &exitError{ExitUsage, errors.New("say who you are: --account NAME")}
	}
	ask := opt.Password
	if ask == nil {
		ask = AskPassword
	}
	password, err := ask()
	if err != nil {
		return nil, &exitError{ExitUsage, err}
	}
	o := sdk.Options{URL: opt.URL, Account: opt.Account, Password: password, Device: opt.Device, Logger: opt.Logger, Backoff: opt.Backoff}
	if state != nil {
		o.State = state
	}
	if opt.Register {
		if err := sdk.Register(ctx, o, sdk.Profile{}, opt.Invite); err != nil {
			return nil, explain("register "+opt.Account, err)
		}
	}
	client, err := sdk.Dial(ctx, o)
	if err != nil {
		return nil, explain("log in as "+opt.Account, err)
	}
	return client, nil
}

// explain says what to do about a failed start.
func explain(doing string, err error) error {
	hint := ""
	switch stat := sdk.Stat(err); {
	case stat == 0 && errors.Is(err, context.Canceled):
		return &exitError{ExitInterrupted, err}
	case errors.Is(err, sdk.ErrAddress), errors.Is(err, sdk.ErrState):
		return &exitError{ExitUsage, err}
	case stat == 0:
		return &exitError{ExitUnreachable, fmt.Errorf("cannot %s: %s; is the server running there?", doing, visible(err.Error(), false))}
	case stat == 409:
		hint = "; leave --register away to log in"
	case stat == 404:
		hint = "; check --account and the password, or add --register to make the account"
	case stat == 429:
		hint = "; wait a minute and try again"
	case stat == 403:
		hint = "; ask whoever runs the server for an account"
	}
	return &exitError{ExitRefused, fmt.Errorf("cannot %s: %s%s", doing, visible(err.Error(), false), hint)}
}

// chat is a running chat. Commands run one after the other in run's goroutine.
type chat struct {
	opt     Options
	client  *sdk.Client
	scr     screen
	plugins *plugin.Host        // nil: none are hosted
	read    chan sdk.Receipt    // what was shown, to be marked as read
	writing chan bool           // a text is being written, or was emptied
	lines   chan input          // read by work, and by commands that ask
	fade    *time.Timer         // takes away what does not last
	failed  int                 // lines that could not be carried out; owned by run's goroutine
	found   search              // owned by run's goroutine
	devices []sdk.Device        // as last listed; owned by run's goroutine
	deleted bool                // the account was, from here; owned by run's goroutine
	broken  map[string]halfSent // uploads by the path of their file; owned by run's goroutine

	mu sync.Mutex
	// guarded by mu
	present target
	convs   map[string]target     // by conversation
	files   []string              // names of the files seen, for /save N
	day     string                // of the last message shown
	said    map[place]sdk.Message // what was shown
	ids     map[string]place      // of what was shown, by its message's id
	order   []place               // of what was shown, oldest first
	life    life
}

// target is a conversation as people see it.
type target struct {
	id      string // of the conversation; "" while nothing was said in it
	group   string // group_id; "" for a pair
	account string // the other one of a pair
	name    string // what it is called here
	unread  int64
	left    bool // no longer a member
}

func (t target) none() bool { return t.group == "" && t.account == "" && t.id == "" }

// same reports whether both are one conversation.
func (t target) same(o target) bool {
	if t.id != "" && o.id != "" {
		return t.id == o.id
	}
	return t.group == o.group && t.account == o.account && !t.none()
}

func (t target) to() sdk.To {
	switch {
	case t.group != "":
		return sdk.To{GroupID: t.group}
	case t.account != "":
		return sdk.To{Account: t.account}
	}
	return sdk.To{Conversation: t.id}
}

func newChat(opt Options, client *sdk.Client, scr screen) *chat {
	c := &chat{opt: opt, client: client, scr: scr, read: make(chan sdk.Receipt, 64), writing: make(chan bool, 1),
		lines: make(chan input, 64), convs: map[string]target{}, said: map[place]sdk.Message{}, ids: map[string]place{}, life: newLife(), broken: map[string]halfSent{}}
	c.fade = time.AfterFunc(time.Hour, c.refreshStatus)
	scr.onTyping(c.busy)
	return c
}

// input is one line, or why there are no more.
type input struct {
	line string
	err  error
}

func (c *chat) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer c.fade.Stop()
	c.greet(ctx)
	var side sync.WaitGroup
	side.Go(func() {
		defer cancel() // the client has ended: nothing more can be carried out
		c.showEvents(ctx)
	})
	side.Go(func() { c.markRead(ctx) })
	side.Go(func() { c.tellTyping(ctx) })
	asked := make(chan struct{}) // closed where the person wants to end at once
	go c.readLines(ctx, asked)
	go func() { // ends with ctx
		select {
		case <-asked:
			cancel()
		case <-ctx.Done():
		}
	}()
	err := c.work(ctx)
	ended := c.client.Err()
	c.client.Close()
	cancel()
	side.Wait()
	return c.result(err, ended, len(c.lines))
}

// readLines ends when the input does. Whoever waits in a Read cannot be called off.
func (c *chat) readLines(ctx context.Context, asked chan<- struct{}) {
	for {
		line, err := c.scr.readLine()
		if errors.Is(err, errInterrupted) {
			close(asked)
			return
		}
		select {
		case c.lines <- input{line, err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// errQuit: /quit was given.
var errQuit = errors.New("quit")

// next returns the next line of input. io.EOF: there are no more.
func (c *chat) next(ctx context.Context) (string, error) {
	select {
	case in := <-c.lines:
		if in.err != nil && in.err != io.EOF {
			return "", fmt.Errorf("read the input: %w", in.err)
		}
		return in.line, in.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// work carries out one line after the other.
func (c *chat) work(ctx context.Context) error {
	for {
		line, err := c.next(ctx)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		err = c.line(ctx, line)
		switch {
		case errors.Is(err, errQuit):
			return nil
		case ctx.Err() != nil && err != nil:
			c.scr.note(fmt.Sprintf("not acknowledged, it may or may not have arrived: %q", line))
			c.failed++
			return ctx.Err()
		case err != nil:
			c.failed++
			c.scr.note("! " + visible(err.Error(), true))
		}
	}
}

// askSecret asks for a password, which is the next line of input.
func (c *chat) askSecret(ctx context.Context, what string) (string, error) {
	c.scr.setPrompt(what + ": ")
	c.scr.setSecret(true)
	defer func() {
		c.scr.setSecret(false)
		c.showPrompt()
	}()
	secret, err := c.next(ctx)
	if err == io.EOF {
		return "", errors.New("no " + what + " was given")
	}
	return secret, err
}

// result makes of how the chat ended what Run returns. left lines were read and not carried out.
func (c *chat) result(err, ended error, left int) error {
	if left > 0 && err != nil {
		c.scr.note(count(left, "were not sent", "was not sent"))
	}
	switch {
	case ended != nil && !c.deleted:
		return &exitError{ExitRefused, fmt.Errorf("the server ended the session: %w; start again to log in", ended)}
	case errors.Is(err, context.Canceled):
		return &exitError{ExitInterrupted, errInterrupted}
	case err != nil:
		return err
	case c.failed > 0 && !c.opt.Interactive:
		return &exitError{ExitNotAll, errors.New(count(c.failed, "could not be carried out", "could not be carried out"))}
	}
	return nil
}

func count(n int, many, one string) string {
	if n == 1 {
		return "1 line " + one
	}
	return fmt.Sprintf("%d lines %s", n, many)
}

// markRead tells the server what was shown, the latest of a conversation only.
func (c *chat) markRead(ctx context.Context) {
	for {
		var r sdk.Receipt
		select {
		case r = <-c.read:
		case <-ctx.Done():
			return
		}
		latest := map[string]int64{r.Conversation: r.ReadSeq}
		for len(c.read) > 0 {
			r = <-c.read
			latest[r.Conversation] = r.ReadSeq
		}
		for conversation, seq := range latest {
			_ = c.client.MarkRead(ctx, conversation, seq) // the next one makes up for it
		}
	}
}

// shown notes that a message was seen by a person.
func (c *chat) shown(m sdk.Message) {
	if !c.opt.Interactive || m.Author == c.client.Account() {
		return
	}
	select {
	case c.read <- sdk.Receipt{Conversation: m.Conversation, ReadSeq: m.Seq}:
	default: // busy; the next one counts for this one too
	}
}
