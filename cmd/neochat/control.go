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

// control is the server's end: lines "account NAME", each answered "ok" once the server has looked again, and
// "status", answered by a report as one line.
type control struct {
	listener net.Listener
	path     *socketPath
	look     func(context.Context, string) error
	report   func(context.Context) (string, error)
	talks    sync.WaitGroup
	closing  context.Context // done once close begins
	cancel   context.CancelFunc
}

// listenControl opens the socket, for the owner of the data folder alone. The caller holds the folder's
// lock, so a socket that is there was left behind by a server that was killed.
func listenControl(data string, look func(context.Context, string) error, report func(context.Context) (string, error)) (*control, error) {
	if err := os.Remove(filepath.Join(data, controlName)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("removing an old control socket: %w", err)
	}
	path, err := openSocketPath(data)
	if err != nil {
		return nil, err
	}
	c := &control{path: path, look: look, report: report}
	if c.listener, err = net.Listen("unix", path.name); err != nil {
		path.close()
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	if err := os.Chmod(path.name, 0o600); err != nil {
		c.close()
		return nil, fmt.Errorf("opening the control socket: %w", err)
	}
	c.closing, c.cancel = context.WithCancel(context.Background())
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
	defer context.AfterFunc(c.closing, func() { conn.SetReadDeadline(time.Unix(1, 0)) })() // what was asked is answered, no more is
	lines := bufio.NewScanner(io.LimitReader(conn, 1<<20))
	for lines.Scan() {
		if _, err := fmt.Fprintln(conn, c.answer(ctx, lines.Text())); err != nil {
			return
		}
	}
}

func (c *control) answer(ctx context.Context, line string) string {
	answer, err := "ok", error(nil)
	account, ok := strings.CutPrefix(line, "account ")
	switch {
	case ok:
		err = c.look(ctx, account)
	case line == "status":
		answer, err = c.report(c.closing)
	default:
		return "unknown"
	}
	if err != nil {
		return "failed"
	}
	return answer
}

// close takes the socket away and waits for talks that are under way.
func (c *control) close() {
	c.listener.Close()
	if c.cancel != nil {
		c.cancel()
	}
	c.talks.Wait()
	c.path.close()
}

// errNoServer: none runs on the data folder.
var errNoServer = errors.New("no server runs")

// askServer says one line to the server that runs on the data folder, and returns the line it answers.
func askServer(ctx context.Context, data, line string) (answer string, err error) {
	path, err := openSocketPath(data)
	if errors.Is(err, fs.ErrNotExist) {
		return "", errNoServer
	}
	if err != nil {
		return "", err
	}
	defer path.close()
	ctx, cancel := context.WithTimeout(ctx, controlTimeout)
	defer cancel()
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", path.name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return "", errNoServer
	}
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(controlTimeout))
	fmt.Fprintln(conn, line)
	answer, err = bufio.NewReader(conn).ReadString('\n')
	return strings.TrimSuffix(answer, "\n"), err
}

// tellServer makes the server that runs on the data folder, if any, look again at an account.
func tellServer(ctx context.Context, data, account string) error {
	answer, err := askServer(ctx, data, "account "+account)
	switch {
	case errors.Is(err, errNoServer):
		return nil
	case err != nil:
		return fmt.Errorf("telling the running server: %w", err)
	case answer != "ok":
		return fmt.Errorf("the running server could not look at %s again; it does within half a minute", account)
	}
	return nil
}
