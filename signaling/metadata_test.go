package signaling

import (
	"strings"
	"testing"
	"time"

	"neochat/wire"
)

// Whatever a client says, it gets an error of its own or a file with a name that is found again.
func FuzzUploadMetadata(f *testing.F) {
	for _, header := range []string{"", named("filename", "a b.png", "time", "1"), named("filename", "100%25", "keep_location", "yes"), named("filetype", "video/mp4", "width", "1", "height", "2", "duration_ms", "3"),
		"filename", "filename ,", "a b c", ",", named("filename", "../x"), named("filename", "a\u202eb")} {
		f.Add("+861_01@x", header)
	}
	f.Fuzz(func(t *testing.T, account, header string) {
		m, err := parseMetadata(header, time.Now())
		if err != nil || !wire.ValidAccount(account) {
			return
		}
		name, err := storedName(account, m.time, m.name)
		if err != nil {
			return
		}
		if !validFileName(name) {
			t.Errorf("%q is not the name of a file", name)
		}
		for _, as := range []string{name, strings.ReplaceAll(name, "%", "%25")} {
			if got, err := ownName(account, as); err != nil || got != name {
				t.Errorf("%q, found as %q: %q, %v", name, as, got, err)
			}
		}
		if kept := carried(m.carry()); kept.Metadata != header {
			t.Errorf("%q was kept as %q", header, kept.Metadata)
		}
	})
}
