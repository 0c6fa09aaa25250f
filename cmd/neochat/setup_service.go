package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"os/user"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// serviceTimeout is what a service gets to open its port.
const serviceTimeout = 20 * time.Second

// owner is whom the data belongs to, and who therefore makes the files in it.
type owner struct {
	uid, gid int
	other    bool // it is not us
}

// ownerOf finds it: of the folder, if there is one; else the package's user, if there is that.
func ownerOf(data string, root bool) (owner, error) {
	us := owner{uid: os.Geteuid(), gid: os.Getegid()}
	if !root {
		return us, nil
	}
	info, err := os.Stat(data)
	if err == nil {
		sys := info.Sys().(*syscall.Stat_t)
		return owner{int(sys.Uid), int(sys.Gid), sys.Uid != 0}, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return us, fmt.Errorf("the data folder: %w", err)
	}
	u, err := user.Lookup(packageUser)
	if err != nil {
		return us, nil // no package
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	return owner{uid, gid, true}, errors.Join(err1, err2)
}

// makeFolder makes the data folder for its owner.
func (o owner) makeFolder(data string) error {
	if _, err := os.Stat(data); err == nil {
		return nil
	}
	abs, err := openData(data)
	if err == nil && o.other {
		err = os.Lchown(abs, o.uid, o.gid)
	}
	return err
}

// act does something as the owner: files come to belong to them, and root is not led astray by what they put there.
func (o owner) act(f func() error) (err error) {
	if !o.other {
		return f()
	}
	groups, err := unix.Getgroups()
	if err != nil {
		return fmt.Errorf("becoming the data's owner: %w", err)
	}
	defer func() {
		back := errors.Join(syscall.Setresuid(-1, 0, -1), syscall.Setresgid(-1, 0, -1), syscall.Setgroups(groups))
		if back != nil {
			err = errors.Join(err, fmt.Errorf("becoming root again: %w", back))
		}
	}()
	if err := errors.Join(syscall.Setgroups([]int{o.gid}), syscall.Setresgid(-1, o.gid, -1), syscall.Setresuid(-1, o.uid, -1)); err != nil {
		return fmt.Errorf("becoming the data's owner: %w", err)
	}
	return f()
}

// fingerprint makes the server's own certificate, if it is to have one, and tells how to recognise it.
func (s *setup) fingerprint(p *plan) error {
	if p.config["tls"] != "self-signed" {
		return nil
	}
	return s.owner.act(func() error {
		public, _ := p.config["public_ip"].(string)
		flags := networkFlags{TLS: "self-signed", Domain: p.domain, PublicIP: public}
		c, err := flags.certificates(s.Data, slog.New(slog.DiscardHandler))
		if err != nil {
			return err
		}
		defer c.Close()
		fmt.Fprintln(s.std.out, "certificate", c.note())
		return nil
	})
}

// service starts the package's service, or says what to type. It reports whether a server answers.
func (s *setup) service(ctx context.Context, p *plan, changed bool) (running bool, err error) {
	if !s.Start || !s.root || s.Write != packageConfig || !hasUnit(ctx) {
		fmt.Fprintf(s.std.out, "\nstart it with: neochat serve --config %s\n", s.Write)
		if runtime.GOOS == "linux" && s.Write == packageConfig {
			fmt.Fprintln(s.std.out, "or, where systemd runs: systemctl enable --now neochat")
		}
		return false, nil
	}
	verbs := [][]string{{"enable", "--quiet", "neochat.service"}, {"start", "neochat.service"}}
	if changed {
		verbs[1][0] = "restart"
	}
	for _, args := range verbs {
		if said, err := exec.CommandContext(ctx, "systemctl", args...).CombinedOutput(); err != nil {
			return false, fmt.Errorf("systemctl %s: %w\n%sThe service says why: journalctl -u neochat", strings.Join(args, " "), err, said)
		}
	}
	if err := answersAt(ctx, p.listen); err != nil {
		return false, fmt.Errorf("the service was started and does not answer on %s: %w\nIt says why: journalctl -u neochat", p.listen, err)
	}
	fmt.Fprintln(s.std.out, "the service runs, and starts with the system")
	return true, nil
}

// hasUnit reports whether systemd runs here and knows the service.
func hasUnit(ctx context.Context) bool {
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		return false
	}
	return exec.CommandContext(ctx, "systemctl", "cat", "neochat.service").Run() == nil
}

// answersAt waits until something answers on the port.
func answersAt(ctx context.Context, listen string) error {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return err
	}
	if a, err := netip.ParseAddr(host); host == "" || err == nil && a.IsUnspecified() {
		host = "localhost"
	}
	ctx, cancel := context.WithTimeout(ctx, serviceTimeout)
	defer cancel()
	var d net.Dialer
	for {
		conn, err := d.DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		if err == nil {
			return conn.Close()
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return err
		}
	}
}

// url is where people go.
func (s *setup) url(p *plan) string {
	host, port, err := net.SplitHostPort(p.listen)
	if err != nil {
		return p.listen
	}
	if a, bad := netip.ParseAddr(host); host == "" || bad == nil && a.IsUnspecified() {
		host = "localhost"
		if own := ownAddresses(); len(own) > 0 {
			host = own[0].String()
		}
	}
	if p.domain != "" {
		host = p.domain
	}
	scheme, usual := "https", "443"
	if p.config["tls"] == "off" {
		scheme, usual = "http", "80"
	}
	if port == usual {
		return scheme + "://" + strings.TrimSuffix(net.JoinHostPort(host, ""), ":")
	}
	return scheme + "://" + net.JoinHostPort(host, port)
}
