package terminal

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"unicode"
)

// errInterrupted: the person pressed Ctrl-C.
var errInterrupted = errors.New("interrupted")

const historyLines = 200

// Keys with names; others are their own rune.
const (
	keyUnknown = unicode.MaxRune + 1 + iota
	keyUp
	keyDown
	keyLeft
	keyRight
	keyHome
	keyEnd
	keyDelete
	keyPasteBegin
	keyPasteEnd
	keyNewline // Alt-Enter: a line feed inside the text
)

// editor reads lines from a terminal in raw mode, while other goroutines print above
// the line being written. The line is shown in one row, scrolled to its cursor, and
// below it the status.
type editor struct {
	in   *bufio.Reader // owned by readLine
	cols func() int    // the width of the terminal

	mu sync.Mutex
	// guarded by mu
	out     io.Writer
	prompt  string
	line    []rune
	pos     int // of the cursor in line
	past    [][]rune
	at      int // in past; len(past): the new line
	pasting bool
	reading bool
	status  string // shown in a row below the line; "": there is none
	secret  bool   // the line is a password
	typed   func(busy bool)
}

func newEditor(in io.Reader, out io.Writer, cols func() int) *editor {
	return &editor{in: bufio.NewReader(in), out: out, cols: cols, typed: func(bool) {}}
}

// onTyping sets what is called, and must not wait, when a person writes a text (busy) or has
// emptied it again.
func (e *editor) onTyping(f func(busy bool)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.typed = f
}

// setStatus changes the row below the line.
func (e *editor) setStatus(status string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.status == status {
		return
	}
	if e.reading {
		e.writeLocked("\r\x1b[J")
	}
	e.status = status
	e.drawLocked()
}

// setSecret says whether the line is one that must not be seen.
func (e *editor) setSecret(secret bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.secret = secret
	e.drawLocked()
}

// setPrompt changes what stands before the line.
func (e *editor) setPrompt(prompt string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.prompt = prompt
	e.drawLocked()
}

// print writes text of one or more lines above the line being written.
func (e *editor) print(text string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	lines := strings.Split(text, "\n")
	for i := range lines {
		lines[i] = fold(lines[i], e.cols())
	}
	text = strings.Join(lines, "\n")
	e.writeLocked(e.wipeLocked() + strings.ReplaceAll(text, "\n", "\r\n") + "\r\n")
	e.drawLocked()
}

// wipeLocked returns what clears the line and the status.
func (e *editor) wipeLocked() string {
	if e.status == "" {
		return "\r\x1b[K"
	}
	return "\r\x1b[J"
}

// writeLocked ignores errors: a terminal that is gone also ends its input.
func (e *editor) writeLocked(s string) { _, _ = io.WriteString(e.out, s) }

// readLine returns the next line: io.EOF on Ctrl-D, errInterrupted on Ctrl-C.
func (e *editor) readLine() (string, error) {
	e.mu.Lock()
	e.line, e.pos, e.at, e.reading = nil, 0, len(e.past), true
	e.drawLocked()
	e.mu.Unlock()
	for {
		key, err := e.readKey()
		if err != nil {
			return "", err
		}
		if line, done, err := e.press(key); done || err != nil {
			return line, err
		}
	}
}

// press does what a key means.
func (e *editor) press(key rune) (line string, done bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case key == '\r' || key == '\n':
		if e.pasting {
			e.insertLocked('\n')
			break
		}
		return e.enterLocked(), true, nil
	case key == 3: // Ctrl-C
		e.leaveLocked()
		return "", false, errInterrupted
	case key == 4 && len(e.line) == 0: // Ctrl-D
		e.leaveLocked()
		return "", false, io.EOF
	default:
		e.editLocked(key)
		e.typed(len(e.line) > 0 && e.line[0] != '/' && !e.secret)
	}
	e.drawLocked()
	return "", false, nil
}

func (e *editor) leaveLocked() {
	e.reading = false
	e.writeLocked(e.wipeLocked())
}

// enterLocked ends the line and leaves all of it in sight.
func (e *editor) enterLocked() string {
	line := string(e.line)
	e.reading = false
	said := visible(line, true)
	if e.secret {
		said = ""
	}
	e.writeLocked(e.wipeLocked() + e.prompt + strings.ReplaceAll(said, "\n", "\r\n"+strings.Repeat(" ", width(e.prompt))) + "\r\n")
	if strings.TrimSpace(line) != "" && !e.secret {
		e.past = append(e.past, e.line)
		e.past = e.past[max(0, len(e.past)-historyLines):]
	}
	return line
}

