package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// on starts a server on an address that one before had: what clients know it by.
func on(t *testing.T, data, addr, media string) *server {
	t.Helper()
	line := append([]string{neochat, "serve", "--data", data, "--listen", addr, "--media-port", media}, unbounded...)
	return startLine(t, data, nil, line)
}

// TestUpgradeDuringACall replaces a server by another one on the same folder and the same ports, as an upgrade does, and
// as a crash does. Both people of a call come back to it.
func TestUpgradeDuringACall(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(sig.String(), func(t *testing.T) {
			data := t.TempDir()
			s := start(t, data)
			register(t, s, "ann", "bob")
			ann, bob := login(t, s, "ann", "device: a"), login(t, s, "bob", "device: b")
			ann.want(t, "200", "message_type: text", "friends: bob", "text: shall we?")
			key := call(t, ann, bob)
			awaitCalls(t, data)
			s.end(t, sig)
			for _, c := range []*client{ann, bob} {
				if code := c.closed(t); sig == syscall.SIGTERM && code != restarts {
					t.Errorf("closed with %d, want 1012", code)
				}
				notOver(t, c, key)
			}

			s = on(t, data, s.addr, s.media)
			ann, bob = login(t, s, "ann", "device: a"), login(t, s, "bob", "device: b")
			ann.want(t, "404", "message_type: restart", "connection_key: "+key)
			bob.want(t, "404", "message_type: restart", "connection_key: "+key)
			ann.want(t, "200", "message_type: join", "connection_key: "+key)
			joined := bob.want(t, "200", "message_type: join", "connection_key: "+key)
			if len(joined.items) != 1 || joined.items[0].get("user_account") != "ann" {
				t.Errorf("who comes back sees %s", joined.raw)
			}
			ann.told(t, func(m message) bool { return m.get("message_type") == "join" && m.get("user_account") == "bob" })
			if n := callRecords(t, ann); n != 0 {
				t.Errorf("%d records of a call that goes on", n)
			}
			bob.want(t, "200", "message_type: leave", "connection_key: "+key)
			ann.told(t, func(m message) bool {
				return m.get("message_type") == "call_record" && m.get("outcome") == "answered" && m.get("connection_key") == key
			})
			if n := callRecords(t, ann); n != 1 {
				t.Errorf("%d records of one call", n)
			}
			s.stop(t)
		})
	}
}

// awaitCalls waits until both are written down as having joined: a server that is killed has no last word.
func awaitCalls(t *testing.T, data string) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if text, err := os.ReadFile(filepath.Join(data, "calls.json")); err == nil && strings.Contains(string(text), `"next_person":2`) {
			return
		}
	}
	t.Fatal("the call is not written down")
}

// notOver looks that a client was not told, before its connection ended, that the call is over.
func notOver(t *testing.T, c *client, key string) {
	t.Helper()
	for {
		select {
		case m := <-c.pushes:
			if m.get("message_type") == "cell" && m.get("type") == "DELETE" && m.get("cell_key") == key {
				t.Errorf("the call was ended: %s", m.raw)
			}
			continue
		default:
		}
		return
	}
}

func callRecords(t *testing.T, c *client) (n int) {
	t.Helper()
	for _, m := range readHistory(t, c, "1") {
		if m.get("message_type") == "call_record" {
			n++
		}
	}
	return n
}

// An upgrade goes by way of a backup: what was written before is there after both.
func TestUpgradeByTheBook(t *testing.T) {
	t.Parallel()
	data, to := t.TempDir(), t.TempDir()
	s := start(t, data)
	register(t, s, "ann", "bob")
	login(t, s, "ann").want(t, "200", "message_type: text", "friends: bob", "text: before")
	run(t, "backup", "--data", data, "--to", to).must(t)
	run(t, "database", "check", "--data", data, "--dry-run").must(t)
	s.stop(t)
	s = on(t, data, s.addr, s.media)
	if lines := readHistory(t, login(t, s, "ann"), "1"); len(lines) != 1 || lines[0].get("text") != "before" {
		t.Errorf("after it: %s", fmt.Sprint(lines))
	}
	s.stop(t)
}

// TestUpgradeOfTheFirstSchema checks, tries and keeps a database of the first release before it is changed.
func TestUpgradeOfTheFirstSchema(t *testing.T) {
	t.Parallel()
	data, to, back := t.TempDir(), t.TempDir(), t.TempDir()
	text, err := os.ReadFile("../../../store/migrations/sqlite/00001_first.sql")
	if err != nil {
		t.Fatal(err)
	}
	up, _, _ := strings.Cut(string(text), "-- +goose Down")
	execute(t, data, up)
	execute(t, data, `CREATE TABLE goose_db_version (id INTEGER PRIMARY KEY AUTOINCREMENT, version_id INTEGER NOT NULL, is_applied INTEGER NOT NULL, tstamp TIMESTAMP DEFAULT (datetime('now')));
		INSERT INTO goose_db_version (version_id, is_applied) VALUES (0, 1), (1, 1);
		INSERT INTO users (user_account, password_hash, registration_time) VALUES ('ann', '', 1000)`)
	if err := os.Mkdir(filepath.Join(data, "files"), 0o700); err != nil {
		t.Fatal(err)
	}
	was := snapshot(t, data)
	check := run(t, "database", "check", "--data", data, "--dry-run").must(t)
	for _, want := range []string{"has schema 1", "00002_messenger.sql", "are free", "On a snapshot they took"} {
		if !strings.Contains(check.out, want) {
			t.Errorf("it does not say %q: %s", want, check.both())
		}
	}
	if strings.Contains(check.out, "00001") {
		t.Errorf("it would run again what was run: %s", check.out)
	}
	run(t, "backup", "--data", data, "--to", to).must(t)
	if now := snapshot(t, data); fmt.Sprint(now) != fmt.Sprint(was) {
		t.Error("something was changed")
	}
	start(t, data).stop(t)
	if check := run(t, "database", "check", "--data", data).must(t); !strings.Contains(check.out, "changes nothing") {
		t.Errorf("after the upgrade: %s", check.both())
	}
	if r := run(t, "verify", "--from", to).must(t); !strings.Contains(r.out, "Everything is right") {
		t.Errorf("the old snapshot: %s", r.both())
	}
	run(t, "restore", "--from", to, "--data", back).must(t)
	if check := run(t, "database", "check", "--data", back).must(t); !strings.Contains(check.out, "has schema 1") {
		t.Errorf("restored: %s", check.both())
	}
	start(t, back).stop(t)
	if list := run(t, "user", "list", "--data", back).must(t); !strings.Contains(list.out, "ann") {
		t.Errorf("restored and upgraded: %s", list.both())
	}
}

// A backup takes what it backs up from the server's configuration file.
func TestBackupByConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	data, config := filepath.Join(dir, "here"), filepath.Join(dir, "c.toml")
	write(t, config, fmt.Sprintf("data = %q\nfiles = %q\n", data, filepath.Join(dir, "blobs")))
	s := startLine(t, data, nil, append([]string{neochat, "serve", "--config", config, "--listen", "127.0.0.1:0", "--media-port", "0"}, unbounded...))
	register(t, s, "ann")
	if _, err := login(t, s, "ann").upload(1, "bytes"); err != nil {
		t.Fatal(err)
	}
	if r := run(t, "backup", "--config", config, "--to", filepath.Join(dir, "backup")).must(t); !strings.Contains(r.out, "1 files") {
		t.Errorf("it says %s", r.both())
	}
	run(t, "verify", "--config", config, "--hashes").must(t)
	s.stop(t)
}
