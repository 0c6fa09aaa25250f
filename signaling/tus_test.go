package signaling

import (
	"context"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"neochat/store"
)

func TestUploadInPieces(t *testing.T) {
	w := newWorld(t, Times{}, "+1", "b")
	a := w.caller("+1")
	meta := named("filename", "a+b.txt", "time", "7", "filetype", "text/plain")
	r := a.tus("POST", "/uploads/", nil, "Upload-Length", "11", "Upload-Metadata", meta)
	r.says(t, 201, "Neochat-File", "%2B1_7_a%2Bb.txt", "Tus-Resumable", "1.0.0")
	at := r.Header.Get("Location")
	if when, err := http.ParseTime(r.Header.Get("Upload-Expires")); err != nil || time.Until(when) < 23*time.Hour {
		t.Errorf("it expires %q", r.Header.Get("Upload-Expires"))
	}
	a.tus("HEAD", at, nil).says(t, 200, "Upload-Offset", "0", "Upload-Length", "11", "Upload-Metadata", meta, "Cache-Control", "no-store", "Neochat-File", "%2B1_7_a%2Bb.txt")
	a.patch(at, 0, strings.NewReader("hello")).says(t, 204, "Upload-Offset", "5", "Tus-Resumable", "1.0.0")
	a.do("GET", "/files/%2B1_7_a%2Bb.txt", nil).says(t, 404)
	a.patch(at, 0, strings.NewReader("hello")).says(t, 409, "Upload-Offset", "5")
	a.tus("HEAD", at, nil).says(t, 200, "Upload-Offset", "5")
	a.patch(at, 5, strings.NewReader(" world")).says(t, 204, "Upload-Offset", "11", "Neochat-File", "%2B1_7_a%2Bb.txt")
	if r := a.do("GET", "/files/%252B1_7_a%252Bb.txt", nil); r.body != "hello world" || r.Header.Get("Content-Type") != "text/plain; charset=utf-8" {
		t.Errorf("the file: %s %q", r.Status, r.body)
	}
	a.tus("HEAD", at, nil).says(t, 200, "Upload-Offset", "11", "Upload-Length", "11")
	a.patch(at, 11, strings.NewReader("")).says(t, 204, "Upload-Offset", "11")
	w.caller("b").do("GET", "/files/%2B1_7_a%2Bb.txt", nil).says(t, 404)
}

func TestUploadOptions(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	for _, path := range []string{"/uploads/", "/uploads/x"} {
		a.do("OPTIONS", path, nil, "Authorization", "").says(t, 204, "Tus-Version", "1.0.0", "Tus-Max-Size", "2147483648",
			"Tus-Extension", "creation,creation-with-upload,checksum,termination,expiration", "Tus-Checksum-Algorithm", "sha1,sha256")
	}
	a.do("POST", "/uploads/", nil, "Upload-Length", "1").says(t, 412, "Tus-Version", "1.0.0")
	a.do("HEAD", "/uploads/x", nil, "Tus-Resumable", "0.2.2").says(t, 412, "Tus-Version", "1.0.0")
	a.tus("GET", "/uploads/", nil).says(t, 405, "Allow", "OPTIONS, POST")
	a.tus("GET", "/uploads/x", nil).says(t, 405, "Allow", "OPTIONS, HEAD, PATCH, DELETE")
	at := a.create(3)
	a.tus("POST", at, strings.NewReader("abc"), "Upload-Offset", "0", "X-HTTP-Method-Override", "PATCH").says(t, 204, "Upload-Offset", "3")
}

