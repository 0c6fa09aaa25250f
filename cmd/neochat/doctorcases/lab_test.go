package doctorcases

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// etc is where `ip netns exec` looks for a namespace's own files of /etc.
const etc = "/etc/netns"

// prefix begins the name of every namespace; the process that made it and its role follow.
const prefix = "neochat-doctor-"

// sweep removes what tests left that were killed.
func sweep() {
	made, _ := filepath.Glob(filepath.Join("/run/netns", prefix+"*"))
	for _, path := range made {
		name := filepath.Base(path)
		pid, _, _ := strings.Cut(strings.TrimPrefix(name, prefix), "-")
		if _, err := os.Stat(filepath.Join("/proc", pid)); err != nil {
			exec.Command("ip", "netns", "del", name).Run() // what is gone is gone
			os.RemoveAll(filepath.Join(etc, name))
		}
	}
}

// lab is the machines and cables of one test. All goes with the test.
type lab struct {
	t      testing.TB
	cables int
	starts chan func() // done by a thread that lives as long as the lab
}

// newLab makes an empty one.
func newLab(t testing.TB) *lab {
	l := &lab{t: t, starts: make(chan func())}
	var wait sync.WaitGroup
	wait.Go(func() {
		runtime.LockOSThread() // and never unlocked
		for do := range l.starts {
			do()
		}
	})
	t.Cleanup(func() { close(l.starts); wait.Wait() })
	return l
}

// start starts a program that the kernel ends with the thread that started it, so that a killed test leaves none behind; it is ended with the test.
func (l *lab) start(cmd *exec.Cmd) {
	l.t.Helper()
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	failed := make(chan error)
	l.starts <- func() { failed <- cmd.Start() }
	if err := <-failed; err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
}

// space is one machine: a network namespace of its own.
type space struct {
	lab  *lab
	name string
}

// space makes a machine.
func (l *lab) space(role string) *space {
	l.t.Helper()
	s := &space{l, fmt.Sprintf("%s%d-%s", prefix, os.Getpid(), role)}
	dir := filepath.Join(etc, s.name)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		exec.Command("ip", "netns", "del", s.name).Run() // what is gone is gone
		os.RemoveAll(dir)
		os.Remove(etc) // where it is empty
	})
	s.resolvedBy("")
	must(l.t, "ip", "netns", "add", s.name)
	must(l.t, "ip", "-n", s.name, "link", "set", "lo", "up")
	return s
}

// segment makes a switch.
func (l *lab) segment(role string) *space {
	l.t.Helper()
	s := l.space(role)
	s.run("ip", "link", "add", "switch", "type", "bridge")
	s.run("ip", "link", "set", "switch", "up")
	return s
}

// plug connects a machine to a switch. Addresses have their prefix length.
func (s *space) plug(device string, to *space, addresses ...string) {
	s.lab.t.Helper()
	s.lab.cables++
	port := fmt.Sprintf("port%d", s.lab.cables)
	must(s.lab.t, "ip", "link", "add", device, "netns", s.name, "type", "veth", "peer", "name", port, "netns", to.name)
	to.run("ip", "link", "set", port, "master", "switch", "up")
	for _, a := range addresses {
		words := []string{"address", "add", a, "dev", device}
		if strings.Contains(a, ":") {
			words = append(words, "nodad") // it would be of no use for a second
		}
		s.run("ip", words...)
	}
	s.run("ip", "link", "set", device, "up")
}

// machine is a space on a segment; router "": it needs none.
func (l *lab) machine(role string, on *space, router string, addresses ...string) *space {
	l.t.Helper()
	s := l.space(role)
	s.plug("eth0", on, addresses...)
	if router != "" {
		s.run("ip", "route", "add", "default", "via", router)
	}
	return s
}

// router connects a new segment to another, and hides it behind its address there.
func (l *lab) router(role string, outside *space, wan, lan string) (router, inside *space) {
	l.t.Helper()
	router, inside = l.space(role), l.segment(role+"-lan")
	router.plug("wan", outside, wan)
	router.plug("lan", inside, lan)
	router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward")
	router.nft(`table ip nat { chain out { type nat hook postrouting priority srcnat; oifname "wan" masquerade; }; }`)
	return router, inside
}

// command prepares a program to be run inside.
func (s *space) command(name string, args ...string) *exec.Cmd {
	return exec.Command("ip", append([]string{"netns", "exec", s.name, name}, args...)...)
}

func (s *space) run(name string, args ...string) {
	s.lab.t.Helper()
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		s.lab.t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

// nft adds rules of a packet filter.
func (s *space) nft(rules string) {
	s.lab.t.Helper()
	cmd := s.command("nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		s.lab.t.Fatalf("nft: %v\n%s\n%s", err, out, rules)
	}
}

// drop keeps packets from this machine's programs.
func (s *space) drop(match string) {
	s.lab.t.Helper()
	s.nft("table inet filter { chain input { type filter hook input priority filter; " + match + " drop; }; }")
}

// resolvedBy sets the name server; "": there is none.
func (s *space) resolvedBy(address string) {
	text := ""
	if address != "" {
		text = "nameserver " + address + "\n"
	}
	if err := os.WriteFile(filepath.Join(etc, s.name, "resolv.conf"), []byte(text), 0o644); err != nil {
		s.lab.t.Fatal(err)
	}
}

// within does something on a thread that lives inside: the sockets it opens belong there.
func (s *space) within(do func() error) error {
	var err error
	var wait sync.WaitGroup
	wait.Go(func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		var f *os.File
		if f, err = os.Open("/run/netns/" + s.name); err != nil {
			return
		}
		defer f.Close()
		if err = unix.Setns(int(f.Fd()), unix.CLONE_NEWNET); err == nil {
			err = do()
		}
	})
	wait.Wait()
	return err
}

// listen opens a TCP port inside, until the test ends.
func (s *space) listen(address string) net.Listener {
	s.lab.t.Helper()
	var l net.Listener
	if err := s.within(func() (err error) { l, err = net.Listen("tcp", address); return err }); err != nil {
		s.lab.t.Fatal(err)
	}
	s.lab.t.Cleanup(func() { l.Close() })
	return l
}

// dial connects from inside to an address without a name.
func (s *space) dial(address string) (conn net.Conn, err error) {
	err = s.within(func() (err error) { conn, err = net.Dial("tcp", address); return err })
	return conn, err
}

func must(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}
