package process

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/coder/websocket"
	_ "modernc.org/sqlite"
)

const restarts = websocket.StatusCode(1012)

// TestOrderlyShutdown ends servers that are in use: idle sockets, a call, a client that does not read.
func TestOrderlyShutdown(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(sig.String(), func(t *testing.T) {
			data := t.TempDir()
			s := start(t, data)
			register(t, s, "ann", "bob", "cat", "deaf")
			stranger := dial(t, s, "/message")
			cat := login(t, s, "cat")
			ann, bob := login(t, s, "ann"), login(t, s, "bob")
			key := call(t, ann, bob)
			kept := deafen(t, s, cat)

			code, took := s.end(t, sig)
			t.Logf("exited with %d after %v", code, took)
			if code != 0 {
				t.Errorf("exit code %d\n%s", code, s.log)
			}
			for name, c := range map[string]*client{"a connection without login": stranger, "an idle one": cat, "a caller": ann, "a callee": bob} {
				if got := c.closed(t); got != restarts {
					t.Errorf("%s was closed with %d (%v), want 1012", name, got, c.err)
				}
			}
			for _, c := range []*client{ann, bob} { // the next server has it
				notOver(t, c, key)
			}
			checkDatabase(t, data, kept)
			again := start(t, data)
			if n := len(readHistory(t, login(t, again, "cat", "device: d"), "1")); n == 0 {
				t.Error("after the restart the history is empty")
			}
			again.stop(t)
		})
	}
}

// call brings two into a call, as far as that goes without media, and returns its key.
func call(t *testing.T, a, b *client) string {
	t.Helper()
	key := a.want(t, "200", "message_type: cell", "friends: bob").get("connection_key")
	a.want(t, "200", "message_type: call", "cell_key: "+key)
	b.told(t, func(m message) bool { return m.get("cell_key") == key })
	b.want(t, "200", "message_type: cell", "cell_type: 200", "friends: ann", "cell_key: "+key)
	a.want(t, "200", "message_type: join", "connection_key: "+key)
	b.want(t, "200", "message_type: join", "connection_key: "+key)
	return key
}

// deafen logs a client in that reads nothing from then on, though much is
// written to it, and returns the number of messages stored.
func deafen(t *testing.T, s *server, from *client) int {
	t.Helper()
	c, err := connect(s.addr, "/message")
	if err != nil {
		t.Fatal(err)
	}
	close(c.done) // nobody reads
	t.Cleanup(c.gone)
	if err := c.write("message_type: login", "user_account: deaf", "user_password: "+password, "device: d"); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := c.ws.Read(c.ctx); err != nil || !strings.Contains(string(answer), "stat: 200") {
		t.Fatalf("login: %v %s", err, answer)
	}
	const texts = 200
	for range texts {
		if err := from.write("message_type: text", "friends: deaf", "text: "+strings.Repeat("x", 1000)); err != nil {
			t.Fatal(err)
		}
	}
	for range texts {
		if m, err := from.next(); err != nil || m.get("stat") != "200" {
			t.Fatalf("a text: %v %s", err, m.raw)
		}
	}
	return texts
}

// checkDatabase opens what an orderly end left behind: one file, sound, with everything in it.
func checkDatabase(t *testing.T, data string, texts int) {
	t.Helper()
	for _, suffix := range []string{"-wal", "-shm"} {
		if info, err := os.Stat(filepath.Join(data, "neochat.db"+suffix)); err == nil {
			t.Errorf("neochat.db%s is left, with %d bytes: the database was not closed", suffix, info.Size())
		}
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "neochat.db")+"?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var sound string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("integrity_check: %s, %v", sound, err)
	}
	var stored int
	if err := db.QueryRow("SELECT COUNT(*) FROM messages WHERE author = 'cat'").Scan(&stored); err != nil || stored != texts {
		t.Errorf("%d texts are stored, want %d (%v)", stored, texts, err)
	}
	var calls int
	if err := db.QueryRow("SELECT COUNT(*) FROM messages WHERE kind = 'call_record'").Scan(&calls); err != nil || calls != 0 {
		t.Errorf("%d calls are recorded as over, want none (%v)", calls, err)
	}
}