func TestUploadWithItsCreation(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	r := a.tus("POST", "/uploads/", strings.NewReader("abc"), "Upload-Length", "3", "Upload-Metadata", named("filename", "x", "time", "1"))
	r.says(t, 201, "Upload-Offset", "3", "Neochat-File", "a_1_x")
	if f := a.do("GET", "/files/a_1_x", nil); f.body != "abc" {
		t.Errorf("the file: %s %q", f.Status, f.body)
	}
	r = a.tus("POST", "/uploads/", strings.NewReader("ab"), "Upload-Length", "3", "Upload-Metadata", named("filename", "x", "time", "2"))
	r.says(t, 201, "Upload-Offset", "2")
	a.patch(r.Header.Get("Location"), 2, strings.NewReader("c")).says(t, 204, "Upload-Offset", "3")
	r = a.tus("POST", "/uploads/", strings.NewReader("abc"), "Upload-Length", "3", "Upload-Checksum", sumOf("sha1", "abd"))
	r.says(t, 460, "Location", "", "Neochat-File", "")
	r = a.tus("POST", "/uploads/", strings.NewReader("xyz"), "Upload-Length", "3", "Upload-Metadata", named("filename", "x", "time", "1"))
	r.says(t, 409, "Location", "", "Neochat-File", "")
	w.uploads("a", 6)
	a.tus("POST", "/uploads/", nil, "Upload-Length", "0", "Upload-Metadata", named("filename", "empty", "time", "3")).says(t, 201, "Upload-Offset", "0")
	if f := a.do("GET", "/files/a_3_empty", nil); f.StatusCode != 200 || f.body != "" {
		t.Errorf("the empty file: %s %q", f.Status, f.body)
	}
}

func TestUploadMetadata(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	long := strings.Repeat("n", 10_000)
	for name, c := range map[string]struct {
		header string
		status int
		file   string
	}{
		"plain":                     {named("filename", "x", "time", "1"), 201, "a_1_x"},
		"percent":                   {named("filename", "100%25 _", "time", "2"), 201, "a_2_100%2525%20%5F"},
		"中文":                        {named("filename", "中文.txt", "time", "3"), 201, "a_3_%E4%B8%AD%E6%96%87.txt"},
		"200 bytes":                 {named("filename", long[:200], "time", "4"), 201, "a_4_" + long[:200]},
		"unknown keys":              {named("filename", "x", "time", "5", "other", "y") + ",is_confidential", 201, "a_5_x"},
		"hidden file":               {named("filename", "...", "time", "6"), 201, "a_6_..."},
		"by its type":               {named("filetype", "image/png", "time", "7"), 201, "a_7_file.png"},
		"no type":                   {named("time", "8"), 201, "a_8_file"},
		"201 bytes":                 {named("filename", long[:201], "time", "1"), 413, ""},
		"10,000 bytes":              {named("filename", long, "time", "1"), 413, ""},
		"a folder above":            {named("filename", "../../etc/passwd", "time", "1"), 400, ""},
		"a folder above, backwards": {named("filename", `..\..\boot.ini`, "time", "1"), 400, ""},
		"dots":                      {named("filename", "..", "time", "1"), 400, ""},
		"nothing":                   {named("filename", "", "time", "1"), 400, ""},
		"a NUL":                     {named("filename", "a\x00.txt", "time", "1"), 400, ""},
		"a line feed":               {named("filename", "a\n.txt", "time", "1"), 400, ""},
		"DEL":                       {named("filename", "a\x7f", "time", "1"), 400, ""},
		"C1":                        {named("filename", "a\u0085", "time", "1"), 400, ""},
		"turned around":             {named("filename", "a\u202etxt.exe", "time", "1"), 400, ""},
		"bad UTF-8":                 {named("filename", "a\xff", "time", "1"), 400, ""},
		"no time":                   {named("filename", "x", "time", "soon"), 400, ""},
		"negative time":             {named("filename", "x", "time", "-1"), 400, ""},
		"long time":                 {named("filename", "x", "time", strings.Repeat("1", 21)), 400, ""},
		"no Base64":                 {"filename ***", 400, ""},
		"a key twice":               {named("filename", "x", "filename", "y"), 400, ""},
		"an empty key":              {"filename eA==,,", 400, ""},
		"a key that is none":        {"fil\xc3\xa9name eA==", 400, ""},
		"negative width":            {named("filename", "x", "width", "-1"), 400, ""},
		"wide":                      {named("filename", "x", "width", "99999999999999999999"), 400, ""},
		"long":                      {named("filename", "x", "duration_ms", "9999999999999"), 400, ""},
	} {
		r := a.tus("POST", "/uploads/", nil, "Upload-Length", "1", "Upload-Metadata", c.header)
		if r.StatusCode != c.status || r.Header.Get("Neochat-File") != c.file || (c.status != 201) == (r.Header.Get("Location") != "") {
			t.Errorf("%s: %s, %q, %s", name, r.Status, r.Header.Get("Neochat-File"), r.body)
		}
	}
	w.uploads("a", 8)
}

