package process

import (
	"bytes"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// writers send texts and files for as long as a test lets them.
type writers struct {
	t       *testing.T
	stop    chan struct{}
	writing sync.WaitGroup
	mu      sync.Mutex
	answers []string      // what was answered 200, in its order; guarded by mu
	enough  chan struct{} // closed after the first so many answers
}

// writeOn starts them; it returns once there are a few answers of each.
func writeOn(t *testing.T, s *server, accounts ...string) *writers {
	t.Helper()
	w := &writers{t: t, stop: make(chan struct{}), enough: make(chan struct{})}
	for i, account := range accounts {
		c := login(t, s, account)
		w.writing.Go(func() { w.write(c, account, accounts[(i+1)%len(accounts)]) })
	}
	<-w.enough
	return w
}

func (w *writers) write(c *client, account, friend string) {
	for n := 1; ; n++ {
		select {
		case <-w.stop:
			return
		default:
		}
		id := fmt.Sprintf("%s-%d", account, n)
		lines := []string{"message_type: text", "friends: " + friend, "client_message_id: " + id, "text: " + id}
		if n%5 == 0 {
			file, err := c.upload(n, strings.Repeat(id, n))
			if err != nil {
				w.t.Error(err)
				return
			}
			lines = append(lines, "file: "+file)
		}
		if err := c.write(lines...); err != nil {
			w.t.Error(err)
			return
		}
		m, err := c.next()
		if err != nil || m.get("stat") != "200" {
			w.t.Errorf("a text: %v %s", err, m.raw)
			return
		}
		w.mu.Lock()
		if w.answers = append(w.answers, id); len(w.answers) == 40 {
			close(w.enough)
		}
		w.mu.Unlock()
	}
}

// upload stores bytes as a file and returns its name.
func (c *client) upload(at int, body string) (string, error) {
	head := frame("message_type: file", fmt.Sprint("time: ", at), "file_name: x.bin")
	if err := c.ws.Write(c.ctx, websocket.MessageBinary, []byte(head+"\x00"+body)); err != nil {
		return "", err
	}
	m, err := c.next()
	if err == nil && m.get("stat") != "200" {
		err = fmt.Errorf("a file: %s", m.raw)
	}
	return m.get("file"), err
}

func (w *writers) answered() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.answers...)
}

// goOn waits for another answer.
func (w *writers) goOn() {
	for n, end := len(w.answered()), time.Now().Add(patience); len(w.answered()) == n; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatal("nothing is answered any more")
		}
	}
}

func (w *writers) end() {
	close(w.stop)
	w.writing.Wait()
}

