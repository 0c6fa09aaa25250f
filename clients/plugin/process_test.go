package plugin

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// sample builds the Go sample, or names the Python one.
func sample(t *testing.T, name string) string {
	t.Helper()
	if name == "python" {
		path, err := filepath.Abs("samples/echo.py")
		if err != nil {
			t.Fatal(err)
		}
		return "python3 " + path
	}
	path := filepath.Join(t.TempDir(), "ping")
	if out, err := exec.Command("go", "build", "-o", path, "./samples/ping").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// TestSamples lets a host start each sample in each mode, and talks to it.
func TestSamples(t *testing.T) {
	if testing.Short() {
		t.Skip("processes are left out of short runs")
	}
	for name, said := range map[string][2]string{"go": {"ping", "pong"}, "python": {"echo 你好\nagain", "你好\nagain"}} {
		line := sample(t, name)
		for _, mode := range []string{"push", "pull"} {
			t.Run(name+" "+mode, func(t *testing.T) {
				w := newWorld(t, func(o *Options) {
					write(t, o.Grants, "[plugin.s]\nreceive = [\"all\"]\nsend = [\"all\"]\n")
					o.Commands = []Command{{"s", line + " " + mode}}
				})
				eventually(t, "the sample registers", func() bool { return w.host.Plugins()[0].Connected })
				for range 3 {
					w.says("not for the plugin", said[0])
					w.hears(said[1])
				}
				w.host.Close()
				select {
				case note := <-w.notes:
					t.Errorf("the person was told: %s", note)
				default:
				}
			})
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestCrashes: a plugin that ends is started again, with what it said at the end told to the person.
func TestCrashes(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Commands = []Command{{"p", "echo first >&2; echo it hurts >&2; exit 3"}} })
	for range 3 {
		if note := get(t, w.notes, "word of the crash"); !strings.Contains(note, "plugin p ended (exit status 3: it hurts)") {
			t.Errorf("the person was told: %s", note)
		}
	}
	w.says("the chat goes on")
}

// TestEndsWithTheHost: a plugin ends with the host, with what it started and however deaf it is.
func TestEndsWithTheHost(t *testing.T) {
	pids := filepath.Join(t.TempDir(), "pids")
	w := newWorld(t, func(o *Options) {
		o.Commands = []Command{{"p", "trap '' TERM; sleep 1000 & echo $$ $! > " + pids + ".tmp; mv " + pids + ".tmp " + pids + "; wait; wait; sleep 1000"}}
	})
	var text []byte
	eventually(t, "the plugin runs", func() (ok bool) {
		var err error
		text, err = os.ReadFile(pids)
		return err == nil
	})
	w.host.Close()
	for _, pid := range strings.Fields(string(text)) {
		eventually(t, pid+" has ended", func() bool { return gone(pid) })
	}
}

// gone reports whether a process has ended; one that nobody has waited for yet has.
func gone(pid string) bool {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	return err != nil || strings.Contains(string(stat), ") Z ")
}

// TestEnvironment: a plugin is told where to connect, and none of the client's own secrets.
func TestEnvironment(t *testing.T) {
	t.Setenv("NEOCHAT_PASSWORD", "canary")
	out := filepath.Join(t.TempDir(), "out")
	w := newWorld(t, func(o *Options) {
		o.Commands = []Command{{"p", "env > " + out + ".tmp; mv " + out + ".tmp " + out + "; sleep 1000"}}
	})
	var env string
	eventually(t, "the plugin runs", func() bool {
		b, err := os.ReadFile(out)
		env = string(b)
		return err == nil
	})
	for _, has := range []string{"NEOCHAT_PLUGIN_NAME=p\n", "NEOCHAT_PLUGIN_SOCKET=" + w.host.Socket() + "\n", "NEOCHAT_PLUGIN_TOKEN="} {
		if !strings.Contains(env, has) {
			t.Errorf("it is not told %s", has)
		}
	}
	if strings.Contains(env, "canary") {
		t.Error("it is told the password")
	}
}

// TestStartedToken: the token of a plugin that was started is good while it runs, for it alone.
func TestStartedToken(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	w := newWorld(t, func(o *Options) {
		o.Commands = []Command{{"p", "echo $NEOCHAT_PLUGIN_TOKEN > " + out + ".tmp; mv " + out + ".tmp " + out + "; sleep 1000"}}
		o.Backoff = func(int) time.Duration { return time.Hour }
	})
	var token string
	eventually(t, "the plugin runs", func() bool {
		b, err := os.ReadFile(out)
		token = strings.TrimSpace(string(b))
		return err == nil
	})
	p := w.register("p", token, "pull")
	if all := w.host.Plugins(); len(all) != 1 || !all[0].Started || !all[0].Connected {
		t.Errorf("it is known as %+v", all)
	}
	if err := w.host.Remove("p"); err != nil || len(w.host.Plugins()) != 1 {
		t.Errorf("a started one is removed: %v", err)
	}
	p.ended()
	if err := w.host.Grant("p", Send, "12"); err != nil {
		t.Fatal(err)
	}
	if kept, err := load(w.opt.Grants); err != nil || len(kept["p"].Send) != 1 {
		t.Errorf("what is granted after that is not kept: %+v, %v", kept, err)
	}
	q := w.connect()
	q.send("call: register", "plugin_name: q", "token: "+token)
	q.want("403")
}

func TestParseCommand(t *testing.T) {
	for s, want := range map[string]Command{"a=b": {"a", "b"}, "a-1=x --y=z": {"a-1", "x --y=z"}, "=b": {}, "a=": {}, "a= ": {}, "a": {}, "": {}, "a b=c": {}} {
		if got, err := ParseCommand(s); got != want || (err != nil) != (want == Command{}) {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
}

func TestBackoff(t *testing.T) {
	for attempt, want := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 6: 32 * time.Second, 7: time.Minute, 1000: time.Minute} {
		if got := backoff(attempt); got != want {
			t.Errorf("after attempt %d it waits %s, want %s", attempt, got, want)
		}
	}
}
