// Package contract tests the running binary from outside, as the clients of
// strangers would: literal bytes over bare WebSockets and HTTP, nothing shared
// with the server's own code. What it holds is docs/protocol.md.
package contract

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience ends a wait for something that never comes. No test passes or fails by how long anything took.
const patience = time.Minute

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("processes are left out of short runs")
		return
	}
	// Some tests do nothing but wait for a clock of the protocol: they must not hold up the others.
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	dir, err := os.MkdirTemp("", "neochat-contract-")
	if err == nil && os.Getenv("NEOCHAT_BIN") == "" {
		err = build(filepath.Join(dir, "neochat"))
	}
	if err == nil {
		data := filepath.Join(dir, "data")
		if err = os.Mkdir(data, 0o700); err == nil {
			err = prepare(data)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "preparing the server:", err)
		os.RemoveAll(dir)
		os.Exit(1)
	}
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		os.RemoveAll(dir)
		databases.Exit(code)
	}))
}

// build makes the binary and names it to binary.
func build(to string) error {
	out, err := exec.Command("go", "build", "-o", to, "neochat/cmd/neochat").CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return os.Setenv("NEOCHAT_BIN", to)
}

// binary is the server under test: NEOCHAT_BIN, or what TestMain built.
func binary() string { return os.Getenv("NEOCHAT_BIN") }
