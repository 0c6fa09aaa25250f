package contract

import (
	"strconv"
	"strings"
	"testing"
)

// upload sends a file on a connection of any URL and returns its answer.
func (c *client) upload(time, name, body string) message {
	c.t.Helper()
	c.sendBinary("message_type: file\ntime: " + time + "\nfile_name: " + name + "\n\n\x00" + body)
	return c.next()
}

func TestSameFileAgain(t *testing.T) {
	t.Parallel()
	sameFileAgain(t, serve(t))
}

func sameFileAgain(t *testing.T, s *server) {
	for i, path := range []string{"/message", "/cell", "/file"} {
		a, at := s.login(path, "+1", "a"), strconv.Itoa(100+i)
		first := a.upload(at, "a.txt", "bytes")
		if first.get("stat") != "200" || first.get("file") != "%2B1_"+at+"_a.txt" {
			t.Fatalf("upload: %v", first)
		}
		if again := a.upload(at, "a.txt", "bytes"); again.String() != first.String() {
			t.Errorf("the same again:\n%v\nbut first:\n%v", again, first)
		}
		a.upload(at, "a.txt", "other").fails(t, "409")
		a.upload(at, "a.txt", "").fails(t, "409")
		a.send("message_type: file\ntype: GET\nfile: " + first.get("file") + "\n\n")
		if m := a.next(); string(m.body) != "bytes" {
			t.Errorf("after the refused ones the file holds %q", m.body)
		}
		if other := s.login(path, "+2", "b").upload(at, "a.txt", "other"); other.get("file") != "%2B2_"+at+"_a.txt" {
			t.Errorf("another account's file: %v", other)
		}
	}
	a := s.login("/file", "+1", "a")
	if m := a.upload("0", "empty", ""); m.get("stat") != "200" {
		t.Errorf("an empty file: %v", m)
	}
	a.upload("1", strings.Repeat("n", 201), "x").fails(t, "413")
	a.upload("", "x", "x").fails(t, "400")
	a.upload("-1", "x", "x").fails(t, "400")
	a.sendBinary("time: 1\nfile_name: x\n\n")
	a.next().fails(t, "400")
}

func TestNamingAFileGrantsIt(t *testing.T) {
	t.Parallel()
	namingAFileGrantsIt(t, serve(t))
}

func namingAFileGrantsIt(t *testing.T, s *server) {
	a, b, c := s.login("/file", "+1", "a"), s.login("/file", "+2", "b"), s.login("/file", "+3", "c")
	file := a.upload("1", "x", "bytes").get("file")
	tasks := 0
	ask := func(c *client, lines string) string { // what is pushed meanwhile is left waiting
		tasks++
		task := strconv.Itoa(tasks)
		c.send("task_id: " + task + "\n" + lines + "\n\n")
		return c.find("task_id: " + task + "\n~\nstat: {stat}")["stat"]
	}
	read := func(c *client) string { return ask(c, "type: GET\nfile: "+file) }
	say := func(from *client, to, text string) string {
		return ask(from, "message_type: text\nfriends: "+to+"\ntext: "+text)
	}
	tag := "<file>" + file + "</file>"
	if got := say(b, "+3", "look "+tag); got != "403" {
		t.Errorf("naming a file one may not read: %s", got)
	}
	if got := say(b, "+3", "look <file>%2B1_2_x</file>"); got != "403" {
		t.Errorf("naming a file that is not there: %s", got)
	}
	if got := say(b, "+3", "look <file>../../etc/passwd</file>"); got != "403" {
		t.Errorf("naming what is no file: %s", got)
	}
	b.send("message_type: conversation\ntype: GET\n\n")
	b.want("message_type: conversation\ntype: GET\nstat: 200\ncount: 0\n.") // nothing was stored
	if say(b, "+3", "&lt;file>"+file+"</file> literally") != "200" || read(c) != "404" {
		t.Error("&lt;file> is no tag: it must pass, and grant nothing")
	}
	c.want("user_account: +2\nmessage_type: text\ntext: &lt;file>" + file + "</file> literally")
	if read(b) != "404" {
		t.Error("B reads a file nobody gave it")
	}
	if say(a, "+2", tag) != "200" || read(b) != "200" {
		t.Error("A could not give its own file")
	}
	if got := say(b, "+3", "passed on "+tag); got != "200" {
		t.Errorf("who may read it may pass it on: %s", got)
	}
	c.want("user_account: +2\nmessage_type: text\ntext: passed on " + tag)
	if got := read(c); got != "200" || string(c.last.body) != "bytes" {
		t.Errorf("C was given it and reads: %s", got)
	}
}

