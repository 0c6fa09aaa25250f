package process

import (
	"crypto/sha256"
	"database/sql"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// refusal is a start that must fail, say why, and leave everything as it was.
type refusal struct {
	name    string
	old     bool                                    // there is a data folder already
	prepare func(t *testing.T, dir string) []string // returns the arguments after serve
	says    []string                                // all of it stands in what is printed
}

// plain are arguments that work, for a folder that does not exist yet; later ones go before them.
func plain(dir string, more ...string) []string {
	return append([]string{"--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--media-port", "0"}, more...)
}

// flags makes a refusal that needs nothing prepared.
func flags(more ...string) func(*testing.T, string) []string {
	return func(_ *testing.T, dir string) []string { return plain(dir, more...) }
}

// configured makes one that reads a configuration file of that text.
func configured(text string) func(*testing.T, string) []string {
	return func(t *testing.T, dir string) []string {
		path := filepath.Join(dir, "neochat.toml")
		write(t, path, text)
		return []string{"--config", path}
	}
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	template := filepath.Join(t.TempDir(), "data")
	makeData(t, template)
	for _, r := range slices.Concat(placeRefusals(), databaseRefusals(), configRefusals(), tlsRefusals(), relayRefusals()) {
		t.Run(r.name, func(t *testing.T) {
			dir := t.TempDir()
			if r.old {
				if err := os.CopyFS(filepath.Join(dir, "data"), os.DirFS(template)); err != nil {
					t.Fatal(err)
				}
			}
			args := r.prepare(t, dir)
			before := snapshot(t, dir)
			got := runIn(t, dir, "", nil, append([]string{"serve"}, args...)...)
			if got.code <= 0 || got.served {
				t.Errorf("it did not refuse: exit code %d\n%s", got.code, got.both())
			}
			for _, word := range r.says {
				if !strings.Contains(got.err, word) {
					t.Errorf("%q is not in what it says:\n%s", word, got.both())
				}
			}
			if strings.Contains(got.both(), "goroutine ") {
				t.Errorf("it panicked:\n%s", got.both())
			}
			if after := snapshot(t, dir); !maps.Equal(before, after) {
				t.Errorf("it changed the folder\nbefore %v\nafter  %v", sorted(before), sorted(after))
			}
		})
	}
}

// placeRefusals are about ports and folders.
func placeRefusals() []refusal {
	return []refusal{
		{"TCP port in use", false, func(t *testing.T, dir string) []string {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			return plain(dir, "--listen", l.Addr().String())
		}, []string{"in use", "--listen"}},
		{"UDP port in use", false, func(t *testing.T, dir string) []string {
			l, err := net.ListenPacket("udp", "0.0.0.0:0")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { l.Close() })
			return plain(dir, "--media-port", strconv.Itoa(l.LocalAddr().(*net.UDPAddr).Port))
		}, []string{"in use", "--media-port"}},
		{"UDP port of another neochat", false, func(t *testing.T, dir string) []string {
			return plain(dir, "--media-port", start(t, t.TempDir()).media)
		}, []string{"in use", "--media-port"}},
		{"listen address that is none", false, flags("--listen", "nonsense"), []string{"nonsense", "--listen"}},
		{"UDP port out of range", false, flags("--media-port", "70000"), []string{"70000", "--media-port"}},
		{"data below a file", false, func(t *testing.T, dir string) []string {
			write(t, filepath.Join(dir, "file"), "mine")
			return plain(dir, "--data", filepath.Join(dir, "file", "data"))
		}, []string{"data folder", "--data"}},
		{"data is a file", false, func(t *testing.T, dir string) []string {
			write(t, filepath.Join(dir, "file"), "mine")
			return plain(dir, "--data", filepath.Join(dir, "file"))
		}, []string{"data folder", "--data"}},
		{"data where nobody may write", false, flags("--data", "/proc/neochat"), []string{"data folder", "/proc/neochat", "--data"}},
		{"files is a file", true, func(t *testing.T, dir string) []string {
			if err := os.RemoveAll(filepath.Join(dir, "data", "files")); err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(dir, "data", "files"), "mine")
			return plain(dir)
		}, []string{"files"}},
	}
}