// TestBackupWhilePeopleWrite restores a snapshot of a server in use, and compares it with the source: everything that
// was answered before is there, and what is there is what the source has, to a point in time.
func TestBackupWhilePeopleWrite(t *testing.T) {
	t.Parallel()
	data, to, back := t.TempDir(), filepath.Join(t.TempDir(), "backup"), filepath.Join(t.TempDir(), "restored")
	s := start(t, data)
	register(t, s, "ann", "bob", "cat")
	w := writeOn(t, s, "ann", "bob", "cat")
	before := w.answered()
	first := run(t, "backup", "--data", data, "--to", to).must(t)
	second := run(t, "backup", "--data", data, "--to", to).must(t)
	if !strings.Contains(first.out, "Snapshot ") || !strings.Contains(second.out, "were new") {
		t.Errorf("it says %s and %s", first.both(), second.both())
	}
	live := run(t, "verify", "--data", data, "--hashes").must(t)
	w.goOn()
	w.end()
	if !strings.Contains(live.out, "Everything is right") {
		t.Errorf("verify while people write: %s", live.both())
	}
	run(t, "verify", "--from", to).must(t)
	said := run(t, "restore", "--from", to, "--data", back).must(t)
	if !strings.Contains(said.out, "It has everything up to") {
		t.Errorf("restore says %s", said.both())
	}
	compareBackup(t, data, back, before)
	again := run(t, "restore", "--from", to, "--data", back)
	if again.code != 1 || !strings.Contains(again.err, "choose an empty folder") {
		t.Errorf("over what is there: %d %s", again.code, again.both())
	}
	if got, want := read(t, filepath.Join(back, "relay.key")), read(t, filepath.Join(data, "relay.key")); !bytes.Equal(got, want) {
		t.Error("the relay's secret is another one")
	}
	s.stop(t)
	s = start(t, back)
	c := login(t, s, "ann")
	c.want(t, "200", "message_type: text", "friends: bob", "text: after")
	run(t, "verify", "--data", back, "--hashes").must(t)
	s.stop(t)
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// compareBackup holds what was restored against its source.
func compareBackup(t *testing.T, source, restored string, answered []string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(source, "neochat.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // what is attached is attached to a connection
	if _, err := db.Exec("ATTACH ? AS back", "file:"+filepath.Join(restored, "neochat.db")+"?mode=ro"); err != nil {
		t.Fatal(err)
	}
	count := func(query string, args ...any) (n int) {
		t.Helper()
		if err := db.QueryRow(query, args...).Scan(&n); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		return n
	}
	for _, id := range answered {
		if count("SELECT COUNT(*) FROM back.messages WHERE client_message_id = ?", id) != 1 {
			t.Errorf("%s was answered before the backup and is not in it", id)
		}
	}
	kept, all := count("SELECT COUNT(*) FROM back.messages"), count("SELECT COUNT(*) FROM messages")
	if kept < len(answered) || kept >= all {
		t.Errorf("%d messages were kept of %d, %d were answered before", kept, all, len(answered))
	}
	const point = " WHERE create_time <= (SELECT MAX(create_time) FROM back.messages)"
	for name, query := range map[string]string{
		"messages that are not as in the source": "SELECT COUNT(*) FROM (SELECT * FROM back.messages EXCEPT SELECT * FROM messages)",
		"messages that are missing":              "SELECT COUNT(*) FROM messages WHERE id <= (SELECT MAX(id) FROM back.messages) AND id NOT IN (SELECT id FROM back.messages)",
		"files that are not as in the source":    "SELECT COUNT(*) FROM (SELECT * FROM back.files EXCEPT SELECT * FROM files)",
		"files that messages name and are not":   "SELECT COUNT(*) FROM back.messages WHERE file IS NOT NULL AND file NOT IN (SELECT name FROM back.files)",
		"people that are not as in the source":   "SELECT COUNT(*) FROM (SELECT user_account, password_hash FROM back.users EXCEPT SELECT user_account, password_hash FROM users)",
	} {
		if n := count(query); n != 0 {
			t.Errorf("%d %s", n, name)
		}
	}
	t.Logf("%d messages answered before the backup, %d in it, %d in the end; %d files up to that point", len(answered), kept, all, count("SELECT COUNT(*) FROM files"+point))
}

// A restore that is killed again and again ends where one that is not does; until then no server starts on the folder.
func TestRestoreKilled(t *testing.T) {
	t.Parallel()
	data, to, back := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "restored")
	s := start(t, data)
	register(t, s, "ann", "bob")
	c := login(t, s, "ann")
	for n := range 300 {
		if _, err := c.upload(n, strings.Repeat(fmt.Sprint(n), 1000)); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "backup", "--data", data, "--to", to).must(t)
	s.stop(t)
	kills := 0
	for range 3 {
		if !killedAfterFiles(t, back, kills*60+20, "restore", "--from", to, "--data", back) {
			break
		}
		kills++
		half := run(t, "serve", "--data", back, "--listen", "127.0.0.1:0", "--media-port", "0")
		if half.code != 1 || !strings.Contains(half.err, "partly restored") {
			t.Fatalf("a server on half a restore: %d %s", half.code, half.both())
		}
	}
	if kills == 0 {
		t.Error("it was never killed midway")
	}
	run(t, "restore", "--from", to, "--data", back).must(t)
	run(t, "verify", "--data", back, "--hashes").must(t)
	s = start(t, back)
	login(t, s, "ann").gone()
	s.stop(t)
}

// killedAfterFiles kills a command once a folder has so many files; false: it had ended by then.
func killedAfterFiles(t *testing.T, folder string, files int, args ...string) bool {
	t.Helper()
	cmd := command(args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	for {
		select {
		case <-ended:
			return cmd.ProcessState.ExitCode() == -1
		default:
		}
		if found, _ := filepath.Glob(filepath.Join(folder, "files", "??", "*")); len(found) >= files {
			cmd.Process.Kill()
		}
	}
}

// A backup that is killed leaves the ones before whole, and the next one clears it away.
func TestBackupKilled(t *testing.T) {
	t.Parallel()
	data, to := t.TempDir(), t.TempDir()
	s := start(t, data)
	register(t, s, "ann")
	c := login(t, s, "ann")
	run(t, "backup", "--data", data, "--to", to).must(t)
	for n := range 300 {
		if _, err := c.upload(n, strings.Repeat(fmt.Sprint(n), 1000)); err != nil {
			t.Fatal(err)
		}
	}
	cmd := command("backup", "--data", data, "--to", to)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for {
		if found, _ := filepath.Glob(filepath.Join(to, "blobs", "??", "*")); len(found) >= 40 {
			break
		}
	}
	cmd.Process.Kill()
	if cmd.Wait(); cmd.ProcessState.ExitCode() != -1 {
		t.Fatal("it was not killed midway")
	}
	if r := run(t, "verify", "--from", to).must(t); !strings.Contains(r.out, "Everything is right") {
		t.Errorf("after the kill: %s", r.both())
	}
	r := run(t, "backup", "--data", data, "--to", to, "--keep", "1").must(t)
	if strings.Contains(r.out, "of which 300,") || !strings.Contains(r.out, "300 files") {
		t.Errorf("the next one copied all again, or not all: %s", r.both())
	}
	if left, err := os.ReadDir(filepath.Join(to, "snapshots")); err != nil || len(left) != 1 {
		t.Errorf("%d snapshots are left: %v", len(left), err)
	}
	run(t, "verify", "--from", to).must(t)
	s.stop(t)
}

// What is wrong with a backup is found, told by its name, and not restored.
func TestDamagedBackup(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(t *testing.T, snapshot, blob string){
		"manifest.json": func(t *testing.T, snapshot, _ string) { spoil(t, filepath.Join(snapshot, "manifest.json")) },
		"neochat.db":    func(t *testing.T, snapshot, _ string) { spoil(t, filepath.Join(snapshot, "neochat.db")) },
		"blobs.txt":     func(t *testing.T, snapshot, _ string) { spoil(t, filepath.Join(snapshot, "blobs.txt")) },
		"relay.key":     func(t *testing.T, snapshot, _ string) { spoil(t, filepath.Join(snapshot, "data", "relay.key")) },
		"the file":      func(t *testing.T, _, blob string) { spoil(t, blob) },
		"is missing":    func(t *testing.T, _, blob string) { os.Remove(blob) },
	} {
		t.Run(name, func(t *testing.T) {
			data, to := t.TempDir(), t.TempDir()
			s := start(t, data)
			register(t, s, "ann")
			c := login(t, s, "ann")
			if _, err := c.upload(1, strings.Repeat("x", 5000)); err != nil {
				t.Fatal(err)
			}
			run(t, "backup", "--data", data, "--to", to).must(t)
			s.stop(t)
			snapshots, _ := filepath.Glob(filepath.Join(to, "snapshots", "*"))
			blobs, _ := filepath.Glob(filepath.Join(to, "blobs", "??", "*"))
			if len(snapshots) != 1 || len(blobs) != 1 {
				t.Fatalf("%v %v", snapshots, blobs)
			}
			damage(t, snapshots[0], blobs[0])
			if r := run(t, "verify", "--from", to); r.code != 1 || !strings.Contains(r.both(), name) && !strings.Contains(r.both(), "manifest") {
				t.Errorf("verify: %d %s", r.code, r.both())
			}
			back := t.TempDir()
			if r := run(t, "restore", "--from", to, "--data", back); r.code != 1 {
				t.Errorf("restore: %d %s", r.code, r.both())
			}
			if _, err := os.Stat(filepath.Join(back, "neochat.db")); err == nil {
				t.Error("a database was restored")
			}
		})
	}
}

// spoil changes a byte in the middle of a file.
func spoil(t *testing.T, path string) {
	t.Helper()
	b := read(t, path)
	b[len(b)/2] ^= 1
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// What the server itself has lost is told, and the rest is kept.
func TestBackupOfADamagedServer(t *testing.T) {
	t.Parallel()
	data, to, back := t.TempDir(), t.TempDir(), t.TempDir()
	s := start(t, data)
	register(t, s, "ann")
	c := login(t, s, "ann")
	for n := range 3 {
		if _, err := c.upload(n, strings.Repeat(fmt.Sprint(n), 500)); err != nil {
			t.Fatal(err)
		}
	}
	blobs, _ := filepath.Glob(filepath.Join(data, "files", "??", "*"))
	if len(blobs) != 3 {
		t.Fatal(blobs)
	}
	spoil(t, blobs[0])
	os.Remove(blobs[1])
	if r := run(t, "verify", "--data", data, "--hashes"); r.code != 1 || !strings.Contains(r.out, filepath.Base(blobs[0])) || !strings.Contains(r.out, filepath.Base(blobs[1])) {
		t.Errorf("verify: %d %s", r.code, r.both())
	}
	if r := run(t, "backup", "--data", data, "--to", to); r.code != 1 || !strings.Contains(r.both(), "2 files of the server are missing or damaged") {
		t.Errorf("backup: %d %s", r.code, r.both())
	}
	if r := run(t, "restore", "--from", to, "--data", back).must(t); !strings.Contains(r.out, "1 files") || !strings.Contains(r.out, "2 files were lost") {
		t.Errorf("restore: %s", r.both())
	}
	s.stop(t)
}

// TestDatabaseCheck tells of schemas and changes nothing.
func TestDatabaseCheck(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if r := run(t, "database", "check", "--data", data).must(t); !strings.Contains(r.out, "There is none yet") {
		t.Errorf("of nothing: %s", r.both())
	}
	s := start(t, data)
	if r := run(t, "database", "check", "--data", data).must(t); !strings.Contains(r.out, "changes nothing") {
		t.Errorf("while it runs: %s", r.both())
	}
	s.stop(t)
	execute(t, data, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	was := snapshot(t, data)
	if r := run(t, "database", "check", "--data", data); r.code != 1 || !strings.Contains(r.err, "newer schema") {
		t.Errorf("of a newer one: %d %s", r.code, r.both())
	}
	if r := run(t, "backup", "--data", data, "--to", t.TempDir()); r.code != 1 || !strings.Contains(r.err, "newer schema") {
		t.Errorf("a backup of a newer one: %d %s", r.code, r.both())
	}
	if now := snapshot(t, data); fmt.Sprint(now) != fmt.Sprint(was) {
		t.Error("something was changed")
	}
}
