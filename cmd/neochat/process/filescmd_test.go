package process

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"neochat/files/s3test"
)

// noise is a text of so many bytes, another one for each seed.
func noise(seed, size int) string {
	var b strings.Builder
	for n := 0; b.Len() < size; n++ {
		fmt.Fprintf(&b, "%d of %d\n", n, seed)
	}
	return b.String()[:size]
}

// bodiesIn is what lies in a folder, by name.
func bodiesIn(t *testing.T, root string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		all[name] = string(read(t, path))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// uploader logs in and returns what uploads a file over HTTP under a name, and reads it.
func uploader(t *testing.T, s *server, account string) (put func(name, body string), get func(name string) (int, string)) {
	t.Helper()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	c := dial(t, s, "/message")
	token := c.want(t, "200", "message_type: login", "user_account: "+account, "user_password: "+password, "device: u").get("session")
	return func(name, body string) { t.Helper(); putOver(t, s, token, account+"_1_"+name, body) },
		func(name string) (int, string) { return overHTTP(t, s, http.MethodGet, token, account+"_1_"+name, "") }
}

// TestFilesCopy moves a server's files into an object store, cut off in between, and back into a folder.
func TestFilesCopy(t *testing.T) {
	t.Parallel()
	kept := s3test.Start(t)
	env := kept.Environment()
	data, back := t.TempDir(), filepath.Join(t.TempDir(), "back")
	folder := filepath.Join(data, "files")
	s := start(t, data)
	register(t, s, "ann")
	put, _ := uploader(t, s, "ann")
	bodies := map[string]string{"large": noise(1, 40<<20), "larger": noise(2, 70<<20)}
	for n := range 200 {
		bodies[fmt.Sprint("small", n)] = noise(n, 10*n)
	}
	for name, body := range bodies {
		put(name, body)
	}
	line := []string{"files", "copy", "--from", folder, "--to", kept.Address("moved"), "--data", data}
	for range 4 { // while the server runs, and killed anywhere
		cmd := exec.Command(neochat, line...)
		cmd.Env = append(bareEnvironment(), env...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		cmd.Process.Kill()
		_ = cmd.Wait()
	}
	runWith(t, "", env, line...).must(t)
	put("late", "uploaded meanwhile")
	bodies["late"] = "uploaded meanwhile"
	s.stop(t)
	if r := runWith(t, "", env, line...).must(t); !strings.Contains(r.out, "Copied 1 files, 18 bytes; 202, ") {
		t.Errorf("the last time: %s", r.both())
	}
	if r := runWith(t, "", env, "files", "verify", "--deep", "--data", data, "--files", kept.Address("moved")).must(t); !strings.Contains(r.out, "203 files were looked for, and 110 MiB of them found; 0 missing, 0 changed.") {
		t.Errorf("it says %s", r.both())
	}
	runWith(t, "", env, "files", "copy", "--from", kept.Address("moved"), "--to", back, "--data", data).must(t)
	was, is := bodiesIn(t, folder), bodiesIn(t, back)
	for name, body := range was {
		if is[name] != body {
			t.Errorf("%s came back with %d bytes of %d, or others", name, len(is[name]), len(body))
		}
	}
	if len(is) != len(was) {
		t.Errorf("%d files came back of %d", len(is), len(was))
	}
	if err := os.RemoveAll(folder); err != nil {
		t.Fatal(err)
	}
	s = startLine(t, data, env, []string{neochat, "serve", "--data", data, "--listen", "127.0.0.1:0", "--media-port", "0", "--files", kept.Address("moved")})
	_, get := uploader(t, s, "ann")
	for name, body := range bodies {
		if code, got := get(name); code != 200 || got != body {
			t.Errorf("%s from the store: %d, %d bytes", name, code, len(got))
		}
	}
	s.stop(t)
}

// What cannot be copied is refused, with what to do.
func TestFilesCopyRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, file := filepath.Join(dir, "from"), filepath.Join(dir, "file")
	write(t, file, "x")
	hash := strings.TrimPrefix(bytesOf(dir, "right"), filepath.Join(dir, "files")+"/")
	for name, body := range map[string]string{hash: "right", "ab/ab" + strings.Repeat("0", 62): "not what its name says"} {
		path := filepath.Join(from, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, path, body)
	}
	for _, c := range []struct{ from, to, says string }{
		{from, from, "the same place"},
		{from, filepath.Join(dir, ".", "from") + "/", "the same place"},
		{filepath.Join(dir, "none"), dir, "no such file"},
		{file, dir, "is no folder"},
		{from, file, "--to"},
		{from, "s3://bucket", "NEOCHAT_S3_ACCESS_KEY"},
		{"s3://bucket?x=y", dir, "known are"},
		{from, filepath.Join(dir, "to"), "1 files of the source are damaged"},
	} {
		if r := run(t, "files", "copy", "--from", c.from, "--to", c.to, "--data", dir); r.code != 1 || !strings.Contains(r.both(), c.says) {
			t.Errorf("from %s to %s: %d %s", c.from, c.to, r.code, r.both())
		}
	}
	if got := bodiesIn(t, filepath.Join(dir, "to")); len(got) != 1 || got[hash] != "right" {
		t.Errorf("copied are %v", got)
	}
}

// verification is what "neochat files verify --json" prints.
type verification struct {
	Files, Bytes     int64
	Missing, Changed []struct {
		Hash, Reason string
		Size         int64
		Names        []string
	}
	Orphans []struct{ Name string }
	Removed bool
}

func verifyFiles(t *testing.T, code int, data string, more ...string) (v verification) {
	t.Helper()
	r := run(t, append([]string{"files", "verify", "--json", "--data", data}, more...)...)
	if err := json.Unmarshal([]byte(r.out), &v); err != nil || r.code != code {
		t.Fatalf("%v: exit code %d, %v: %s", more, r.code, err, r.both())
	}
	return v
}

// TestFilesVerify examines the files of a server that runs, while people upload and delete, and finds nothing; then what was done to them.
func TestFilesVerify(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s := start(t, data, unbounded...)
	register(t, s, "ann", "bob", "cat")
	w := writeOn(t, s, "ann", "bob", "cat")
	for range 10 {
		if v := verifyFiles(t, 0, data, "--deep"); v.Files == 0 || len(v.Orphans) != 0 {
			t.Errorf("while people write: %+v", v)
		}
		w.goOn()
	}
	w.end()
	put, _ := uploader(t, s, "ann")
	for _, body := range []string{"fine", "spoiled", "cut off", "missing"} {
		put(body[:3], body)
	}
	old := time.Now().Add(-48 * time.Hour)
	for path, body := range map[string]string{bytesOf(data, "orphan"): "orphan", filepath.Join(data, "files", "incoming", "put-123"): "half"} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, path, body)
		if err := os.Chtimes(path, old, old); err != nil {
			t.Fatal(err)
		}
	}
	spoil(t, bytesOf(data, "spoiled"))
	if err := os.Truncate(bytesOf(data, "cut off"), 2); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(bytesOf(data, "missing")); err != nil {
		t.Fatal(err)
	}
	for changed, deep := range map[int][]string{1: nil, 2: {"--deep"}} {
		v := verifyFiles(t, 1, data, deep...)
		if len(v.Missing) != 1 || !slices.Equal(v.Missing[0].Names, []string{"ann_1_mis"}) || v.Missing[0].Size != 7 || len(v.Changed) != changed || len(v.Orphans) != 2 || v.Removed {
			t.Errorf("%v: %+v", deep, v)
		}
	}
	text := run(t, "files", "verify", "--deep", "--data", data)
	for _, says := range []string{"MISSING: ", "it belongs to ann_1_mis", "CHANGED: ", "its bytes are others; it belongs to ann_1_spo", "it has 2 bytes; it belongs to ann_1_cut", "orphan: put-123 (4 bytes)",
		"1 missing, 2 changed.", "2 things, 10 bytes, are kept for nothing", "1 files are missing and 2 changed; a backup may have them"} {
		if !strings.Contains(text.both(), says) {
			t.Errorf("it does not say %q: %s", says, text.both())
		}
	}
	if r := run(t, "files", "verify", "--repair", "--data", data); r.code != 1 || !strings.Contains(r.err, "another neochat serves") {
		t.Errorf("repaired beside a server: %s", r.both())
	}
	s.stop(t)
	if v := verifyFiles(t, 1, data, "--repair"); len(v.Orphans) != 2 || !v.Removed || len(v.Missing) != 1 {
		t.Errorf("repairing: %+v", v)
	}
	if v := verifyFiles(t, 1, data); len(v.Orphans) != 0 || len(v.Missing) != 1 || len(v.Changed) != 1 {
		t.Errorf("repaired: %+v", v)
	}
	if _, err := os.Stat(bytesOf(data, "fine")); err != nil {
		t.Error(err)
	}
	if r := run(t, "files", "verify", "--data", t.TempDir()); r.code != 1 || !strings.Contains(r.err, "there is no database") {
		t.Errorf("an empty folder: %s", r.both())
	}
}
