package signaling

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"neochat/store"
	"neochat/wire"
)

// keep stores a file of an account.
func (w *world) keep(account, name, body string) store.File {
	w.t.Helper()
	hash, size, err := w.srv.cfg.Blobs.Put(context.Background(), strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	f, err := w.store.PutFile(context.Background(), store.File{Name: wire.Enc(account) + "_1_" + wire.Enc(name), Owner: account, Hash: hash, Size: size,
		ContentType: http.DetectContentType([]byte(body))})
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// fetch asks for a path over HTTP, with header lines given as name, value, name, value; without any, nobody is logged in.
func (w *world) fetch(method, path string, header ...string) (*http.Response, string) {
	w.t.Helper()
	nobody := caller{t: w.t, base: w.http.URL, http: w.http.Client()}
	r := nobody.do(method, path, nil, append([]string{"Authorization", ""}, header...)...)
	return r.Response, r.body
}

const alphabet = "abcdefghijklmnopqrstuvwxyz"

func TestRanges(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	file, empty := w.keep("ann", "x", alphabet), w.keep("ann", "empty", "")
	bearer := "Bearer " + w.token("ann", "")
	for _, c := range []struct {
		name, ranges  string
		status        int
		content, body string
	}{
		{"none", "", 200, "", alphabet},
		{"the first byte", "bytes=0-0", 206, "bytes 0-0/26", "a"},
		{"from the first on", "bytes=0-", 206, "bytes 0-25/26", alphabet},
		{"in the middle", "bytes=2-4", 206, "bytes 2-4/26", "cde"},
		{"to the end", "bytes=24-", 206, "bytes 24-25/26", "yz"},
		{"the last byte", "bytes=25-25", 206, "bytes 25-25/26", "z"},
		{"past the end", "bytes=24-99", 206, "bytes 24-25/26", "yz"},
		{"the largest end there is", "bytes=24-9223372036854775807", 206, "bytes 24-25/26", "yz"},
		{"the last three", "bytes=-3", 206, "bytes 23-25/26", "xyz"},
		{"more than there are from the end", "bytes=-99", 206, "bytes 0-25/26", alphabet},
		{"with spaces", "bytes= 2-4 ", 206, "bytes 2-4/26", "cde"},
		{"two", "bytes=0-1,24-", 206, "", "ab|yz"},
		{"two, and one that cannot be had", "bytes=0-1,24-,50-60", 206, "", "ab|yz"},
		{"one, and none", "bytes=0-1,-0", 206, "bytes 0-1/26", "ab"},
		{"behind the end", "bytes=26-", 416, "bytes */26", "…"},
		{"far behind the end", "bytes=9223372036854775807-", 416, "bytes */26", "…"},
		{"the last none", "bytes=-0", 416, "bytes */26", "…"},
		{"the last none twice", "bytes=-0, -00", 416, "bytes */26", "…"},
		{"backwards", "bytes=4-2", 416, "", "…"},
		{"too large a number", "bytes=99999999999999999999-", 416, "", "…"},
		{"no numbers", "bytes=a-b", 416, "", "…"},
		{"negative", "bytes=--1", 416, "", "…"},
		{"only a dash", "bytes=-", 416, "", "…"},
		{"no dash", "bytes=5", 416, "", "…"},
		{"another unit", "items=0-1", 416, "", "…"},
		{"all of it many times", "bytes=" + strings.Repeat("0-,", 9) + "0-", 200, "", alphabet},
		{"too many", "bytes=" + strings.Repeat("0-0,", maxRanges) + "0-0", 200, "", alphabet},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := []string{"Authorization", bearer}
			if c.ranges != "" {
				header = append(header, "Range", c.ranges)
			}
			for _, method := range []string{"GET", "HEAD"} {
				resp, body := w.fetch(method, "/files/"+file.Name, header...)
				content := resp.Header.Get("Content-Range")
				if resp.StatusCode != c.status || c.content != "" && content != c.content || c.status == 200 && content != "" {
					t.Errorf("%s: %s, Content-Range %q", method, resp.Status, content)
				}
				if method == "HEAD" {
					if body != "" {
						t.Errorf("HEAD has a body: %q", body)
					}
					continue
				}
				if got := parts(t, resp, body); c.body != "…" && got != c.body {
					t.Errorf("the body is %q, want %q", got, c.body)
				}
				if c.status == 416 && strings.Contains(body, "abc") {
					t.Errorf("it tells %q", body)
				}
			}
		})
	}
	for _, ranges := range []string{"bytes=0-", "bytes=0-0", "bytes=-1"} {
		if resp, body := w.fetch("GET", "/files/"+empty.Name, "Authorization", bearer, "Range", ranges); resp.StatusCode != 200 || body != "" {
			t.Errorf("%s of an empty file: %s, %q", ranges, resp.Status, body)
		}
	}
}

