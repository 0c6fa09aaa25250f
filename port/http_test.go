package port

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// serve runs an http.Server on the port.
func serve(t *testing.T, p *TCP, handler http.Handler) {
	t.Helper()
	server := &http.Server{Handler: p.Handler(handler), ConnContext: p.ConnContext, ErrorLog: nil}
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.Serve(p.HTTP())
	}()
	t.Cleanup(func() {
		server.Close()
		<-done
	})
}

// client trusts pool and does not follow; protocols nil: it asks for none.
func client(t *testing.T, pool *x509.CertPool, protocols []string) *http.Client {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, NextProtos: protocols}}
	transport.Protocols = new(http.Protocols)
	transport.Protocols.SetHTTP1(true)
	for _, p := range protocols {
		transport.Protocols.SetHTTP2(p == protocolHTTP2)
	}
	if protocols == nil { // net/http would ask by itself
		transport.DialTLSContext = func(ctx context.Context, network, address string) (net.Conn, error) {
			d := tls.Dialer{Config: &tls.Config{RootCAs: pool}}
			return d.DialContext(ctx, network, address)
		}
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// how tells what a handler sees of the request's connection.
func how(w http.ResponseWriter, r *http.Request) {
	if r.TLS == nil {
		fmt.Fprint(w, r.Proto, " in the clear")
		return
	}
	fmt.Fprintf(w, "%s %q %v", r.Proto, r.TLS.NegotiatedProtocol, r.TLS.HandshakeComplete)
}

func get(t *testing.T, c *http.Client, method, url string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequest(method, url, strings.NewReader(""))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(b)
}

func TestHTTPS(t *testing.T) {
	config, pool := certificate(t)
	p := openTCP(t, TCPConfig{TLS: config})
	serve(t, p, http.HandlerFunc(how))
	for _, c := range []struct {
		protocols []string
		want      string
	}{
		{[]string{protocolHTTP1, protocolHTTP2}, `HTTP/2.0 "h2" true`},
		{[]string{protocolHTTP1}, `HTTP/1.1 "http/1.1" true`},
		{nil, `HTTP/1.1 "" true`},
	} {
		client := client(t, pool, c.protocols)
		for range 2 {
			if _, got := get(t, client, "GET", "https://"+p.Addr().String()+"/"); got != c.want {
				t.Errorf("asked for %v: %s, want %s", c.protocols, got, c.want)
			}
		}
	}
}

func TestPlainHTTPIsSentOn(t *testing.T) {
	config, pool := certificate(t)
	p := openTCP(t, TCPConfig{TLS: config})
	serve(t, p, http.HandlerFunc(how))
	c, at := client(t, pool, nil), p.Addr().String()
	for _, method := range []string{"GET", "HEAD"} {
		answer, _ := get(t, c, method, "http://"+at+"/a/b?c=d%20e")
		if answer.StatusCode != http.StatusPermanentRedirect || answer.Header.Get("Location") != "https://"+at+"/a/b?c=d%20e" {
			t.Errorf("%s: %d to %q", method, answer.StatusCode, answer.Header.Get("Location"))
		}
	}
	if answer, _ := get(t, c, "POST", "http://"+at+"/a"); answer.StatusCode != http.StatusForbidden {
		t.Errorf("POST: %d", answer.StatusCode)
	}
	c.CheckRedirect = nil
	if _, got := get(t, c, "GET", "http://"+at+"/"); got != `HTTP/1.1 "" true` {
		t.Errorf("followed to %q", got)
	}
}

func TestPlainHTTPForAProxy(t *testing.T) {
	config, pool := certificate(t)
	for _, p := range []*TCP{openTCP(t, TCPConfig{TLS: config, PlainHTTP: true}), openTCP(t, TCPConfig{})} {
		serve(t, p, http.HandlerFunc(how))
		if _, got := get(t, client(t, pool, nil), "GET", "http://"+p.Addr().String()+"/"); got != "HTTP/1.1 in the clear" {
			t.Errorf("served %q", got)
		}
	}
}

func TestAFileGoesOutWhole(t *testing.T) {
	p := openTCP(t, TCPConfig{})
	want := bytes.Repeat([]byte("neochat"), 100_000)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, want, 0o600); err != nil {
		t.Fatal(err)
	}
	serve(t, p, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) }))
	if _, got := get(t, client(t, nil, nil), "GET", "http://"+p.Addr().String()+"/"); got != string(want) {
		t.Errorf("got %d bytes of %d", len(got), len(want))
	}
}

// hijacked gives the connection away with buffers of its own, as the message server does.
type hijacked struct{ http.ResponseWriter }

func (h hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, err := rw.Reader.Peek(rw.Reader.Buffered())
	if err != nil {
		return nil, nil, err
	}
	r := bufio.NewReader(io.MultiReader(bytes.NewReader(early), conn))
	if _, err := r.Peek(len(early)); err != nil {
		return nil, nil, err
	}
	return conn, bufio.NewReadWriter(r, bufio.NewWriter(conn)), nil
}

func TestWebSocket(t *testing.T) {
	config, pool := certificate(t)
	p := openTCP(t, TCPConfig{TLS: config, PlainHTTP: true})
	serve(t, p, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(hijacked{w}, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer c.CloseNow()
		for {
			kind, b, err := c.Read(context.Background())
			if err != nil || c.Write(context.Background(), kind, b) != nil {
				return
			}
		}
	}))
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for _, way := range []struct {
		scheme    string
		protocols []string
	}{{"ws", nil}, {"wss", nil}, {"wss", []string{protocolHTTP1}}} {
		c, _, err := websocket.Dial(ctx, way.scheme+"://"+p.Addr().String(), &websocket.DialOptions{HTTPClient: client(t, pool, way.protocols)})
		if err != nil {
			t.Fatal(way, err)
		}
		for _, size := range []int{1, 20_000} {
			want := strings.Repeat("x", size)
			if err := c.Write(ctx, websocket.MessageText, []byte(want)); err != nil {
				t.Fatal(err)
			}
			if _, got, err := c.Read(ctx); err != nil || string(got) != want {
				t.Errorf("%v: %d bytes of %d: %v", way, len(got), size, err)
			}
		}
		if err := c.Close(websocket.StatusNormalClosure, ""); err != nil {
			t.Error(err)
		}
	}
}
