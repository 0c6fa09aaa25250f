package signaling

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

func TestPut(t *testing.T) {
	w := newWorld(t, Times{}, "+1", "b")
	w.srv.cfg.MaxFile = 100 // nobody has come yet
	a := w.caller("+1")
	for _, c := range []struct {
		name   string
		body   io.Reader
		header []string
		status int
	}{
		{"%2B1_1_a%2Bb.txt", strings.NewReader("abc"), nil, 201},
		{"%2B1_1_a%2Bb.txt", strings.NewReader("abc"), nil, 200},
		{"%252B1_1_a%252Bb.txt", strings.NewReader("abc"), nil, 200},
		{"%2B1_1_a%2Bb.txt", strings.NewReader("abd"), nil, 409},
		{"%2B1_1_a%2Bb.txt", unsized("abcd"), nil, 409},
		{"%2B1_1_a%2Bb.txt", strings.NewReader("abcd"), nil, 409},
		{"%2B1_2_empty", strings.NewReader(""), nil, 201},
		{"%2B1_3_100%2525", strings.NewReader("x"), nil, 201},
		{"%2B1_4_x", strings.NewReader(strings.Repeat("x", 101)), nil, 413},
		{"%2B1_4_x", unsized(strings.Repeat("x", 101)), nil, 413},
		{"%2B1_4_" + strings.Repeat("x", 201), strings.NewReader("x"), nil, 413},
		{"%2B1_4_" + strings.Repeat("x", 10_000), strings.NewReader("x"), nil, 413},
		{"b_4_x", strings.NewReader("x"), nil, 403},
		{"x", strings.NewReader("x"), nil, 403},
		{"", strings.NewReader("x"), nil, 403},
		{"%2B1_4", strings.NewReader("x"), nil, 400},
		{"%2B1_4_", strings.NewReader("x"), nil, 400},
		{"%2B1__x", strings.NewReader("x"), nil, 400},
		{"%2B1_four_x", strings.NewReader("x"), nil, 400},
		{"%2B1_4_x_y", strings.NewReader("x"), nil, 400},
		{"%2B1_4_x+y", strings.NewReader("x"), nil, 400},
		{"%2B1_4_%c3%a9", strings.NewReader("x"), nil, 400},
		{"%2B1_4_%FF", strings.NewReader("x"), nil, 400},
		{"%2B1_4_%00", strings.NewReader("x"), nil, 400},
		{"%2B1_4_..%2F..%2Fetc%2Fpasswd", strings.NewReader("x"), nil, 400},
		{"%2B1_4_..%252F..%252Fetc", strings.NewReader("x"), nil, 201}, // a name with %2F in it, and no path
		{"%2B1_4_a%5Cb", strings.NewReader("x"), nil, 400},
		{"%2B1_4_y", strings.NewReader("x"), []string{"Origin", "https://elsewhere.example"}, 403},
		{"%2B1_4_y", strings.NewReader("x"), []string{"Authorization", ""}, 401},
	} {
		r := a.do("PUT", "/files/"+c.name, c.body, c.header...)
		if r.StatusCode != c.status || c.status < 300 && !strings.Contains(r.body, "\nfile: %2B1_") || c.status >= 300 && !strings.Contains(r.body, "reason: ") {
			t.Errorf("%.60s: %s %s", c.name, r.Status, r.body)
		}
	}
	w.uploads("+1", 3+1+1)
	if f := a.do("GET", "/files/%2B1_3_100%2525", nil); f.body != "x" {
		t.Errorf("100%%25: %s", f.Status)
	}
}

func TestBrokenPut(t *testing.T) {
	w := newWorld(t, Times{Stall: 50 * time.Millisecond}, "a")
	a := w.caller("a")
	u, err := url.Parse(a.base)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "PUT /files/a_1_x HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Length: 10\r\n\r\nabcd", u.Host, a.token)
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
		t.Errorf("a body that stalls: %s, %v", answer, err)
	}
	a.do("GET", "/files/a_1_x", nil).says(t, 404)
	w.uploads("a", 0)
}

// A restart ends a file that comes in one request; it is sent again.
func TestRestartInterruptsPut(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	body, send := pipe(t)
	answered := make(chan reply, 1)
	go func() {
		r, _ := a.try("PUT", "/files/a_1_x", body)
		answered <- r
	}()
	fmt.Fprint(send, "abc")
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(time.Millisecond) {
		w.srv.pieces.mu.Lock()
		busy := len(w.srv.pieces.busy)
		w.srv.pieces.mu.Unlock()
		if busy == 1 {
			break
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w.srv.Shutdown(ctx)
	if r := <-answered; r.Response == nil || r.StatusCode != 503 {
		t.Errorf("answered %+v", r)
	}
	w.uploads("a", 0)
}

// Requests without content are bounded as all are; those with much of it by other means, and they take nothing from the others.
func TestHasteOverHTTP(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	w.srv.requests = newLimiter(0.001, 4) // nobody has come yet
	a := w.caller("a")
	size := 20 * uncounted
	at := a.create(size)
	for n := 0; n < size; n += uncounted {
		a.patch(at, n, strings.NewReader(strings.Repeat("x", uncounted))).says(t, 204)
	}
	for range 3 {
		a.tus("HEAD", at, nil).says(t, 200)
	}
	if r := a.tus("HEAD", at, nil); r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
		t.Errorf("too often: %s, %v", r.Status, r.Header)
	}
}

// At most so many at one time come from one account.
func TestTransfersAtOneTime(t *testing.T) {
	p := newPieces()
	defer p.cancel()
	var leave []func()
	for range maxTransfers {
		f, err := p.enter("a")
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, f)
	}
	if _, err := p.enter("a"); err == nil {
		t.Error("one more may come")
	}
	if _, err := p.enter("b"); err != nil {
		t.Error(err)
	}
	leave[0]()
	if _, err := p.enter("a"); err != nil {
		t.Error(err)
	}
}