// parts joins the bodies of a multipart answer.
func parts(t *testing.T, resp *http.Response, body string) string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/byteranges" {
		return body
	}
	var all []string
	r := multipart.NewReader(strings.NewReader(body), params["boundary"])
	for {
		p, err := r.NextPart()
		if err == io.EOF {
			return strings.Join(all, "|")
		}
		if err != nil {
			t.Fatal(err)
		}
		one, err := io.ReadAll(p)
		if err != nil || !strings.HasPrefix(p.Header.Get("Content-Range"), "bytes ") {
			t.Fatalf("%v, %v", p.Header, err)
		}
		all = append(all, string(one))
	}
}

func TestConditionsOnFiles(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	file := w.keep("ann", "x", alphabet)
	bearer, tag := "Bearer "+w.token("ann", ""), `"`+file.Hash+`"`
	changed := time.UnixMilli(file.Time).UTC()
	date := func(d time.Duration) string { return changed.Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		name   string
		header []string
		status int
		body   string
	}{
		{"the tag", []string{"If-None-Match", tag}, 304, ""},
		{"a weak one", []string{"If-None-Match", "W/" + tag}, 304, ""},
		{"among others", []string{"If-None-Match", `"x", ` + tag}, 304, ""},
		{"any", []string{"If-None-Match", "*"}, 304, ""},
		{"another", []string{"If-None-Match", `"x"`}, 200, alphabet},
		{"without quotes", []string{"If-None-Match", file.Hash}, 200, alphabet},
		{"the tag, and a range", []string{"If-None-Match", tag, "Range", "bytes=0-1"}, 304, ""},
		{"another, and a range", []string{"If-None-Match", `"x"`, "Range", "bytes=0-1"}, 206, "ab"},
		{"a tag goes before a time", []string{"If-None-Match", `"x"`, "If-Modified-Since", date(time.Hour)}, 200, alphabet},
		{"not since then", []string{"If-Modified-Since", date(time.Second)}, 304, ""},
		{"since then", []string{"If-Modified-Since", date(-time.Hour)}, 200, alphabet},
		{"no time", []string{"If-Modified-Since", "yesterday"}, 200, alphabet},
		{"only this one", []string{"If-Match", tag}, 200, alphabet},
		{"only another one", []string{"If-Match", `"x"`}, 412, ""},
		{"only as it was before", []string{"If-Unmodified-Since", date(-time.Hour)}, 412, ""},
		{"a range of this one", []string{"Range", "bytes=0-1", "If-Range", tag}, 206, "ab"},
		{"a range of another one", []string{"Range", "bytes=0-1", "If-Range", `"x"`}, 200, alphabet},
		{"a range of a weak one", []string{"Range", "bytes=0-1", "If-Range", "W/" + tag}, 200, alphabet},
		{"a range of one that old", []string{"Range", "bytes=0-1", "If-Range", changed.Format(http.TimeFormat)}, 206, "ab"},
		{"a range of an older one", []string{"Range", "bytes=0-1", "If-Range", date(-time.Hour)}, 200, alphabet},
		{"a range that cannot be had, of another one", []string{"Range", "bytes=99-", "If-Range", `"x"`}, 200, alphabet},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, method := range []string{"GET", "HEAD"} {
				resp, body := w.fetch(method, "/files/"+file.Name, append(c.header, "Authorization", bearer)...)
				if resp.StatusCode != c.status || method == "GET" && body != c.body {
					t.Errorf("%s: %s, %q", method, resp.Status, body)
				}
				if c.status < 400 && resp.Header.Get("ETag") != tag {
					t.Errorf("%s: the tag is %s", method, resp.Header.Get("ETag"))
				}
			}
		})
	}
	if resp, body := w.fetch("HEAD", "/files/"+file.Name, "Authorization", bearer); resp.ContentLength != 26 || resp.Header.Get("Accept-Ranges") != "bytes" || body != "" {
		t.Errorf("HEAD: %v", resp.Header)
	}
	// Who may not read it learns nothing by a condition that would hold.
	for _, header := range [][]string{{"If-None-Match", tag}, {"If-Match", `"x"`}, {"Range", "bytes=99-"}} {
		if resp, _ := w.fetch("GET", "/files/"+file.Name, header...); resp.StatusCode != 401 {
			t.Errorf("%q of nobody: %s", header, resp.Status)
		}
	}
}

