package terminal

import (
	"bufio"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"neochat/clients/plugin"
)

// homes keeps what a chat writes for plugins in a folder of the test's.
func homes(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", dir)
	t.Setenv("XDG_RUNTIME_DIR", dir)
}

func TestPluginsInATerminal(t *testing.T) {
	homes(t)
	s := world(t)
	a := start(t, s, ann, func(o *Options) { o.Plugins = &PluginOptions{Address: "127.0.0.1:0"} })
	b := start(t, s, bob, nil)
	a.types(t, "/plugins", "/plugins grant bot send all", "/plugins grant", "/plugins add a/b", "/plugins add bot", "/plugins grant bot dance all", "/plugins grant bot send")
	a.out.has(t, "no plugins yet")
	a.out.has(t, "or 127.0.0.1:")
	a.err.has(t, "there is no plugin of that name: bot")
	a.err.has(t, "write it so: /plugins [add|remove NAME]")
	a.err.has(t, "the name of a plugin is letters")
	a.err.has(t, `there is no grant "dance"`)
	a.err.has(t, "say to whom first")
	shown := regexp.MustCompile(`bot may connect to (\S+) with the token (\S+),`).FindStringSubmatch(a.out.String())
	if shown == nil {
		t.Fatalf("no token in:\n%s", a.out)
	}
	a.types(t, "/to "+bob, "/plugins grant bot send", "hello", "/plugins grant bot send", "/plugins grant bot receive all", "/plugins revoke bot receive")
	a.err.has(t, "nothing was said here yet")
	a.out.has(t, "send ("+bob+")")
	a.out.has(t, "bot              not connected; may: receive (all), send ("+bob+")")
	a.err.has(t, "can only be taken back in all")
	says := pluginAt(t, shown[1])
	says("message_type: plugin\ncall: register\nplugin_name: bot\ntoken: "+shown[2]+"\nmode: push", "stat: 200")
	a.types(t, "/plugins", "typed here")
	a.out.has(t, "bot              connected;")
	says("", "text: typed here\n")
	b.types(t, "/to "+ann, "hi")
	says("", "text: hi\n")
	says("message_type: plugin\ncall: send_message\nfriends: "+bob+"\ntext: beep", "stat: 200")
	b.out.has(t, "] "+ann+": beep")
	a.out.has(t, "you (the plugin bot): beep")
	a.types(t, "/plugins revoke bot receive all", "/plugins remove bot", "/plugins")
	a.out.has(t, "forgotten")
	for _, k := range []*talk{a, b} {
		_ = k.end() // some lines were refused, as they should
	}
}

// pluginAt connects a plugin; what it returns sends a message, if any, and waits for one that holds want.
func pluginAt(t *testing.T, socket string) func(message, want string) {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewReader(conn)
	return func(message, want string) {
		t.Helper()
		if message != "" {
			if _, err := conn.Write([]byte(message + "\n\n")); err != nil {
				t.Fatal(err)
			}
		}
		var got strings.Builder
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				t.Fatalf("%q did not come, but %q: %v", want, got.String(), err)
			}
			got.WriteString(line)
			if line == "\n" && strings.Contains(got.String(), want) {
				return
			}
		}
	}
}

func TestStartedPluginsInATerminal(t *testing.T) {
	homes(t)
	s := world(t)
	a := start(t, s, ann, func(o *Options) {
		o.Plugins = &PluginOptions{Commands: []plugin.Command{{Name: "sad", Line: "printf 'no \\033[31mmore' >&2; exit 1"}}}
	})
	a.err.has(t, `the plugin sad ended (exit status 1: no \x1b[31mmore); it is started again in 1s`)
	a.types(t, "/plugins")
	a.out.has(t, "started here, not connected; may: nothing")
	second := Run(t.Context(), Options{URL: s.URL, Account: ann, Password: func() (string, error) { return right, nil }, In: strings.NewReader(""),
		Out: newOutput(), Err: newOutput(), Plugins: &PluginOptions{}})
	if ExitCode(second) != ExitUsage || !strings.Contains(second.Error(), "another chat hosts the plugins") {
		t.Errorf("a second chat of the same account: %v", second)
	}
	if err := a.end(); err != nil {
		t.Error(err)
	}
}

func TestWithoutPlugins(t *testing.T) {
	s := world(t)
	a := start(t, s, ann, nil)
	a.types(t, "/plugins")
	a.err.has(t, "this chat hosts no plugins; start it with --plugins")
	_ = a.end() // a line was refused, as it should
}
