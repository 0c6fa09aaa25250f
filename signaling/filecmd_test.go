package signaling

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"neochat/store"
	"neochat/wire"
)

// furnishFile notes a file whose bytes nobody will ask for.
func (w *world) furnishFile(f store.File) store.File {
	w.t.Helper()
	f, err := w.store.PutFile(context.Background(), f)
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// listed is how many items follow a header.
func listed(t *testing.T, head *wire.Message) int {
	t.Helper()
	n, err := strconv.Atoi(head.Get("count"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestMessagesTellOfTheirFiles(t *testing.T) {
	w := newWorld(t, Times{}, "ann", "bob")
	w.furnishFile(store.File{Name: "ann_1_p.png", Owner: "ann", Hash: "h1", ContentType: "image/png", Size: 7, Width: 640, Height: 480, Preview: "h2"})
	w.furnishFile(store.File{Name: "ann_1_n.txt", Owner: "ann", Hash: "h3", ContentType: "text/plain; charset=utf-8", Size: 8})
	w.furnishFile(store.File{Name: "ann_1_v", Owner: "ann", Hash: "h4", ContentType: "audio/mpeg", Size: 9, Duration: 1500})
	ann, bob := w.login("ann", "1"), w.login("bob", "1")
	ann2 := w.login("ann", "2")
	text := "<file>ann_1_p.png</file> <file>ann_1_n.txt</file>"
	both := "ann_1_p.png 7 image/png 640x480 - preview\nann_1_n.txt 8 text/plain;charset=utf-8 - - -"
	first := ann.ask("message_type", "text", "friends", "bob", "text", text)
	conversation, id := first.Get("conversation"), first.Get("message_id")
	for _, c := range []*client{bob, ann2} {
		c.expect("message_type", "text", "text", text, "file_info", both)
	}
	sound := ann.ask("message_type", "voice", "friends", "bob", "file", "ann_1_v", "duration_ms", "1500")
	bob.expect("message_type", "voice", "file", "ann_1_v", "file_info", "ann_1_v 9 audio/mpeg - 1500 -")
	bob.send("message_type", "history", "type", "GET", "conversation", conversation)
	bob.expect("stat", "200", "count", "2")
	bob.expect("message_id", id, "file_info", both)
	bob.expect("message_id", sound.Get("message_id"), "file_info", "ann_1_v 9 audio/mpeg - 1500 -")
	bob.send("message_type", "sync", "type", "GET", "after_change", "0")
	bob.await("message_id", id, "file_info", both)
	bob.await("message_type", "voice", "file_info", "ann_1_v 9 audio/mpeg - 1500 -")
	bob.settle()
	ann.ask("message_type", "edit", "message_id", id, "text", "only <file>ann_1_n.txt</file>")
	bob.expect("message_type", "edit", "file_info", "ann_1_n.txt 8 text/plain;charset=utf-8 - - -")
	ann.ask("message_type", "edit", "message_id", id, "text", "none")
	if m := bob.expect("message_type", "edit", "text", "none"); m.Get("file_info") != "" {
		t.Errorf("it names none, and tells %q", m.Get("file_info"))
	}
	bob.send("message_type", "history", "type", "GET", "conversation", conversation)
	bob.expect("stat", "200", "count", "2")
	if m := bob.expect("message_id", id, "text", "none"); m.Get("file_info") != "" {
		t.Errorf("it names none, and tells %q", m.Get("file_info"))
	}
	plain := w.dial("/message")
	plain.send("message_type", "login", "user_account", "bob", "user_password", password)
	plain.await("message_type", "voice", "file_info", "ann_1_v 9 audio/mpeg - 1500 -")
}

func TestStatFile(t *testing.T) {
	w := newWorld(t, Times{}, "ann", "bob")
	w.furnishFile(store.File{Name: "ann_1_p.png", Owner: "ann", Hash: "h1", ContentType: "image/png", Size: 7, Width: 640, Height: 480, Preview: "h2", Time: 5})
	w.furnishFile(store.File{Name: "ann_1_v", Owner: "ann", Hash: "h3", ContentType: "audio/mpeg", Size: 9, Duration: 1500, Time: 6})
	ann := w.login("ann", "1")
	ann.send("message_type", "file", "type", "GET", "want", "stat", "file", "ann_1_p.png")
	m := ann.expect("stat", "200", "file", "ann_1_p.png", "size", "7", "content_type", "image/png", "hash", "h1", "width", "640", "height", "480", "time", "5", "preview", "yes")
	if _, said := m.Lookup("duration_ms"); said {
		t.Errorf("%q", m.Fields)
	}
	ann.send("message_type", "file", "type", "GET", "want", "stat", "file", "ann_1_v")
	m = ann.expect("stat", "200", "duration_ms", "1500", "preview", "no")
	if _, said := m.Lookup("width"); said {
		t.Errorf("%q", m.Fields)
	}
	ann.ask("message_type", "file", "type", "GET", "want", "everything", "file", "ann_1_v")
	if m := ann.ask("message_type", "file", "type", "GET", "want", "everything", "file", "ann_1_v"); m.Get("stat") != "400" {
		t.Errorf("%q", m.Fields)
	}
	for _, name := range []string{"", "../x", "ann_1_absent", strings.Repeat("x", 1001)} {
		if m := ann.ask("message_type", "file", "type", "GET", "want", "stat", "file", name); m.Get("stat") != "404" {
			t.Errorf("%q: %q", name, m.Fields)
		}
	}
}

func TestListFiles(t *testing.T) {
	w := newWorldWith(t, store.Config{Database: databases.Fresh(t), Quota: 1 << 20}, Times{}, "ann", "bob")
	names := map[string][]string{}
	for i := range 7 {
		f := w.furnishFile(store.File{Name: fmt.Sprintf("ann_%d_x", i), Owner: "ann", Hash: fmt.Sprint(i), ContentType: "image/png", Size: int64(10 * i), Time: int64(100 - i)})
		names["size"] = append([]string{f.Name}, names["size"]...)
		names["time"] = append(names["time"], f.Name)
	}
	w.furnishFile(store.File{Name: "bob_1_x", Owner: "bob", Hash: "b", Size: 1})
	ann := w.login("ann", "1")
	sent := ann.ask("message_type", "text", "friends", "bob", "text", "<file>ann_3_x</file>")
	for _, order := range []string{"size", "time"} {
		var got []string
		after, more := "", true
		for more {
			lines := []string{"message_type", "file", "type", "GET", "want", "list", "order", order, "limit", "3"}
			if after != "" {
				lines = append(lines, "after", after)
			}
			ann.send(lines...)
			head := ann.expect("message_type", "file", "stat", "200", "files", "7", "bytes_used", "210", "bytes_allowed", "1048576")
			for range listed(t, head) {
				m := ann.next()
				got = append(got, m.Get("file"))
				named := m.Get("file") == "ann_3_x"
				if named != (m.Get("message_id") == sent.Get("message_id")) || named != (m.Get("conversation") == sent.Get("conversation") && m.Get("seq") == "1") || m.Get("content_type") != "image/png" {
					t.Errorf("%q", m.Fields)
				}
			}
			after, more = head.Get("next"), head.Get("more") == "yes"
			if more != (after != "") {
				t.Errorf("%q", head.Fields)
			}
		}
		if !slices.Equal(got, names[order]) {
			t.Errorf("by %s: %q", order, got)
		}
	}
	for _, bad := range [][]string{{"order", "name"}, {"limit", "0"}, {"limit", "x"}, {"after", "x"}, {"after", "ann_1_x"}, {"after", "-1 ann_1_x"}, {"after", "5 ../x"}, {"after", "5"}} {
		if m := ann.ask(append([]string{"message_type", "file", "type", "GET", "want", "list"}, bad...)...); m.Get("stat") != "400" {
			t.Errorf("%q: %q", bad, m.Fields)
		}
	}
	// From behind a file that is no longer there it goes on all the same.
	ann.ask("message_type", "file", "type", "DELETE", "file", "ann_3_x")
	ann.send("message_type", "file", "type", "GET", "want", "list", "after", "30 ann_3_x", "limit", "1")
	ann.expect("stat", "200", "count", "1", "files", "6", "more", "yes")
	ann.expect("file", "ann_2_x")
	bob := w.login("bob", "1")
	bob.send("message_type", "file", "type", "GET", "want", "list", "after", "30 ann_3_x")
	bob.expect("stat", "200", "count", "1", "files", "1", "bytes_used", "1")
	bob.expect("file", "bob_1_x")
}

// A page of many long names ends where a page ends, and the next one goes on there.
func TestListOfLongNames(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	const files = 150
	for i := range files {
		w.furnishFile(store.File{Name: fmt.Sprintf("ann_%d_%s", i, strings.Repeat("x", 900)), Owner: "ann", Hash: fmt.Sprint(i), ContentType: "image/png", Size: 5})
	}
	ann := w.login("ann", "1")
	seen, pages, after := map[string]bool{}, 0, ""
	for more := true; more; pages++ {
		lines := []string{"message_type", "file", "type", "GET", "want", "list", "limit", "200"}
		if after != "" {
			lines = append(lines, "after", after)
		}
		ann.send(lines...)
		head := ann.expect("stat", "200")
		for range listed(t, head) {
			seen[ann.next().Get("file")] = true
		}
		after, more = head.Get("next"), head.Get("more") == "yes"
	}
	if len(seen) != files || pages < 2 {
		t.Errorf("%d files on %d pages", len(seen), pages)
	}
}

func TestDeleteFile(t *testing.T) {
	w := newWorld(t, Times{}, "ann", "bob")
	file := w.keep("ann", "x", alphabet)
	ann, bob := w.login("ann", "1"), w.login("bob", "1")
	ann.ask("message_type", "text", "friends", "bob", "text", "<file>"+file.Name+"</file>")
	bob.settle()
	if m := bob.ask("message_type", "file", "type", "DELETE", "file", file.Name); m.Get("stat") != "403" {
		t.Errorf("bob deletes ann's: %q", m.Fields)
	}
	if m := ann.ask("message_type", "file", "type", "DELETE", "file", "ann_1_absent"); m.Get("stat") != "404" {
		t.Errorf("what is not there: %q", m.Fields)
	}
	again := wire.Enc(file.Name) // encoded once more
	if m := ann.ask("message_type", "file", "type", "DELETE", "file", strings.ReplaceAll(again, "%5F", "_")); m.Get("stat") != "200" || m.Get("file") != file.Name {
		t.Errorf("ann deletes it: %q", m.Fields)
	}
	for _, c := range []*client{ann, bob} {
		if m := c.ask("message_type", "file", "type", "GET", "want", "stat", "file", file.Name); m.Get("stat") != "404" {
			t.Errorf("it is still there: %q", m.Fields)
		}
	}
	if resp, _ := w.fetch("GET", "/files/"+file.Name, "Authorization", "Bearer "+w.token("bob", "")); resp.StatusCode != 404 {
		t.Errorf("over HTTP: %s", resp.Status)
	}
	if m := ann.ask("message_type", "text", "friends", "bob", "text", "<file>"+file.Name+"</file>"); m.Get("stat") != "403" {
		t.Errorf("it is named: %q", m.Fields)
	}
	if m := ann.ask("message_type", "account", "type", "GET"); m.Get("bytes_used") != "0" {
		t.Errorf("%q", m.Fields)
	}
}