// uploads checks how many bytes count, each upload having one.
func (w *world) uploads(account string, want int64) {
	w.t.Helper()
	if n, _, err := w.store.Usage(w.t.Context(), account); err != nil || n != want {
		w.t.Errorf("%s has %d bytes of files and uploads (%v), want %d", account, n, err, want)
	}
}

func TestUploadsThatCannotBegin(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	w.srv.cfg.MaxFile = 100 // nobody has come yet
	a := w.caller("a")
	for name, c := range map[string]struct {
		body   string
		header []string
		status int
	}{
		"no length":          {"", nil, 400},
		"deferred length":    {"", []string{"Upload-Defer-Length", "1"}, 400},
		"a part":             {"", []string{"Upload-Length", "1", "Upload-Concat", "partial"}, 400},
		"negative length":    {"", []string{"Upload-Length", "-1"}, 400},
		"signed length":      {"", []string{"Upload-Length", "+1"}, 400},
		"rubbish":            {"", []string{"Upload-Length", "many"}, 400},
		"too long":           {"", []string{"Upload-Length", "101"}, 413},
		"far too long":       {"", []string{"Upload-Length", "99999999999999999999"}, 413},
		"another type":       {"x", []string{"Upload-Length", "1", "Content-Type", "text/plain"}, 415},
		"more than told":     {"xyz", []string{"Upload-Length", "1"}, 413},
		"unknown checksum":   {"x", []string{"Upload-Length", "1", "Upload-Checksum", "md5 eA=="}, 400},
		"no checksum":        {"x", []string{"Upload-Length", "1", "Upload-Checksum", "sha1 eA=="}, 400},
		"from elsewhere":     {"", []string{"Upload-Length", "1", "Origin", "https://elsewhere.example"}, 403},
		"nobody":             {"", []string{"Upload-Length", "1", "Authorization", ""}, 401},
		"somebody unknown":   {"", []string{"Upload-Length", "1", "Authorization", "Bearer x"}, 401},
		"too much is told":   {"", []string{"Upload-Length", "1", "Upload-Metadata", strings.Repeat("x", 5000)}, 413},
		"a type of no piece": {"x", []string{"Upload-Length", "1", "Content-Type", "application/offset"}, 415},
	} {
		var body io.Reader
		if c.body != "" {
			body = strings.NewReader(c.body)
		}
		if r := a.tus("POST", "/uploads/", body, c.header...); r.StatusCode != c.status || !strings.Contains(r.body, "reason: ") || r.Header.Get("Location") != "" {
			t.Errorf("%s: %s %s", name, r.Status, r.body)
		}
	}
	w.uploads("a", 0)
}

func sumOf(name, body string) string {
	if name == "sha1" {
		sum := sha1.Sum([]byte(body))
		return "sha1 " + base64.StdEncoding.EncodeToString(sum[:])
	}
	sum := sha256.Sum256([]byte(body))
	return "sha256 " + base64.StdEncoding.EncodeToString(sum[:])
}

// unsized hides how long a body is.
func unsized(body string) io.Reader { return struct{ io.Reader }{strings.NewReader(body)} }

