package deploy

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const unit = "debian/neochat.service"

var exposure = regexp.MustCompile(`exposure level for neochat.service: ([0-9.]+)`)

// TestUnit has systemd judge the unit: nothing in it is misspelt, and it gives little away.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	here := filepath.Join(t.TempDir(), "neochat.service") // verify wants the program where the unit says
	if err := os.WriteFile(here, []byte(strings.ReplaceAll(string(text), "/usr/bin/neochat", native(t))), 0o644); err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", here).CombinedOutput()
	if err != nil || strings.Contains(string(said), here) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, said)
	}
	m := exposure.FindStringSubmatch(output(t, "systemd-analyze", "security", "--offline=yes", "--no-pager", unit))
	if m == nil {
		t.Fatal("systemd-analyze tells no level")
	}
	if level, err := strconv.ParseFloat(m[1], 64); err != nil || level > 2.5 {
		t.Errorf("systemd-analyze security: %s, want at most 2.5", m[1])
	}
}

// letThrough is the system calls that the unit's filter lets through, by the groups that systemd knows.
func letThrough(t *testing.T) (calls []string) {
	t.Helper()
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	groups := map[string][]string{}
	name := ""
	for line := range strings.Lines(output(t, "systemd-analyze", "syscall-filter", "--no-pager")) {
		word := strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "@"):
			name = word
		case strings.HasPrefix(line, " ") && !strings.HasPrefix(word, "#"):
			groups[name] = append(groups[name], word)
		}
	}
	for line := range strings.Lines(string(text)) {
		list, ok := strings.CutPrefix(strings.TrimSpace(line), "SystemCallFilter=")
		if !ok {
			continue
		}
		list, without := strings.CutPrefix(list, "~")
		for _, g := range strings.Fields(list) {
			in := members(groups, g)
			if without {
				calls = slices.DeleteFunc(calls, func(c string) bool { return slices.Contains(in, c) })
			} else {
				calls = append(calls, in...)
			}
		}
	}
	return calls
}

// members resolves groups within groups.
func members(groups map[string][]string, name string) (calls []string) {
	for _, m := range groups[name] {
		if strings.HasPrefix(m, "@") {
			calls = append(calls, members(groups, m)...)
		} else {
			calls = append(calls, m)
		}
	}
	return calls
}

var (
	systemCall = regexp.MustCompile(`^(?:\[pid +\d+\] |\d+ +)?([a-z0-9_]+)\(`)
	family     = regexp.MustCompile(`socket\((AF_[A-Z0-9]+)`)
	served     = regexp.MustCompile(`listens on\s+(\S+) `)
)

// TestUnitLetsItWork traces a server from its start to its end: it asks the system for nothing that the unit forbids.
// What the unit really does to it, `make test-install` tries.
func TestUnitLetsItWork(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Fatal("units are for Linux")
	}
	dir := t.TempDir()
	trace := filepath.Join(dir, "trace")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "strace", "-f", "-o", trace, native(t), "serve", "--data", filepath.Join(dir, "data"), "--listen", "127.0.0.1:0", "--tls", "self-signed")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	at := ""
	for lines := bufio.NewScanner(out); at == "" && lines.Scan(); {
		if m := served.FindStringSubmatch(lines.Text()); m != nil {
			at = m[1]
		}
	}
	curious := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if answer, err := curious.Get("http://" + at + "/"); err != nil || answer.Body.Close() != nil || answer.StatusCode < 300 || answer.StatusCode > 399 {
		t.Errorf("without https: %v (%v), want to be sent on", answer, err)
	}
	output(t, native(t), "healthcheck", "https://"+at+"/readyz")
	// strace passes no signal on to what it traces.
	children := output(t, "ps", "-o", "pid=", "--ppid", strconv.Itoa(cmd.Process.Pid))
	server, err := strconv.Atoi(strings.TrimSpace(children))
	if err != nil {
		t.Fatalf("strace's children: %q", children)
	}
	syscall.Kill(server, syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("the server ended with %v", err)
	}
	judge(t, trace)
}

func judge(t *testing.T, trace string) {
	t.Helper()
	text, err := os.ReadFile(trace)
	if err != nil {
		t.Fatal(err)
	}
	allowed := letThrough(t)
	// What it does without: Go raises the number of open files, which the unit has done, and SQLite as root gives files
	// to who has the database, which the service need not.
	spared := []string{"prlimit64", "setrlimit", "fchown"}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		m := systemCall.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if call := m[1]; !seen[call] && !slices.Contains(allowed, call) && !slices.Contains(spared, call) {
			t.Errorf("the unit forbids %s", strings.TrimSpace(line))
		}
		seen[m[1]] = true
		if strings.Contains(line, "PROT_WRITE|PROT_EXEC") {
			t.Errorf("MemoryDenyWriteExecute forbids %s", strings.TrimSpace(line))
		}
		if f := family.FindStringSubmatch(line); f != nil && !slices.Contains([]string{"AF_INET", "AF_INET6", "AF_UNIX", "AF_NETLINK"}, f[1]) {
			t.Errorf("RestrictAddressFamilies forbids %s", strings.TrimSpace(line))
		}
	}
	for _, call := range []string{"bind", "accept4", "pwrite64", "epoll_ctl"} {
		if !seen[call] {
			t.Errorf("the trace has no %s: it is not that of a server", call)
		}
	}
}
