package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// healthTimeout is what a server has to answer in.
const healthTimeout = 5 * time.Second

// healthCommand is for images, which have nothing else in them that could ask.
type healthCommand struct {
	URL string `arg:"" optional:"" help:"What to ask; /readyz tells whether database and files can be written, too." default:"http://127.0.0.1:8080/healthz"`
}

// Run asks once.
func (h *healthCommand) Run(ctx context.Context, std streams) error {
	u, err := url.Parse(h.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("%q is no URL like http://127.0.0.1:8080/healthz", h.URL)
	}
	said, err := askHealth(ctx, u)
	if err != nil {
		return err
	}
	fmt.Fprintln(std.out, said)
	return nil
}

// askHealth returns what a server says of itself, if that is good. On this machine any certificate will do: it is for
// another name.
func askHealth(ctx context.Context, u *url.URL) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: onLoopback(u.Hostname())}}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", err
	}
	answer, err := transport.RoundTrip(r) // a redirect is no good health
	if err != nil {
		return "", fmt.Errorf("the server does not answer: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if err != nil {
		return "", fmt.Errorf("the server's answer: %w", err)
	}
	said := oneLine(strings.TrimSpace(string(body)))
	if answer.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the server answers %s: %s", answer.Status, said)
	}
	return said, nil
}

func onLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
