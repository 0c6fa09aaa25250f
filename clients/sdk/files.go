package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"neochat/wire"
)

// uploadTries is how often a body is sent before Upload gives up.
const uploadTries = 5

// Upload stores what body holds, to its end, and returns the file's name, for FileText. fileName
// is what people call it (up to 200 bytes, without / and control characters); "": the server makes one up. Where body can
// seek, it is sent again up to uploadTries times where the connection breaks, and more than 4 MiB goes in
// pieces over HTTP, each from where the one before was broken off; if that comes to no end, it fails with an
// *UnfinishedError. Else it fails with ErrConnectionLost, and may have 16 MiB at most.
func (c *Client) Upload(ctx context.Context, fileName string, body io.Reader, options ...UploadOption) (string, error) {
	clock := strconv.FormatInt(time.Now().UnixMicro(), 10) // the same at each try: then it is the same file
	u := &uploading{c: c, fileName: fileName, clock: clock}
	for _, option := range options {
		option(u)
	}
	start, size := extent(body)
	if size > largeUpload {
		u.body, u.start, u.size = body.(io.ReadSeeker), start, size
		return u.run(ctx)
	}
	m := message("message_type", "file", "time", clock, "file_name", fileName)
	if u.keepLocation {
		m.Add("keep_location", "yes")
	}
	for try := 1; ; try++ {
		a, err := c.exchangeBody(ctx, m, body)
		if err == nil {
			return a.Message.Get("file"), nil
		}
		if size < 0 || try == uploadTries || !errors.Is(err, ErrConnectionLost) {
			return "", err
		}
		if _, err := body.(io.Seeker).Seek(start, io.SeekStart); err != nil {
			return "", fmt.Errorf("upload again: %w", err)
		}
	}
}

// extent is where body stands, and how many bytes follow; -1: it cannot seek. A pipe has the method, and refuses.
func extent(body io.Reader) (start, size int64) {
	seeker, ok := body.(io.Seeker)
	if !ok {
		return 0, -1
	}
	start, err := seeker.Seek(0, io.SeekCurrent)
	if err != nil {
		return 0, -1
	}
	end, err := seeker.Seek(0, io.SeekEnd)
	if _, back := seeker.Seek(start, io.SeekStart); err != nil || back != nil {
		return start, -1
	}
	return start, end - start
}

// File is an uploaded file on its way here.
type File struct {
	io.ReadCloser        // closed by the caller
	Size          int64  // bytes; -1: not told
	ContentType   string // as the server found it; do not trust it
}

// Download opens an uploaded file that this account may read, over HTTP. ctx also
// bounds the reading.
func (c *Client) Download(ctx context.Context, name string) (*File, error) {
	if !validFile(name) {
		return nil, &StatError{Stat: wire.StatNotFound, Reason: "that is not the name of a file"}
	}
	u, err := url.Parse(c.base.String() + "/files/" + name)
	if err != nil {
		return nil, fmt.Errorf("the name of the file: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, fmt.Errorf("download: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Session())
	resp, err := discreet(c.opt.HTTPClient).Do(req)
	if err != nil {
		return nil, fmt.Errorf("download: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		defer func() { _ = resp.Body.Close() }()
		return nil, httpError(resp, "the file cannot be had")
	}
	return &File{ReadCloser: resp.Body, Size: resp.ContentLength, ContentType: resp.Header.Get("Content-Type")}, nil
}

// discreet shows the session to nobody but the server, which may send a download on to where it keeps files: a http.Client by itself
// shows it to every port of the same host.
func discreet(client *http.Client) *http.Client {
	c, check := *client, client.CheckRedirect
	c.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if req.URL.Scheme != via[0].URL.Scheme || req.URL.Host != via[0].URL.Host {
			req.Header.Del("Authorization")
			req.Header.Del("Referer")
		}
		switch {
		case check != nil:
			return check(req, via)
		case len(via) >= 10:
			return errors.New("sent on too often")
		}
		return nil
	}
	return &c
}

// httpError makes an error of an answer: the server writes it as a protocol message. what is said where there is none.
func httpError(resp *http.Response, what string) error {
	e := &StatError{Stat: resp.StatusCode, Reason: what + ": " + http.StatusText(resp.StatusCode)}
	if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && after > 0 {
		e.RetryAfter = time.Duration(min(after, 24*3600)) * time.Second
	}
	m, err := wire.NewReader(io.LimitReader(resp.Body, 4<<10), false, wire.DefaultLimits()).Next()
	if err == nil && m.Get("reason") != "" {
		e.Reason = m.Get("reason")
	}
	return e
}

// validFile reports whether name can be one: enc(account)_time_enc(name), nothing that
// would lead elsewhere on the server.
func validFile(name string) bool {
	if name == "" || name == "." || name == ".." {
		return false
	}
	for i := 0; i < len(name); i++ {
		c := name[i]
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '.' && c != '-' && c != '_' && c != '%' {
			return false
		}
	}
	return true
}

// FileName returns what people call an uploaded file, out of its name on the server.
func FileName(name string) string {
	parts := strings.SplitN(name, "_", 3)
	plain, err := url.PathUnescape(parts[len(parts)-1])
	if err != nil || plain == "" {
		return name
	}
	return plain
}
