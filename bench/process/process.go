// Package process runs the servers that benchmarks measure, and reads from /proc what they cost. Linux only.
package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Process is a server that was started; its owner stops it.
type Process struct {
	Addr  string        // host:port
	Ready time.Duration // from its start until it was ready

	cmd *exec.Cmd
	log bytes.Buffer // read only after the process has ended
}

var listensOn = regexp.MustCompile(`listens on\s+(\S+)`)

// Neochat starts neochat on a data folder, without limits on how much one address asks, and returns when /readyz says 200.
func Neochat(ctx context.Context, binary, data string, env []string, flags ...string) (*Process, error) {
	line := append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--media-port", "0",
		"--requests", "0", "--logins", "0", "--registrations", "0"}, flags...)
	cmd := exec.CommandContext(ctx, binary, line...)
	cmd.Env = append(os.Environ(), env...)
	begun := time.Now()
	p, err := Start(cmd)
	if err != nil {
		return nil, err
	}
	if err := p.awaitReady(); err != nil {
		return nil, errors.Join(err, p.Stop())
	}
	p.Ready = time.Since(begun)
	return p, nil
}

// Start starts a server and returns when it has printed that it listens on an address.
func Start(cmd *exec.Cmd) (*Process, error) {
	p := &Process{cmd: cmd}
	cmd.Stderr = &p.log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("starting %s: %w", filepath.Base(cmd.Path), err)
	}
	for lines := bufio.NewScanner(out); p.Addr == "" && lines.Scan(); {
		if m := listensOn.FindStringSubmatch(lines.Text()); m != nil {
			p.Addr = m[1]
		}
	}
	if p.Addr == "" {
		return nil, fmt.Errorf("%s did not start: %w: %s", filepath.Base(cmd.Path), cmd.Wait(), &p.log)
	}
	go io.Copy(io.Discard, out) // ends with the process
	return p, nil
}

func (p *Process) awaitReady() error {
	defer http.DefaultClient.CloseIdleConnections()
	for range 10_000 {
		if r, err := http.Get("http://" + p.Addr + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("neochat does not get ready")
}

// Stop ends it in good order.
func (p *Process) Stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("ending %s: %w", filepath.Base(p.cmd.Path), err)
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("ending %s: %w: %s", filepath.Base(p.cmd.Path), err, &p.log)
	}
	return nil
}

// CPU is the processor time it has used.
func (p *Process) CPU() (time.Duration, error) { return CPU(p.cmd.Process.Pid) }

// CPU is the processor time that a process has used, to a hundredth of a second.
func CPU(pid int) (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0, fmt.Errorf("reading processor time: %w", err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // a name may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		return 0, errors.New("reading processor time: /proc/PID/stat is not as proc(5) says")
	}
	var ticks int64
	for _, f := range fields[11:13] { // utime, stime
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("reading processor time: %w", err)
		}
		ticks += n
	}
	const ticksPerSecond = 100 // USER_HZ, whatever the kernel's own
	return time.Duration(ticks) * time.Second / ticksPerSecond, nil
}

// RSS is its resident memory in bytes.
func (p *Process) RSS() (int64, error) { return p.memory("VmRSS") }

// Grows runs do and returns how far the resident memory of p went, at its peak, above what it was before, in bytes.
func (p *Process) Grows(do func() error) (int64, error) {
	before, err := p.RSS()
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0); err != nil {
		return 0, fmt.Errorf("forgetting the peak of memory: %w", err)
	}
	if err := do(); err != nil {
		return 0, err
	}
	peak, err := p.memory("VmHWM")
	return peak - before, err
}

// memory is a value of /proc/PID/status, in bytes.
func (p *Process) memory(which string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading resident memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, which+": %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, errors.New("reading resident memory: /proc/PID/status has no " + which)
}
