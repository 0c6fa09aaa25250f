package process

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

// TestPrecedence sets one key in ever more places: a flag goes before the
// environment, the environment before the file, the file before the default.
func TestPrecedence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "c.toml"), "registration = \"closed\"\nmin_password = 30\n")
	file := []string{"--config", filepath.Join(dir, "c.toml")}
	for _, c := range []struct {
		name       string
		env, flags []string
		want       string // the stat of registering with a password of 21 bytes
	}{
		{"default", nil, nil, "200"},
		{"file", nil, file, "403"},
		{"file named by the environment", []string{"NEOCHAT_CONFIG=" + file[1]}, nil, "403"},
		{"environment before file", []string{"NEOCHAT_REGISTRATION=open"}, file, "400"}, // min_password is the file's
		{"environments before file", []string{"NEOCHAT_REGISTRATION=open", "NEOCHAT_MIN_PASSWORD=21"}, file, "200"},
		{"flag before file", nil, slices.Concat(file, []string{"--registration=open", "--min-password=8"}), "200"},
		{"flag before environment", []string{"NEOCHAT_REGISTRATION=open"}, []string{"--registration=closed"}, "403"},
		{"flag before both", []string{"NEOCHAT_REGISTRATION=closed"}, slices.Concat(file, []string{"--registration=open", "--min-password=22"}), "400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			data := t.TempDir()
			line := append([]string{neochat, "serve", "--data", data, "--listen", "127.0.0.1:0", "--media-port", "0"}, c.flags...)
			s := startLine(t, data, c.env, line)
			answer := dial(t, s, "/message").ask(t, "message_type: registered", "user_account: ann", "user_password: "+password)
			if answer.get("stat") != c.want {
				t.Errorf("registering was answered %s, want %s: %s", answer.get("stat"), c.want, answer.get("reason"))
			}
		})
	}
}

// TestEverythingFromTheFile starts a server that is told everything by a file.
func TestEverythingFromTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path, data := filepath.Join(dir, "c.toml"), filepath.Join(dir, "here")
	port := freePort(t)
	write(t, path, fmt.Sprintf("data = %q\nlisten = \"127.0.0.1:%d\"\nmedia_port = 0\nlog_format = \"json\"\nlog_level = \"debug\"\npublic_ip = \"192.0.2.7, 192.0.2.8\"\n", data, port))
	s := startLine(t, data, nil, []string{neochat, "serve", "--config", path})
	if want := fmt.Sprintf("127.0.0.1:%d", port); s.addr != want {
		t.Errorf("it listens on %s, want %s", s.addr, want)
	}
	if _, err := os.Stat(filepath.Join(data, "neochat.db")); err != nil {
		t.Error(err)
	}
	s.stop(t)
	for line := range strings.Lines(s.log.String()) {
		if !strings.HasPrefix(line, "{") {
			t.Errorf("with log_format = json it logged %q", line)
		}
	}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

var (
	helpFlag   = regexp.MustCompile(`(?m)^\s+(?:-\w, )?--([a-z-]+)`)
	sampleLine = regexp.MustCompile(`(?m)^#([a-z_]+ = .*)$`)
)

// TestSampleConfig holds the printed sample against the flags and against the server itself.
func TestSampleConfig(t *testing.T) {
	t.Parallel()
	sample := run(t, "config", "describe").must(t).out
	asPrinted := map[string]any{}
	if err := toml.Unmarshal([]byte(sample), &asPrinted); err != nil || len(asPrinted) != 0 {
		t.Errorf("as printed it sets %v (%v)", asPrinted, err)
	}
	keys := map[string]any{}
	uncommented := sampleLine.ReplaceAllString(sample, "$1")
	if err := toml.Unmarshal([]byte(uncommented), &keys); err != nil {
		t.Fatalf("uncommented it is no TOML: %v", err)
	}
	var flags []string
	for _, m := range helpFlag.FindAllStringSubmatch(run(t, "serve", "--help").must(t).out, -1) {
		if !slices.Contains([]string{"help", "version", "config"}, m[1]) {
			flags = append(flags, strings.ReplaceAll(m[1], "-", "_"))
		}
	}
	if len(flags) < 5 {
		t.Fatalf("only %v were found in serve --help", flags)
	}
	for _, f := range flags {
		if _, ok := keys[f]; !ok {
			t.Errorf("the flag --%s has no key in the sample", f)
		}
		delete(keys, f)
	}
	for k := range keys {
		t.Errorf("the sample's key %s is no flag of serve", k)
	}
	acceptSample(t, uncommented)
}

// acceptSample starts a server with the whole sample, and free ports in the environment.
func acceptSample(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "neochat.toml")
	write(t, path, text)
	data := filepath.Join(dir, "data")
	env := []string{"NEOCHAT_DATA=" + data, "NEOCHAT_LISTEN=127.0.0.1:0", "NEOCHAT_MEDIA_PORT=0"}
	s := startLine(t, data, env, []string{neochat, "serve", "--config", path})
	register(t, s, "ann")
	s.stop(t)
}