// databaseRefusals are about what lies in the data folder.
func databaseRefusals() []refusal {
	return []refusal{
		{"data served by another process", false, func(t *testing.T, dir string) []string {
			s := start(t, t.TempDir())
			t.Cleanup(func() { register(t, s, "ann") }) // the other one still works
			return plain(dir, "--data", s.data)
		}, []string{"another neochat", "--data"}},
		{"newer database", true, func(t *testing.T, dir string) []string {
			execute(t, filepath.Join(dir, "data"), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, 1)")
			return plain(dir)
		}, []string{"newer", "999", "--data"}},
		{"database that is none", true, func(t *testing.T, dir string) []string {
			write(t, filepath.Join(dir, "data", "neochat.db"), strings.Repeat("not a database ", 1000))
			return plain(dir)
		}, []string{"neochat.db", "not a database", "--data"}},
		{"database cut off", true, func(t *testing.T, dir string) []string {
			if err := os.Truncate(filepath.Join(dir, "data", "neochat.db"), 4096*3+100); err != nil {
				t.Fatal(err)
			}
			return plain(dir)
		}, []string{"neochat.db", "malformed", "--data"}},
	}
}

// configRefusals are about flags, environment and file.
func configRefusals() []refusal {
	return []refusal{
		{"unknown flag", false, flags("--nope"), []string{"--nope", "--help"}},
		{"stray argument", false, flags("nope"), []string{"nope"}},
		{"bad public address", false, flags("--public-ip", "192.0.2.1,300.1.2.3"), []string{"--public-ip", "300.1.2.3"}},
		{"negative limit", false, flags("--quota=-1"), []string{"--quota", "0"}},
		{"no file at all", false, flags("--max-file", "0"), []string{"--max-file", "1"}},
		{"no grace for files", false, flags("--files-grace", "0s"), []string{"--files-grace", "1s"}},
		{"a grace without a unit", false, flags("--files-grace", "24"), []string{"--files-grace", "24"}},
		{"redirects to a folder", false, flags("--files-redirect"), []string{"--files-redirect", "s3://"}},
		{"a number for a time", false, configured("files_grace = 24"), []string{"files_grace", "text"}},
		{"bad proxy", false, flags("--trusted-proxy", "10.0.0.0/8,rubbish"), []string{"--trusted-proxy", "rubbish"}},
		{"bad enum", false, flags("--registration", "maybe"), []string{"--registration", "open", "closed", "maybe"}},
		{"bad number", false, flags("--min-password", "eight"), []string{"--min-password", "eight"}},
		{"number that makes no sense", false, flags("--min-password=-3"), []string{"--min-password"}},
		{"missing file", false, flags("--config", "/nonexistent/neochat.toml"), []string{"/nonexistent/neochat.toml", "config describe"}},
		{"file that is a folder", false, func(_ *testing.T, dir string) []string { return plain(dir, "--config", dir) }, []string{"configuration"}},
		{"not TOML", false, configured("listen = \n"), []string{"neochat.toml", "TOML"}},
		{"unknown key", false, configured("medai_port = 1\n"), []string{"medai_port", "media_port"}},
		{"text for a number", false, configured(`media_port = "many"`), []string{"media_port", "whole number"}},
		{"truth for a number", false, configured("min_password = true"), []string{"min_password", "whole number"}},
		{"number for a text", false, configured("data = 5"), []string{"data"}},
		{"list for a text", false, configured(`listen = ["127.0.0.1:0"]`), []string{"listen"}},
		{"table for a text", false, configured("[listen]\naddress = 1"), []string{"listen"}},
		{"fraction for a number", false, configured("media_port = 80.5"), []string{"media"}},
		{"bad enum in the file", false, configured(`log_level = "loud"`), []string{"log", "loud", "debug"}},
	}
}

// makeData starts and ends a server, so that there is a database.
func makeData(t *testing.T, data string) {
	t.Helper()
	s := start(t, data)
	register(t, s, "ann")
	s.stop(t)
	execute(t, data, "PRAGMA wal_checkpoint(TRUNCATE)") // one file, however it was left
}

func execute(t *testing.T, data, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(data, "neochat.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(query); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// snapshot maps every path below dir to what is in it. What holds nothing does
// not count: lock files, SQLite's shared memory and an empty log.
func snapshot(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == "lock" || strings.HasSuffix(path, "-shm") {
			return err
		}
		if d.IsDir() {
			found[path] = "folder"
			return nil
		}
		b, err := os.ReadFile(path)
		if len(b) == 0 && strings.HasSuffix(path, "-wal") {
			return err
		}
		found[path] = fmt.Sprintf("%d bytes %.8x", len(b), sha256.Sum256(b))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func sorted(m map[string]string) []string {
	var lines []string
	for k, v := range m {
		lines = append(lines, filepath.Base(k)+": "+v)
	}
	slices.Sort(lines)
	return lines
}
