package signaling

import (
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// caller speaks HTTP for an account.
type caller struct {
	t     *testing.T
	base  string
	token string
	http  *http.Client
}

func (w *world) caller(account string) *caller {
	w.t.Helper()
	made, err := w.store.CreateSession(w.t.Context(), account, "http")
	if err != nil {
		w.t.Fatal(err)
	}
	return &caller{w.t, w.http.URL, made.Token, w.http.Client()}
}

// reply is an answer read to its end.
type reply struct {
	*http.Response
	body string
}

// do sends a request; header is name, value, name, value.
func (c *caller) do(method, path string, body io.Reader, header ...string) reply {
	c.t.Helper()
	r, err := c.try(method, path, body, header...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return r
}

func (c *caller) try(method, path string, body io.Reader, header ...string) (reply, error) {
	req, err := http.NewRequest(method, c.base+path, body)
	if err != nil {
		return reply{}, err
	}
	req.Header.Set("Authorization", "Bearer "+c.token)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i+1] == "" {
			req.Header.Del(header[i])
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return reply{resp, string(b)}, err
}

// tus is do with what every request of that protocol has.
func (c *caller) tus(method, path string, body io.Reader, header ...string) reply {
	c.t.Helper()
	head := []string{"Tus-Resumable", "1.0.0"}
	if body != nil {
		head = append(head, "Content-Type", tusContent)
	}
	return c.do(method, path, body, append(head, header...)...)
}

// named is an Upload-Metadata header of pairs.
func named(pairs ...string) string {
	var all []string
	for i := 0; i < len(pairs); i += 2 {
		all = append(all, pairs[i]+" "+base64.StdEncoding.EncodeToString([]byte(pairs[i+1])))
	}
	return strings.Join(all, ",")
}

// create begins an upload and returns where it is.
func (c *caller) create(size int, pairs ...string) string {
	c.t.Helper()
	r := c.tus("POST", "/uploads/", nil, "Upload-Length", strconv.Itoa(size), "Upload-Metadata", named(pairs...))
	if r.StatusCode != http.StatusCreated || !strings.HasPrefix(r.Header.Get("Location"), "/uploads/") {
		c.t.Fatalf("creating: %s %v %s", r.Status, r.Header, r.body)
	}
	return r.Header.Get("Location")
}

func (c *caller) patch(at string, offset int, body io.Reader, header ...string) reply {
	c.t.Helper()
	return c.tus("PATCH", at, body, append([]string{"Upload-Offset", strconv.Itoa(offset)}, header...)...)
}

// says checks the status of an answer, and headers given as name, value.
func (r reply) says(t *testing.T, status int, header ...string) {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("answered %s %s, want %d", r.Status, r.body, status)
	}
	for i := 0; i < len(header); i += 2 {
		if got := r.Header.Get(header[i]); got != header[i+1] {
			t.Errorf("%s is %q, want %q", header[i], got, header[i+1])
		}
	}
}
