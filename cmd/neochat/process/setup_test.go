package process

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var inviteLink = regexp.MustCompile(`https://\S+/#invite=(\S+)`)

// setUp runs "neochat setup" for a folder of its own, with standard input and flags beyond those.
func setUp(t testing.TB, dir, stdin string, env []string, args ...string) result {
	t.Helper()
	line := append([]string{"setup", "--no-start", "--write", filepath.Join(dir, "neochat.toml"), "--data", filepath.Join(dir, "data")}, args...)
	return runWith(t, stdin, env, line...)
}

func free(t *testing.T) string { t.Helper(); return fmt.Sprintf(":%d", freePort(t)) }

// TestSetup makes a server for a network of one's own, serves what was made, and has a friend come by the link.
func TestSetup(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "password"), password+"\nanother line\n")
	flags := []string{"--domain", "", "--account", "ann", "--password-file", filepath.Join(dir, "password"), "--listen", free(t), "--yes"}
	made := setUp(t, dir, "", nil, flags...).must(t)
	link := inviteLink.FindStringSubmatch(made.out)
	if link == nil {
		t.Fatalf("no invitation link in\n%s", made.out)
	}
	fingerprint := regexp.MustCompile(`(?:[0-9A-F]{2}:){31}[0-9A-F]{2}`).FindString(made.out)
	config := filepath.Join(dir, "neochat.toml")
	if info, err := os.Stat(config); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the configuration: %v (%v), want mode 0640", info, err)
	}
	before := tree(t, dir)

	again := setUp(t, dir, "", nil, flags...).must(t)
	if strings.Contains(again.out, "made ") || inviteLink.MatchString(again.out) && !strings.Contains(again.out, "invite=CODE") {
		t.Errorf("the second run says\n%s", again.out)
	}
	if after := tree(t, dir); after != before {
		t.Errorf("the second run changed\n%s\nto\n%s", before, after)
	}

	s := startLine(t, filepath.Join(dir, "data"), []string{"NEOCHAT_TLS=off", "NEOCHAT_LISTEN=127.0.0.1:0", "NEOCHAT_MEDIA_PORT=0"}, []string{neochat, "serve", "--config", config})
	if got := loginStat(t, s, "ann", password); got != "200" {
		t.Errorf("ann's login is answered %s", got)
	}
	for _, c := range []struct{ account, code, want string }{{"bob", "", "403"}, {"bob", link[1], "200"}} {
		conn := dial(t, s, "/message")
		if got := conn.ask(t, "message_type: registered", "user_account: "+c.account, "user_password: "+password, "invite: "+c.code).get("stat"); got != c.want {
			t.Errorf("%s with %q is answered %s, want %s", c.account, c.code, got, c.want)
		}
	}
	if list := user(t, s.data, "", "list").must(t).out; !regexp.MustCompile(`ann .*operator`).MatchString(list) {
		t.Errorf("ann is not the operator:\n%s", list)
	}
	s.stop(t)
	secure := startLine(t, s.data, []string{"NEOCHAT_LISTEN=127.0.0.1:0", "NEOCHAT_MEDIA_PORT=0", "NEOCHAT_LOG_LEVEL=info"}, []string{neochat, "serve", "--config", config})
	secure.stop(t)
	if fingerprint == "" || strings.Contains(secure.log.String(), "has been made") {
		t.Errorf("the fingerprint told is %q; the log: %s", fingerprint, secure.log)
	}
}

// tree is the names, sizes and times of the files in a folder that setup writes for good.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() && !strings.Contains(path, ".db") {
			fmt.Fprintln(&b, path, info.Size(), info.ModTime().UnixNano())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestSetupAsks answers its questions one by one; what is nonsense is asked again.
