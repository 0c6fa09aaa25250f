package sdk

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"neochat/wire"
)

// FileInfo is what a message tells of a file that it names, or the server of one that is asked for.
type FileInfo struct {
	Name          string // for FileText and Client.Download
	Size          int64  // bytes
	ContentType   string // as the server found it; do not trust it
	Width, Height int    // pixels as shown; 0: no picture, or not known
	Duration      time.Duration
	Preview       bool // there is a small picture of it, at /files/NAME/preview
}

// FileStat is what the server knows of a file.
type FileStat struct {
	FileInfo
	Hash string // SHA-256, in hex
	Time time.Time
}

// OwnFile is a file of this account's own.
type OwnFile struct {
	FileInfo
	Time time.Time
	// The last message that names it and that this account sees; "" and 0: none.
	MessageID, Conversation string
	Seq                     int64
}

// FileOrder says which files OwnFiles lists first.
type FileOrder string

// The orders.
const (
	LargestFirst FileOrder = "size"
	LatestFirst  FileOrder = "time"
)

// FilePage is a part of the list of this account's own files.
type FilePage struct {
	Files     []OwnFile
	Count     int64  // how many there are in all
	BytesUsed int64  // by all of them
	Allowed   int64  // bytes; 0: any number
	Next      string // for the next page; "": this is the last
}

// StatFile tells what the server knows of a file that this account may read. A *StatError of 404: there is none.
func (c *Client) StatFile(ctx context.Context, name string) (FileStat, error) {
	m, _, err := c.Do(ctx, message("message_type", "file", "type", "GET", "want", "stat", "file", name))
	if err != nil {
		return FileStat{}, err
	}
	info := fileOf(m)
	info.Preview = m.Get("preview") == "yes"
	return FileStat{info, m.Get("hash"), millis(m, "time")}, nil
}

// OwnFiles lists up to limit (0: the server's default, 50; at most 200) of this account's files; after is "", or Next of the page before.
func (c *Client) OwnFiles(ctx context.Context, order FileOrder, after string, limit int) (FilePage, error) {
	m := message("message_type", "file", "type", "GET", "want", "list", "order", string(order), "after", after)
	addNumber(&m, "limit", int64(limit))
	answer, items, err := c.Do(ctx, m)
	if err != nil {
		return FilePage{}, err
	}
	page := FilePage{Count: number(answer, "files"), BytesUsed: number(answer, "bytes_used"), Allowed: number(answer, "bytes_allowed"), Next: answer.Get("next")}
	for _, i := range items {
		page.Files = append(page.Files, OwnFile{fileOf(i), millis(i, "time"), i.Get("message_id"), i.Get("conversation"), number(i, "seq")})
	}
	return page, nil
}

// FileAddress returns a URL under which whoever has it can read the file, for five minutes at most.
func (c *Client) FileAddress(ctx context.Context, name string) (string, error) {
	m, _, err := c.Do(ctx, message("message_type", "file", "type", "GET", "want", "address", "file", name))
	if err != nil {
		return "", err
	}
	path := m.Get("url")
	if !strings.HasPrefix(path, "/files/") {
		return "", fmt.Errorf("the server answered with an address that is none: %q", path)
	}
	return c.base.String() + path, nil
}

// DeleteFile deletes a file of this account's own, for everybody.
func (c *Client) DeleteFile(ctx context.Context, name string) error {
	_, _, err := c.Do(ctx, message("message_type", "file", "type", "DELETE", "file", name))
	return err
}

// fileOf reads the lines that describe a file.
func fileOf(m wire.Message) FileInfo {
	return FileInfo{Name: m.Get("file"), Size: number(m, "size"), ContentType: m.Get("content_type"), Width: int(number(m, "width")),
		Height: int(number(m, "height")), Duration: time.Duration(number(m, "duration_ms")) * time.Millisecond}
}

// readFileInfo reads a message's file_info. A line that cannot be read is left out.
func readFileInfo(s string) (all []FileInfo) {
	for line := range strings.Lines(s) {
		parts := strings.Fields(line)
		if len(parts) < 6 {
			continue
		}
		size, err := strconv.ParseInt(parts[1], 10, 64)
		if err != nil || size < 0 {
			continue
		}
		info := FileInfo{Name: parts[0], Size: size, Preview: parts[5] == "preview"}
		if parts[2] != "-" {
			info.ContentType = parts[2]
		}
		width, height, _ := strings.Cut(parts[3], "x")
		if w, h := dimension(width), dimension(height); w > 0 && h > 0 {
			info.Width, info.Height = w, h
		}
		if ms, err := strconv.ParseInt(parts[4], 10, 64); err == nil && ms > 0 && ms < int64(1<<63-1)/int64(time.Millisecond) {
			info.Duration = time.Duration(ms) * time.Millisecond
		}
		all = append(all, info)
	}
	return all
}

// dimension reads a number of pixels; what is none is 0.
func dimension(s string) int {
	n, err := strconv.ParseInt(s, 10, 32)
	if err != nil || n < 0 {
		return 0
	}
	return int(n)
}