func (e *editor) editLocked(key rune) {
	switch key {
	case keyLeft, 2:
		e.pos = max(0, e.pos-1)
	case keyRight, 6:
		e.pos = min(len(e.line), e.pos+1)
	case keyHome, 1:
		e.pos = 0
	case keyEnd, 5:
		e.pos = len(e.line)
	case keyUp, 16:
		e.recallLocked(e.at - 1)
	case keyDown, 14:
		e.recallLocked(e.at + 1)
	case 127, 8: // backspace
		e.cutLocked(e.pos-1, e.pos)
	case keyDelete, 4:
		e.cutLocked(e.pos, e.pos+1)
	case 21: // Ctrl-U
		e.cutLocked(0, e.pos)
	case 11: // Ctrl-K
		e.cutLocked(e.pos, len(e.line))
	case 23: // Ctrl-W
		e.cutLocked(e.wordLocked(), e.pos)
	case 12: // Ctrl-L
		e.writeLocked("\x1b[H\x1b[2J")
	case keyPasteBegin, keyPasteEnd:
		e.pasting = key == keyPasteBegin
	case keyNewline:
		e.insertLocked('\n')
	default:
		if key == '\t' || key <= unicode.MaxRune && !unicode.IsControl(key) {
			e.insertLocked(key)
		}
	}
}

func (e *editor) insertLocked(r rune) {
	e.line = append(e.line[:e.pos:e.pos], append([]rune{r}, e.line[e.pos:]...)...)
	e.pos++
}

func (e *editor) cutLocked(from, to int) {
	if from = max(0, from); to > len(e.line) || from >= to {
		return
	}
	e.line = append(e.line[:from:from], e.line[to:]...)
	e.pos = from
}

// wordLocked returns where the word before the cursor begins.
func (e *editor) wordLocked() int {
	i := e.pos
	for i > 0 && unicode.IsSpace(e.line[i-1]) {
		i--
	}
	for i > 0 && !unicode.IsSpace(e.line[i-1]) {
		i--
	}
	return i
}

func (e *editor) recallLocked(at int) {
	if at < 0 || at > len(e.past) {
		return
	}
	e.at, e.line = at, nil
	if at < len(e.past) {
		e.line = append(e.line, e.past[at]...)
	}
	e.pos = len(e.line)
}

// drawLocked shows the line anew: as much of it around the cursor as the row holds.
func (e *editor) drawLocked() {
	if !e.reading {
		return
	}
	prompt := cut(e.prompt, e.cols()/2)
	room := max(4, e.cols()-width(prompt)-1)
	from, used := e.pos, 0
	for from > 0 && used+columns(e.shownLocked(from-1)) <= room {
		from--
		used += columns(e.shownLocked(from))
	}
	var b strings.Builder
	total := 0
	for i := from; i < len(e.line); i++ {
		r := e.shownLocked(i)
		if total += columns(r); total > room {
			break
		}
		b.WriteRune(r)
	}
	below := ""
	if e.status != "" {
		below = "\r\n\x1b[K\x1b[2m" + cut(e.status, e.cols()-1) + "\x1b[0m\x1b[A"
	}
	e.writeLocked("\r\x1b[K" + prompt + b.String() + below + "\r")
	if n := width(prompt) + used; n > 0 {
		e.writeLocked(fmt.Sprintf("\x1b[%dC", n))
	}
}

// shownLocked is the sign that stands for a sign of the line.
func (e *editor) shownLocked(i int) rune {
	if e.secret {
		return '•'
	}
	return shown(e.line[i])
}

// shown is the sign that stands for r in the row.
func shown(r rune) rune {
	switch {
	case r == '\n':
		return '↵'
	case r == '\t':
		return ' '
	case steers(r):
		return '·'
	}
	return r
}

// readKey reads one key, escape sequences being one.
func (e *editor) readKey() (rune, error) {
	r, _, err := e.in.ReadRune()
	if err != nil || r != 0x1b {
		return r, err
	}
	r, _, err = e.in.ReadRune()
	switch {
	case err != nil:
		return 0, err
	case r == '\r' || r == '\n':
		return keyNewline, nil
	case r != '[' && r != 'O':
		return keyUnknown, nil
	}
	var seq []rune
	for len(seq) < 16 {
		if r, _, err = e.in.ReadRune(); err != nil {
			return 0, err
		}
		seq = append(seq, r)
		if r >= 0x40 && r <= 0x7e {
			break
		}
	}
	return named(string(seq)), nil
}

// named tells which key sends a control sequence (ECMA-48, section 5.4; the pastes are xterm's).
func named(seq string) rune {
	switch seq {
	case "A":
		return keyUp
	case "B":
		return keyDown
	case "C":
		return keyRight
	case "D":
		return keyLeft
	case "H", "1~", "7~":
		return keyHome
	case "F", "4~", "8~":
		return keyEnd
	case "3~":
		return keyDelete
	case "200~":
		return keyPasteBegin
	case "201~":
		return keyPasteEnd
	}
	return keyUnknown
}
