package doctorcases

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Where the parts of a stage are: addresses for documentation (RFC 5737, RFC 3849), and a name for tests (RFC 6761).
const (
	host      = "chat.test"
	here      = "203.0.113.10"
	guest     = "203.0.113.20"
	names     = "203.0.113.53"
	elsewhere = "203.0.113.99"
	here6     = "2001:db8:1::10"
	guest6    = "2001:db8:1::20"
	password  = "a-good-secret"
)

// stage is an internet with a server, somebody who looks at it, and a name server.
type stage struct {
	*lab
	*authority
	internet, server, client *space
	data                     string
	flags                    []string // of the server, and of a doctor beside it
	env                      []string
}

// finding is what a doctor prints.
type finding struct{ Check, State, Fault, Note, Remedy string }

// newStage makes the internet. Where router is "", the server is on it itself.
func newStage(t testing.TB, known zone) *stage {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(filepath.Dir(dir), 0o755); err != nil { // other users look into it
		t.Fatal(err)
	}
	s := &stage{lab: newLab(t), authority: newAuthority(t, dir), data: filepath.Join(dir, "data")}
	s.internet = s.lab.segment("internet")
	s.client = s.machine("client", s.internet, "", guest+"/24", guest6+"/64")
	s.client.resolvedBy(names)
	if known != nil {
		s.machine("names", s.internet, "", names+"/24").serveNames(names, known)
	}
	return s
}

// public puts the server on the internet, with a certificate of its own.
func (s *stage) public(flags ...string) *stage {
	s.server = s.machine("server", s.internet, "", here+"/24", here6+"/64")
	s.server.resolvedBy(names)
	s.secure(host, time.Now().Add(time.Hour))
	s.flags = append(s.flags, flags...)
	return s
}

// behind puts the server behind a router, which forwards some protocols of port 443.
func (s *stage) behind(inside, gateway string, protocols ...string) *stage {
	router, lan := s.router("router", s.internet, here+"/24", gateway+"/24")
	for _, protocol := range protocols {
		router.nft(`table ip forward { chain in { type nat hook prerouting priority dstnat; iifname "wan" ` + protocol + ` dport 443 dnat to ` + inside + `; }; }`)
	}
	router.nft(`table ip self { chain in { type filter hook input priority filter; iifname "wan" ct state new drop; }; }`)
	s.server = s.machine("server", lan, gateway, inside+"/24")
	s.server.resolvedBy(names)
	s.secure(host, time.Now().Add(time.Hour))
	return s
}

// secure has the server use a certificate for a name.
func (s *stage) secure(name string, until time.Time) {
	certificate, key := s.issue(name, until)
	s.flags = []string{"--listen", ":443", "--domain", host, "--tls", certificate + "," + key}
}

// proxied puts the server behind a reverse proxy on its own machine.
func (s *stage) proxied(b bend) *stage {
	s.server = s.machine("server", s.internet, "", here+"/24")
	s.server.resolvedBy(names)
	certificate, key := s.issue(host, time.Now().Add(time.Hour))
	s.flags = []string{"--listen", "127.0.0.1:8080", "--media-port", "443", "--relay-listen", ":3478", "--domain", host, "--trusted-proxy", "127.0.0.1"}
	s.server.serveProxy(here+":443", "127.0.0.1:8080", certificate, key, b)
	return s
}

func (s *stage) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "NEOCHAT_PASSWORD=" + password, "SSL_CERT_FILE=" + s.file}
	return append(env, s.env...)
}

// start makes an account and starts the server, until the test ends.
func (s *stage) start() *stage {
	t := s.lab.t
	t.Helper()
	add := s.server.command(neochat, "user", "add", "ann", "--data", s.data)
	add.Env = s.environment()
	if out, err := add.CombinedOutput(); err != nil {
		t.Fatalf("making an account: %v\n%s", err, out)
	}
	cmd := s.server.command(neochat, append([]string{"serve", "--data", s.data}, s.flags...)...)
	cmd.Env = s.environment()
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.lab.start(cmd)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.Contains(lines.Text(), "listens on") {
			return s
		}
	}
	cmd.Wait()
	t.Fatalf("the server does not start:\n%s", log.String())
	return nil
}

// beside has a doctor look on the server's machine.
func (s *stage) beside(more ...string) []finding {
	return s.look(s.server, append(append([]string{"--data", s.data}, s.flags...), more...)...)
}

// from has a doctor look from a machine elsewhere.
func (s *stage) from(where *space, more ...string) []finding {
	return s.look(where, append([]string{"--from", "https://" + host, "--account", "ann", "--timeout", "3s", "--patience", "2s"}, more...)...)
}

// look runs a doctor. where nil: on this machine.
func (s *stage) look(where *space, args ...string) []finding {
	t := s.lab.t
	t.Helper()
	args = append([]string{"doctor", "--json"}, args...)
	cmd := exec.Command(neochat, args...)
	if where != nil {
		cmd = where.command(neochat, args...)
	}
	cmd.Env = s.environment()
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	var answer struct{ Findings []finding }
	if bad := json.Unmarshal(out, &answer); bad != nil {
		t.Fatalf("doctor %v: %v, %v\n%s%s", args, err, bad, out, complaint.String())
	}
	failed := false
	for _, f := range answer.Findings {
		failed = failed || f.State == "fail"
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) != failed || failed && exit.ExitCode() != 1 {
		t.Errorf("doctor %v ended with %v where its findings are %v", args, err, answer.Findings)
	}
	return answer.Findings
}
