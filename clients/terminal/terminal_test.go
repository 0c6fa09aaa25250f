package terminal

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"neochat/clients/sdk"
	"neochat/clients/sdk/sdktest"
	"neochat/wire"
)

const (
	ann   = "+86101"
	bob   = "+8200001"
	right = "right password"
)

func world(t *testing.T) *sdktest.Server {
	t.Helper()
	before := goleak.IgnoreCurrent()
	s := sdktest.New()
	for _, a := range []string{ann, bob, "carl"} {
		s.AddAccount(a, right)
	}
	t.Cleanup(func() {
		s.Close()
		goleak.VerifyNone(t, before)
	})
	return s
}

// output collects what is printed, and can be waited for.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{}
}

func newOutput() *output { return &output{more: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.more <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// has waits until s was printed.
func (o *output) has(t *testing.T, s string) {
	t.Helper()
	enough := time.After(10 * time.Second) // far past what any of these tests needs
	for !strings.Contains(o.String(), s) {
		select {
		case <-o.more:
		case <-enough:
			t.Fatalf("%q was not printed, but:\n%s", s, o.String())
		}
	}
}

// talk is a running chat.
type talk struct {
	in       *io.PipeWriter
	out, err *output
	done     chan error
}

func (k *talk) types(t *testing.T, lines ...string) {
	t.Helper()
	for _, l := range lines {
		if _, err := io.WriteString(k.in, l+"\n"); err != nil {
			t.Fatal(err)
		}
	}
}

// end closes the input and returns what Run returned.
func (k *talk) end() error {
	_ = k.in.Close() // a pipe's never fails
	return <-k.done
}

func start(t *testing.T, s *sdktest.Server, account string, change func(*Options)) *talk {
	t.Helper()
	r, w := io.Pipe()
	k := &talk{in: w, out: newOutput(), err: newOutput(), done: make(chan error, 1)}
	opt := Options{URL: s.URL, Account: account, Password: func() (string, error) { return right, nil },
		In: r, Out: k.out, Err: k.err, Backoff: func(int) time.Duration { return time.Millisecond }}
	if change != nil {
		change(&opt)
	}
	go func() {
		k.done <- Run(t.Context(), opt)
		_ = r.Close() // frees the reader; never fails
	}()
	t.Cleanup(func() { _ = w.Close() })
	if opt.Interactive {
		k.out.has(t, "logged in as")
	} else {
		k.err.has(t, "logged in as")
	}
	return k
}

func TestPipe(t *testing.T) {
	s := world(t)
	s.Say("carl", ann, "are you there?")
	a := start(t, s, ann, func(o *Options) { o.Device = "x" })
	a.out.has(t, "are you there?")
	b := start(t, s, bob, nil)
	a.types(t, "/to "+bob, "hello", "//not a command", "<file>x</file>", "")
	b.out.has(t, "] "+ann+": hello\n")
	b.out.has(t, ": /not a command\n")
	b.out.has(t, ": <file>x</file>\n")
	b.types(t, "/to "+ann, "hi")
	a.out.has(t, "] "+bob+": hi\n")
	a.types(t, "/history 2", "/list", "/who "+bob, "/help")
	a.out.has(t, "you: <file>x</file>")
	a.out.has(t, "Name of "+bob)
	a.out.has(t, "/members")
	if err := a.end(); err != nil {
		t.Error(err)
	}
	if err := b.end(); err != nil {
		t.Error(err)
	}
	if got := strings.Join(s.Texts(ann, bob), "|"); got != "hello|/not a command|&lt;file>x&lt;/file>|hi" && got != "hello|/not a command|&lt;file>x</file>|hi" {
		t.Error(got)
	}
}

func TestEverythingIsAcknowledgedBeforeTheEnd(t *testing.T) {
	s := world(t)
	s.Fail(sdktest.Faults{LoseAnswer: 3})
	var in strings.Builder
	in.WriteString("/to " + bob + "\n")
	for range 50 {
		in.WriteString("line\n")
	}
	out := newOutput()
	err := Run(t.Context(), Options{URL: s.URL, Account: ann, Password: func() (string, error) { return right, nil },
		In: strings.NewReader(in.String()), Out: out, Err: out, Backoff: func(int) time.Duration { return 0 }})
	if err != nil || len(s.Texts(ann, bob)) != 50 {
		t.Errorf("%v, %d texts", err, len(s.Texts(ann, bob)))
	}
}

func TestGroupsInATerminal(t *testing.T) {
	s := world(t)
	a, b := start(t, s, ann, nil), start(t, s, bob, nil)
	a.types(t, `/group new "Our Team" `+bob, "welcome", "/members", "/invite carl", "/groups")
	a.out.has(t, "made the group Our Team (g1)")
	b.out.has(t, "] Our Team / "+ann+" made the group with "+bob)
	b.out.has(t, "] Our Team / "+ann+": welcome")
	b.out.has(t, "invited carl")
	b.types(t, "/to Our Team", "/history")
	b.out.has(t, "] "+ann+": welcome")
	a.out.has(t, "  Our Team                 g1")
	a.types(t, "/to "+bob, "only you")
	b.out.has(t, "] "+ann+" → you: only you") // not to be taken for one of the group's
	b.types(t, "/leave")
	a.out.has(t, "Our Team / "+bob+" left the group")
	b.out.has(t, "you left Our Team")
	for _, k := range []*talk{a, b} {
		if err := k.end(); err != nil {
			t.Error(err, k.err)
		}
	}
}

func TestFilesInATerminal(t *testing.T) {
	s := world(t)
	dir := t.TempDir()
	path := filepath.Join(dir, "a b.txt")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	a := start(t, s, ann, nil)
	b := start(t, s, bob, func(o *Options) { o.Interactive = true })
	a.types(t, "/to "+bob, "/file "+path)
	b.out.has(t, "[file a b.txt: /save 1]")
	b.types(t, "/save 1 "+filepath.Join(dir, "got"), "/save 1 "+dir, "/save 7")
	b.out.has(t, "(7 bytes)")
	b.out.has(t, "exists already")
	b.out.has(t, "no file has the number 7")
	if got, err := os.ReadFile(filepath.Join(dir, "got")); err != nil || string(got) != "content" {
		t.Errorf("%q %v", got, err)
	}
	a.types(t, "/file "+filepath.Join(dir, "none"))
	a.err.has(t, "no such file")
	if err := a.end(); ExitCode(err) != ExitNotAll {
		t.Error(err)
	}
	if err := b.end(); err != nil {
		t.Error(err)
	}
}

func TestSavePath(t *testing.T) {
	dir := t.TempDir()
	for _, c := range [][3]string{
		{"", "a.png", "a.png"}, {"b.png", "a.png", "b.png"}, {dir, "../../etc/passwd", filepath.Join(dir, "_.._etc_passwd")},
		{dir, "..", filepath.Join(dir, "file")}, {dir, ".bashrc", filepath.Join(dir, "bashrc")}, {dir, "a\x1b/b", filepath.Join(dir, "a__b")},
	} {
		if got := savePath(c[0], c[1]); got != c[2] {
			t.Errorf("savePath(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestWhatOthersWriteCannotSteerTheTerminal(t *testing.T) {
	s := world(t)
	b := start(t, s, bob, nil)
	s.Say(ann, bob, "red \x1b[31m bell \a\nsecond \u202e \u009b line\r\ttab")
	b.out.has(t, `red \x1b[31m bell \x07`+"\n        second \\u202e \\u009b line\\x0d    tab\n")
	s.Push(bob, "message_type", "call", "user_account", ann+"\x1b]0;x", "cell_key", "k", "conversation", "c")
	b.out.has(t, ann+`\x1b]0;x: incoming call; open http`)
	s.Push(bob, "message_type", "call", "type", "DELETE", "user_account", ann, "cell_key", "k", "cause", "timeout")
	b.out.has(t, "rings no more (timeout)")
	if err := b.end(); err != nil {
		t.Error(err)
	}
}

func TestMistakesSayWhatToDo(t *testing.T) {
	s := world(t)
	a := start(t, s, ann, nil)
	a.types(t, "nobody hears this", "/nonsense", "/members", "/to nobody", "/to", "/history x", "/save", "/group old x", "/invite "+bob)
	for _, want := range []string{"say to whom first: /to ACCOUNT", "no command /nonsense; /help", `called "nobody"`,
		"write it so: /to ACCOUNT|GROUP", "write it so: /history [N]", "write it so: /save NAME [PATH]", "write it so: /group [new NAME [A,B]], or /group name|about TEXT"} {
		a.err.has(t, want)
	}
	a.types(t, "/to "+bob, "/members", strings.Repeat("x", 70<<10))
	a.err.has(t, "this is not a group")
	a.err.has(t, "not sent: ")
	if err := a.end(); ExitCode(err) != ExitNotAll || !strings.Contains(err.Error(), "11 lines") {
		t.Error(err)
	}
}

func TestExitCodes(t *testing.T) {
	s := world(t)
	run := func(change func(*Options)) error {
		opt := Options{URL: s.URL, Account: ann, Password: func() (string, error) { return right, nil },
			In: strings.NewReader(""), Out: io.Discard, Err: io.Discard}
		change(&opt)
		return Run(t.Context(), opt)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name   string
		change func(*Options)
		code   int
		says   string
	}{
		{"fine", func(*Options) {}, ExitOK, ""},
		{"register", func(o *Options) { o.Account, o.Register = "new", true }, ExitOK, ""},
		{"exists", func(o *Options) { o.Register = true }, ExitRefused, "leave --register away"},
		{"nobody", func(o *Options) { o.Account = "" }, ExitUsage, "--account"},
		{"no password", func(o *Options) { o.Password = func() (string, error) { return "", errors.New("no terminal") } }, ExitUsage, "no terminal"},
		{"wrong password", func(o *Options) { o.Password = func() (string, error) { return "wrong", nil } }, ExitRefused, "check --account"},
		{"no server", func(o *Options) { o.URL = "http://127.0.0.1:1" }, ExitUnreachable, "is the server running"},
		{"no address", func(o *Options) { o.URL = "localhost:8080" }, ExitUsage, "http://"},
		{"read fails", func(o *Options) { o.In = broken{} }, ExitFailed, "the disk"},
	} {
		if err := run(c.change); ExitCode(err) != c.code || c.says != "" && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %d %v", c.name, ExitCode(err), err)
		}
	}
	if err := Run(ended, Options{URL: s.URL, Account: ann, Password: func() (string, error) { return right, nil }}); ExitCode(err) != ExitInterrupted {
		t.Error(err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

func TestLostConnectionIsTold(t *testing.T) {
	s := world(t)
	a := start(t, s, ann, nil)
	s.Drop(ann, wire.CloseRestart)
	a.err.has(t, "connected again")
	s.Fail(sdktest.Faults{RefuseLogin: 9})
	s.Drop(ann, wire.ClosePolicy)
	if err := <-a.done; ExitCode(err) != ExitRefused || !strings.Contains(err.Error(), "ended the session") {
		t.Error(err)
	}
}

func TestInteractive(t *testing.T) {
	s := world(t)
	s.Say(ann, bob, "one")
	watch, err := sdk.Dial(t.Context(), sdk.Options{URL: s.URL, Account: bob, Password: right, Device: "watch"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(watch.Close)
	b := start(t, s, bob, func(o *Options) { o.Interactive = true; o.Device = "x" })
	b.out.has(t, "1 new")
	b.types(t, "/to "+ann)
	b.out.has(t, ann+"> ")
	b.out.has(t, "] "+ann+": one")
	s.Say(ann, bob, "two")
	b.out.has(t, "] "+ann+": two")
	for e := range watch.Events() {
		if r, ok := e.(sdk.Receipt); ok && r.ReadSeq == 2 {
			break
		}
	}
	if _, err := io.WriteString(b.in, "half a line\x03"); err != nil {
		t.Fatal(err)
	}
	if err := <-b.done; ExitCode(err) != ExitInterrupted {
		t.Error(err)
	}
	if got := s.Texts(ann, bob); len(got) != 2 {
		t.Error(got)
	}
}

func TestEditor(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"plain", "abc\r", "abc"},
		{"backspace in Chinese", "你好\x7f们\r", "你们"},
		{"left and insert", "ac\x1b[Db\r", "abc"},
		{"home, delete, end", "xbc\x1b[H\x1b[3~a\x1b[F!\r", "abc!"},
		{"word and rest", "one two\x17three\x01\x06\x06\x06\x06\x0b\r", "one "},
		{"kill to the left", "gone\x15here\r", "here"},
		{"pasted lines are one text", "\x1b[200~a\nb\r\x1b[201~c\r", "a\nb\nc"},
		{"alt-enter", "a\x1b\rb\r", "a\nb"},
		{"controls are nothing", "a\x00\x07\x1b[99~b\x1bxc\r", "abc"},
		{"history", "first\r\x1b[A!\r", "first!"},
		{"beyond history", "first\r\x1b[A\x1b[A\x1b[B\x1b[Bnew\r", "new"},
	} {
		var out bytes.Buffer
		e := newEditor(strings.NewReader(c.in), &out, func() int { return 20 })
		line, err := e.readLine()
		if err == nil && line == "first" {
			line, err = e.readLine()
		}
		if err != nil || line != c.want {
			t.Errorf("%s: %q %v, want %q", c.name, line, err, c.want)
		}
	}
	e := newEditor(strings.NewReader("ab\x04\x7f\x7f\x04"), io.Discard, func() int { return 20 })
	if _, err := e.readLine(); err != io.EOF {
		t.Error("Ctrl-D:", err)
	}
}

func TestEditorShowsTheCursorWhereItIs(t *testing.T) {
	var out bytes.Buffer
	e := newEditor(strings.NewReader("你好世界和平万岁啊啊啊\x1b[D"), &out, func() int { return 20 })
	e.setPrompt("> ")
	if _, err := e.readLine(); err != io.EOF {
		t.Fatal(err)
	}
	// 17 columns of room hold 8 wide signs left of the cursor, and none right of it
	if want := "\r\x1b[K> 世界和平万岁啊啊\r\x1b[18C"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("%q does not end with %q", out.String(), want)
	}
	out.Reset()
	e.print("above\nit")
	if !strings.HasPrefix(out.String(), "\r\x1b[Kabove\r\nit\r\n\r\x1b[K> ") {
		t.Errorf("%q", out.String())
	}
}

func TestWidth(t *testing.T) {
	for s, want := range map[string]int{"abc": 3, "你好": 4, "é": 1, "e\u0301": 1, "👍": 2, "한글": 4, "": 0} {
		if got := width(s); got != want {
			t.Errorf("width(%q) = %d, want %d", s, got, want)
		}
	}
	if got := cut("你好世界", 5); got != "你好…" {
		t.Error(got)
	}
}

func TestFold(t *testing.T) {
	for _, c := range []struct {
		line string
		n    int
		want string
	}{
		{"short", 10, "short"},
		{"one two three", 8, "one two\nthree"},
		{"[15:04] one two three", 15, "[15:04] one two\n        three"},
		{"  one two three", 9, "  one two\n  three"},
		{"abcdefghij", 4, "abcd\nefgh\nij"},
		{"你好世界和平", 5, "你好\n世界\n和平"},
		{"say 你好世界", 7, "say 你\n好世界"},
		{"[15:04] x", 6, "[15:04\n] x"},
	} {
		if got := fold(c.line, c.n); got != c.want {
			t.Errorf("fold(%q, %d) = %q, want %q", c.line, c.n, got, c.want)
		}
	}
}

func FuzzFold(f *testing.F) {
	f.Add("[15:04] one two 你好世界", 9)
	f.Fuzz(func(t *testing.T, line string, n int) {
		line = visible(line, false)
		n = 4 + (n&0x7fffffff)%60
		folded := fold(line, n)
		for _, row := range strings.Split(folded, "\n") {
			if width(row) > n {
				t.Errorf("%q folded to %d has a row %q", line, n, row)
			}
		}
		if without(folded) != without(line) {
			t.Errorf("%q became %q", line, folded)
		}
	})
}

func without(s string) string { return strings.NewReplacer(" ", "", "\n", "").Replace(s) }
