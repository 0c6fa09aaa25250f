package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"neochat/store/mariadbtest"
)

// A server on MariaDB is backed up while people write, and restored to a folder and to MariaDB.
func TestBackupOfMariaDB(t *testing.T) {
	t.Parallel()
	server := mariadbtest.New(t, true)
	for _, statement := range []string{"CREATE USER neochat IDENTIFIED BY 'secret@/'", "CREATE DATABASE back", "GRANT ALL ON chat.* TO neochat", "GRANT ALL ON back.* TO neochat"} {
		if err := server.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	url, other := server.URLFor("neochat:secret%40%2F", "chat"), server.URLFor("neochat:secret%40%2F", "back")
	data, to, folder := t.TempDir(), t.TempDir(), t.TempDir()
	s := start(t, data, "--database", url)
	register(t, s, "ann", "bob", "cat")
	w := writeOn(t, s, "ann", "bob", "cat")
	before := w.answered()
	made := runWith(t, "", []string{"NEOCHAT_DATABASE=" + url}, "backup", "--data", data, "--to", to).must(t)
	w.goOn()
	w.end()
	s.stop(t)
	run(t, "verify", "--from", to).must(t)
	run(t, "verify", "--data", data, "--database", url, "--hashes").must(t)
	run(t, "restore", "--from", to, "--data", folder).must(t)
	onMariaDB := t.TempDir()
	runWith(t, "", []string{"NEOCHAT_DATABASE=" + other}, "restore", "--from", to, "--data", onMariaDB).must(t)
	for _, dir := range []string{to, folder} {
		text, err := exec.Command("grep", "-rla", "secret@", dir).Output()
		if len(text) > 0 {
			t.Errorf("the password is in %s (%v)", text, err)
		}
	}
	if strings.Contains(made.both(), "secret") {
		t.Errorf("the password is printed: %s", made.both())
	}
	for name, s := range map[string]*placed{"a folder": {data: folder}, "MariaDB": {data: onMariaDB, flags: []string{"--database", other}}} {
		again := start(t, s.data, s.flags...)
		kept := map[string]bool{}
		for _, account := range []string{"ann", "cat"} {
			c := login(t, again, account)
			for _, conversation := range []string{"1", "2", "3"} {
				if m := c.ask(t, "message_type: history", "type: GET", "conversation: "+conversation, "after_seq: 0", "limit: 1"); m.get("stat") != "200" {
					continue
				}
				for _, m := range readHistory(t, c, conversation) {
					kept[m.get("client_message_id")+m.get("text")] = true
				}
			}
		}
		for _, id := range before {
			if !kept[id+id] && !kept[id] {
				t.Errorf("restored to %s: %s was answered before the backup and is not there", name, id)
			}
		}
		again.stop(t)
	}
}

// placed is where and how a server is started.
type placed struct {
	data  string
	flags []string
}

// The commands for MariaDB's own tools are those of docs/operate.md, word for word.
func TestDumpAsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../../docs/operate.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^    (mariadb(?:-dump)? .*)$`).FindAllStringSubmatch(string(text), -1)
	if len(commands) != 2 {
		t.Fatalf("docs/operate.md has %v", commands)
	}
	server, data := mariadbtest.New(t, true), t.TempDir()
	if err := server.Exec("CREATE DATABASE neochat"); err != nil {
		t.Fatal(err)
	}
	url := server.URL("neochat")
	s := start(t, data, "--database", url)
	register(t, s, "ann", "bob")
	c := login(t, s, "ann")
	c.want(t, "200", "message_type: text", "friends: bob", "text: kept \x01 你好")
	dir, socket := t.TempDir(), regexp.MustCompile(`unix\(([^)]*)\)`).FindStringSubmatch(url)
	if socket == nil {
		t.Fatalf("no socket in %s", url)
	}
	tool := func(command string) {
		t.Helper()
		program, rest, _ := strings.Cut(command, " ")
		line := exec.Command("sh", "-c", program+" --no-defaults --user=root --socket="+socket[1]+" "+rest)
		line.Dir = dir
		if out, err := line.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", command, err, out)
		}
	}
	tool(commands[0][1])
	c.want(t, "200", "message_type: text", "friends: bob", "text: not kept")
	s.stop(t)
	if err := server.Exec("DROP DATABASE neochat"); err != nil {
		t.Fatal(err)
	}
	if err := server.Exec("CREATE DATABASE neochat"); err != nil {
		t.Fatal(err)
	}
	tool(commands[1][1])
	s = start(t, data, "--database", url)
	if lines := readHistory(t, login(t, s, "ann"), "1"); len(lines) != 1 || lines[0].get("text") != "kept \x01 你好" {
		t.Errorf("restored: %v", lines)
	}
	s.stop(t)
	if _, err := os.Stat(filepath.Join(dir, "neochat.sql")); err != nil {
		t.Error(err)
	}
}
