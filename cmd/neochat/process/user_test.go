package process

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// user runs "neochat user" on a data folder, with a password on standard input.
func user(t testing.TB, data, stdin string, args ...string) result {
	t.Helper()
	return runWith(t, stdin, nil, append([]string{"user", "--data", data}, args...)...)
}

// loginStat tries a login and returns its stat.
func loginStat(t *testing.T, s *server, account, word string) string {
	t.Helper()
	c := dial(t, s, "/message")
	defer c.gone()
	return c.ask(t, "message_type: login", "user_account: "+account, "user_password: "+word).get("stat")
}

// TestUserWithoutServer makes accounts before there is a server.
func TestUserWithoutServer(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	user(t, data, password+"\n", "add", "ann", "--name", "Ann").must(t)
	runWith(t, "", []string{"NEOCHAT_PASSWORD=" + password, "NEOCHAT_DATA=" + data}, "user", "add", "bob").must(t)
	user(t, data, password, "add", "+86101").must(t) // no line end
	user(t, data, password, "add", "cat").must(t)
	user(t, data, "", "suspend", "cat").must(t)

	s := start(t, data, "--registration=closed")
	for account, want := range map[string]string{"ann": "200", "bob": "200", "+86101": "200", "cat": "403", "dan": "404"} {
		if got := loginStat(t, s, account, password); got != want {
			t.Errorf("the login of %s is answered %s, want %s", account, got, want)
		}
	}
	login(t, s, "ann").want(t, "200", "message_type: text", "friends: bob", "text: hello")
}

// TestUserMistakes looks at what cannot be done: it is said, and nothing changes.
func TestUserMistakes(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	user(t, data, password, "add", "ann").must(t)
	before := user(t, data, "", "list").must(t).out
	for _, c := range []struct {
		stdin string
		args  []string
		says  string
	}{
		{"seven77\n", []string{"add", "bob"}, "8 to 1024"},
		{"", []string{"add", "bob"}, "8 to 1024"},
		{strings.Repeat("x", 1025), []string{"add", "bob"}, "8 to 1024"},
		{"seven77\n", []string{"password", "ann"}, "8 to 1024"},
		{"another password", []string{"add", "ann"}, "exists"},
		{password, []string{"add", "no spaces"}, "A-Z"},
		{password, []string{"add", strings.Repeat("a", 101)}, "100"},
		{password, []string{"password", "nobody"}, "no account nobody"},
		{"", []string{"suspend", "nobody"}, "no account nobody"},
		{"", []string{"suspend", "--undo", "nobody"}, "no account nobody"},
		{"", []string{"suspend"}, "account"},
		{"", []string{"delete", "nobody", "--yes"}, "no account nobody"},
		{"bob\n", []string{"delete", "ann"}, "nothing was deleted"},
		{"", []string{"delete", "ann"}, "nothing was deleted"},
		{"", []string{"invite", "--uses", "0"}, "--uses"},
		{"", []string{"invite", "--days", "0"}, "--days"},
		{"", []string{"remove", "ann"}, "remove"},
	} {
		got := user(t, data, c.stdin, c.args...)
		if got.code == 0 || !strings.Contains(got.err, c.says) {
			t.Errorf("user %v: exit code %d, want %q in: %s", c.args, got.code, c.says, got.both())
		}
	}
	if after := user(t, data, "", "list").must(t).out; after != before {
		t.Errorf("the list was\n%sand is\n%s", before, after)
	}
	s := start(t, data)
	if got := loginStat(t, s, "ann", password); got != "200" {
		t.Errorf("ann's password no longer works: %s", got)
	}
}

// TestUserNeedsFolder does not make a database where a folder was mistyped.
func TestUserNeedsFolder(t *testing.T) {
	t.Parallel()
	missing := t.TempDir() + "/missing"
	for _, args := range [][]string{{"list"}, {"suspend", "ann"}, {"password", "ann"}} {
		got := user(t, missing, password, args...)
		if got.code == 0 || !strings.Contains(got.err, missing) {
			t.Errorf("user %v: exit code %d: %s", args, got.code, got.both())
		}
	}
}

// TestUserBesideServer changes accounts while the server runs.
func TestUserBesideServer(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--registration=closed")
	user(t, s.data, password, "add", "ann").must(t)
	ann := login(t, s, "ann")
	ann.want(t, "404", "message_type: text", "friends: bob", "text: too early")
	user(t, s.data, password, "add", "bob").must(t)
	ann.want(t, "200", "message_type: text", "friends: bob", "text: hello")

	user(t, s.data, "", "suspend", "bob").must(t)
	if got := loginStat(t, s, "bob", password); got != "403" {
		t.Errorf("a suspended account's login is answered %s", got)
	}
	user(t, s.data, "", "suspend", "--undo", "bob").must(t)
	if got := loginStat(t, s, "bob", password); got != "200" {
		t.Errorf("after --undo the login is answered %s", got)
	}
}

