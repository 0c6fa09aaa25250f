package main

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
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// server is a neochat process.
type server struct {
	cmd   *exec.Cmd
	addr  string
	ready time.Duration // from its start to the first 200 of /readyz
	log   bytes.Buffer  // read only after the process has ended
}

var listensOn = regexp.MustCompile(`listens on\s+(\S+)`)

// startServer starts neochat on a data folder and returns when /readyz says 200.
func startServer(ctx context.Context, binary, data string, flags ...string) (*server, error) {
	line := append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--media-port", "0",
		"--requests", "0", "--logins", "0", "--registrations", "0"}, flags...)
	s := &server{cmd: exec.CommandContext(ctx, binary, line...)}
	s.cmd.Stderr = &s.log
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("starting neochat: %w", err)
	}
	begun := time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting neochat: %w", err)
	}
	lines := bufio.NewScanner(out)
	for s.addr == "" && lines.Scan() {
		if m := listensOn.FindStringSubmatch(lines.Text()); m != nil {
			s.addr = m[1]
		}
	}
	if s.addr == "" {
		return nil, fmt.Errorf("neochat did not start: %w: %s", s.cmd.Wait(), &s.log)
	}
	go io.Copy(io.Discard, out) // ends with the process
	if err := s.awaitReady(); err != nil {
		return nil, errors.Join(err, s.stop())
	}
	s.ready = time.Since(begun)
	return s, nil
}

func (s *server) awaitReady() error {
	defer http.DefaultClient.CloseIdleConnections()
	for range 5000 {
		if r, err := http.Get("http://" + s.addr + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return nil
			}
		}
		time.Sleep(time.Millisecond)
	}
	return errors.New("neochat does not get ready")
}

// stop ends it in good order.
func (s *server) stop() error {
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("ending neochat: %w", err)
	}
	if err := s.cmd.Wait(); err != nil {
		return fmt.Errorf("ending neochat: %w: %s", err, &s.log)
	}
	return nil
}

// cpu is the processor time it has used, to a hundredth of a second.
func (s *server) cpu() (time.Duration, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.cmd.Process.Pid))
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

// rss is its resident memory in bytes.
func (s *server) rss() (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("reading resident memory: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if n, _ := fmt.Sscanf(line, "VmRSS: %d kB", &kib); n == 1 {
			return kib << 10, nil
		}
	}
	return 0, errors.New("reading resident memory: /proc/PID/status has no VmRSS")
}
