package signaling

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// again puts another server on the world's database, which keeps calls in a file. killed: the one before had no time to
// write them down, and no connection of it is told anything.
func (w *world) again(times Times, file string, killed bool) {
	w.t.Helper()
	if killed {
		w.srv.cells.keep.writes.Lock() // the timer may be writing
		w.srv.cells.mu.Lock()
		w.srv.cells.keep.path = filepath.Join(w.t.TempDir(), "elsewhere")
		w.srv.cells.mu.Unlock()
		w.srv.cells.keep.writes.Unlock()
	}
	ctx, cancel := context.WithTimeout(w.t.Context(), patience)
	defer cancel()
	w.srv.Shutdown(ctx)
	w.http.Close()
	kept := newMemory()
	w.serve(Config{Store: w.store, Blobs: kept, Uploads: kept, Calls: w.calls, Relay: w.relay, Registration: "open", Times: times, CallsFile: file})
}

// A call outlives a restart: who comes back joins with the same key, nobody is told that it ended, and it is recorded once, when it does.
func TestCallOutlivesARestart(t *testing.T) {
	for name, killed := range map[string]bool{"in good order": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "calls.json")
			w := newWorld(t, Times{}, "a", "b")
			w.again(Times{}, file, false)
			a, b := w.login("a", "1"), w.login("b", "1")
			key := a.call("call", "friends", "b")
			a.join(key)
			b.send("message_type", "cell", "cell_type", "200", "friends", "a")
			b.await("message_type", "cell", "stat", "200", "cell_key", key)
			was := b.join(key)
			awaitKept(t, file, func(k keptCalls) bool {
				return len(k.Calls) == 1 && k.Calls[0].Answered > 0 && k.Calls[0].NextPerson == 2
			})
			w.again(Times{}, file, killed)
			a, b = w.login("a", "1"), w.login("b", "1")
			for _, c := range []*client{a, b} {
				if m := c.ask("message_type", "restart", "connection_key", key); m.Get("stat") != "404" {
					t.Fatalf("restart answers %q", m.Fields)
				}
			}
			a.join(key)
			if is := b.join(key); is == was {
				t.Errorf("two participants of one call have the name %s", is)
			}
			a.await("message_type", "join", "user_account", "b", "connection_key", key)
			if n := w.records("a", "b"); n != 0 {
				t.Errorf("%d records of a call that goes on", n)
			}
			b.ask("message_type", "leave", "connection_key", key)
			a.await("message_type", "cell", "type", "DELETE", "cell_key", key)
			a.await("message_type", "call_record", "outcome", "answered", "connection_key", key)
			if n := w.records("a", "b"); n != 1 {
				t.Errorf("%d records of one call", n)
			}
			for range 500 { // written down too
				if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
					return
				}
				time.Sleep(10 * time.Millisecond)
			}
			t.Error("the call is over, and the file is still there")
		})
	}
}

// awaitKept waits until the file says so.
func awaitKept(t *testing.T, file string, right func(keptCalls) bool) {
	t.Helper()
	var k keptCalls
	for range 1000 {
		var err error
		if k, err = readKept(file); err != nil {
			t.Fatal(err)
		}
		if right(k) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("the file says %+v", k)
}

// records counts the calls that are written into a conversation of two.
func (w *world) records(a, b string) (n int) {
	w.t.Helper()
	list, err := w.store.Conversations(w.t.Context(), a, 0, 100)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, c := range list {
		messages, _, err := w.store.History(w.t.Context(), a, c.ID, 0, 0, 100)
		if err != nil {
			w.t.Fatal(err)
		}
		for _, m := range messages {
			if m.Kind == kindCallRecord {
				n++
			}
		}
	}
	return n
}

// A call that nobody comes back to is over, and has lasted until the restart.
func TestNobodyComesBack(t *testing.T) {
	file := filepath.Join(t.TempDir(), "calls.json")
	w := newWorld(t, Times{}, "a", "b")
	w.again(Times{}, file, false)
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("call", "friends", "b")
	b.expect("user_account", "a", "message_type", "call", "cell_key", key)
	a.join(key)
	b.join(key)
	w.again(Times{Return: time.Millisecond}, file, false)
	a = w.login("a", "1")
	for range 1000 {
		if w.records("a", "b") == 1 {
			if m := a.ask("message_type", "join", "connection_key", key); m.Get("stat") != "404" {
				t.Errorf("a call that is over answers %q", m.Fields)
			}
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("no record of it")
}

// What rang before the restart rings again, and can be answered.
func TestRingingOutlivesARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "calls.json")
	w := newWorld(t, Times{}, "a", "b")
	w.again(Times{}, file, false)
	a, b := w.login("a", "1"), w.login("b", "1")
	key := a.call("videocall", "friends", "b")
	b.expect("user_account", "a", "message_type", "videocall", "cell_key", key)
	w.again(Times{}, file, false)
	a, b = w.login("a", "1"), w.login("b", "1")
	b.await("user_account", "a", "message_type", "videocall", "cell_key", key)
	b.ask("message_type", "cell", "cell_type", "200", "friends", "a", "cell_key", key)
	a.await("user_account", "b", "message_type", "cell", "cell_type", "200", "friends", "b")
	a.join(key)
	b.join(key)
}

// Calls of a server that ended long ago are over at once; a file that makes no sense is passed over.
func TestOldAndBrokenFilesOfCalls(t *testing.T) {
	file := filepath.Join(t.TempDir(), "calls.json")
	w := newWorld(t, Times{}, "a", "b")
	answered := time.Now().Add(-time.Hour)
	old := keptCalls{Time: answered.Add(time.Minute).UnixMilli(), Calls: []keptCall{{Key: "k", Opener: "a", Callees: []string{"b"}, Kind: "call",
		Outcome: map[string]string{"b": "answered"}, Answered: answered.UnixMilli()}}}
	if err := old.write(file); err != nil {
		t.Fatal(err)
	}
	w.again(Times{}, file, false)
	a := w.login("a", "1")
	if m := a.ask("message_type", "join", "connection_key", "k"); m.Get("stat") != "404" {
		t.Errorf("an old call answers %q", m.Fields)
	}
	for n := 0; w.records("a", "b") != 1; n++ {
		if n > 1000 {
			t.Fatal("no record of it")
		}
		time.Sleep(10 * time.Millisecond)
	}
	if err := os.WriteFile(file, []byte(`{"calls": [{"key": "k"`), 0o600); err != nil {
		t.Fatal(err)
	}
	w.again(Times{}, file, true)
	w.login("a", "1")
}

func FuzzKeptCalls(f *testing.F) {
	f.Add([]byte(`{"time":1,"calls":[{"key":"a_b_1","opener":"a","callees":["b"],"kind":"call","ringing":{"b":"a"},"next_person":2}]}`))
	f.Add([]byte(`{"calls":[{"key":"k"},{"key":"k"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		k, err := parseKept(text)
		if err != nil && k.Calls != nil {
			t.Error("calls of a file that makes no sense")
		}
		for _, call := range k.Calls {
			if x := call.cell(time.Now()); x.key == "" || x.opener == "" || len(x.callees) == 0 || x.nextPerson < 0 {
				t.Errorf("a cell %+v", x)
			}
		}
	})
}
