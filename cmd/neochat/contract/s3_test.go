package contract

import (
	"crypto/sha256"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"neochat/files/s3test"
)

// TestFilesOnS3 holds what the contract says of files on a server that keeps them in an object store.
func TestFilesOnS3(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	on := func(prefix string) []string { return []string{"--files", store.Address(prefix)} }
	t.Run("again", func(t *testing.T) { sameFileAgain(t, serve(t, on("again")...)) })
	t.Run("granted", func(t *testing.T) { namingAFileGrantsIt(t, serve(t, on("granted")...)) })
	t.Run("http", func(t *testing.T) { filesOverHTTP(t, serve(t, on("http")...)) })
	for _, name := range []string{"verbatim-text-file", "grammar-file"} {
		t.Run(name, func(t *testing.T) { conversation(t, "testdata/"+name+".txt", on(name)...) })
	}
}

// TestLargeFilesOnS3 sends the largest file a few times, and looks at the server's peak memory.
func TestLargeFilesOnS3(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	s := serve(t, "--files", store.Address(""))
	a := s.login("/file", "+1", "a")
	body := strings.Repeat("x", 16<<20)
	send := func(at string) {
		t.Helper()
		m := a.upload(at, "large", at+body[len(at):])
		if m.get("stat") != "200" {
			t.Fatalf("16 MiB: %v", m)
		}
		resp, got := s.get("GET", "/files/"+m.get("file"), "", "Authorization", "Bearer "+s.token("+1"))
		if resp.StatusCode != 200 || len(got) != len(body) || got[:1] != at {
			t.Fatalf("16 MiB came back as %s, %d bytes", resp.Status, len(got))
		}
	}
	send("1")
	first := s.rss()
	for _, at := range []string{"2", "3", "4", "5"} {
		send(at)
	}
	if grown := s.rss() - first; grown > 8<<20 {
		t.Errorf("four more files of 16 MiB made the server %d bytes larger", grown)
	}
}

// TestFilesFromTheStore downloads large files from where the server sends one, and small ones from the server.
func TestFilesFromTheStore(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	s := serve(t, "--files", store.Address("direct"), "--files-redirect")
	a := s.login("/file", "+1", "a")
	auth := []string{"Authorization", "Bearer " + s.token("+1")}
	s.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	origin := endpoint(t, store)
	body := "<html>" + strings.Repeat("0123456789", 200_000)
	large, small := a.upload("1", "照片 & co.html", body).get("file"), a.upload("2", "x", "small").get("file")
	if resp, got := s.get("GET", "/files/"+small, "", auth...); resp.StatusCode != 200 || got != "small" {
		t.Errorf("a small file: %s", resp.Status)
	}
	resp, _ := s.get("GET", "/files/"+large, "", auth...)
	to, err := resp.Location()
	if err != nil || resp.StatusCode != 302 || !strings.HasPrefix(to.String(), origin+"/") {
		t.Fatalf("a large file: %s, %v, %v", resp.Status, to, err)
	}
	for span, want := range map[string]string{"": body, "bytes=6-9": "0123"} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, to.String(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if span != "" {
			req.Header.Set("Range", span)
		}
		from, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(from.Body)
		from.Body.Close()
		_, params, wrong := mime.ParseMediaType(from.Header.Get("Content-Disposition"))
		if err != nil || string(got) != want || wrong != nil || params["filename"] != "照片 & co.html" || from.Header.Get("Content-Type") != "text/html; charset=utf-8" ||
			!strings.HasPrefix(from.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("the store's answer to %q: %s, %v, %d bytes, %v", span, from.Status, from.Header, len(got), err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if resp, _ := s.get("GET", "/files/"+large, "", "Authorization", "Bearer "+s.token("+2")); resp.StatusCode != 404 {
		t.Errorf("a stranger is sent on: %s", resp.Status)
	}
	if resp, _ := s.get("GET", "/none", ""); !strings.Contains(resp.Header.Get("Content-Security-Policy"), "media-src 'self' "+origin) {
		t.Errorf("pages may not show what comes from the store: %s", resp.Header.Get("Content-Security-Policy"))
	}
}

// endpoint is where a store listens.
func endpoint(t *testing.T, store *s3test.Store) string {
	t.Helper()
	u, err := url.Parse(store.Address(""))
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("endpoint")
}

// keeps reports whether a store has an object with these bytes, of a file.
func keeps(t *testing.T, store *s3test.Store, prefix, body string) bool {
	t.Helper()
	hash := fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
	return len(store.Keys(prefix+"/"+hash[:2]+"/"+hash)) > 0
}

// TestGarbageOnS3 waits until what was deleted is gone from the store.
func TestGarbageOnS3(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	s := serve(t, "--files", store.Address("garbage"), "--files-grace", "1s")
	a := s.login("/file", "+1", "a")
	for i, name := range []string{"loose", "deleted", "named"} {
		file := a.upload(strconv.Itoa(i), name, name).get("file")
		if name == "loose" {
			continue
		}
		a.send("message_type: text\nfriends: +2\ntext: <file>" + file + "</file>\n\n")
		a.find("message_type: text\nstat: 200")
		if name == "deleted" {
			a.send("message_type: file\ntype: DELETE\nfile: " + file + "\n\n")
			a.find("message_type: file\ntype: DELETE\nstat: 200")
		}
	}
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if !keeps(t, store, "garbage", "loose") && !keeps(t, store, "garbage", "deleted") {
			if !keeps(t, store, "garbage", "named") {
				t.Error("what a message names is gone")
			}
			return
		}
		if time.Now().After(end) {
			t.Fatal("it is still there")
		}
	}
}

// TestObjectStoreAway kills the store under a running server, which answers 503 until it is back.
func TestObjectStoreAway(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	s := serve(t, "--files", store.Address("x"))
	a := s.login("/file", "+1", "a")
	file := a.upload("1", "x", "bytes").get("file")
	read := func() (int, string) {
		resp, body := s.get("GET", "/files/"+file, "", "Authorization", "Bearer "+s.token("+1"))
		return resp.StatusCode, body
	}
	ready := func() int { resp, _ := s.get("GET", "/readyz", ""); return resp.StatusCode }
	if status, body := read(); status != 200 || body != "bytes" || ready() != 200 {
		t.Fatalf("with the store: %d %q", status, body)
	}
	store.Kill()
	s.troubled = true
	a.upload("2", "x", "other").fails(t, "503")
	a.ask("type: GET\nfile: "+file+"\n\n").fails(t, "503")
	if status, _ := read(); status != 503 || ready() != 503 {
		t.Errorf("with the store away a file is answered %d", status)
	}
	a.send("message_type: text\nfriends: +2\ntext: what needs no files goes on\n\n")
	a.want("message_type: text\nstat: 200")
	store.Run()
	if m := a.upload("2", "x", "other"); m.get("stat") != "200" {
		t.Errorf("with the store back: %v", m)
	}
	if status, body := read(); status != 200 || body != "bytes" || ready() != 200 {
		t.Errorf("with the store back a file is answered %d %q", status, body)
	}
	if strings.Contains(s.log.String(), s3test.SecretKey) {
		t.Error("the log holds the secret key")
	}
}
