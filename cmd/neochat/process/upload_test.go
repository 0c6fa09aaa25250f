package process

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"neochat/files/s3test"
)

const (
	uploadsAtOnce = 4
	uploadBytes   = 40<<20 + 12_345 // more than two parts of an object store
	uploadPiece   = 9 << 20
	uploadKills   = 5
)

// sender uploads a file in pieces, whatever happens to the server meanwhile.
type sender struct {
	addr    *atomic.Pointer[string] // of the server, as it is now
	token   string
	called  string // the file, by people
	content []byte
	sent    *atomic.Int64 // bytes that all senders have handed to the network
	most    *atomic.Int64 // past so many they wait
	place   string        // of the upload; "": not begun
	name    string        // of the file
	least   int64         // bytes that were acknowledged
	resumed int           // how often it went on from somewhere within
}

// gated is a body that is read no further than all senders together may go.
type gated struct {
	r io.Reader
	s *sender
}

func (g *gated) Read(p []byte) (int, error) {
	for g.s.sent.Load() >= g.s.most.Load() {
		time.Sleep(time.Millisecond)
	}
	n, err := g.r.Read(p[:min(len(p), 32<<10)])
	g.s.sent.Add(int64(n))
	return n, err
}

// try makes a request; an error is one of the network.
func (s *sender) try(method, path string, body io.Reader, length int64, header ...string) (*http.Response, []byte, error) {
	req, err := http.NewRequest(method, "http://"+*s.addr.Load()+path, body)
	if err != nil {
		return nil, nil, err
	}
	req.ContentLength = length
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Tus-Resumable", "1.0.0")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp, b, err
}

// run sends all of the file. Servers that are away, or whose store of files is, are tried again.
func (s *sender) run() error {
	for begun := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		done, err := s.step()
		if done || err != nil {
			return err
		}
		if time.Since(begun) > 3*patience {
			return fmt.Errorf("the upload has come no further than byte %d", s.least)
		}
	}
}

func (s *sender) step() (done bool, err error) {
	size := int64(len(s.content))
	if s.place == "" {
		resp, body, err := s.try("POST", "/uploads/", nil, 0, "Upload-Length", strconv.FormatInt(size, 10), "Upload-Metadata", "filename "+base64.StdEncoding.EncodeToString([]byte(s.called)))
		if err != nil || resp.StatusCode >= 500 {
			return false, nil
		}
		if resp.StatusCode != http.StatusCreated {
			return false, fmt.Errorf("beginning: %s %s", resp.Status, body)
		}
		s.place, s.name = resp.Header.Get("Location"), resp.Header.Get("Neochat-File")
	}
	resp, body, err := s.try("HEAD", s.place, nil, 0)
	if err != nil || resp.StatusCode >= 500 {
		return false, nil
	}
	at, err := strconv.ParseInt(resp.Header.Get("Upload-Offset"), 10, 64)
	if err != nil || resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("asking: %s %s", resp.Status, body)
	}
	if at < s.least {
		return false, fmt.Errorf("byte %d was acknowledged, and the upload is at %d", s.least, at)
	}
	if at > 0 && at < size {
		s.resumed++
	}
	s.least = at
	for s.least < size {
		n := min(uploadPiece, size-s.least)
		from := &gated{bytes.NewReader(s.content[s.least : s.least+n]), s}
		resp, body, err := s.try("PATCH", s.place, from, n, "Upload-Offset", strconv.FormatInt(s.least, 10), "Content-Type", "application/offset+octet-stream")
		if err != nil || resp.StatusCode >= 500 {
			return false, nil
		}
		if resp.StatusCode != http.StatusNoContent {
			return false, fmt.Errorf("a piece at %d: %s %s", s.least, resp.Status, body)
		}
		s.least += n
	}
	return true, nil
}

// TestUploadsOutliveKills kills the server in the middle of uploads, again and again. They go on from what was
// acknowledged, and become the bytes that were sent.
func TestUploadsOutliveKills(t *testing.T) {
	t.Parallel()
	uploadsOutliveKills(t, nil, nil)
}

func TestUploadsOutliveKillsOnS3(t *testing.T) {
	t.Parallel()
	store := s3test.Start(t)
	uploadsOutliveKills(t, store, store.Environment(), "--files", store.Address("x"))
}

// uploadsOutliveKills kills, between the server's ends, the object store too, if there is one.
func uploadsOutliveKills(t *testing.T, store *s3test.Store, env []string, args ...string) {
	data := t.TempDir()
	var s *server
	var addr atomic.Pointer[string]
	serve := func() {
		line := append([]string{neochat, "serve", "--data", data, "--listen", "127.0.0.1:0", "--media-port", "0"}, unbounded...)
		s = startLine(t, data, env, append(line, args...))
		addr.Store(&s.addr)
	}
	serve()
	register(t, s, "+1")
	token := dial(t, s, "/message").want(t, "200", "message_type: login", "user_account: +1", "user_password: "+password, "device: d").get("session")
	var sent, most atomic.Int64
	senders := make([]*sender, uploadsAtOnce)
	failed := make([]error, uploadsAtOnce)
	var sending sync.WaitGroup
	defer most.Store(math.MaxInt64)
	for i := range senders {
		content := make([]byte, uploadBytes)
		rand.NewChaCha8([32]byte{byte(i)}).Read(content)
		senders[i] = &sender{addr: &addr, token: token, called: fmt.Sprint("a+b ", i), content: content, sent: &sent, most: &most}
		sending.Go(func() { failed[i] = senders[i].run() })
	}
	for kill := range uploadKills {
		most.Add(8<<20 + rand.Int64N(16<<20))
		for waiting := time.Now(); sent.Load() < most.Load() && time.Since(waiting) < patience; {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(time.Duration(rand.IntN(50)) * time.Millisecond) // some of it is still on its way
		if store != nil && kill%2 == 1 {
			store.Kill()
			store.Run()
			continue
		}
		s.kill()
		serve()
	}
	most.Store(math.MaxInt64)
	sending.Wait()
	resumed := 0
	for i, k := range senders {
		if failed[i] != nil {
			t.Fatalf("upload %d: %v\n%s", i, failed[i], s.log)
		}
		resp, body, err := k.try("GET", "/files/"+k.name, nil, 0)
		if err != nil || resp.StatusCode != http.StatusOK || sha256.Sum256(body) != sha256.Sum256(k.content) {
			t.Errorf("file %d: %v %v, %d bytes, and not those %d that were sent", i, resp, err, len(body), len(k.content))
		}
		resumed += k.resumed
	}
	if resumed == 0 {
		t.Error("no upload had to go on from within: nothing was tested")
	}
	t.Logf("%d uploads of %d MiB went on %d times, %d MiB were sent", uploadsAtOnce, uploadBytes>>20, resumed, sent.Load()>>20)
	http.DefaultClient.CloseIdleConnections()
}
