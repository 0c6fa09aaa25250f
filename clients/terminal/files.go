package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"neochat/clients/sdk"
)

// file uploads a file and sends its name.
func (c *chat) file(ctx context.Context, path string) error {
	if path == "" {
		return errUsage
	}
	if _, err := c.here(); err != nil {
		return err
	}
	name, err := c.upload(ctx, path)
	if err != nil {
		return err
	}
	if err := c.send(ctx, sdk.Draft{Text: sdk.FileText(name)}); err != nil {
		return err
	}
	c.scr.note("sent " + visible(filepath.Base(path), false))
	return nil
}

// save fetches a file; it never writes over another one.
func (c *chat) save(ctx context.Context, arg string) error {
	name, path := nameAndRest(arg)
	if name == "" {
		return errUsage
	}
	if n, err := strconv.Atoi(name); err == nil {
		c.mu.Lock()
		known := n >= 1 && n <= len(c.files)
		if known {
			name = c.files[n-1]
		}
		c.mu.Unlock()
		if !known {
			return fmt.Errorf("no file has the number %d here", n)
		}
	}
	path = savePath(home(path), sdk.FileName(name))
	from, err := c.client.Download(ctx, name)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }() // it was only read
	n, err := write(path, from)
	if err != nil {
		return err
	}
	c.scr.print(fmt.Sprintf("saved %s (%d bytes)", visible(path, false), n))
	return nil
}

// savePath is where a file goes: its own name, as far as a stranger may choose it, in the
// folder path, or path itself. "": the present folder.
func savePath(path, name string) string {
	name = strings.Map(func(r rune) rune {
		if steers(r) || r == '/' || r == '\\' || r == ':' {
			return '_'
		}
		return r
	}, name)
	if name = strings.TrimLeft(name, "."); name == "" { // nor hidden, nor a parent folder
		name = "file"
	}
	if info, err := os.Stat(path); path == "" || err == nil && info.IsDir() {
		return filepath.Join(path, name)
	}
	return path
}

// write makes the file path of what from holds, or nothing.
func write(path string, from io.Reader) (int64, error) {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if errors.Is(err, os.ErrExist) {
		return 0, fmt.Errorf("%s exists already; name another path", path)
	}
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(f, from)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		_ = os.Remove(path) // half a file helps nobody
		return 0, fmt.Errorf("save %s: %w", path, err)
	}
	return n, nil
}

// home replaces a ~ at the beginning, which no shell has done here.
func home(path string) string {
	rest, ok := strings.CutPrefix(path, "~/")
	if dir, err := os.UserHomeDir(); ok && err == nil {
		return filepath.Join(dir, rest)
	}
	return path
}
