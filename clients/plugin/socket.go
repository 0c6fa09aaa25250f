package plugin

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"neochat/wire"
)

// maxSocket is how long the path of a Unix socket may be on every system.
const maxSocket = 100

// Paths returns where the plugins of an account on a server (its host and port) are told to
// look, and where what they may do is kept: a socket in the user's runtime folder, or else in
// the folder of configurations, where the file is.
func Paths(server, account string) (socket, grants string, err error) {
	config, err := os.UserConfigDir()
	if err != nil {
		return "", "", fmt.Errorf("a folder for plugins: %w", err)
	}
	config = filepath.Join(config, "neochat")
	run := config
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		run = filepath.Join(dir, "neochat")
	}
	name := wire.Enc(server) + "_" + wire.Enc(account)
	socket = filepath.Join(run, name+".sock")
	if len(socket) > maxSocket {
		socket = filepath.Join(run, hashToken(name)[:16]+".sock")
	}
	return socket, filepath.Join(config, "plugins_"+name+".toml"), nil
}

// listen opens the socket, and the loopback port where one was asked for.
func (h *Host) listen() (err error) {
	if err := h.listenUnix(); err != nil {
		return fmt.Errorf("a socket for plugins: %w", err)
	}
	if h.opt.Address == "" {
		return nil
	}
	l, err := listenLoopback(h.opt.Address)
	if err != nil {
		_ = h.listeners[0].Close() // the error that matters is the other
		h.unlock()
		return fmt.Errorf("a port for plugins: %w", err)
	}
	h.listeners = append(h.listeners, l)
	return nil
}

// listenUnix takes the path of the socket: a lock beside it tells a socket in use from one
// that was left behind.
func (h *Host) listenUnix() error {
	path := h.opt.Socket
	if len(path) > maxSocket {
		return fmt.Errorf("the path %s is longer than %d bytes", path, maxSocket)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return fmt.Errorf("another chat hosts the plugins of this account at %s", path)
	}
	h.unlock = func() { _ = lock.Close() }
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		h.unlock()
		return err
	}
	l, err := net.Listen("unix", path)
	if err == nil {
		if err = os.Chmod(path, 0o600); err != nil {
			_ = l.Close()
		}
	}
	if err != nil {
		h.unlock()
		return err
	}
	h.listeners = append(h.listeners, l)
	return nil
}

func listenLoopback(address string) (net.Listener, error) {
	a, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return nil, err
	}
	if !a.IP.IsLoopback() {
		return nil, fmt.Errorf("%s is not an address of the loopback, like 127.0.0.1:7070", address)
	}
	return net.ListenTCP("tcp", a)
}
