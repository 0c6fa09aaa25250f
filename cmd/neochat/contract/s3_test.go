package contract

import (
	"strings"
	"testing"

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
