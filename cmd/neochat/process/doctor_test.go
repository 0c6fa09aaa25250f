package process

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// finding is what the doctor prints.
type finding struct{ Check, State, Fault, Note, Remedy string }

// doctor runs one, which must end with the code, and returns what it found by check.
func doctor(t *testing.T, code int, args ...string) map[string]finding {
	t.Helper()
	r := runWith(t, "", []string{"NEOCHAT_PASSWORD=" + password}, append([]string{"doctor", "--json"}, args...)...)
	if r.code != code {
		t.Fatalf("doctor %v: exit code %d, want %d\n%s", args, r.code, code, r.both())
	}
	var answer struct{ Findings []finding }
	if err := json.Unmarshal([]byte(r.out), &answer); err != nil {
		t.Fatalf("doctor %v: %v\n%s", args, err, r.both())
	}
	found := map[string]finding{}
	for _, f := range answer.Findings {
		if found[f.Check].State != "fail" {
			found[f.Check] = f
		}
	}
	return found
}

// visited is what a doctor finds from elsewhere, where "elsewhere" is here.
func visited(t *testing.T, s *server, code int, more ...string) map[string]finding {
	t.Helper()
	return doctor(t, code, append([]string{"--from", "http://" + s.addr, "--patience", "300ms"}, more...)...)
}

// TestDoctorVisits looks at a healthy server, and leaves nothing there.
func TestDoctorVisits(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	register(t, s, "ann")
	found := visited(t, s, 0, "--account", "ann")
	for _, check := range []string{"tcp", "http", "clock", "websocket", "login", "udp", "mtu", "candidates", "relay-udp", "relay-tcp"} {
		if found[check].State != "ok" {
			t.Errorf("%s: %+v", check, found[check])
		}
	}
	c := login(t, s, "ann")
	devices := c.want(t, "200", "message_type: device", "type: GET")
	if n := devices.get("count"); n != "1" {
		t.Errorf("%s devices are known, want only the one that asks", n)
	}
}

// TestDoctorWithoutAccount tries what everybody may.
func TestDoctorWithoutAccount(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	found := visited(t, s, 0)
	for check, state := range map[string]string{"websocket": "ok", "login": "skip", "udp": "ok", "relay-tcp": "skip"} {
		if found[check].State != state {
			t.Errorf("%s: %+v, want %s", check, found[check], state)
		}
	}
}

// TestDoctorWithoutRelay has the UDP port answer all the same.
func TestDoctorWithoutRelay(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir(), "--relay", "off")
	register(t, s, "ann")
	found := visited(t, s, 0, "--account", "ann")
	for check, state := range map[string]string{"udp": "ok", "mtu": "ok", "relay-udp": "skip", "relay-tcp": "skip"} {
		if found[check].State != state {
			t.Errorf("%s: %+v, want %s", check, found[check], state)
		}
	}
}

func TestDoctorRefusals(t *testing.T) {
	t.Parallel()
	s := start(t, t.TempDir())
	found := visited(t, s, 1, "--account", "nobody")
	if found["login"].Fault != "login-refused" {
		t.Errorf("an unknown account: %+v", found["login"])
	}
	write(t, filepath.Join(s.data, "aside"), "")
	if err := os.Rename(filepath.Join(s.data, "files"), filepath.Join(s.data, "gone")); err != nil {
		t.Fatal(err)
	}
	found = visited(t, s, 1)
	if found["http"].Fault != "http-unready" || !strings.Contains(found["http"].Note, "files") {
		t.Errorf("a server that cannot keep files: %+v", found["http"])
	}
	s.stop(t)
	if found = visited(t, s, 1); found["tcp"].Fault != "tcp-refused" {
		t.Errorf("no server: %+v", found)
	}
	if r := run(t, "doctor", "--from", "chat.example.org"); r.code != 2 || !strings.Contains(r.err, "https://") {
		t.Errorf("no URL: exit code %d: %s", r.code, r.both())
	}
	if r := run(t, "doctor", "--list"); r.code != 0 || !strings.Contains(r.out, "relay-tls") {
		t.Errorf("--list: exit code %d: %s", r.code, r.both())
	}
}

// TestDoctorBeside looks at the machine, before the first start and beside a server.
func TestDoctorBeside(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	found := doctor(t, 0, "--data", data, "--listen", "127.0.0.1:0")
	if _, err := os.Stat(data); err == nil || found["data"].State != "ok" {
		t.Errorf("before the first start: %+v; the folder: %v", found, err)
	}
	s := start(t, data)
	found = doctor(t, 0, "--data", data, "--listen", s.addr)
	for _, check := range []string{"config", "ports", "data", "disk", "database", "files", "address"} {
		if s := found[check].State; s != "ok" && s != "warn" {
			t.Errorf("%s: %+v", check, found[check])
		}
	}
	config := filepath.Join(t.TempDir(), "neochat.toml")
	write(t, config, fmt.Sprintf("data = %q\nlisten = %q\n", data, s.addr))
	if found = doctor(t, 0, "--config", config); !strings.Contains(found["ports"].Note, s.addr) || !strings.Contains(found["data"].Note, data) {
		t.Errorf("with a file: %+v", found)
	}
	s.stop(t)
	l, err := net.Listen("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	found = doctor(t, 1, "--data", data, "--listen", s.addr, "--media-port", "0")
	if found["ports"].Fault != "port-taken" {
		t.Errorf("the port is ours: %+v", found["ports"])
	}
	found = doctor(t, 1, "--data", data, "--listen", "127.0.0.1:0", "--relay-rate", "0")
	if found["config"].Fault != "config-wrong" || !strings.Contains(found["config"].Note, "--relay-rate") {
		t.Errorf("a configuration that no server takes: %+v", found)
	}
}
