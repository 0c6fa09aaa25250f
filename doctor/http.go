package doctor

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// client speaks HTTP with the address that was reached, whatever the name says.
func (w *visit) client() *http.Client {
	return &http.Client{Timeout: w.Timeout, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: w.tls.Clone(), TLSHandshakeTimeout: w.Timeout,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return w.dial(ctx, w.port) }}}
}

// get returns the status and the beginning of what a path answers.
func (w *visit) get(ctx context.Context, path string) (*http.Response, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.at.JoinPath(path).String(), nil)
	if err != nil {
		return nil, "", err
	}
	resp, err := w.client().Do(req)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReach))
	return resp, string(body), err
}

// http asks whether it is NeoChat that answers, and how it can be reached.
func (w *visit) http(ctx context.Context) bool {
	for _, step := range [][2]string{{"/healthz", "ok"}, {"/readyz", "ready"}} {
		path, want := step[0], step[1]
		resp, body, err := w.get(ctx, path)
		body = strings.TrimSpace(body)
		switch {
		case err != nil:
			w.tell(found("", "http-other", facts{"url", w.at.String(), "host", w.host, "seen", brief(err)}))
			return false
		case resp.StatusCode == http.StatusServiceUnavailable && path == "/readyz":
			w.tell(found("", "http-unready", facts{"seen", body}))
			return true
		case resp.StatusCode != http.StatusOK || body != want:
			w.tell(found("", "http-other", facts{"url", w.at.String(), "host", w.host, "seen", fmt.Sprintf("%s answers %s", path, resp.Status)}))
			return false
		}
	}
	w.tell(good("http", "NeoChat answers and is ready"))
	before := w.Network.Now()
	if resp, body, err := w.get(ctx, ReachPath); err == nil && resp.StatusCode == http.StatusOK {
		w.reach, _ = readReach(strings.NewReader(body)) // nil: an older server, which does not tell
	}
	if w.reach != nil {
		w.offset = w.reach.Time.Sub(before.Add(w.Network.Now().Sub(before) / 2))
	}
	return true
}

// clockTolerance is how far clocks may be apart: credentials and certificates do not mind that much.
const clockTolerance = 2 * time.Minute

// clock compares this machine's clock with the server's, and both with a third where one was named.
func (w *visit) clock(ctx context.Context) {
	if w.TimeFrom != "" {
		w.tell(judgeTime(ctx, w.Network, w.TimeFrom, w.Timeout, w.offset, w.reach != nil)...)
		return
	}
	switch {
	case w.reach == nil || w.reach.Time.IsZero():
		w.tell(skipped("clock", "the server does not tell its time"))
	case w.offset.Abs() > clockTolerance:
		w.tell(clockOff(w.offset, "the server", "whichever of the two machines is wrong"))
	default:
		w.tell(good("clock", "this machine and the server agree on the time"))
	}
}

func clockOff(offset time.Duration, of, where string) Finding {
	by := offset.Abs().Round(time.Second).String() + " ahead"
	if offset > 0 {
		by = offset.Round(time.Second).String() + " behind"
	}
	return found("", "clock-off", facts{"by", by, "of", of, "where", where})
}

// judgeTime asks a web server for the time (RFC 9110, section 6.6.1). server is how far the visited server is ahead of this machine.
func judgeTime(ctx context.Context, n Network, from string, timeout, server time.Duration, told bool) []Finding {
	third, err := timeOf(ctx, n, from, timeout)
	if err != nil {
		return []Finding{skipped("clock", from+" does not tell the time: "+brief(err))}
	}
	var all []Finding
	if third.Abs() > clockTolerance {
		all = append(all, clockOff(third, from, "this machine"))
	}
	if apart := third - server; told && apart.Abs() > clockTolerance {
		f := clockOff(apart, from, "the server")
		f.Note = strings.Replace(f.Note, "this machine", "the server", 1)
		all = append(all, f)
	}
	if all == nil {
		all = []Finding{good("clock", "the clock agrees with "+from)}
	}
	return all
}

// timeOf returns how far the clock of a web server is ahead of this machine's.
func timeOf(ctx context.Context, n Network, from string, timeout time.Duration) (time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, from, nil)
	if err != nil {
		return 0, err
	}
	client := &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true, DialContext: n.Dial},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	before := n.Now()
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	at, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, fmt.Errorf("it answers without a Date: %w", err)
	}
	return at.Sub(before), nil
}
