// Package deploy tests what is given away: the static binaries, the Debian package and its unit, and the examples of
// proxies, with the programs that people use them with. It imports nothing of neochat.
package deploy

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
)

// dist is the folder with what `make deb` makes; set once, before any test runs.
var dist = os.Getenv("NEOCHAT_DIST")

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("packages are left out of short runs")
		return
	}
	clean := func() {}
	if dist == "" {
		dir, err := os.MkdirTemp("", "neochat-dist-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		dist, clean = dir, func() { os.RemoveAll(dir) }
		build := exec.Command("make", "-C", "..", "deb", "DIST="+dir)
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			clean()
			fmt.Fprintln(os.Stderr, "make deb:", err)
			os.Exit(1)
		}
	}
	code := m.Run()
	clean()
	os.Exit(code)
}

// made returns the one file in dist that a pattern names.
func made(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dist, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%s in %s: %v (%v), want one", pattern, dist, found, err)
	}
	return found[0]
}

// native is the binary for this machine.
func native(t *testing.T) string { return made(t, "neochat-*-linux-"+runtime.GOARCH) }

// output runs a program that must succeed, and returns what it printed on standard output.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	out, err := cmd.Output()
	if err != nil {
		said := ""
		if exit, ok := err.(*exec.ExitError); ok {
			said = string(exit.Stderr)
		}
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, said)
	}
	return string(out)
}
