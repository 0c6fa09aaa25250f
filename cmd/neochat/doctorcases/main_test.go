// Package doctorcases breaks a server in every way that people meet, in network namespaces of its own, and has `neochat doctor` name what is
// broken and the remedy. It imports nothing of neochat but the object store that one case is given.
package doctorcases

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// neochat is the binary under test; set once, before any test runs.
var neochat = os.Getenv("NEOCHAT_BIN")

func TestMain(m *testing.M) {
	flag.Parse()
	switch {
	case testing.Short():
		fmt.Println("the doctor's cases are left out of short runs")
		return
	case os.Geteuid() != 0:
		fmt.Println("the doctor's cases are left out: they need root, to make network namespaces")
		return
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	sweep()
	if neochat != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "neochat-doctor-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	neochat = filepath.Join(dir, "neochat")
	if out, err := exec.Command("go", "build", "-o", neochat, "neochat/cmd/neochat").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building neochat: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}
