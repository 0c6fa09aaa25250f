package files

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"neochat/files/s3test"
)

const (
	testPiece = 5 << 20 // the smallest part that stores take
	testBig   = 2*testPiece + testPiece/2
)

// s3Uploads does what holds for every store, in parts and without them.
func s3Uploads(t *testing.T, store *s3test.Store) {
	for name, size := range map[string]int{"small": 300_000, "parts": testBig, "full parts": 2 * testPiece} {
		t.Run(name, func(t *testing.T) {
			uploads(t, size, func(t *testing.T) (uploading, again) {
				s := openPieces(t, store, t.Name())
				return s, func() uploading { s = revived(t, s); return s }
			})
		})
	}
}

// revived opens the store anew with a copy of what lies in the folder of s, as if that were killed now.
func revived(t *testing.T, s *S3) *S3 {
	t.Helper()
	next := filepath.Join(t.TempDir(), "incoming")
	if err := os.CopyFS(next, os.DirFS(s.spool)); err != nil {
		t.Fatal(err)
	}
	r, err := OpenS3(t.Context(), s.cfg, keys(t), next)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	r.pieceSize = s.pieceSize
	return r
}

// s3Pointers follows an upload in parts from its beginning until it is removed.
func s3Pointers(t *testing.T, store *s3test.Store, s *S3) {
	want, before := random(testBig), objects(t, store)
	upload(t, s, want)
	if n := objects(t, store) - before; n != 2 {
		t.Errorf("it is %d objects, not bytes and a pointer", n)
	}
	small, _, err := s.Put(t.Context(), bytes.NewReader(want[:100]))
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	if err := s.List(t.Context(), func(s Stored) error { sizes[s.Hash] = s.Size; return nil }); err != nil || len(sizes) != 2 ||
		sizes[hashOf(want)] != testBig || sizes[small] != 100 {
		t.Errorf("it lists %v: %v", sizes, err)
	}
	for name, put := range map[string]func(){
		"at once": func() {
			if hash, size, err := s.Put(t.Context(), bytes.NewReader(want)); err != nil || hash != hashOf(want) || size != testBig {
				t.Error(hash, size, err)
			}
		},
		"in parts": func() { upload(t, s, want) },
	} {
		if put(); objects(t, store)-before != 3 {
			t.Errorf("the same bytes %s are kept twice", name)
		}
		if n := count(t, s.spool); n != 0 {
			t.Errorf("%s: %d files are left here", name, n)
		}
	}
	if err := s.Remove(t.Context(), hashOf(want)); err != nil {
		t.Error(err)
	}
	if n := objects(t, store) - before; n != 1 {
		t.Errorf("when it is removed %d objects are left", n)
	}
	if _, err := s.Open(t.Context(), hashOf(want)); !errors.Is(err, ErrNotFound) {
		t.Errorf("when it is removed: %v", err)
	}
}

// upload does all of an upload, and forgets it.
func upload(t *testing.T, s *S3, want []byte) {
	t.Helper()
	begin(t, s, len(want))
	add(t, s, 0, want, false)
	becomes(t, s, want)
	if err := s.Drop(t.Context(), uploadID); err != nil {
		t.Error(err)
	}
}

// s3Dropped drops uploads in every state.
func s3Dropped(t *testing.T, store *s3test.Store, s *S3) {
	want, before := random(testBig), objects(t, store)
	for name, reach := range map[string]func(){
		"begun":  func() { begin(t, s, len(want)) },
		"partly": func() { begin(t, s, len(want)); add(t, s, 0, want[:testPiece+9], false) },
		"all":    func() { begin(t, s, len(want)); add(t, s, 0, want, false) },
		"joined": func() { joined(t, s, want) },
	} {
		reach()
		if err := s.Drop(t.Context(), uploadID); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if n := objects(t, store) - before; n != 0 {
			t.Errorf("%s: %d objects are left", name, n)
		}
		if n := count(t, s.spool); n != 0 {
			t.Errorf("%s: %d files are left here", name, n)
		}
		for up := range s.core.ListIncompleteUploads(t.Context(), s.cfg.Bucket, s.cfg.Prefix, true) {
			t.Errorf("%s: an upload to %s is left: %v", name, up.Key, up.Err)
		}
	}
}

