package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// JudgePort tries to open a port as the server would, and gives it back at once. line is what to write into the configuration for another one.
func JudgePort(network, address, line, user string) Finding {
	_, port, err := net.SplitHostPort(address)
	if err == nil {
		err = tryListen(network, address)
	}
	known := facts{"network", strings.ToUpper(network), "address", address, "port", port, "line", line, "user", user, "error", brief(err)}
	switch {
	case err == nil:
		return good("ports", fmt.Sprintf("%s port %s is free", strings.ToUpper(network), port))
	case errors.Is(err, syscall.EADDRINUSE):
		owner, stop := describe(portOwner("/proc", network, port))
		return found("", "port-taken", append(known, "owner", owner, "stop", stop))
	case errors.Is(err, syscall.EACCES):
		return found("", "port-rights", known)
	}
	return found("", "port-address", known)
}

func tryListen(network, address string) error {
	if network == "udp" {
		conn, err := net.ListenPacket(network, address)
		if err == nil {
			conn.Close()
		}
		return err
	}
	l, err := (&net.ListenConfig{}).Listen(context.Background(), network, address)
	if err == nil {
		l.Close()
	}
	return err
}

// owner is a program that holds a port. pid 0: not known.
type owner struct {
	pid  int
	name string
	unit string // of systemd; "": none
}

func describe(o owner) (who, stop string) {
	switch {
	case o.pid == 0:
		return "another program", "`ss -lnp` as root says which"
	case o.unit != "":
		return fmt.Sprintf("%s (process %d)", o.name, o.pid), "systemctl disable --now " + o.unit
	}
	return fmt.Sprintf("%s (process %d)", o.name, o.pid), fmt.Sprintf("kill %d", o.pid)
}

// portOwner finds who listens on a port by what the kernel tells in proc (proc(5)).
func portOwner(proc, network, port string) owner {
	number, _ := strconv.ParseUint(port, 10, 16)
	inodes := map[string]bool{}
	for _, family := range []string{"", "6"} {
		text, _ := os.ReadFile(filepath.Join(proc, "self/net", network+family)) // one that is not there has no sockets
		for _, inode := range listeners(string(text), network, uint16(number)) {
			inodes["socket:["+inode+"]"] = true
		}
	}
	folders, _ := filepath.Glob(filepath.Join(proc, "[0-9]*", "fd"))
	for _, folder := range folders {
		if holds(folder, inodes) {
			return program(filepath.Dir(folder))
		}
	}
	return owner{}
}

// listeners returns the inodes of the sockets in a table of the kernel that are bound to a port: of TCP those that listen.
func listeners(table, network string, port uint16) []string {
	const listen = "0A"
	var inodes []string
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		if len(fields) < 10 || network == "tcp" && fields[3] != listen {
			continue
		}
		if _, hex, ok := strings.Cut(fields[1], ":"); ok {
			if n, err := strconv.ParseUint(hex, 16, 16); err == nil && uint16(n) == port {
				inodes = append(inodes, fields[9])
			}
		}
	}
	return inodes
}

func holds(folder string, inodes map[string]bool) bool {
	entries, _ := os.ReadDir(folder) // others' are not to be read without rights
	for _, e := range entries {
		if link, err := os.Readlink(filepath.Join(folder, e.Name())); err == nil && inodes[link] {
			return true
		}
	}
	return false
}

// program names a process by its folder in proc.
func program(folder string) owner {
	pid, _ := strconv.Atoi(filepath.Base(folder))
	name, _ := os.ReadFile(filepath.Join(folder, "comm"))
	groups, _ := os.ReadFile(filepath.Join(folder, "cgroup"))
	o := owner{pid: pid, name: strings.TrimSpace(string(name))}
	if i := strings.LastIndex(strings.TrimSpace(string(groups)), "/"); i >= 0 {
		if unit := strings.TrimSpace(string(groups))[i+1:]; strings.HasSuffix(unit, ".service") && !strings.HasPrefix(unit, "user@") {
			o.unit = unit
		}
	}
	return o
}