func TestNamesOfFiles(t *testing.T) {
	for _, c := range []struct{ name, plain, full string }{
		{"a.png", "a.png", "a.png"},
		{"two words.txt", "two words.txt", "two%20words.txt"},
		{"under_score", "under_score", "under%5Fscore"},
		{"照片.jpg", "__.jpg", "%E7%85%A7%E7%89%87.jpg"},
		{"مرحبا.pdf", "_____.pdf", "%D9%85%D8%B1%D8%AD%D8%A8%D8%A7.pdf"},
		{"naïve — “quoted”.txt", "na_ve _ _quoted_.txt", "na%C3%AFve%20%E2%80%94%20%E2%80%9Cquoted%E2%80%9D.txt"},
		{"🎈", "_", "%F0%9F%8E%88"},
		{`a"b\c.txt`, "a_b_c.txt", "a%22b%5Fc.txt"},
		{"100%.txt", "100_.txt", "100%25.txt"},
		{"a%2Fb", "a_2Fb", "a%252Fb"},
		{"../../etc/passwd", ".._.._etc_passwd", "..%5F..%5Fetc%5Fpasswd"},
		{"..", "file", "file"},
		{".", "file", "file"},
		{"a\r\nSet-Cookie: x", "a__Set-Cookie: x", "a%5F%5FSet-Cookie%3A%20x"},
		{"a\x00b", "a_b", "a%5Fb"},
		{"invoice\u202egpj.exe", "invoice_gpj.exe", "invoice%5Fgpj.exe"},
		{"; filename=evil.exe", "; filename=evil.exe", "%3B%20filename%3Devil.exe"},
		{"\xff\xfe", "_", "%5F"},
		{strings.Repeat("长", 66), strings.Repeat("_", 66), strings.Repeat("%E9%95%BF", 66)},
	} {
		want := `attachment; filename="` + c.plain + `"; filename*=UTF-8''` + c.full
		got := disposition("ann_1_"+wire.Enc(c.name), "application/zip")
		if got != want {
			t.Errorf("%q is called\n%s, want\n%s", c.name, got, want)
		}
		if _, params, err := mime.ParseMediaType(got); err != nil || params["filename"] == "" {
			t.Errorf("%s cannot be read: %v", got, err)
		}
	}
	if got := disposition("odd", "image/png"); got != `inline; filename="file"; filename*=UTF-8''file` {
		t.Errorf("what is no name: %s", got)
	}
}