func TestFilesOfGroups(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a, b, c := s.login("/file", "+1", "a"), s.login("/file", "+2", "b"), s.login("/file", "+3", "c")
	file := a.upload("1", "x", "bytes").get("file")
	a.send("message_type: group\nname: g\nfriends: +2\n\n")
	group := a.find("message_type: group\nstat: 200\ngroup_id: {g}")["g"]
	a.send("message_type: text\ngroup_id: " + group + "\ntext: <file>" + file + "</file>\n\n")
	a.find("message_type: text\nstat: 200")
	b.send("task_id: f\ntype: GET\nfile: " + file + "\n\n")
	b.find("task_id: f\ntype: GET\nstat: 200\nfile: " + file)
	c.ask("task_id: f\ntype: GET\nfile: "+file+"\n\n").fails(t, "404")
}

func TestFilesOverHTTP(t *testing.T) {
	t.Parallel()
	filesOverHTTP(t, serve(t))
}

func filesOverHTTP(t *testing.T, s *server) {
	body := strings.Repeat("0123456789", 30000)
	file := s.login("/file", "+1", "a").upload("1", "plus+under_score.txt", body).get("file")
	auth := []string{"Authorization", "Bearer " + s.token("+1")}
	if file != "%2B1_1_plus%2Bunder%5Fscore.txt" {
		t.Fatalf("the name is %s", file)
	}
	again := strings.ReplaceAll(file, "%", "%25")
	for _, c := range []struct {
		method, path, span string
		status             int
		content, body      string
	}{
		{"GET", file, "", 200, "", body},
		{"GET", again, "", 200, "", body},
		{"HEAD", file, "", 200, "", ""},
		{"GET", file, "bytes=10-19", 206, "bytes 10-19/300000", "0123456789"},
		{"GET", again, "bytes=0-0", 206, "bytes 0-0/300000", "0"},
		{"GET", file, "bytes=-3", 206, "bytes 299997-299999/300000", "789"},
		{"GET", file, "bytes=299995-", 206, "bytes 299995-299999/300000", "56789"},
		{"GET", file, "bytes=300000-", 416, "bytes */300000", "…"},
		{"POST", file, "", 405, "", "…"},
		{"GET", "%2B1_1_plus+under_score.txt", "", 404, "", "…"},
		{"GET", "..%2Fneochat.db", "", 404, "", "…"},
		{"GET", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "", 404, "", "…"},
		{"GET", "", "", 404, "", "…"},
	} {
		header := auth
		if c.span != "" {
			header = append([]string{"Range", c.span}, auth...)
		}
		resp, got := s.get(c.method, "/files/"+c.path, "", header...)
		if resp.StatusCode != c.status || resp.Header.Get("Content-Range") != c.content || c.body != "…" && got != c.body {
			t.Errorf("%s %s (%s): %s, Content-Range %q, %d bytes", c.method, c.path, c.span, resp.Status, resp.Header.Get("Content-Range"), len(got))
		}
		if resp.StatusCode == 200 && (resp.Header.Get("X-Content-Type-Options") != "nosniff" || resp.ContentLength != 300000) {
			t.Errorf("%s %s: headers %v", c.method, c.path, resp.Header)
		}
	}
	frame := s.login("/file", "+1", "b").ask("type: GET\nfile: " + again + "\n\n")
	if string(frame.body) != body || frame.get("file") != file || frame.get("size") != "300000" {
		t.Errorf("GET in a frame by the name encoded once more: %.300v", frame)
	}
}

// A file that a browser would run is never shown as a page of this server.
func TestFilesThatCouldRun(t *testing.T) {
	t.Parallel()
	s := serve(t)
	a := s.login("/file", "+1", "a")
	for i, body := range []string{"<!DOCTYPE html><script>alert(1)</script>", `<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`, "<?xml version=\"1.0\"?><x/>"} {
		file := a.upload(strconv.Itoa(i), "x.html", body).get("file")
		resp, _ := s.get("GET", "/files/"+file, "", "Authorization", "Bearer "+s.token("+1"))
		disposition, policy := resp.Header.Get("Content-Disposition"), resp.Header.Get("Content-Security-Policy")
		kind := resp.Header.Get("Content-Type")
		if !strings.HasPrefix(disposition, "attachment") && !strings.HasPrefix(kind, "text/plain") || !strings.Contains(policy, "sandbox") {
			t.Errorf("%q is served as %s, %s, %s", body, kind, disposition, policy)
		}
	}
}
