package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"neochat/store"
)

// account makes an account on a house and returns a function that speaks HTTP for it, with an answer read to its end.
func account(t *testing.T, h *house, name string) func(method, path string, body []byte) (*http.Response, []byte) {
	t.Helper()
	if err := h.store.CreateUser(t.Context(), store.User{Account: name}, "correct horse"); err != nil {
		t.Fatal(err)
	}
	session, err := h.store.CreateSession(t.Context(), name, "d")
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	t.Cleanup(client.CloseIdleConnections)
	return func(method, path string, body []byte) (*http.Response, []byte) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+h.tcp.Addr().String()+path, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+session.Token)
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, b
	}
}

// photo is a picture of w×h pixels on its side, red on its left, with an EXIF orientation of 6 and a place: "secret" is its latitude.
func photo(t *testing.T, w, h int) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{0, 0, 200, 255}
			if x < w/2 {
				c = color.RGBA{200, 0, 0, 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	entry := func(tag, kind uint16, count, value uint32) []byte {
		e := binary.BigEndian.AppendUint16(nil, tag)
		e = binary.BigEndian.AppendUint16(e, kind)
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(e, count), value)
	}
	exif := bytes.Join([][]byte{[]byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08"), // two directories, at 8 and 38
		{0, 2}, entry(0x0112, 3, 1, 6<<16), entry(0x8825, 4, 1, 38), {0, 0, 0, 0},
		{0, 2}, entry(1, 2, 2, 'N'<<24), entry(2, 5, 3, 68), {0, 0, 0, 0}, []byte("secretsecretsecretsecret")}, nil)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(exif)+2))
	return bytes.Join([][]byte{b.Bytes()[:2], segment, exif, b.Bytes()[2:]}, nil)
}

// A photo goes through a whole server: what it is, what it does not tell, how it looks small.
func TestPhoto(t *testing.T) {
	h := openHouse(t)
	do := account(t, h, "ann")
	sent := photo(t, 900, 600)
	if resp, b := do("PUT", "/files/ann_1_photo.jpg", sent); resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", resp.Status, b)
	}
	_, got := do("GET", "/files/ann_1_photo.jpg", nil)
	if len(got) != len(sent) || bytes.Contains(got, []byte("secret")) {
		t.Errorf("%d bytes of %d came back; the place is in them: %v", len(got), len(sent), bytes.Contains(got, []byte("secret")))
	}
	if m, err := jpeg.Decode(bytes.NewReader(got)); err != nil || m.Bounds().Dx() != 900 {
		t.Errorf("as stored: %v", err)
	}
	f, err := h.store.ReadableFile(t.Context(), "ann", "ann_1_photo.jpg")
	if err != nil || f.Width != 600 || f.Height != 900 { // it is shown upright
		t.Errorf("%+v, %v", f, err)
	}
	resp, small := do("GET", "/files/ann_1_photo.jpg/preview", nil)
	m, err := jpeg.Decode(bytes.NewReader(small))
	if resp.StatusCode != http.StatusOK || err != nil || m.Bounds().Size() != image.Pt(341, 512) {
		t.Fatalf("%s, %v, %v", resp.Status, err, m)
	}
	if r, _, _, _ := m.At(170, 20).RGBA(); r < 0xa000 {
		t.Errorf("what was on the left is not at the top: %v", m.At(170, 20))
	}
	if resp, b := do("PUT", "/files/ann_2_film.mp4", []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom")); resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", resp.Status, b)
	}
	if resp, b := do("PUT", "/files/ann_2_film.mp4/preview", sent); resp.StatusCode != http.StatusCreated || !strings.Contains(string(b), "width: 600") {
		t.Errorf("a poster: %s %s", resp.Status, b)
	}
	if _, poster := do("GET", "/files/ann_2_film.mp4/preview", nil); !bytes.Equal(poster, small) {
		t.Errorf("the poster is not what a preview is")
	}
}

// A picture that says that it has 3,600,000,000 pixels is a file like any other, and costs nothing.
func TestPictureBomb(t *testing.T) {
	h := openHouse(t)
	do := account(t, h, "ann")
	head := binary.BigEndian.AppendUint32([]byte("IHDR\x00\x00\xea\x60\x00\x00\xea\x60\x08\x06\x00\x00\x00"), 0)[:17]
	bomb := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	bomb = binary.BigEndian.AppendUint32(bomb, crc32.ChecksumIEEE(head))
	bomb = append(bomb, "\x00\x00\x00\x02IDATx\x9c"...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if resp, b := do("PUT", "/files/ann_1_bomb.png", bomb); resp.StatusCode != http.StatusCreated {
		t.Fatalf("%s %s", resp.Status, b)
	}
	for range 20 {
		if resp, b := do("GET", "/files/ann_1_bomb.png/preview", nil); resp.StatusCode != http.StatusNotFound {
			t.Fatalf("%s %s", resp.Status, b)
		}
	}
	runtime.ReadMemStats(&after)
	if made := after.TotalAlloc - before.TotalAlloc; made > 16<<20 {
		t.Errorf("%d bytes were allocated", made)
	}
	if f, err := h.store.ReadableFile(t.Context(), "ann", "ann_1_bomb.png"); err != nil || f.Width != 60000 {
		t.Errorf("%+v, %v", f, err)
	}
	for _, name := range []string{"ann_1_nothing", "ann_1_bomb.png/x"} {
		if resp, _ := do("GET", "/files/"+name+"/preview", nil); resp.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	if _, err := h.store.ReadableFile(t.Context(), "ann", "ann_1_nothing"); !errors.Is(err, store.ErrNotFound) {
		t.Error(err)
	}
}