// FuzzDisposition: whatever a file is called, the header is one line, and tells no folder.
func FuzzDisposition(f *testing.F) {
	for _, name := range []string{"a.png", "照片.jpg", "../x", "\xff\"\r\n", "100%.txt", "\u202e", ""} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		for _, stored := range []string{"ann_1_" + wire.Enc(name), name} {
			got := disposition(stored, "image/png")
			how, params, err := mime.ParseMediaType(got)
			if err != nil || how != "inline" || params["filename"] == "" || strings.ContainsAny(params["filename"], "/\\\r\n\x00") {
				t.Errorf("%q: %s: %v, %v", stored, got, params, err)
			}
			if strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r > '~' }) {
				t.Errorf("%q: %q", stored, got)
			}
		}
	})
}

// A name with a percent sign of its own is not taken for one that was encoded once more.
func TestNamesWithPercentSigns(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	bearer := "Bearer " + w.token("ann", "")
	for _, name := range []string{"100%.txt", "a%41", "%25", "a%2Fb"} {
		file := w.keep("ann", name, name)
		for _, path := range []string{file.Name, strings.ReplaceAll(file.Name, "%", "%25")} {
			if resp, body := w.fetch("GET", "/files/"+path, "Authorization", bearer); resp.StatusCode != 200 || body != name {
				t.Errorf("%q as %s: %s, %q", name, path, resp.Status, body)
			}
		}
	}
}

// What a browser could run it neither shows nor takes for anything else, on this origin.
func TestActiveContentIsNeverInline(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	bearer := "Bearer " + w.token("ann", "")
	const script = "<script>alert(1)</script>"
	for name, c := range map[string]struct{ body, kind string }{
		"page.html":       {"<!DOCTYPE html>" + script, "attachment"},
		"half.html":       {"  \n<body onload=alert(1)>", "attachment"},
		"comment.html":    {"<!-- x -->" + script, "attachment"},
		"xml":             {`<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">` + script + "</html>", "attachment"},
		"vector.svg":      {`<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg">` + script + "</svg>", "attachment"},
		"bare.svg":        {`<svg xmlns="http://www.w3.org/2000/svg">` + script + "</svg>", "text"},
		"book.pdf":        {"%PDF-1.7\n/JavaScript", "attachment"},
		"post.ps":         {"%!PS-Adobe-", "attachment"},
		"flash.swf":       {"FWS\x09xxxx", "text"},
		"program.js":      {"alert(1)", "text"},
		"style.css":       {"body { background: url(//x) }", "text"},
		"module.wasm":     {"\x00asm\x01\x00\x00\x00", "attachment"},
		"archive.zip":     {"PK\x03\x04" + script, "attachment"},
		"icon.ico":        {"\x00\x00\x01\x00" + script, "attachment"},
		"gif.html":        {"GIF89a/*" + script + "*/", "picture"},
		"png.html":        {"\x89PNG\r\n\x1a\n" + script, "picture"},
		"jpeg.html":       {"\xff\xd8\xff\xe0" + script, "picture"},
		"late.html":       {strings.Repeat("x", 600) + "<html>" + script, "text"},
		"utf16.html":      {"\xff\xfe<\x00s\x00c\x00r\x00i\x00p\x00t\x00", "text"},
		"sound.html":      {"ID3\x03" + script, "sound"},
		"video.html":      {"\x1a\x45\xdf\xa3" + script, "sound"},
		"nothing.html":    {"", "text"},
		"page.svg.png":    {"<html>" + script, "attachment"},
		"application.hta": {"<html><hta:application>", "attachment"},
	} {
		file := w.keep("ann", name, c.body)
		resp, _ := w.fetch("GET", "/files/"+file.Name, "Authorization", bearer)
		how, _, err := mime.ParseMediaType(resp.Header.Get("Content-Disposition"))
		kind := resp.Header.Get("Content-Type")
		ok := map[string]bool{
			"attachment": how == "attachment",
			"text":       strings.HasPrefix(kind, "text/plain"),
			"picture":    kind == "image/gif" || kind == "image/png" || kind == "image/jpeg",
			"sound":      strings.HasPrefix(kind, "audio/") || strings.HasPrefix(kind, "video/"),
		}[c.kind]
		if err != nil || !ok || resp.StatusCode != 200 {
			t.Errorf("%s: %s, %s, %s, want %s", name, resp.Status, how, kind, c.kind)
		}
		if resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.Header.Get("Content-Security-Policy") != "default-src 'none'; sandbox" {
			t.Errorf("%s: %v", name, resp.Header)
		}
	}
	// A type that somebody claims changes nothing: what is not known to be harmless is not shown.
	for _, kind := range []string{"text/html", "image/svg+xml", "application/xhtml+xml", "text/xml", "application/pdf", "image/png2", "text/plain2", "audio/x", "TEXT/HTML", "", "multipart/x-mixed-replace", "text/plainx; charset=utf-8"} {
		if got := disposition("ann_1_x", kind); !strings.HasPrefix(got, "attachment;") {
			t.Errorf("%s is shown: %s", kind, got)
		}
	}
}