// joined takes an upload as far as it is when the process dies between the joining of the parts and the pointer.
func joined(t *testing.T, s *S3, want []byte) {
	t.Helper()
	begin(t, s, len(want))
	add(t, s, 0, want, false)
	dies := errors.New("dies")
	_, err := s.finish(t.Context(), uploadID, func(p *partial) error {
		if err := s.join(t.Context(), p); err != nil {
			t.Error(err)
		}
		return dies
	})
	if !errors.Is(err, dies) {
		t.Fatal(err)
	}
}

// s3Joined goes on after the process died between the joining of the parts and the pointer.
func s3Joined(t *testing.T, s *S3) {
	want := random(testBig)
	joined(t, s, want)
	if _, err := s.Open(t.Context(), hashOf(want)); !errors.Is(err, ErrNotFound) {
		t.Errorf("it is there too early: %v", err)
	}
	becomes(t, s, want)
	becomes(t, s, want)
}

// s3Forgotten asks for an upload that the store has thrown away.
func s3Forgotten(t *testing.T, s *S3) {
	want := random(testBig)
	for _, at := range []int{0, testPiece + 9, testBig} {
		begin(t, s, len(want))
		add(t, s, 0, want[:at], false)
		st, err := loadUpload(s.dir, uploadID)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.core.AbortMultipartUpload(t.Context(), s.cfg.Bucket, s3Parts{s}.key(&st), st.Upload); err != nil {
			t.Fatal(err)
		}
		if at < testBig {
			_, err = s.Append(t.Context(), uploadID, int64(at), bytes.NewReader(want[at:]), false)
		} else {
			_, err = s.Finish(t.Context(), uploadID)
		}
		if !errors.Is(err, ErrNotFound) {
			t.Errorf("after %d bytes: %v", at, err)
		}
		if _, err := s.Offset(t.Context(), uploadID); !errors.Is(err, ErrNotFound) {
			t.Errorf("after %d bytes it still has an offset: %v", at, err)
		}
	}
}