func TestSetupAsks(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	answers := "https://chat.neochat.invalid/\nchat.neochat-setup.dev\nnonsense\nyou@neochat-setup.dev\nno spaces\nann\n" + password + "\n"
	made := setUp(t, dir, answers, nil, "--listen", free(t)).must(t)
	for _, says := range []string{"more than a name", "is no address like", "A-Z a-z"} {
		if !strings.Contains(made.err, says) {
			t.Errorf("nothing says %q:\n%s", says, made.err)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "neochat.toml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"domain = 'chat.neochat-setup.dev'", "acme_mail = 'you@neochat-setup.dev'", "tls = 'auto'", "registration = 'invite'"} {
		if !strings.Contains(string(text), "\n"+line+"\n") {
			t.Errorf("the configuration has no line %s:\n%s", line, text)
		}
	}
	if strings.Contains(string(text), "\nplain_listen") || strings.Contains(string(text), "\nrelay") {
		t.Errorf("it opens more than is needed:\n%s", text)
	}

	// Another domain, and no: nothing changes. Yes: the old one is kept, and what was added by hand stays.
	write(t, filepath.Join(dir, "neochat.toml"), string(text)+"\n")
	refused := setUp(t, dir, "chat2.neochat-setup.dev\n\nn\n", nil)
	if refused.code == 0 || !strings.Contains(refused.err, "nothing was changed") {
		t.Errorf("exit code %d: %s", refused.code, refused.both())
	}
	byHand := strings.Replace(string(text), "#quota = 5120", "quota = 7", 1)
	write(t, filepath.Join(dir, "neochat.toml"), byHand)
	setUp(t, dir, "chat2.neochat-setup.dev\n\ny\n", nil).must(t)
	after, err := os.ReadFile(filepath.Join(dir, "neochat.toml"))
	if err != nil || !strings.Contains(string(after), "domain = 'chat2.neochat-setup.dev'") || !strings.Contains(string(after), "\nquota = 7\n") {
		t.Errorf("%v:\n%s", err, after)
	}
	if old, err := os.ReadFile(filepath.Join(dir, "neochat.toml.old")); err != nil || string(old) != byHand {
		t.Errorf("the old configuration is not beside it (%v)", err)
	}
}

// TestSetupRefuses looks at what cannot work: it is said with the remedy, and nothing is made.
func TestSetupRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "short"), "seven77\n")
	taken := start(t, t.TempDir())
	word := []string{"NEOCHAT_PASSWORD=" + password}
	listen := free(t)
	for _, c := range []struct {
		env  []string
		args []string
		says string
	}{
		{word, []string{"--domain", "203.0.113.7", "--account", "ann"}, "is an address"},
		{word, []string{"--domain", "chat.local", "--account", "ann"}, "network of your own"},
		{word, []string{"--domain", "chat", "--account", "ann"}, "network of your own"},
		{word, []string{"--domain", "a..b.dev", "--account", "ann"}, "is no name"},
		{word, []string{"--domain", "chat.example.org:443", "--account", "ann"}, "only the name"},
		{word, []string{"--domain", "chat.example.org", "--mail", "me", "--account", "ann"}, "--mail"},
		{word, []string{"--domain", "", "--account", "no spaces"}, "--account"},
		{word, []string{"--domain", ""}, "--account"},
		{nil, []string{"--domain", "", "--account", "ann"}, "--password-file"},
		{nil, []string{"--domain", "", "--account", "ann", "--password-file", filepath.Join(dir, "short")}, "8 to 1024"},
		{nil, []string{"--domain", "", "--account", "ann", "--password-file", filepath.Join(dir, "missing")}, "--password-file"},
		{word, []string{"--domain", "", "--account", "ann", "--listen", "nonsense"}, "--listen"},
		{word, []string{"--domain", "", "--account", "ann", "--listen", taken.addr}, "in use by another program"},
	} {
		target := t.TempDir()
		got := setUp(t, target, "", c.env, append([]string{"--listen", listen, "--yes"}, c.args...)...)
		if got.code == 0 || !strings.Contains(got.err, c.says) {
			t.Errorf("setup %q: exit code %d, want %q in: %s", c.args, got.code, c.says, got.both())
		}
		if left := tree(t, target); left != "" {
			t.Errorf("setup %q left\n%s", c.args, left)
		}
	}
	for text, says := range map[string]string{"nonsense": "is not TOML", "nothing = 1\n": "unknown key"} {
		target := t.TempDir()
		write(t, filepath.Join(target, "neochat.toml"), text)
		if got := setUp(t, target, "", word, "--domain", "", "--account", "ann", "--listen", listen, "--yes", "--force"); got.code == 0 || !strings.Contains(got.err, says) {
			t.Errorf("with the configuration %q: exit code %d: %s", text, got.code, got.both())
		}
	}
	if got := setUp(t, t.TempDir(), "", nil); got.code == 0 || !strings.Contains(got.err, "--yes") {
		t.Errorf("without answers: exit code %d: %s", got.code, got.both())
	}
}

// TestHealthcheck asks servers that are well, are not there, and are none.
func TestHealthcheck(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	for url, code := range map[string]int{"http://" + s.addr + "/healthz": 0, "http://" + s.addr + "/readyz": 0, "http://" + s.addr + "/none": 1, "ftp://x": 1} {
		if got := run(t, "healthcheck", url); got.code != code {
			t.Errorf("healthcheck %s: exit code %d: %s", url, got.code, got.both())
		}
	}
	secure := start(t, t.TempDir(), "--tls", "self-signed")
	run(t, "healthcheck", "https://"+secure.addr+"/readyz").must(t)
	secure.stop(t)
	if got := run(t, "healthcheck", "https://"+secure.addr+"/readyz"); got.code != 1 {
		t.Errorf("nobody is there, and the exit code is %d: %s", got.code, got.both())
	}
}
