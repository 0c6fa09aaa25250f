package plugin

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestQueue(t *testing.T) {
	q := newQueue(3, 100)
	for i := range 5 {
		q.put(item{conversation: "1", encoded: fmt.Appendf(nil, "%d", i)})
	}
	it, missed, ok := q.take()
	if string(it.encoded) != "2" || missed != 2 || !ok {
		t.Fatalf("took %s, missed %d", it.encoded, missed)
	}
	q.putBack(it, missed)
	it, missed, _ = q.take()
	if string(it.encoded) != "2" || missed != 2 {
		t.Errorf("after it was put back: %s, missed %d", it.encoded, missed)
	}
	q.put(item{encoded: []byte("5")})
	q.putBack(it, missed) // a fourth: it is the oldest, so it is dropped
	if it, missed, _ = q.take(); string(it.encoded) != "3" || missed != 3 {
		t.Errorf("when full: %s, missed %d", it.encoded, missed)
	}
	q.put(item{encoded: []byte(strings.Repeat("x", 100))})
	if it, missed, _ = q.take(); len(it.encoded) != 100 || missed != 2 || q.len() != 0 {
		t.Errorf("with many bytes: %d bytes, missed %d", len(it.encoded), missed)
	}
	q.put(item{encoded: []byte(strings.Repeat("x", 200))}) // one is kept, however long
	if it, _, ok = q.take(); !ok || q.bytes != 0 {
		t.Error("a long message is lost")
	}
}

func TestBucket(t *testing.T) {
	b, now := newBucket(Rate{2, 3}), time.Unix(1000, 0)
	for range 3 {
		if wait := b.take(now); wait != 0 {
			t.Fatalf("within the burst it waits %s", wait)
		}
	}
	if wait := b.take(now); wait != 500*time.Millisecond {
		t.Errorf("past the burst it waits %s", wait)
	}
	if wait := b.take(now.Add(500 * time.Millisecond)); wait != 0 {
		t.Errorf("after that it waits %s", wait)
	}
	if wait := b.take(now.Add(-time.Hour)); wait == 0 {
		t.Error("a clock that is set back gives something away")
	}
	for i := range 4 {
		if wait := b.take(now.Add(time.Hour)); (wait == 0) != (i < 3) {
			t.Errorf("an hour later the take number %d waits %s", i, wait)
		}
	}
}

func TestParseGrants(t *testing.T) {
	got, err := parseGrants([]byte("[plugin.a-b]\ntoken_sha256 = \"ff\"\nreceive = [\"all\"]\nsend = [\"12\", \"13\"]\n[plugin.c]\n"))
	want := map[string]entry{"a-b": {Token: "ff", Receive: []string{All}, Send: []string{"12", "13"}}, "c": {}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	for text, says := range map[string]string{
		"[plugin.a]\nsned = []\n":         "unknown key",
		"[plugin.a\n":                     "not TOML",
		"[plugin.a]\nsend = \"all\"\n":    "not TOML",
		"[plugin.\"a b\"]\nsend = []\n":   "letters, digits",
		"[plugin.a]\npeople = [\"12\"]\n": "people",
	} {
		if _, err := parseGrants([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestSaveAndLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "new", "grants.toml")
	if none, err := load(path); err != nil || none != nil {
		t.Errorf("a file that is not there: %+v, %v", none, err)
	}
	want := map[string]entry{"a": {Token: "ff"}, "b": {People: []string{All}, Receive: []string{"1"}}}
	more := map[string]entry{"a": want["a"], "b": want["b"], "empty": {}, "gone": {Token: "x", gone: true}}
	if err := save(path, more); err != nil {
		t.Fatal(err)
	}
	got, err := load(path)
	if err != nil || len(got) != 2 || got["a"].Token != "ff" || !got["b"].clone().equal(want["b"]) {
		t.Errorf("%+v, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := load(path); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a bad file: %v", err)
	}
}

// equal tells whether both grant the same.
func (e entry) equal(o entry) bool { return reflect.DeepEqual(e.grants(), o.grants()) }

func TestPaths(t *testing.T) {
	t.Setenv("HOME", "/home/ann")
	t.Setenv("XDG_CONFIG_HOME", "")
	t.Setenv("XDG_RUNTIME_DIR", "/run/user/7")
	socket, grants, err := Paths("chat.example:8080", ann)
	if err != nil || socket != "/run/user/7/neochat/chat.example%3A8080_%2B86101.sock" || grants != "/home/ann/.config/neochat/plugins_chat.example%3A8080_%2B86101.toml" {
		t.Error(socket, grants, err)
	}
	long, _, err := Paths("chat.example", strings.Repeat("+", 100))
	other, _, _ := Paths("chat.example", strings.Repeat("+", 99))
	if err != nil || len(long) > maxSocket || long == other {
		t.Error(long, other, err)
	}
	t.Setenv("XDG_RUNTIME_DIR", "")
	if socket, _, _ = Paths("h", "a"); socket != "/home/ann/.config/neochat/h_a.sock" {
		t.Error(socket)
	}
}

func FuzzParseGrants(f *testing.F) {
	f.Add([]byte("[plugin.a-b]\ntoken_sha256 = \"ff\"\nreceive = [\"all\"]\nsend = [\"12\", \"13\"]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		entries, err := parseGrants(text)
		if err != nil {
			return
		}
		path := filepath.Join(t.TempDir(), "g")
		if err := save(path, entries); err != nil {
			t.Fatalf("what was read cannot be written: %v", err)
		}
		again, err := load(path)
		if err != nil {
			t.Fatal(err)
		}
		for name, e := range again {
			if old := entries[name]; !e.equal(old) || e.Token != old.Token {
				t.Errorf("%s: %+v became %+v", name, old, e)
			}
		}
	})
}
