// Package process tests neochat from outside: the binary as a process, over
// real sockets, with frames written byte by byte. It imports nothing of neochat but
// the database server that some of its tests are given.
package process

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// neochat is the binary under test; set once, before any test runs.
var neochat = os.Getenv("NEOCHAT_BIN")

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("processes are left out of short runs")
		return
	}
	clean := func() {}
	if neochat == "" {
		dir, err := os.MkdirTemp("", "neochat-process-")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		clean = func() { os.RemoveAll(dir) }
		neochat = filepath.Join(dir, "neochat")
		build := exec.Command("go", "build", "-o", neochat, "neochat/cmd/neochat")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		if err := build.Run(); err != nil {
			clean()
			fmt.Fprintln(os.Stderr, "building neochat:", err)
			os.Exit(1)
		}
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		clean()
		os.Exit(code)
	}))
}
