package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var variable = regexp.MustCompile(`NEOCHAT_[A-Z0-9_]+`)

// TestVariables holds the variables in the examples to be those that the program reads.
func TestVariables(t *testing.T) {
	known := variable.FindAllString(output(t, native(t), "config", "describe"), -1)
	known = append(known, "NEOCHAT_S3_ACCESS_KEY", "NEOCHAT_S3_SECRET_KEY", "NEOCHAT_PASSWORD")
	for _, path := range []string{"container/Containerfile", "compose/compose.yaml", "compose/neochat.env.example", "debian/neochat.service"} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found := variable.FindAllString(string(text), -1)
		if len(found) == 0 {
			t.Errorf("%s has no variable", path)
		}
		for _, v := range found {
			if !slices.Contains(known, v) {
				t.Errorf("%s: the program reads no %s", path, v)
			}
		}
	}
}

// TestGoOfImage wants an image that builds with the Go that go.mod asks for.
func TestGoOfImage(t *testing.T) {
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile("container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	needed := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindSubmatch(mod)
	used := regexp.MustCompile(`library/golang:(\d+\.\d+)-`).FindSubmatch(image)
	if needed == nil || used == nil || string(needed[1]) != string(used[1]) {
		t.Errorf("go.mod needs %s, the image builds with %s", needed, used)
	}
}

// TestImage runs what the image consists of, in a root with nothing else in it, as its user and with its environment.
func TestImage(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("a root of its own can be given only by root")
	}
	root := t.TempDir()
	output(t, "install", "-D", "-m", "0755", native(t), filepath.Join(root, "neochat"))
	output(t, "install", "-d", "-m", "0700", "-o", "10001", "-g", "10001", filepath.Join(root, "data"))
	output(t, "install", "-d", "-m", "1777", filepath.Join(root, "tmp"))
	for dir := root; len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) { // t.TempDir is for its owner alone
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile("container/Containerfile")
	if err != nil {
		t.Fatal(err)
	}
	env := []string{"PATH=/"}
	for line := range strings.Lines(string(text)) {
		if pairs, ok := strings.CutPrefix(line, "ENV "); ok {
			env = append(env, strings.Fields(pairs)...)
		}
	}
	if !slices.Contains(env, "NEOCHAT_DATA=/data") {
		t.Fatalf("the image's environment is %v", env)
	}
	at := "127.0.0.1:" + freePort(t)
	env = append(env, "NEOCHAT_LISTEN="+at)
	cmd := exec.Command("chroot", "--userspec=10001:10001", root, "/neochat", "serve")
	cmd.Env = env
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		cmd.Process.Signal(os.Interrupt)
		if err := cmd.Wait(); err != nil {
			t.Errorf("it ended with %v", err)
		}
	}()
	for begun := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		check := exec.Command("chroot", "--userspec=10001:10001", root, "/neochat", "healthcheck", "http://"+at+"/readyz")
		check.Env = env
		said, err := check.CombinedOutput()
		if err == nil {
			break
		}
		if time.Since(begun) > patience {
			t.Fatalf("the image is not well: %s", said)
		}
	}
	if _, err := os.Stat(filepath.Join(root, "data/neochat.db")); err != nil {
		t.Error(err)
	}
}
