package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// controlName is the socket in the data folder on which commands tell a running server what they changed.
const controlName = "control"

// controlTimeout bounds one exchange on that socket.
const controlTimeout = 10 * time.Second

// control is the server's end: lines "account NAME", each answered "ok" once the server has looked again.
type control struct {
	listener net.Listener
	path     *socketPath
	look     func(context.Context, string) error
	talks    sync.WaitGroup
}

// listenControl opens the socket, for the owner of the data folder alone. The caller holds the folder's
// lock, so a socket that is there was left behind by a server that was killed.
func listenControl(data string, look func(context.Context, string) error) (*control, error) {
	if err := os.Remove(filepath.Join(data, controlName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("removing an old control socket: %w", err)
	}
	path, err := openSocketPath(data)
	if err != nil {
		return nil, err
	}
	c := &control{path: path, look: look}
	if c.listener, err = net.Listen("unix", path.name); err != nil {
		path.close()
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	if err := os.Chmod(path.name, 0o600); err != nil {
		c.close()
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	c.talks.Add(1)
	go c.serve()
	return c, nil
}

// socketPath is a name of the socket that the kernel takes: of about 100 bytes at most.
type socketPath struct {
	name   string
	folder *os.File // nil: the name is the socket's own
}

// openSocketPath names the socket where its own name is too long by way of the open folder.
func openSocketPath(data string) (*socketPath, error) {
	name := filepath.Join(data, controlName)
	if len(name) < 100 {
		return &socketPath{name: name}, nil
	}
	folder, err := os.Open(data)
	if err != nil {
		return nil, fmt.Errorf("opening the data folder: %w", err)
	}
	return &socketPath{fmt.Sprintf("/proc/self/fd/%d/%s", folder.Fd(), controlName), folder}, nil
}

func (p *socketPath) close() {
	if p.folder != nil {
		p.folder.Close()
	}
}

func (c *control) serve() {
	defer c.talks.Done()
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return // it was closed
		}
		c.talks.Add(1)
		go c.talk(conn)
	}
}

func (c *control) talk(conn net.Conn) {
	defer c.talks.Done()
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), controlTimeout)
	defer cancel()
	conn.SetDeadline(time.Now().Add(controlTimeout))
	lines := bufio.NewScanner(io.LimitReader(conn, 1<<20))
	for lines.Scan() {
		account, ok := strings.CutPrefix(lines.Text(), "account ")
		answer := "ok"
		if !ok {
			answer = "unknown"
		} else if err := c.look(ctx, account); err != nil {
			answer = "failed"
		}
		if _, err := fmt.Fprintln(conn, answer); err != nil {
			return
		}
	}
}

// close takes the socket away and waits for talks that are under way.
func (c *control) close() {
	c.listener.Close()
	c.talks.Wait()
	c.path.close()
}

// tellServer makes the server that runs on the data folder, if any, look again at an account.
func tellServer(ctx context.Context, data, account string) error {
	path, err := openSocketPath(data)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer path.close()
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path.name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil // no server runs
	}
	if err != nil {
		return fmt.Errorf("telling the running server: %w", err)
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(controlTimeout))
	fmt.Fprintln(conn, "account "+account)
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return fmt.Errorf("telling the running server: %w", err)
	}
	if answer != "ok\n" {
		return fmt.Errorf("the running server could not look at %s again; it does within half a minute", account)
	}
	return nil
}
