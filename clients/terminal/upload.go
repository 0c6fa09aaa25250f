package terminal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"neochat/clients/sdk"
)

// halfSent is an upload that was broken off, and the file as it was then.
type halfSent struct {
	upload  *sdk.UnfinishedError
	size    int64
	changed time.Time
}

// upload stores a file and returns its name on the server. The same file again goes on where it was broken off.
func (c *chat) upload(ctx context.Context, path string) (string, error) {
	f, err := os.Open(home(path))
	if err != nil {
		return "", err
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return "", err
	}
	if info.IsDir() {
		return "", fmt.Errorf("%s is a folder; send its files one by one, or packed", path)
	}
	options := []sdk.UploadOption{sdk.OnProgress(func(sent, size int64) { c.showSending(filepath.Base(path), sent, size) })}
	if b, ok := c.broken[f.Name()]; ok && b.of(info) {
		options = append(options, sdk.GoOn(b.upload))
	}
	name, err := c.client.Upload(ctx, filepath.Base(path), f, options...)
	c.showSending("", 0, 0)
	delete(c.broken, f.Name())
	var unfinished *sdk.UnfinishedError
	if errors.As(err, &unfinished) {
		c.broken[f.Name()] = halfSent{unfinished, info.Size(), info.ModTime()}
		return "", fmt.Errorf("%w; the same again goes on where it ended", err)
	}
	return name, err
}

// of reports whether the file is still what it was.
func (b halfSent) of(info fs.FileInfo) bool {
	return info.Size() == b.size && info.ModTime().Equal(b.changed)
}

// showSending shows how much of a file has gone; "": none goes any more.
func (c *chat) showSending(name string, sent, of int64) {
	text := ""
	if name != "" && of > 0 {
		text = fmt.Sprintf("sending %s: %d %% of %s", cut(name, 30), 100*sent/of, size(of))
	}
	c.mu.Lock()
	c.life.sending = text
	c.mu.Unlock()
	c.refreshStatus()
}