func TestPiecesThatDoNotFit(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	at := a.create(6, "filename", "x", "time", "1")
	for _, c := range []struct {
		name   string
		offset int
		body   io.Reader
		header []string
		status int
		kept   string // Upload-Offset after it
	}{
		{"another type", 0, strings.NewReader("x"), []string{"Content-Type", "text/plain"}, 415, "0"},
		{"no offset", 0, strings.NewReader("x"), []string{"Upload-Offset", ""}, 400, "0"},
		{"rubbish", 0, strings.NewReader("x"), []string{"Upload-Offset", "x"}, 400, "0"},
		{"a negative offset", -1, strings.NewReader("x"), nil, 400, "0"},
		{"a later offset", 1, strings.NewReader("x"), nil, 409, "0"},
		{"too much", 0, strings.NewReader("abcdefg"), nil, 413, "0"},
		{"too much, unsized", 0, unsized("abcdefg"), nil, 413, "0"},
		{"sha1", 0, strings.NewReader("a"), []string{"Upload-Checksum", sumOf("sha1", "a")}, 204, "1"},
		{"sha256", 1, strings.NewReader("b"), []string{"Upload-Checksum", sumOf("sha256", "b")}, 204, "2"},
		{"wrong sha1", 2, strings.NewReader("c"), []string{"Upload-Checksum", sumOf("sha1", "x")}, 460, "2"},
		{"wrong sha256", 2, strings.NewReader("c"), []string{"Upload-Checksum", sumOf("sha256", "x")}, 460, "2"},
		{"md5", 2, strings.NewReader("c"), []string{"Upload-Checksum", "md5 kAFQmDzST7DWlj99KOF/cg=="}, 400, "2"},
		{"from elsewhere", 2, strings.NewReader("c"), []string{"Origin", "http://elsewhere.example"}, 403, "2"},
		{"nobody", 2, strings.NewReader("c"), []string{"Authorization", ""}, 401, "2"},
		{"nothing", 2, strings.NewReader(""), nil, 204, "2"},
		{"unsized", 2, unsized("cd"), nil, 204, "4"},
		{"wrong at the end", 4, strings.NewReader("ef"), []string{"Upload-Checksum", sumOf("sha1", "fe")}, 460, "4"},
		{"the end", 4, strings.NewReader("ef"), []string{"Upload-Checksum", sumOf("sha1", "ef")}, 204, "6"},
		{"past the end", 6, strings.NewReader("g"), nil, 413, "6"},
	} {
		if r := a.patch(at, c.offset, c.body, c.header...); r.StatusCode != c.status {
			t.Errorf("%s: %s %s", c.name, r.Status, r.body)
		}
		a.tus("HEAD", at, nil).says(t, 200, "Upload-Offset", c.kept)
	}
	if f := a.do("GET", "/files/a_1_x", nil); f.body != "abcdef" {
		t.Errorf("the file: %s %q", f.Status, f.body)
	}
}

// Every verb answers a stranger to an upload as it answers to one that is not there.
func TestStrangersToUploads(t *testing.T) {
	w := newWorld(t, Times{}, "a", "eve")
	a, eve := w.caller("a"), w.caller("eve")
	at := a.create(3)
	missing := "/uploads/" + strings.Repeat("a", 32)
	for _, method := range []string{"HEAD", "PATCH", "DELETE"} {
		var answers []string
		for _, path := range []string{at, missing, "/uploads/x", "/uploads/..%2f..%2fx", at + "/", at + "%00"} {
			var body io.Reader
			if method == "PATCH" {
				body = strings.NewReader("abc")
			}
			r := eve.tus(method, path, body, "Upload-Offset", "0")
			r.Header.Del("Date")
			answers = append(answers, fmt.Sprint(r.Status, r.Header, r.body))
			if answers[0] != answers[len(answers)-1] || r.StatusCode != 404 {
				t.Errorf("%s %s: %s", method, path, answers[len(answers)-1])
			}
		}
	}
	a.patch(at, 0, strings.NewReader("abc")).says(t, 204, "Upload-Offset", "3")
}

func TestTermination(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	at := a.create(3, "filename", "x", "time", "1")
	a.patch(at, 0, strings.NewReader("ab")).says(t, 204)
	a.tus("DELETE", at, nil).says(t, 204)
	for _, method := range []string{"HEAD", "DELETE"} {
		a.tus(method, at, nil).says(t, 404)
	}
	a.patch(at, 2, strings.NewReader("c")).says(t, 404)
	w.uploads("a", 0)
	if n := len(w.memory().uploads); n != 0 {
		t.Errorf("bytes of %d uploads are kept", n)
	}
	at = a.create(3, "filename", "x", "time", "1")
	a.patch(at, 0, strings.NewReader("abc")).says(t, 204)
	a.tus("DELETE", at, nil).says(t, 204)
	if f := a.do("GET", "/files/a_1_x", nil); f.body != "abc" {
		t.Errorf("what it has become: %s %q", f.Status, f.body)
	}
}

