package live

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"neochat/clients/sdk"
)

// build builds an example.
func build(t *testing.T, name string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), name)
	out, err := exec.Command("go", "build", "-o", bin, "neochat/clients/sdk/examples/"+name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return bin
}

func command(bin string, args ...string) *exec.Cmd {
	cmd := exec.Command(bin, args...)
	cmd.Env = append(os.Environ(), "NEOCHAT_PASSWORD="+right)
	cmd.Stderr = os.Stderr
	return cmd
}

// The echo bot answers once, also what was said while it was dead.
func TestEcho(t *testing.T) {
	w := newWorld(t, "ann", "echo")
	a := w.dial("ann", "x")
	bin, state := build(t, "echo"), filepath.Join(t.TempDir(), "state")
	run := func() *exec.Cmd {
		cmd := command(bin, "-server", w.cutter.URL, "-account", "echo", "-state", state)
		must(t, cmd.Start())
		return cmd
	}
	kill := func(cmd *exec.Cmd) {
		must(t, cmd.Process.Kill())
		_ = cmd.Wait() // it was killed
	}
	say := func(s string) {
		_, err := a.Text(ctx(t), sdk.To{Account: "echo"}, s)
		must(t, err)
	}
	bot := run()
	// it begins at the moment it has logged in, which is when it is seen
	states, err := a.Watch(ctx(t), "echo")
	must(t, err)
	if states[0].State != sdk.StateOnline {
		await(a, func(p sdk.Presence) bool { return p.State == sdk.StateOnline })
	}
	for { // and has found out where it begins
		if b, err := os.ReadFile(state); err == nil && strings.Contains(string(b), `"cursor"`) {
			break
		}
	}
	say("one")
	await(a, func(m sdk.Message) bool { return m.Author == "echo" && m.Text == "one" })
	kill(bot)
	say("two")
	bot = run()
	await(a, func(m sdk.Message) bool { return m.Author == "echo" && m.Text == "two" })
	w.cutter.Cut()
	say("three")
	await(a, func(m sdk.Message) bool { return m.Author == "echo" && m.Text == "three" })
	kill(bot)
	convs, err := a.AllConversations(ctx(t))
	must(t, err)
	want(t, convs[0].LastSeq, 6)
}

func TestBackup(t *testing.T) {
	w := newWorld(t, "ann", "bob")
	a := w.dial("ann", "x")
	file, err := a.Upload(ctx(t), "a.txt", strings.NewReader("content"))
	must(t, err)
	var last sdk.Sent
	for _, s := range []string{"one", sdk.FileText(file)} {
		last, err = a.Text(ctx(t), sdk.To{Account: "bob"}, s)
		must(t, err)
	}
	bin, folder := build(t, "backup"), t.TempDir()
	run := func() string {
		cmd := command(bin, "-server", w.cutter.URL, "-account", "bob", "-to", folder)
		out, err := cmd.Output()
		must(t, err)
		return strings.TrimSpace(string(out))
	}
	want(t, run(), "2 messages added")
	want(t, run(), "0 messages added")
	path := filepath.Join(folder, last.Conversation+".jsonl")
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(`{"seq":3,"te`) // a backup that was killed
	must(t, err, f.Close())
	_, err = a.Text(ctx(t), sdk.To{Account: "bob"}, "three")
	must(t, err)
	want(t, run(), "1 messages added")
	data, err := os.ReadFile(path)
	must(t, err)
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	want(t, len(lines), 3)
	var got struct{ Text string }
	must(t, json.Unmarshal([]byte(lines[2]), &got))
	want(t, got.Text, "three")
	content, err := os.ReadFile(filepath.Join(folder, "files", file))
	must(t, err)
	want(t, string(content), "content")
}
