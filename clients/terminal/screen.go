package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"golang.org/x/term"
)

// screen is where lines come from and what is shown goes.
type screen interface {
	readLine() (string, error) // io.EOF: no more; errInterrupted: end now
	print(text string)         // what a reader wants
	note(text string)          // what happens around it
	setPrompt(prompt string)
	setStatus(status string)    // what is shown all the time
	setSecret(secret bool)      // the next line must not be seen
	onTyping(f func(busy bool)) // what is called when a person writes a text, or has emptied it
	restore()
}

// openScreen prepares the terminal, or takes the pipes as they are.
func openScreen(opt Options) (screen, error) {
	if !opt.Interactive {
		return &pipes{in: bufio.NewReaderSize(opt.In, 64<<10), out: opt.Out, err: opt.Err}, nil
	}
	f, ok := opt.In.(*os.File)
	if !ok {
		return &tty{editor: newEditor(opt.In, opt.Out, func() int { return 80 })}, nil
	}
	fd := int(f.Fd())
	old, err := term.MakeRaw(fd)
	if err != nil {
		return nil, fmt.Errorf("prepare the terminal: %w", err)
	}
	_, _ = io.WriteString(opt.Out, "\x1b[?2004h") // tell pasted text from typed; a terminal that cannot ignores it
	back := func() {
		_, _ = io.WriteString(opt.Out, "\x1b[?2004l")
		_ = term.Restore(fd, old) // nothing more can be done
	}
	return &tty{editor: newEditor(opt.In, opt.Out, func() int { return columnsOf(fd) }), back: sync.OnceFunc(back)}, nil
}

func columnsOf(fd int) int {
	if n, _, err := term.GetSize(fd); err == nil && n > 10 {
		return n
	}
	return 80
}

// tty is a person at a terminal.
type tty struct {
	*editor
	back func() // puts the terminal back; may be nil
}

func (t *tty) note(text string) {
	if !strings.HasPrefix(text, "! ") { // faults have their own mark
		text = "· " + text
	}
	t.print(text)
}

func (t *tty) restore() {
	if t.back != nil {
		t.back()
	}
}

// pipes are a program on either side.
type pipes struct {
	in *bufio.Reader // owned by readLine

	mu  sync.Mutex
	out io.Writer // guarded by mu
	err io.Writer // guarded by mu
}

// maxLine is the longest line taken from a pipe, in bytes: what a server would refuse
// need not be held.
const maxLine = 1 << 20

func (p *pipes) readLine() (string, error) {
	var line []byte
	for {
		part, err := p.in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r"), nil
		case err == io.EOF && len(line) > 0:
			return string(line), nil
		case len(line) > maxLine:
			return "", fmt.Errorf("a line of the input is longer than %d bytes", maxLine)
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}

func (p *pipes) print(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.out, text+"\n") // a reader that went away is no reason not to send the rest
}

func (p *pipes) note(text string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.err, text+"\n") // as above
}

func (p *pipes) setPrompt(string)    {}
func (p *pipes) setStatus(string)    {}
func (p *pipes) setSecret(bool)      {}
func (p *pipes) onTyping(func(bool)) {}
func (p *pipes) restore()            {}

// PasswordVariable is the environment variable that AskPassword looks at.
const PasswordVariable = "NEOCHAT_PASSWORD"

// AskPassword returns the password in NEOCHAT_PASSWORD, or asks for it at the
// terminal without showing it, also where the standard input is a pipe.
func AskPassword() (string, error) {
	if p := os.Getenv(PasswordVariable); p != "" {
		return p, nil
	}
	f, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", fmt.Errorf("there is no terminal to ask for the password; set %s", PasswordVariable)
	}
	defer func() { _ = f.Close() }()
	_, _ = io.WriteString(f, "password: ")
	b, err := term.ReadPassword(int(f.Fd()))
	_, _ = io.WriteString(f, "\n")
	if err != nil {
		return "", fmt.Errorf("read the password: %w", err)
	}
	return string(b), nil
}
