package process

import (
	"bufio"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"neochat/store/mariadbtest"
)

// mariaDB starts a server with an empty database and returns its URL. Its user has a password.
func mariaDB(t *testing.T) string {
	t.Helper()
	server := mariadbtest.New(t, true)
	for _, statement := range []string{"CREATE USER neochat IDENTIFIED BY 'secret@/'", "GRANT ALL ON chat.* TO neochat"} {
		if err := server.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	return server.URLFor("neochat:secret%40%2F", "chat")
}

func TestServeOnMariaDB(t *testing.T) {
	t.Parallel()
	url, data := mariaDB(t), t.TempDir()
	runWith(t, password+"\n", []string{"NEOCHAT_DATABASE=" + url}, "user", "add", "cat").must(t)
	s := start(t, data, "--database", url)
	register(t, s, "ann", "bob")
	first := login(t, s, "ann").want(t, "200", "message_type: text", "friends: bob", "client_message_id: x", "text: first")
	second := run(t, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--media-port", "0", "--database", url)
	if second.code != 1 || !strings.Contains(second.err, "another NeoChat server uses this database") {
		t.Errorf("a second server on the database: %d, %s", second.code, second.both())
	}
	list := run(t, "user", "--database", url, "list").must(t)
	for _, account := range []string{"ann", "bob", "cat"} {
		if !strings.Contains(list.out, account) {
			t.Errorf("%s is not among %s", account, list.out)
		}
	}
	s.kill()
	s = start(t, data, "--database", url)
	c := login(t, s, "ann")
	again := c.want(t, "200", "message_type: text", "friends: bob", "client_message_id: x", "text: first")
	if again.get("message_id") != first.get("message_id") || len(readHistory(t, c, first.get("conversation"))) != 1 {
		t.Errorf("sent again: %s", again.raw)
	}
	s.stop(t)
	for _, printed := range []string{second.both(), list.both(), s.log.String()} {
		if strings.Contains(printed, "secret") {
			t.Errorf("the password is printed: %s", printed)
		}
	}
}

// What is wrong with a database's name or server is told, and its password is not.
func TestDatabaseErrorsKeepThePassword(t *testing.T) {
	t.Parallel()
	url := mariaDB(t)
	for _, c := range []struct{ url, says string }{
		{strings.Replace(url, "%40", "", 1), "check user and password"},
		{strings.Replace(url, "/chat", "/chit", 1), "GRANT"},
		{strings.Replace(url, "socket", "nothing", 1), "see to it that it runs"},
		{strings.Replace(url, "unix", "onix", 1), "a database is mysql://user:password@host:port/name"},
		{url + "?tls=perhaps", "a database is mysql://user:password@host:port/name"},
	} {
		r := runWith(t, "", []string{"NEOCHAT_DATABASE=" + c.url}, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--media-port", "0")
		if r.code != 1 || !strings.Contains(r.both(), c.says) || strings.Contains(r.both(), "secret") {
			t.Errorf("want %q: %d %s", c.says, r.code, r.both())
		}
	}
}

// A copy that is killed again and again ends where one that is not does, and the server goes on from there.
func TestCopyKilled(t *testing.T) {
	t.Parallel()
	url, data := mariaDB(t), t.TempDir()
	s := start(t, data)
	register(t, s, "ann", "bob")
	first := login(t, s, "ann").want(t, "200", "message_type: text", "friends: bob", "client_message_id: x", "text: first")
	file := filepath.Join(data, "neochat.db")
	busy := run(t, "database", "copy", "--from", file, "--to", url)
	if busy.code != 1 || !strings.Contains(busy.err, "another neochat serves the data folder") {
		t.Errorf("while the server runs: %d %s", busy.code, busy.both())
	}
	s.stop(t)
	execute(t, data, `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
		INSERT INTO users (user_account, password_hash, registration_time) SELECT 'user' || i, '', i FROM n`)

	kills := 0
	for kills < 3 && killedCopy(t, file, url) {
		kills++
		half := run(t, "serve", "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--media-port", "0", "--database", url)
		if half.code != 1 || !strings.Contains(half.err, "incomplete copy") {
			t.Fatalf("a server on half a copy: %d %s", half.code, half.both())
		}
	}
	if kills == 0 {
		t.Error("the copy was never killed midway")
	}
	done := run(t, "database", "copy", "--from", file, "--to", url).must(t)
	if !strings.Contains(done.out, "are equal") || !strings.Contains(done.out, "20002") || strings.Contains(done.both(), "secret") {
		t.Errorf("the copy says %s", done.both())
	}
	s = start(t, data, "--database", url)
	c := login(t, s, "bob")
	if m := c.want(t, "200", "message_type: text", "friends: ann", "text: second"); m.get("seq") != "2" || m.get("conversation") != first.get("conversation") {
		t.Errorf("the next text is %s", m.raw)
	}
	s.stop(t)
	back := filepath.Join(t.TempDir(), "back.db")
	run(t, "database", "copy", "--from", url, "--to", back).must(t)
	s = start(t, t.TempDir(), "--database", back)
	if lines := readHistory(t, login(t, s, "ann"), first.get("conversation")); len(lines) != 2 || lines[1].get("text") != "second" {
		t.Errorf("there and back: %v", lines)
	}
	s.stop(t)
}

// killedCopy kills a copy once it tells of its progress; false: it had ended by then.
func killedCopy(t *testing.T, from, to string) bool {
	t.Helper()
	cmd := exec.Command(neochat, "database", "copy", "--from", from, "--to", to)
	cmd.Env = bareEnvironment()
	said, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewScanner(said); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "users: ") {
			cmd.Process.Kill()
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); err != nil && (!errors.As(err, &exit) || exit.ExitCode() != -1) {
		t.Fatal(fmt.Errorf("the copy failed by itself: %w", err))
	}
	return cmd.ProcessState.ExitCode() == -1
}