func (w *world) memory() *memory { return w.srv.cfg.Uploads.(*memory) }

func TestExpiration(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	ids := map[string]string{}
	for _, name := range []string{"begun", "finished", "kept"} {
		at := a.create(3, "filename", name, "time", "1")
		ids[name] = strings.TrimPrefix(at, "/uploads/")
		if name == "finished" {
			a.patch(at, 0, strings.NewReader("abc")).says(t, 204)
		}
	}
	for _, name := range []string{"begun", "finished"} {
		if err := w.store.ExpireUpload(t.Context(), ids[name]); err != nil {
			t.Fatal(err)
		}
		a.tus("HEAD", "/uploads/"+ids[name], nil).says(t, 404)
	}
	w.srv.dropExpired()
	if got := w.memory().uploads; len(got) != 1 || got[ids["kept"]] == nil {
		t.Errorf("bytes of %d uploads are kept", len(got))
	}
	if left, err := w.store.ExpiredUploads(t.Context(), 10); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
	if f := a.do("GET", "/files/a_1_finished", nil); f.body != "abc" {
		t.Errorf("the file: %s %q", f.Status, f.body)
	}
	a.patch("/uploads/"+ids["kept"], 0, strings.NewReader("abc")).says(t, 204)
}

func TestOtherBytesUnderAName(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	pairs := []string{"filename", "x", "time", "1"}
	a.patch(a.create(3, pairs...), 0, strings.NewReader("abc")).says(t, 204)
	at := a.create(3, pairs...)
	a.patch(at, 0, strings.NewReader("xyz")).says(t, 409)
	a.tus("HEAD", at, nil).says(t, 404)
	a.tus("POST", "/uploads/", nil, "Upload-Length", "4", "Upload-Metadata", named(pairs...)).says(t, 409)
	a.patch(a.create(3, pairs...), 0, strings.NewReader("abc")).says(t, 204)
	if f := a.do("GET", "/files/a_1_x", nil); f.body != "abc" {
		t.Errorf("the file: %s %q", f.Status, f.body)
	}
	w.uploads("a", 3)
}

// pipe is a body that its test writes and ends.
func pipe(t *testing.T) (*io.PipeReader, *io.PipeWriter) {
	r, w := io.Pipe()
	t.Cleanup(func() { w.CloseWithError(errors.New("the test is over")) })
	return r, w
}

// raw opens a PATCH on a connection of its own that has sent part of its body.
func (c *caller) raw(at string, offset, length int, part string) net.Conn {
	c.t.Helper()
	u, err := url.Parse(c.base)
	if err != nil {
		c.t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "PATCH %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nTus-Resumable: 1.0.0\r\nContent-Type: %s\r\nUpload-Offset: %d\r\nContent-Length: %d\r\n\r\n%s",
		at, u.Host, c.token, tusContent, offset, length, part)
	return conn
}

// busy waits until somebody works on an upload.
func (w *world) busy(at string) {
	w.t.Helper()
	id := strings.TrimPrefix(at, "/uploads/")
	for until := time.Now().Add(patience); time.Now().Before(until); time.Sleep(time.Millisecond) {
		w.srv.pieces.mu.Lock()
		busy := w.srv.pieces.busy[id] != nil
		w.srv.pieces.mu.Unlock()
		if busy {
			return
		}
	}
	w.t.Fatal("nobody works on the upload")
}

func TestBrokenConnection(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	at := a.create(10, "filename", "x", "time", "1")
	conn := a.raw(at, 0, 10, "abcd")
	w.busy(at)
	conn.Close()
	resumed(t, a, at, "abcdefghij")
}

// A client whose connection is lost without a word goes on over another one: the first one is interrupted.
func TestLostConnection(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	at := a.create(10, "filename", "x", "time", "1")
	a.raw(at, 0, 10, "abcd")
	w.busy(at)
	resumed(t, a, at, "abcdefghij")
}