func TestSignedAddresses(t *testing.T) {
	w := newWorld(t, Times{}, "ann", "bob", "eve")
	file, other := w.keep("ann", "x", alphabet), w.keep("ann", "y", "other")
	ann, bob := w.login("ann", "1"), w.login("bob", "1")
	message := ann.ask("message_type", "text", "friends", "bob", "text", "<file>"+file.Name+"</file>").Get("message_id")
	answer := bob.ask("message_type", "file", "type", "GET", "want", "address", "file", file.Name)
	url := answer.Get("url")
	at := answer.Get("until")
	until, err := strconv.ParseInt(at, 10, 64)
	if err != nil || until <= time.Now().UnixMilli() || until > time.Now().Add(5*time.Minute).UnixMilli() {
		t.Errorf("it holds until %d, %v", until, err)
	}
	if resp, body := w.fetch("GET", url); resp.StatusCode != 200 || body != alphabet || resp.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Fatalf("%s: %s, %q", url, resp.Status, body)
	}
	if resp, body := w.fetch("GET", url, "Range", "bytes=2-4"); resp.StatusCode != 206 || body != "cde" {
		t.Errorf("a range: %s, %q", resp.Status, body)
	}
	if resp, _ := w.fetch("HEAD", url); resp.StatusCode != 200 || resp.ContentLength != 26 {
		t.Errorf("HEAD: %s", resp.Status)
	}
	if resp, _ := w.fetch("POST", url); resp.StatusCode == 200 {
		t.Errorf("POST: %s", resp.Status)
	}
	_, unknown := w.fetch("GET", "/files/ann_1_absent", "Authorization", "Bearer "+w.token("ann", ""))
	refused := func(what, url string) {
		t.Helper()
		for _, header := range [][]string{nil, {"Authorization", "Bearer " + w.token("ann", "")}} {
			resp, body := w.fetch("GET", url, header...)
			if resp.StatusCode != 404 || body != unknown || resp.Header.Get("ETag") != "" {
				t.Errorf("%s: %s, %q, %v", what, resp.Status, body, resp.Header)
			}
		}
	}
	session := between(url, "by=", "&")
	key := url[strings.Index(url, "key=")+4:]
	later := strconv.FormatInt(until+1, 10)
	refused("expired", w.srv.signedAddress(file.Name, session, strconv.FormatInt(time.Now().UnixMilli()-1, 10)))
	refused("another file", strings.Replace(url, file.Name, other.Name, 1))
	refused("the file encoded once more", strings.Replace(url, file.Name, strings.ReplaceAll(file.Name, "_", "%5F"), 1))
	refused("no file", strings.Replace(url, file.Name, "", 1))
	refused("a file that is not there", w.srv.signedAddress("ann_1_absent", session, at))
	refused("longer", strings.Replace(url, "until="+at, "until="+later, 1))
	refused("no end", strings.Replace(url, "until="+at+"&", "", 1))
	refused("no number as end", w.srv.signedAddress(file.Name, session, "soon"))
	refused("another session", strings.Replace(url, session, w.sessionOf("eve"), 1))
	refused("no session", strings.Replace(url, "by="+session+"&", "", 1))
	refused("a session that is none", w.srv.signedAddress(file.Name, "xyz", at))
	refused("a stranger's", w.srv.signedAddress(file.Name, w.sessionOf("eve"), at))
	refused("another key", strings.Replace(url, key, strings.Repeat("A", len(key)), 1))
	refused("half a key", strings.TrimSuffix(url, key[20:]))
	refused("no key", strings.TrimSuffix(url, "&key="+key))
	refused("a key that cannot be read", strings.Replace(url, key, "%00%ff", 1))
	if eve := w.login("eve", "1"); eve.ask("message_type", "file", "type", "GET", "want", "address", "file", file.Name).Get("stat") != "404" {
		t.Error("eve got an address")
	}
	again := func() string {
		t.Helper()
		return bob.ask("message_type", "file", "type", "GET", "want", "address", "file", file.Name).Get("url")
	}
	// What was lent is taken back with the right it came of.
	url = again()
	if m := ann.ask("message_type", "delete", "message_id", message, "for", "all"); m.Get("stat") != "200" {
		t.Fatal(m.Fields)
	}
	refused("the message was deleted", url)
	ann.ask("message_type", "text", "friends", "bob", "text", "<file>"+file.Name+"</file>")
	url = again()
	if m := bob.ask("message_type", "logout"); m.Get("stat") != "200" {
		t.Fatal(m.Fields)
	}
	refused("bob logged out", url)
	bob = w.login("bob", "1")
	url = again()
	if resp, _ := w.fetch("GET", url); resp.StatusCode != 200 {
		t.Errorf("a new address: %s", resp.Status)
	}
	if err := w.store.SetSuspended(context.Background(), "bob", true); err != nil {
		t.Fatal(err)
	}
	refused("bob was suspended", url)
}

