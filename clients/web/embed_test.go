package web

import (
	"io/fs"
	"strings"
	"testing"
)

// Whether the client was built depends on who runs the tests; that Built and Files agree does not.
func TestFilesHoldThePageWhenBuilt(t *testing.T) {
	page, err := fs.ReadFile(Files(), "index.html")
	if Built() != (err == nil) {
		t.Fatalf("Built() = %v, reading index.html: %v", Built(), err)
	}
	if Built() && !strings.Contains(string(page), `type="module"`) {
		t.Errorf("index.html loads no module:\n%s", page)
	}
	if _, err := fs.Stat(Files(), ".gitkeep"); err != nil {
		t.Errorf("the folder must not get lost in an unbuilt checkout: %v", err)
	}
}