func TestStalledBody(t *testing.T) {
	w := newWorld(t, Times{Stall: 50 * time.Millisecond}, "a")
	a := w.caller("a")
	at := a.create(10, "filename", "x", "time", "1")
	conn := a.raw(at, 0, 10, "abcd")
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 408 ") {
		t.Errorf("a body that stalls: %s, %v", answer, err)
	}
	resumed(t, a, at, "abcdefghij")
}

// Over HTTP/2, where many requests share a connection, one that stalls or is given up is ended, and no other.
func TestPiecesOverHTTP2(t *testing.T) {
	for name, c := range map[string]struct {
		stall  time.Duration
		status int
	}{"stalled": {200 * time.Millisecond, 408}, "lost": {patience, 423}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Times{Stall: c.stall}, "a")
			over := httptest.NewUnstartedServer(w.srv.Handler())
			over.EnableHTTP2 = true
			over.StartTLS()
			t.Cleanup(over.Close)
			a := w.caller("a")
			a.base, a.http = over.URL, over.Client()
			at := a.create(10, "filename", "x", "time", "1")
			body, send := pipe(t)
			answered := make(chan reply, 1)
			go func() {
				r, _ := a.try("PATCH", at, body, "Tus-Resumable", "1.0.0", "Content-Type", tusContent, "Upload-Offset", "0")
				answered <- r
			}()
			fmt.Fprint(send, "abcd")
			w.busy(at)
			if c.status == 408 { // it ends by itself
				answered <- <-answered
			}
			resumed(t, a, at, "abcdefghij")
			if r := <-answered; r.Response == nil || r.StatusCode != c.status || r.ProtoMajor != 2 {
				t.Errorf("answered %+v", r.Response)
			}
		})
	}
}

// resumed sends what is missing of an upload, and compares.
func resumed(t *testing.T, a *caller, at, whole string) {
	t.Helper()
	head := a.tus("HEAD", at, nil)
	head.says(t, 200, "Upload-Length", strconv.Itoa(len(whole)))
	n, err := strconv.Atoi(head.Header.Get("Upload-Offset"))
	if err != nil {
		t.Fatal(err)
	}
	a.patch(at, n, strings.NewReader(whole[n:])).says(t, 204, "Upload-Offset", strconv.Itoa(len(whole)))
	if f := a.do("GET", "/files/"+head.Header.Get("Neochat-File"), nil); f.body != whole {
		t.Errorf("resumed at %d, the file is %d bytes, and they are others", n, len(f.body))
	}
}

func TestRestartInterruptsUploads(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	at := a.create(10, "filename", "x", "time", "1")
	conn := a.raw(at, 0, 10, "abcd")
	w.busy(at)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	w.srv.Shutdown(ctx)
	answer, err := io.ReadAll(conn)
	if err != nil || !strings.HasPrefix(string(answer), "HTTP/1.1 423 ") {
		t.Errorf("while the server ends: %s, %v", answer, err)
	}
	a.tus("HEAD", at, nil).says(t, 503)
	kept := w.memory()
	w.http.Close()
	w.serve(Config{Store: w.store, Blobs: kept, Uploads: kept, Calls: w.calls, Relay: w.relay, Registration: "open"})
	a.base = w.http.URL
	resumed(t, a, at, "abcdefghij")
}

// A session that ends while the bytes come makes no file.
func TestLoggedOutMeanwhile(t *testing.T) {
	w := newWorld(t, Times{}, "a")
	a := w.caller("a")
	at := a.create(3, "filename", "x", "time", "1")
	body, send := pipe(t)
	answered := make(chan reply, 1)
	go func() {
		r, _ := a.try("PATCH", at, body, "Tus-Resumable", "1.0.0", "Content-Type", tusContent, "Upload-Offset", "0")
		answered <- r
	}()
	w.busy(at)
	b := w.caller("a")
	found, err := w.store.Session(t.Context(), a.token)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.store.EndSession(t.Context(), "a", found.ID); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(send, "abc")
	send.Close()
	if r := <-answered; r.Response == nil || r.StatusCode != 401 {
		t.Errorf("answered %+v", r)
	}
	b.do("GET", "/files/a_1_x", nil).says(t, 404)
	b.tus("HEAD", at, nil).says(t, 200, "Upload-Offset", "3") // another session of the account completes it
	b.do("GET", "/files/a_1_x", nil).says(t, 200)
}

