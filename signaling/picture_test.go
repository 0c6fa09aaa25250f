package signaling

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"neochat/wire"
)

// uploadFrame uploads over the WebSocket and returns the answer.
func (c *client) uploadFrame(at, body string, lines ...string) *wire.Message {
	c.t.Helper()
	head := encode(append([]string{"message_type", "file", "time", at, "file_name", "x"}, lines...)...)
	if err := c.ws.Write(c.t.Context(), websocket.MessageBinary, append(append(head, 0), body...)); err != nil {
		c.t.Fatal(err)
	}
	return c.next()
}

// uploadTus uploads in one piece and returns the file's name.
func (c *caller) uploadTus(at, body string, pairs ...string) string {
	c.t.Helper()
	path := c.create(len(body), append([]string{"filename", "x", "time", at}, pairs...)...)
	r := c.patch(path, 0, strings.NewReader(body))
	if r.StatusCode != http.StatusNoContent {
		c.t.Fatalf("%s %s", r.Status, r.body)
	}
	return r.Header.Get("Neochat-File")
}

// However a picture comes, it is stored without the place where it was taken unless its sender keeps that, and its dimensions are known.
func TestUploadedPictures(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	ann := w.login("ann", "d")
	http := w.caller("ann")
	at := 0
	for name, upload := range map[string]func(at, body string, keep bool) string{
		"a frame": func(at, body string, keep bool) string {
			if keep {
				return ann.uploadFrame(at, body, "keep_location", "yes").Get("file")
			}
			return ann.uploadFrame(at, body).Get("file")
		},
		"PUT": func(at, body string, keep bool) string {
			header := []string{"X-Keep-Location", "no"}
			if keep {
				header[1] = "yes"
			}
			file := "ann_" + at + "_x"
			if r := http.do("PUT", "/files/"+file, strings.NewReader(body), header...); r.StatusCode != 201 {
				t.Errorf("%s %s", r.Status, r.body)
			}
			return file
		},
		"pieces": func(at, body string, keep bool) string {
			if keep {
				return http.uploadTus(at, body, "keep_location", "yes")
			}
			return http.uploadTus(at, body)
		},
	} {
		told := fakePicture(40, 30, "taken at "+place+" ")
		for body, want := range map[string]string{
			told: fakePicture(40, 30, "taken at "+noPlace+" "), fakePicture(40, 30, "nowhere"): fakePicture(40, 30, "nowhere"), "text at " + place: "text at " + place,
		} {
			for _, keep := range []bool{false, true} {
				if keep {
					want = body
				}
				at++
				file := upload(strconv.Itoa(at), body, keep)
				_, got, _ := get(t, w.http.URL+"/files/"+file, http.token)
				if got != want {
					t.Errorf("%s, keep: %v: %q, not %q", name, keep, got, want)
				}
				m := ann.ask("message_type", "file", "type", "GET", "want", "stat", "file", file)
				size := ""
				if strings.HasPrefix(body, pictureHead) {
					size = "40"
				}
				if m.Get("stat") != "200" || m.Get("width") != size || m.Get("size") != strconv.Itoa(len(body)) {
					t.Errorf("%s: %q", name, m.Fields)
				}
			}
		}
		at++
		for range 2 { // the same file again is the same file
			if file := upload(strconv.Itoa(at), told, false); file != "ann_"+strconv.Itoa(at)+"_x" {
				t.Errorf("%s, again: %q", name, file)
			}
			if name == "PUT" {
				break // 201 once
			}
		}
	}
}

// Of a picture in pieces the bytes that told the place are discarded, unless another file has them.
func TestLocatedBytesAreDiscarded(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	http := w.caller("ann")
	told := fakePicture(40, 30, "taken at "+place)
	located := fmt.Sprintf("%x", sha256.Sum256([]byte(told)))
	http.uploadTus("1", told)
	if hashes, err := w.store.TakeGarbage(t.Context(), time.Now().Add(time.Hour)); err != nil || len(hashes) != 1 || hashes[0] != located {
		t.Errorf("garbage: %q, %v", hashes, err)
	}
	if err := w.store.GarbageRemoved(t.Context(), []string{located}); err != nil {
		t.Fatal(err)
	}
	http.uploadTus("2", told, "keep_location", "yes")
	http.uploadTus("3", told)
	if hashes, err := w.store.TakeGarbage(t.Context(), time.Now().Add(time.Hour)); err != nil || len(hashes) != 0 {
		t.Errorf("garbage, where a file has them: %q, %v", hashes, err)
	}
}

// What the sender says of a video is believed; of a picture it is not needed.
func TestWhatSendersSay(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	ann, http := w.login("ann", "d"), w.caller("ann")
	video := "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
	for body, want := range map[string][3]string{
		video:                    {"1280", "720", "1500"},
		fakePicture(40, 30, ""):  {"40", "30", ""},
		pictureHead + "a broken": {"", "", ""},
	} {
		file := http.uploadTus(strconv.Itoa(len(body)), body, "width", "1280", "height", "720", "duration_ms", "1500")
		m := ann.ask("message_type", "file", "type", "GET", "want", "stat", "file", file)
		if got := [3]string{m.Get("width"), m.Get("height"), m.Get("duration_ms")}; m.Get("stat") != "200" || got != want {
			t.Errorf("%q: %q", body, m.Fields)
		}
	}
}

// A store that fails just after it took a picture does not lose it.
func TestPicturesThatCannotBeMeasured(t *testing.T) {
	w := newWorld(t, Times{}, "ann")
	ann := w.login("ann", "d")
	w.pictures.failing = fs.ErrPermission
	if m := ann.uploadFrame("1", fakePicture(40, 30, "")); m.Get("stat") != "200" {
		t.Errorf("%q", m.Fields)
	}
	if m := ann.ask("message_type", "file", "type", "GET", "want", "stat", "file", "ann_1_x"); m.Get("stat") != "200" || m.Get("width") != "" {
		t.Errorf("%q", m.Fields)
	}
}