// s3Strays finds what leads nowhere, and nothing else.
func s3Strays(t *testing.T, store *s3test.Store, s *S3) {
	want := random(testBig)
	upload(t, s, want) // a blob
	other := want[:testBig-1]
	joined(t, s, other) // somebody can go on with it
	put := func(key string) {
		t.Helper()
		if _, err := s.core.Client.PutObject(t.Context(), s.cfg.Bucket, s.cfg.Prefix+partsFolder+key, strings.NewReader("x"), 1, minio.PutObjectOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	put("old")
	time.Sleep(time.Second) // stores tell times in seconds
	long := time.Now()
	time.Sleep(time.Second)
	put("young")
	s.now = func() time.Time { return long.Add(abandoned) }
	var found []string
	err := s.Strays(t.Context(), func(at Stray) error {
		found = append(found, at.Name)
		return s.RemoveStray(t.Context(), at.Name)
	})
	if err != nil || len(found) != 1 || found[0] != partsFolder+"old" {
		t.Errorf("it found %v: %v", found, err)
	}
	if err := s.Strays(t.Context(), func(at Stray) error { t.Errorf("%s is still there", at.Name); return nil }); err != nil {
		t.Error(err)
	}
	if err := s.RemoveStray(t.Context(), "ab/abcd"); !errors.Is(err, ErrNotFound) {
		t.Errorf("what is no stray was removed: %v", err)
	}
	becomes(t, s, other)
}

// s3Spool looks at how much lies here while a large upload goes through.
func s3Spool(t *testing.T, s *S3) {
	want, most := random(6*testPiece), int64(0)
	begin(t, s, len(want))
	r := bytes.NewReader(want)
	looking := readerFunc(func(p []byte) (int, error) {
		var here int64
		entries, err := os.ReadDir(s.spool)
		if err != nil {
			return 0, err
		}
		for _, e := range entries {
			if info, err := e.Info(); err == nil { // it may have gone meanwhile
				here += info.Size()
			}
		}
		most = max(most, here)
		return r.Read(p)
	})
	for at, whole := 0, false; at < len(want); at, whole = at+3*testPiece, true {
		if _, err := s.Append(t.Context(), uploadID, int64(at), io.LimitReader(looking, 3*testPiece), whole); err != nil {
			t.Fatal(err)
		}
	}
	becomes(t, s, want)
	if limit := int64(2*testPiece + 100<<10); most < testPiece || most > limit {
		t.Errorf("at most %d bytes lay here, not up to %d", most, limit)
	}
}

// s3KilledStore kills the store in the middle of pieces, and goes on when it is back.
func s3KilledStore(t *testing.T, store *s3test.Store, s *S3) {
	want := random(16*testPiece + 1234)
	begin(t, s, len(want))
	at := 0
	for _, after := range []int{testPiece / 2, testPiece, testPiece + 77, 2 * testPiece} {
		die := at + after
		r := io.MultiReader(bytes.NewReader(want[at:die]), readerFunc(func([]byte) (int, error) { store.Kill(); return 0, io.EOF }), bytes.NewReader(want[die:]))
		offset, err := s.Append(t.Context(), uploadID, int64(at), r, false)
		if err == nil || errors.Is(err, ErrNotFound) || errors.Is(err, ErrFull) {
			t.Fatalf("the store died at %d: %d, %v", die, offset, err)
		}
		if offset < int64(die) {
			t.Errorf("%d bytes are kept of %d that came", offset, die)
		}
		at = int(offset)
		offsetIs(t, s, at)
		if _, err := s.Append(t.Context(), uploadID, int64(at), bytes.NewReader(want[at:]), false); err == nil {
			t.Error("the store is away, and all of it was taken")
		}
		offsetIs(t, s, at)
		store.Run()
	}
	s = revived(t, s)
	add(t, s, at, want[at:], false)
	store.Kill()
	if _, err := s.Finish(t.Context(), uploadID); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("finished with the store away: %v", err)
	}
	store.Run()
	becomes(t, s, want)
}

// s3Address fetches files by their own addresses.
func s3Address(t *testing.T, s *S3) {
	want := random(testBig)
	upload(t, s, want)
	if _, _, err := s.Put(t.Context(), bytes.NewReader(want[:70])); err != nil {
		t.Fatal(err)
	}
	for _, body := range [][]byte{want, want[:70]} {
		const disposition = `attachment; filename*=UTF-8''%E4%B8%AD.txt`
		url, err := s.Address(t.Context(), hashOf(body), "text/plain; charset=utf-8", disposition, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || !bytes.Equal(got, body) || resp.Header.Get("Content-Type") != "text/plain; charset=utf-8" || resp.Header.Get("Content-Disposition") != disposition {
			t.Errorf("%s, %d bytes, %v, %v", resp.Status, len(got), resp.Header, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	if _, err := s.Address(t.Context(), strings.Repeat("0", 64), "x", "y", time.Minute); !errors.Is(err, ErrNotFound) {
		t.Errorf("of what is not there: %v", err)
	}
}

func TestPartSize(t *testing.T) {
	m := s3Parts{&S3{pieceSize: s3PieceSize}}
	for size, want := range map[int64]int64{0: 0, s3PieceSize: 0, s3PieceSize + 1: s3PieceSize, 2 << 30: s3PieceSize, s3PieceSize * s3MaxParts: s3PieceSize,
		s3PieceSize*s3MaxParts + 1: 17 << 20, 5 << 40: 525 << 20} {
		got := m.partSize(size)
		if got != want || got > 0 && (size+got-1)/got > s3MaxParts {
			t.Errorf("%d bytes go up in parts of %d, not %d", size, got, want)
		}
	}
}
