package signaling

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// TestTheManualsSession types the session of docs/protocol.md, as it stands
// there, and compares what comes with what the manual shows.
func TestTheManualsSession(t *testing.T) {
	manual, err := os.ReadFile("../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, session, ok := strings.Cut(string(manual), "```session\n")
	session, _, closed := strings.Cut(session, "```")
	if !ok || !closed {
		t.Fatal("the manual has no session")
	}
	w := newWorld(t, Times{})
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	ws, _, err := websocket.Dial(ctx, "ws"+strings.TrimPrefix(w.http.URL, "http")+"/message", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer ws.CloseNow()
	var typed, came string
	for _, line := range strings.SplitAfter(strings.TrimSuffix(session, "\n"), "\n") {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case line == "> ^@":
			if err := ws.Write(ctx, websocket.MessageText, []byte(typed)); err != nil {
				t.Fatal(err)
			}
			typed = "\n"
		case strings.HasPrefix(line, "> "):
			typed += line[2:] + "\n"
		default:
			for !strings.Contains(came, "\n") {
				_, b, err := ws.Read(ctx)
				if err != nil {
					t.Fatalf("waiting for %q: %v", line, err)
				}
				came += string(b)
			}
			var got string
			got, came, _ = strings.Cut(came, "\n")
			shown := strings.TrimPrefix(strings.TrimPrefix(line, "<"), " ")
			if strings.HasPrefix(line, "<  ") {
				shown = line[2:]
			}
			if head, ok := strings.CutSuffix(shown, "…"); got != shown && (!ok || !strings.HasPrefix(got, head)) {
				t.Fatalf("the server sent %q, the manual shows %q", got, shown)
			}
		}
	}
	if came != "" {
		t.Errorf("the server sent more than the manual shows: %q", came)
	}
}
