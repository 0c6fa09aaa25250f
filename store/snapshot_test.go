package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
)

// openOn opens a store on a database that others look at meanwhile.
func openOn(t *testing.T, name string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Database: name, PasswordCost: cheap, Logger: silent})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A snapshot that is made while people write is one state: texts of one author are a beginning of what was sent,
// and everything that was answered before it is in it.
func TestSnapshotWhilePeopleWrite(t *testing.T) {
	name := databases.Own(t)
	s := openOn(t, name)
	defer closeStore(t, s)
	pair, _ := fillForCopy(t, s, 700)
	stop, begun := make(chan struct{}), make(chan struct{})
	var writing sync.WaitGroup
	var answered int64 // owned by the writer
	writing.Go(func() {
		for n := range 900 { // history shows a thousand
			posted, err := s.postWait(Draft{Author: "a", To: []Target{{Account: "b"}}, Kind: "text", Text: strings.Repeat("y", n%500), ClientID: fmt.Sprint("w", n)})
			if err != nil {
				t.Error(err)
				return
			}
			answered = posted[0].Seq
			if n == 50 {
				close(begun)
			}
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	<-begun
	to := filepath.Join(t.TempDir(), "snapshot.db")
	err := Snapshot(t.Context(), name, to, nil)
	close(stop)
	writing.Wait()
	if err != nil {
		t.Fatal(err)
	}
	before, err := Digest(t.Context(), to, nil)
	if err != nil {
		t.Fatal(err)
	}
	if wrong, err := CheckIntegrity(t.Context(), to); err != nil || wrong != nil {
		t.Errorf("the snapshot is not sound: %v %v", wrong, err)
	}
	for _, suffix := range []string{"-wal", "-shm", "-journal"} {
		if _, err := os.Stat(to + suffix); err == nil {
			t.Errorf("reading the snapshot left a file %s", suffix)
		}
	}
	if again, err := Digest(t.Context(), to, nil); err != nil || !reflect.DeepEqual(again, before) {
		t.Errorf("digested again it is %v (%v), before %v", again, err, before)
	}
	back := openOn(t, to)
	defer closeStore(t, back)
	kept, all := history(t, back, "a", pair), history(t, s, "a", pair)
	if len(kept) < 50 || int64(len(all)) != answered || !reflect.DeepEqual(kept, all[:len(kept)]) {
		t.Errorf("the snapshot has %d texts of %d, or others", len(kept), len(all))
	}
}

// The digests of a database and of its snapshot are the same while nobody writes.
func TestDigestOfSnapshot(t *testing.T) {
	name := databases.Own(t)
	s := openOn(t, name)
	fillForCopy(t, s, 1200)
	closeStore(t, s)
	to := filepath.Join(t.TempDir(), "snapshot.db")
	var steps int
	if err := Snapshot(t.Context(), name, to, func(string, int64, int64) { steps++ }); err != nil {
		t.Fatal(err)
	}
	want, err1 := Digest(t.Context(), name, nil)
	got, err2 := Digest(t.Context(), to, nil)
	if err := errors.Join(err1, err2); err != nil || !reflect.DeepEqual(got, want) || steps == 0 {
		t.Errorf("the snapshot holds %v, the database %v; %d steps, %v", got, want, steps, err)
	}
	if got.Change == 0 || got.LastMessage == 0 || got.Schema != newestMigration {
		t.Errorf("up to %+v", got)
	}
	var blobs []Blob
	if err := EachBlob(t.Context(), to, func(b Blob) error { blobs = append(blobs, b); return nil }); err != nil || !reflect.DeepEqual(blobs, []Blob{{"h", 7}}) {
		t.Errorf("its blobs are %v, %v", blobs, err)
	}
	if err := Snapshot(t.Context(), name, to, nil); !errors.Is(err, ErrExists) {
		t.Errorf("over another: %v", err)
	}
}

// A database of an older release is kept as it is, and one of a newer release is refused.
func TestSnapshotOfOtherSchemas(t *testing.T) {
	name := makeFirst(t)
	if !IsFile(name) {
		return // its rows are copied into the schema of this release
	}
	look, err := LookAtSchema(t.Context(), name)
	if err != nil || look.Version != 1 || look.Newer() || !reflect.DeepEqual(look.Pending, []string{"00002_messenger.sql", "00003_files.sql"}) || look.Bytes == 0 {
		t.Errorf("the schema: %+v, %v", look, err)
	}
	to := filepath.Join(t.TempDir(), "snapshot.db")
	if err := Snapshot(t.Context(), name, to, nil); err != nil {
		t.Fatal(err)
	}
	got, err := Digest(t.Context(), to, nil)
	if err != nil || got.Schema != 1 || got.Change != 7 {
		t.Errorf("the snapshot: %+v, %v", got, err)
	}
	db, err := openSQLite(to, writerDSN)
	if err != nil {
		t.Fatal(err)
	}
	_, err = db.Exec("INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)")
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if err := Snapshot(t.Context(), to, to+"2", nil); !errors.Is(err, ErrNewerSchema) {
		t.Errorf("of a newer schema: %v", err)
	}
	if look, err := LookAtSchema(t.Context(), to); err != nil || !look.Newer() || look.Pending != nil {
		t.Errorf("a newer schema: %+v, %v", look, err)
	}
	if err := Snapshot(t.Context(), filepath.Join(t.TempDir(), "none.db"), to+"3", nil); !errors.Is(err, ErrNotFound) {
		t.Errorf("of nothing: %v", err)
	}
}
