package files

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"neochat/files/s3test"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// openS3 opens a part of a real store's bucket.
func openS3(t *testing.T, store *s3test.Store, prefix string) *S3 {
	t.Helper()
	cfg, err := ParseS3(store.Address(prefix))
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenS3(t.Context(), cfg, keys(t), filepath.Join(t.TempDir(), "incoming"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// openPieces opens one that sends uploads in the smallest parts that there are.
func openPieces(t *testing.T, store *s3test.Store, prefix string) *S3 {
	t.Helper()
	s := openS3(t, store, prefix)
	s.pieceSize = testPiece
	return s
}

// objects counts what the store has, the object of Check left out.
func objects(t *testing.T, store *s3test.Store) (n int) {
	t.Helper()
	for _, key := range store.Keys("") {
		if !strings.HasSuffix("/"+key, "/check") {
			n++
		}
	}
	return n
}

func random(n int) []byte {
	source := rand.NewChaCha8([32]byte{byte(n)})
	b := make([]byte, n)
	_, _ = source.Read(b)
	return b
}

func TestS3(t *testing.T) {
	store := s3test.Start(t)
	t.Run("put and open", func(t *testing.T) { putAndOpen(t, openS3(t, store, "a")) })
	t.Run("ranges", func(t *testing.T) { ranges(t, openS3(t, store, "a")) })
	t.Run("missing", func(t *testing.T) { missing(t, openS3(t, store, "a")) })
	t.Run("equal bytes", func(t *testing.T) { equalBytes(t, store, openS3(t, store, "b")) })
	t.Run("failed put", func(t *testing.T) { failedPut(t, store, openS3(t, store, "c")) })
	t.Run("parts", func(t *testing.T) { parts(t, store, openS3(t, store, "")) })
	t.Run("list", func(t *testing.T) { list(t, openS3(t, store, "l"), openS3(t, store, "l2")) })
	t.Run("memory", func(t *testing.T) { memory(t, openS3(t, store, "d")) })
	t.Run("uploads", func(t *testing.T) { s3Uploads(t, store) })
	t.Run("pointers", func(t *testing.T) { s3Pointers(t, store, openPieces(t, store, "f")) })
	t.Run("dropped", func(t *testing.T) { s3Dropped(t, store, openPieces(t, store, "g")) })
	t.Run("joined", func(t *testing.T) { s3Joined(t, openPieces(t, store, "h")) })
	t.Run("forgotten", func(t *testing.T) { s3Forgotten(t, openPieces(t, store, "i")) })
	t.Run("strays", func(t *testing.T) { s3Strays(t, store, openPieces(t, store, "j")) })
	t.Run("spool", func(t *testing.T) { s3Spool(t, openPieces(t, store, "k")) })
	t.Run("address", func(t *testing.T) { s3Address(t, openPieces(t, store, "m")) })
	t.Run("copy", func(t *testing.T) { copyTo(t, openPieces(t, store, "o")) })
	t.Run("killed store", func(t *testing.T) { s3KilledStore(t, store, openPieces(t, store, "n")) })
	t.Run("away and back", func(t *testing.T) { awayAndBack(t, store, openS3(t, store, "e")) })
}

func putAndOpen(t *testing.T, s *S3) {
	for _, size := range []int{0, 1, 4096, 1 << 20, 16 << 20} {
		want := random(size)
		hash, n, err := s.Put(t.Context(), io.MultiReader(bytes.NewReader(want))) // neither size nor seeking
		if err != nil || n != int64(size) {
			t.Fatal(n, err)
		}
		r, err := s.Open(t.Context(), hash)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want) {
			t.Errorf("of %d bytes %d others were read: %v", size, len(got), err)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
}

// ranges asks for parts as HTTP clients do, and counts what crosses the wire.
func ranges(t *testing.T, s *S3) {
	body := random(1 << 20)
	hash, _, err := s.Put(t.Context(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, err := s.Open(r.Context(), hash)
		if err != nil {
			t.Error(err)
			return
		}
		defer f.Close()
		http.ServeContent(w, r, "x", time.Time{}, f)
	}))
	defer server.Close()
	for _, c := range []struct{ span, content string }{
		{"bytes=0-0", "0-0"}, {"bytes=10-19", "10-19"}, {"bytes=-3", "1048573-1048575"}, {"bytes=1048000-", "1048000-1048575"}, {"bytes=5-1048575", "5-1048575"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Range", c.span)
		resp, err := server.Client().Do(req)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		var from, to int
		fmt.Sscanf(c.content, "%d-%d", &from, &to)
		if err != nil || resp.StatusCode != http.StatusPartialContent || resp.Header.Get("Content-Range") != "bytes "+c.content+"/1048576" || !bytes.Equal(got, body[from:to+1]) {
			t.Errorf("%s: %s, %q, %d bytes, %v", c.span, resp.Status, resp.Header.Get("Content-Range"), len(got), err)
		}
	}
}

func missing(t *testing.T, s *S3) {
	for _, hash := range []string{"", "../../etc/passwd", strings.Repeat("0", 64), strings.Repeat("g", 64)} {
		if _, err := s.Open(t.Context(), hash); !errors.Is(err, ErrNotFound) || !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: %v", hash, err)
		}
	}
}

func equalBytes(t *testing.T, store *s3test.Store, s *S3) {
	before := objects(t, store)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, _, err := s.Put(t.Context(), strings.NewReader("same")); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := objects(t, store) - before; n != 1 {
		t.Errorf("%d objects are kept", n)
	}
}

func failedPut(t *testing.T, store *s3test.Store, s *S3) {
	before := objects(t, store)
	if _, _, err := s.Put(t.Context(), &failing{strings.NewReader("half")}); !errors.Is(err, errCut) {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.Put(ctx, strings.NewReader("never")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if n := objects(t, store) - before; n != 0 {
		t.Errorf("%d objects are kept", n)
	}
	if n := count(t, s.spool); n != 0 {
		t.Errorf("%d temporary files are left", n)
	}
}

// parts stores more than one part holds.
func parts(t *testing.T, store *s3test.Store, s *S3) {
	before := objects(t, store)
	const size = s3PartSize + 1<<20
	hash, n, err := s.Put(t.Context(), io.LimitReader(rand.NewChaCha8([32]byte{1}), size))
	if err != nil || n != size {
		t.Fatal(n, err)
	}
	r, err := s.Open(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if end, err := r.Seek(0, io.SeekEnd); err != nil || end != size {
		t.Errorf("it is %d bytes long: %v", end, err)
	}
	if objects(t, store)-before != 1 {
		t.Error("something else is left in the store")
	}
}

// memory stores and reads 16 MiB many times over, and looks at what is allocated for it in all.
func memory(t *testing.T, s *S3) {
	const rounds, size = 4, 16 << 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range rounds {
		hash, _, err := s.Put(t.Context(), io.LimitReader(rand.NewChaCha8([32]byte{2, byte(i)}), size))
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Open(t.Context(), hash)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := io.Copy(io.Discard, struct{ io.Reader }{r}); err != nil || n != size {
			t.Error(n, err)
		}
		r.Close()
	}
	runtime.ReadMemStats(&after)
	if each := (after.TotalAlloc - before.TotalAlloc) / rounds; each > size/4 {
		t.Errorf("a file of %d bytes takes %d bytes of memory", size, each)
	}
}

// awayAndBack kills the store between and within transfers.
func awayAndBack(t *testing.T, store *s3test.Store, s *S3) {
	big := random(8 << 20)
	hash, _, err := s.Put(t.Context(), bytes.NewReader(big))
	if err != nil {
		t.Fatal(err)
	}
	r, err := s.Open(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := io.ReadFull(r, make([]byte, 10)); err != nil {
		t.Fatal(err)
	}
	store.Kill()
	if _, err := io.ReadAll(r); err == nil || err == io.EOF {
		t.Errorf("a file cut short was read to its end: %v", err)
	}
	if _, _, err := s.Put(t.Context(), strings.NewReader("while away")); err == nil || errors.Is(err, ErrFull) {
		t.Errorf("storing with the store away: %v", err)
	}
	if _, err := s.Open(t.Context(), hash); err == nil || errors.Is(err, ErrNotFound) {
		t.Errorf("opening with the store away: %v", err)
	}
	if s.Check(t.Context()) == nil {
		t.Error("the store is away and Check says nothing")
	}
	store.Run()
	if err := s.Check(t.Context()); err != nil {
		t.Error(err)
	}
	if _, _, err := s.Put(t.Context(), strings.NewReader("while away")); err != nil {
		t.Error(err)
	}
	again, err := s.Open(t.Context(), hash)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if got, err := io.ReadAll(again); err != nil || !bytes.Equal(got, big) {
		t.Error("other bytes after the store came back", err)
	}
}

// TestS3Full asks a store that has no room.
func TestS3Full(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case r.Method == http.MethodHead:
			w.WriteHeader(http.StatusNotFound)
		case r.Method == http.MethodPut && !strings.HasSuffix(r.URL.Path, "/check"):
			w.WriteHeader(http.StatusInsufficientStorage)
			fmt.Fprint(w, `<Error><Code>XMinioStorageFull</Code><Message>full</Message></Error>`)
		}
	}))
	defer server.Close()
	cfg, err := ParseS3("s3://neochat?region=us-east-1&path-style=yes&endpoint=" + server.URL)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenS3(t.Context(), cfg, keys(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, _, err := s.Put(t.Context(), strings.NewReader("x")); !errors.Is(err, ErrFull) || !errors.Is(err, syscall.ENOSPC) {
		t.Error(err)
	}
}
