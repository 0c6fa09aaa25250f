package plugin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Command is a plugin that the host starts.
type Command struct {
	Name string
	Line string // run by sh
}

// ParseCommand reads NAME=COMMAND.
func ParseCommand(s string) (Command, error) {
	name, line, ok := strings.Cut(s, "=")
	if !ok || strings.TrimSpace(line) == "" {
		return Command{}, fmt.Errorf("%q is not NAME=COMMAND", s)
	}
	if !validName(name) {
		return Command{}, fmt.Errorf("%w: %q", ErrName, name)
	}
	return Command{Name: name, Line: line}, nil
}

const (
	steady   = time.Minute     // a plugin that ran so long is started again at once
	goodbye  = 2 * time.Second // in which a plugin that was asked to end must have ended
	tailSize = 300             // bytes of a plugin's last words
)

// backoff doubles from a second to a minute.
func backoff(attempt int) time.Duration {
	return min(time.Minute, time.Second<<min(attempt-1, 10))
}

// start keeps a plugin running until the host ends.
func (h *Host) start(c Command) {
	h.mu.Lock()
	p := h.plugins[c.Name]
	if p == nil {
		p = h.newPlugin(c.Name, entry{})
		h.plugins[c.Name] = p
	}
	p.started = true
	h.mu.Unlock()
	h.over.Go(func() {
		for attempt := 1; ; attempt++ {
			began := time.Now()
			why := h.runOnce(p, c.Line)
			if h.ctx.Err() != nil {
				return
			}
			if time.Since(began) > steady {
				attempt = 1
			}
			wait := h.opt.Backoff(attempt)
			h.opt.Note(fmt.Sprintf("the plugin %s ended (%s); it is started again in %s", c.Name, why, wait.Round(time.Second)))
			if !sleep(h.ctx, wait) {
				return
			}
		}
	})
}

// runOnce runs a plugin until it ends or the host does, with everything it started, and
// returns how it ended. Its token is good as long as it runs.
func (h *Host) runOnce(p *plugin, line string) string {
	token := newToken()
	h.setChild(p, hashToken(token))
	defer h.setChild(p, "")
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	said := &tail{}
	cmd := exec.CommandContext(ctx, "/bin/sh", "-c", line)
	cmd.Env = append(childEnv(os.Environ()), "NEOCHAT_PLUGIN_NAME="+p.name, "NEOCHAT_PLUGIN_SOCKET="+h.opt.Socket, "NEOCHAT_PLUGIN_TOKEN="+token)
	cmd.Stderr = said
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = goodbye
	if err := cmd.Start(); err != nil {
		return err.Error()
	}
	err := cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left behind; mostly there is nothing
	why := "it had nothing more to do"
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		why = exit.Error()
	} else if err != nil {
		why = err.Error()
	}
	if last := said.String(); last != "" {
		why += ": " + last
	}
	return why
}

func (h *Host) setChild(p *plugin, hash string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.child = hash
	if hash == "" && p.conn != nil {
		p.conn.cancel()
	}
}

// childEnv leaves the client's own settings out, its password among them.
func childEnv(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(kv string) bool { return strings.HasPrefix(kv, "NEOCHAT_") })
}

// tail keeps the last words of a plugin.
type tail struct {
	mu sync.Mutex
	b  []byte // guarded by mu
}

// Write takes everything and keeps the end of it.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p[max(0, len(p)-tailSize):]...)
	t.b = append([]byte(nil), t.b[max(0, len(t.b)-tailSize):]...)
	return len(p), nil
}

// String returns the last line.
func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := strings.TrimSpace(strings.ToValidUTF8(string(t.b), "?"))
	return s[strings.LastIndexByte(s, '\n')+1:]
}
