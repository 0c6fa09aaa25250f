package contract

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// Programs that publish and watch with somebody else's WebRTC, by what they need.
const (
	aiortcProgram    = "../../../docs/examples/stream.py"
	gstreamerProgram = "../../../docs/examples/stream-gst.py"
)

// foreign runs one of them; its lines come through the channel, which its end closes.
func foreign(t *testing.T, s *server, program, what, path, token string) (*exec.Cmd, <-chan string) {
	t.Helper()
	cmd := exec.Command(samplePython, program, what, "http://"+s.addr+path, token)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("%v; python3 is needed", err)
	}
	lines, ended := make(chan string, 1000), make(chan struct{})
	go func() {
		defer close(ended)
		defer close(lines)
		for in := bufio.NewScanner(out); in.Scan(); {
			lines <- in.Text()
		}
		cmd.Wait()
	}()
	t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	return cmd, lines
}

func TestAiortcPublishesAndWatches(t *testing.T) {
	t.Parallel()
	foreignCall(t, aiortcProgram, aiortcProgram)
}

// TestGStreamerPublishesAndWatches needs packages that not every test run has.
func TestGStreamerPublishesAndWatches(t *testing.T) {
	if os.Getenv("NEOCHAT_TEST_GSTREAMER") == "" {
		t.Skip("NEOCHAT_TEST_GSTREAMER is not set")
	}
	for name, by := range map[string][2]string{"itself": {gstreamerProgram, gstreamerProgram}, "aiortc": {aiortcProgram, gstreamerProgram}, "for aiortc": {gstreamerProgram, aiortcProgram}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			foreignCall(t, by[0], by[1])
		})
	}
}

// foreignCall has a program that speaks WHIP send a picture and a tone, and one that speaks WHEP decode them. One publisher ends
// itself, another is killed: it is gone as any participant that vanishes.
func foreignCall(t *testing.T, publishing, watching string) {
	t.Helper()
	s := serve(t, "--whep")
	a, b, key := pairInCall(s)
	b.slow = true
	b.send("message_type: join\nconnection_key: " + key + "\n\n")
	b.find("message_type: join\nstat: 200")
	token, path := lent(t, a, "whip", key)
	leaves := "user_account: +1\nmessage_type: leave\nconnection_key: " + key + "\nparticipant: "

	publisher, _ := foreign(t, s, publishing, "publish", path, token)
	id := published(b, "+1", key)
	seeing, watched := lent(t, b, "whep", key)
	watcher, lines := foreign(t, s, watching, "watch", watched, seeing)
	decoded(t, lines)
	for _, x := range []*exec.Cmd{watcher, publisher} {
		if err := x.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
	}
	b.find(leaves + id)

	publisher, _ = foreign(t, s, publishing, "publish", path, token)
	id = published(b, "+1", key)
	_, lines = foreign(t, s, watching, "watch", watched, seeing)
	decoded(t, lines)
	publisher.Process.Kill()
	b.find(leaves + id)
}

// decoded waits until a watcher has decoded two seconds of pictures and sounds.
func decoded(t *testing.T, lines <-chan string) {
	t.Helper()
	guard := time.NewTimer(patience)
	defer guard.Stop()
	for {
		select {
		case line, open := <-lines:
			var pictures, sounds int
			fmt.Sscanf(line, "pictures %d sounds %d", &pictures, &sounds)
			if pictures >= 40 && sounds >= 80 {
				return
			}
			if !open {
				t.Fatal("it ended before it had seen anything")
			}
		case <-guard.C:
			t.Fatal("neither pictures nor sounds arrived")
		}
	}
}
