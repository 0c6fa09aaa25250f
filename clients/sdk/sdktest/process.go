package sdktest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Build builds the server's binary into a folder and returns its path; where NEOCHAT_BIN
// names one, that is taken.
func Build(dir string) (string, error) {
	if bin := os.Getenv("NEOCHAT_BIN"); bin != "" {
		return bin, nil
	}
	bin := filepath.Join(dir, "neochat")
	if out, err := exec.Command("go", "build", "-o", bin, "neochat/cmd/neochat").CombinedOutput(); err != nil {
		return "", fmt.Errorf("build neochat: %w: %s", err, out)
	}
	return bin, nil
}

// Process is a real server that runs as a process.
type Process struct {
	URL  string // http://127.0.0.1:port
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// listensOn finds the address in what a starting server prints.
var listensOn = regexp.MustCompile(`listens on\s+(\S+) \(TCP`)

// StartProcess starts the server on a data folder and a free port of 127.0.0.1, and returns
// once it listens.
func StartProcess(bin, data string, args ...string) (*Process, error) {
	p := &Process{done: make(chan struct{})}
	p.cmd = exec.Command(bin, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0", "--media-port", "0",
		"--requests", "0", "--logins", "0", "--registrations", "0"}, args...)...)
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "NEOCHAT_") {
			p.cmd.Env = append(p.cmd.Env, v)
		}
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the server: %w", err)
	}
	lines := bufio.NewScanner(out)
	for p.URL == "" && lines.Scan() {
		if m := listensOn.FindStringSubmatch(lines.Text()); m != nil {
			p.URL = "http://" + m[1]
		}
	}
	go func() {
		_, _ = io.Copy(io.Discard, out) // until it ends
		_ = p.cmd.Wait()                // it was killed, mostly
		close(p.done)
	}()
	if p.URL == "" {
		<-p.done
		return nil, fmt.Errorf("the server did not start: %s", p.cmd.ProcessState)
	}
	return p, nil
}

// Kill ends the server as a crash would.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill() // it may have ended by itself
	<-p.done
}

// Cutter passes connections on to a server, and can cut them.
type Cutter struct {
	URL    string // http://127.0.0.1:port
	listen net.Listener
	over   sync.WaitGroup

	mu sync.Mutex
	// guarded by mu
	to     string // host:port of the server
	conns  map[net.Conn]struct{}
	closed bool
}

// NewCutter returns one that passes on to the server of a URL.
func NewCutter(url string) (*Cutter, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	c := &Cutter{URL: "http://" + l.Addr().String(), listen: l, conns: map[net.Conn]struct{}{}}
	c.To(url)
	c.over.Go(c.accept)
	return c, nil
}

// To names another server for the connections that follow.
func (c *Cutter) To(url string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.to = strings.TrimPrefix(url, "http://")
}

// Cut breaks all connections.
func (c *Cutter) Cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		_ = conn.Close() // its copiers end
	}
}

// Close breaks all connections and takes no more.
func (c *Cutter) Close() {
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	_ = c.listen.Close() // nothing is lost by it
	c.Cut()
	c.over.Wait()
}

func (c *Cutter) accept() {
	for {
		conn, err := c.listen.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err == nil {
			c.over.Go(func() { c.pass(conn) })
		}
	}
}

// pass copies both ways until one side ends.
func (c *Cutter) pass(conn net.Conn) {
	c.mu.Lock()
	to, closed := c.to, c.closed
	c.mu.Unlock()
	defer func() { _ = conn.Close() }() // it is cut
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	server, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
	if err != nil || closed {
		return
	}
	defer func() { _ = server.Close() }() // as above
	c.mu.Lock()
	c.conns[conn], c.conns[server] = struct{}{}, struct{}{}
	c.mu.Unlock()
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{conn, server}, {server, conn}} {
		both.Go(func() {
			_, _ = io.Copy(way[0], way[1]) // however it ends, the other way ends too
			_ = conn.Close()
			_ = server.Close()
		})
	}
	both.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
	delete(c.conns, server)
}