// sessionOf opens a session of account and returns its public id.
func (w *world) sessionOf(account string) string {
	w.t.Helper()
	login, err := w.store.CreateSession(context.Background(), account, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return login.ID
}

// between cuts what stands between two words out of s.
func between(s, before, after string) string {
	_, rest, _ := strings.Cut(s, before)
	middle, _, _ := strings.Cut(rest, after)
	return middle
}

// lending is a store of files that has addresses of its own, or fails to make them.
type lending struct {
	*memory
	err error
}

func (l lending) Address(_ context.Context, hash, contentType, disposition string, valid time.Duration) (string, error) {
	if l.err != nil {
		return "", l.err
	}
	return "https://store.example/" + hash + "?" + url.Values{"type": {contentType}, "disposition": {disposition}, "valid": {valid.String()}}.Encode(), nil
}

func TestRedirectsToTheStore(t *testing.T) {
	w := newWorld(t, Times{}, "ann", "eve")
	kept := w.memory()
	w.srv.cfg.Blobs, w.srv.cfg.RedirectFiles = lending{memory: kept}, true // nobody has come yet
	large, small := w.keep("ann", "a b.html", "<html>"+strings.Repeat("x", minRedirect)), w.keep("ann", "small", alphabet)
	bearer := []string{"Authorization", "Bearer " + w.token("ann", "")}
	w.http.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, more := range [][]string{nil, {"Range", "bytes=0-1"}, {"If-None-Match", `"x"`}} {
		resp, body := w.fetch("GET", "/files/"+large.Name, append(more, bearer...)...)
		to, err := resp.Location()
		if err != nil || resp.StatusCode != http.StatusFound || to.Host != "store.example" || to.Path != "/"+large.Hash {
			t.Fatalf("%q: %s, %v, %v", more, resp.Status, to, err)
		}
		q := to.Query()
		if q.Get("type") != "text/html; charset=utf-8" || !strings.HasPrefix(q.Get("disposition"), "attachment; ") || !strings.Contains(q.Get("disposition"), "a%20b.html") || q.Get("valid") != "5m0s" {
			t.Errorf("%q: it asks for %v", more, q)
		}
		if resp.Header.Get("Cache-Control") != "no-store" || resp.Header.Get("ETag") != "" || strings.Contains(body, "xxx") {
			t.Errorf("%q: %v", more, resp.Header)
		}
	}
	served := func(what, method, path string, want int, header ...string) {
		t.Helper()
		if resp, _ := w.fetch(method, "/files/"+path, header...); resp.StatusCode != want || resp.Header.Get("Location") != "" {
			t.Errorf("%s: %s, %v", what, resp.Status, resp.Header)
		}
	}
	served("a small one", "GET", small.Name, 200, bearer...)
	served("HEAD", "HEAD", large.Name, 200, bearer...)
	served("what one has", "GET", large.Name, 304, append(bearer, "If-None-Match", etag(large))...)
	served("nobody", "GET", large.Name, 401)
	served("a stranger", "GET", large.Name, 404, "Authorization", "Bearer "+w.token("eve", ""))
	w.srv.cfg.Blobs = lending{kept, errors.New("no address")}
	served("a store that makes no address", "GET", large.Name, 200, bearer...)
	w.srv.cfg.Blobs = kept
	served("a store without addresses", "GET", large.Name, 200, bearer...)
	w.srv.cfg.Blobs, w.srv.cfg.RedirectFiles = lending{memory: kept}, false
	served("not allowed", "GET", large.Name, 200, bearer...)
}

// FuzzRanges: whatever is asked for, the answer is all of the file, parts of it that are what they say they are, or none.
func FuzzRanges(f *testing.F) {
	for _, ranges := range []string{"bytes=0-0", "bytes=-3", "bytes=24-", "bytes=0-1,24-", "bytes=-0", "bytes=4-2", "items=0-1", "bytes=0-,0-,0-", "bytes=9223372036854775807-", "bytes=- 0", "bytes=-+00"} {
		f.Add(ranges)
	}
	f.Fuzz(func(t *testing.T, ranges string) {
		r, w := httptest.NewRequest(http.MethodGet, "/files/x", nil), httptest.NewRecorder()
		r.Header.Set("Range", ranges)
		if boundRanges(r, int64(len(alphabet))) {
			http.ServeContent(w, r, "", time.Time{}, strings.NewReader(alphabet))
		} else {
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
		}
		resp, body := w.Result(), w.Body.String()
		switch resp.StatusCode {
		case http.StatusOK:
			if body != alphabet {
				t.Errorf("%q: %q", ranges, body)
			}
		case http.StatusPartialContent:
			all := parts(t, resp, body)
			if content := resp.Header.Get("Content-Range"); content != "" {
				var first, last, size int
				if n, err := fmt.Sscanf(content, "bytes %d-%d/%d", &first, &last, &size); n != 3 || err != nil || first > last || size != len(alphabet) || all != alphabet[first:last+1] {
					t.Errorf("%q: %s, %q", ranges, content, all)
				}
			} else if n := strings.Count(all, "|"); n == 0 || n >= maxRanges {
				t.Errorf("%q: %q", ranges, all)
			}
		case http.StatusRequestedRangeNotSatisfiable:
			if strings.Contains(body, "abc") {
				t.Errorf("%q: %q", ranges, body)
			}
		default:
			t.Errorf("%q: %d", ranges, resp.StatusCode)
		}
	})
}