func TestParallelUploads(t *testing.T) {
	w := newWorld(t, Times{}, "a", "b")
	var all sync.WaitGroup
	for _, account := range []string{"a", "b"} {
		a := w.caller(account)
		for i := range 10 {
			all.Go(func() {
				body := strings.Repeat(fmt.Sprint(account, i), 1000)
				at := a.create(len(body), "filename", "x", "time", strconv.Itoa(i))
				for n := 0; n < len(body); n += 500 {
					if r := a.patch(at, n, strings.NewReader(body[n:n+500])); r.StatusCode != 204 {
						t.Errorf("%s %d at %d: %s %s", account, i, n, r.Status, r.body)
						return
					}
				}
				if f := a.do("GET", fmt.Sprintf("/files/%s_%d_x", account, i), nil); f.body != body {
					t.Errorf("%s %d is another file", account, i)
				}
			})
		}
	}
	all.Wait()
}

func TestUploadQuotaOverHTTP(t *testing.T) {
	w := newWorldWith(t, store.Config{Database: databases.Fresh(t), Quota: 10}, Times{}, "a")
	a := w.caller("a")
	at := a.create(6, "filename", "x", "time", "1")
	a.tus("POST", "/uploads/", nil, "Upload-Length", "5").says(t, 413)
	a.do("PUT", "/files/a_2_y", strings.NewReader("12345")).says(t, 413)
	a.do("PUT", "/files/a_2_y", unsized("12345")).says(t, 413)
	a.do("PUT", "/files/a_2_y", strings.NewReader("1234")).says(t, 201)
	a.patch(at, 0, strings.NewReader("123456")).says(t, 204)
	a.tus("POST", "/uploads/", nil, "Upload-Length", "1").says(t, 413)
}

// fullUploads has room for nothing, or fails.
type fullUploads struct {
	*memory
	begin, add, finish error
}

func (f *fullUploads) Begin(ctx context.Context, id string, size int64) error {
	if f.begin != nil {
		return f.begin
	}
	return f.memory.Begin(ctx, id, size)
}

func (f *fullUploads) Append(ctx context.Context, id string, at int64, r io.Reader, whole bool) (int64, error) {
	if f.add != nil {
		return at, f.add
	}
	return f.memory.Append(ctx, id, at, r, whole)
}

func (f *fullUploads) Finish(ctx context.Context, id string) (string, error) {
	if f.finish != nil {
		return "", f.finish
	}
	return f.memory.Finish(ctx, id)
}

func TestUploadsWithoutRoom(t *testing.T) {
	away, full := fmt.Errorf("storing: %w", syscall.ECONNREFUSED), fmt.Errorf("storing: %w", syscall.ENOSPC)
	w := newWorld(t, Times{}, "a")
	kept := &fullUploads{memory: newMemory()}
	w.srv.cfg.Blobs, w.srv.cfg.Uploads = kept, kept // nobody has come yet
	a := w.caller("a")
	for stat, err := range map[int]error{503: away, 507: full} {
		kept.begin = err
		a.tus("POST", "/uploads/", nil, "Upload-Length", "3").says(t, stat)
		w.uploads("a", 0)
		kept.begin = nil
	}
	at := a.create(3, "filename", "x", "time", "1")
	for stat, err := range map[int]error{503: away, 507: full} {
		kept.add = err
		a.patch(at, 0, strings.NewReader("abc")).says(t, stat)
		kept.add = nil
	}
	kept.finish = full
	a.patch(at, 0, strings.NewReader("abc")).says(t, 507)
	a.tus("HEAD", at, nil).says(t, 507)
	a.do("GET", "/files/a_1_x", nil).says(t, 404)
	kept.finish = away
	a.tus("HEAD", at, nil).says(t, 503)
	kept.finish = nil
	a.tus("HEAD", at, nil).says(t, 200, "Upload-Offset", "3") // all bytes are there: now it becomes a file
	a.do("GET", "/files/a_1_x", nil).says(t, 200)
}
