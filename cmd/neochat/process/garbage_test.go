package process

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// bytesOf is where a server keeps the bytes of a file in its data folder.
func bytesOf(data, body string) string {
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	return filepath.Join(data, "files", hash[:2], hash)
}

// putOver uploads a file over HTTP.
func putOver(t *testing.T, s *server, token, name, body string) {
	t.Helper()
	if code, text := overHTTP(t, s, http.MethodPut, token, name, body); code != 201 {
		t.Fatalf("uploading %s: %d %s", name, code, text)
	}
}

func overHTTP(t *testing.T, s *server, method, token, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+s.addr+"/files/"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b)
}

// goes waits until there is nothing under a path.
func goes(t *testing.T, what, path string) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(path); os.IsNotExist(err) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s is still there", what)
		}
	}
}

// A file that nothing refers to goes, and so do bytes that no file has; what a message names stays until it is deleted for all.
func TestGarbage(t *testing.T) {
	t.Parallel()
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	data := t.TempDir()
	s := start(t, data, "--files-grace", "1s")
	register(t, s, "ann", "bob")
	s.stop(t)
	stray := bytesOf(data, "of an upload that was cut off")
	if err := os.MkdirAll(filepath.Dir(stray), 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, stray, "of an upload that was cut off")
	old := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(stray, old, old); err != nil {
		t.Fatal(err)
	}
	s = start(t, data, "--files-grace", "1h") // nothing goes yet
	ann := dial(t, s, "/message")
	token := ann.want(t, "200", "message_type: login", "user_account: ann", "user_password: "+password, "device: x").get("session")
	for _, name := range []string{"named", "loose"} {
		putOver(t, s, token, "ann_1_"+name, name)
	}
	sent := ann.want(t, "200", "message_type: text", "friends: bob", "text: <file>ann_1_named</file>")
	address := ann.want(t, "200", "message_type: file", "type: GET", "want: address", "file: ann_1_named").get("url")
	s.kill()

	s = start(t, data, "--files-grace", "1s")
	if code, text := overHTTP(t, s, http.MethodGet, "", strings.TrimPrefix(address, "/files/"), ""); code != 200 || text != "named" {
		t.Errorf("an address from before the restart: %d %s", code, text)
	}
	goes(t, "what nothing names", bytesOf(data, "loose"))
	goes(t, "what no file has", stray)
	if code, _ := overHTTP(t, s, http.MethodGet, token, "ann_1_loose", ""); code != 404 {
		t.Errorf("the file that went: %d", code)
	}
	if code, text := overHTTP(t, s, http.MethodGet, token, "ann_1_named", ""); code != 200 || text != "named" {
		t.Errorf("the file that is named: %d %s", code, text)
	}
	ann = login(t, s, "ann", "device: x")
	ann.want(t, "200", "message_type: delete", "message_id: "+sent.get("message_id"), "for: all")
	goes(t, "what was named", bytesOf(data, "named"))
	if list := ann.want(t, "200", "message_type: file", "type: GET", "want: list"); list.get("files") != "0" || list.get("bytes_used") != "0" {
		t.Errorf("files are listed: %v", list)
	}
	if info, err := os.Stat(filepath.Join(data, "address.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the secret of addresses: %v, %v", info, err)
	}
	if n := strings.Count(s.logs(t, "removed what nothing refers to"), "removed"); n == 0 {
		t.Error("it is not logged")
	}
}