// TestSessionsEnd changes a password and suspends an account beside the server:
// tokens are void at once, and the command makes the server end open connections.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	register(t, s, "ann", "bob", "cat", "dan")
	bob, cat := login(t, s, "bob"), login(t, s, "cat")
	c := dial(t, s, "/message")
	token := c.want(t, "200", "message_type: login", "user_account: ann", "user_password: "+password).get("session")
	bySession := func() string {
		c := dial(t, s, "/message")
		defer c.gone()
		return c.ask(t, "message_type: login", "user_account: ann", "session: "+token).get("stat")
	}
	if got := bySession(); got != "200" {
		t.Fatalf("login by session is answered %s", got)
	}
	user(t, s.data, "quite another password", "password", "ann").must(t)
	if got := bySession(); got != "404" {
		t.Errorf("after the change of password the old session is answered %s", got)
	}
	if got := loginStat(t, s, "ann", password); got != "404" {
		t.Errorf("the old password is answered %s", got)
	}
	if got := loginStat(t, s, "ann", "quite another password"); got != "200" {
		t.Errorf("the new password is answered %s", got)
	}
	user(t, s.data, "", "suspend", "bob").must(t)
	dan := login(t, s, "dan")
	user(t, s.data, "dan\n", "delete", "dan").must(t)
	for name, c := range map[string]*client{"ann": c, "bob": bob, "dan": dan} {
		if got := c.closed(t); got != websocket.StatusPolicyViolation {
			t.Errorf("the open connection of %s was closed with %d (%v), want 1008", name, got, c.err)
		}
	}
	cat.want(t, "200", "message_type: profile", "type: GET") // who is not concerned stays
	cat.want(t, "404", "message_type: text", "friends: dan", "text: hello")
}

// TestInvitation registers with a code, once.
func TestInvitation(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--registration=invite")
	code := strings.TrimSpace(user(t, s.data, "", "invite").must(t).out)
	ask := func(account, code string) string {
		c := dial(t, s, "/message")
		defer c.gone()
		return c.ask(t, "message_type: registered", "user_account: "+account, "user_password: "+password, "invite: "+code).get("stat")
	}
	for _, c := range []struct{ account, code, want string }{{"ann", "", "403"}, {"ann", code, "200"}, {"bob", code, "403"}} {
		if got := ask(c.account, c.code); got != c.want {
			t.Errorf("%s with %q is answered %s, want %s", c.account, c.code, got, c.want)
		}
	}
	if list := user(t, s.data, "", "list").must(t).out; !strings.Contains(list, "operator") {
		t.Errorf("the first account is not the operator's:\n%s", list)
	}
}

// TestRegistrationBeyondLoopback is closed unless the operator says otherwise.
func TestRegistrationBeyondLoopback(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flags []string
		want  string
	}{{nil, "403"}, {[]string{"--registration=open"}, "200"}} {
		line := append([]string{neochat, "serve", "--data", t.TempDir(), "--listen", "0.0.0.0:0", "--media-port", "0"}, c.flags...)
		s := startLine(t, "", nil, line)
		s.addr = "127.0.0.1" + s.addr[strings.LastIndex(s.addr, ":"):]
		conn := dial(t, s, "/message")
		if got := conn.ask(t, "message_type: registered", "user_account: ann", "user_password: "+password).get("stat"); got != c.want {
			t.Errorf("with %q registering is answered %s, want %s", c.flags, got, c.want)
		}
	}
}

// TestListIsSafe puts what a terminal would obey into a name.
func TestListIsSafe(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	evil := "x\x1b[2J\x1b]0;owned\x07\r\n\u0085\u009b31m\tadmin\u202eemos"
	user(t, data, password, "add", "ann", "--name", evil).must(t)
	user(t, data, password, "add", "bob", "--name", "Bob 你好").must(t)
	list := user(t, data, "", "list").must(t).out
	if lines := strings.Count(list, "\n"); lines != 3 {
		t.Errorf("%d lines for two accounts:\n%q", lines, list)
	}
	for _, r := range strings.ReplaceAll(list, "\n", "") {
		if r < ' ' || r >= 0x7f && r < 0xa0 || r == '\u202e' {
			t.Errorf("the list holds %s", fmt.Sprintf("%U", r))
		}
	}
	if !strings.Contains(list, "Bob 你好") {
		t.Errorf("a name was spoiled:\n%s", list)
	}
}
