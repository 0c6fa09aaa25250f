package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// operatorFlags say where the operator's own programs look at the server.
type operatorFlags struct {
	OperatorListen string `help:"Address for /metrics (Prometheus), /healthz and /debug/pprof/: 127.0.0.1:9464, or unix:/PATH of a socket that this user alone may use. A private address of this machine (10.1.2.3:9464) is taken too, without /debug/pprof/: whoever reaches it may read there, without a password. Any other is refused. Nothing means none is opened." default:"" env:"NEOCHAT_OPERATOR_LISTEN"`
}

// operator is what is served there.
type operator struct {
	listener net.Listener
	profiles bool // the machine's own programs alone reach it
	local    bool // a loopback address: browsers of this machine reach it too
	server   *http.Server
}

// openOperator takes the address; nil: none is wanted.
func (c *operatorFlags) openOperator() (*operator, error) {
	if c.OperatorListen == "" {
		return nil, nil
	}
	if path, ok := strings.CutPrefix(c.OperatorListen, "unix:"); ok {
		l, err := listenOwner(path)
		if err != nil {
			return nil, err
		}
		return &operator{listener: l, profiles: true}, nil
	}
	local, err := operatorAddress(c.OperatorListen)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", c.OperatorListen)
	if err != nil {
		return nil, explainListen(err, c.OperatorListen, "--operator-listen")
	}
	return &operator{listener: l, profiles: local, local: local}, nil
}

// carrierNetworks are shared behind address translation (RFC 6598); overlay networks use them too.
var carrierNetworks = netip.MustParsePrefix("100.64.0.0/10")

// operatorAddress reports whether an address is for programs of this machine alone; one that the internet may reach is an error.
func operatorAddress(address string) (local bool, err error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false, fmt.Errorf("--operator-listen: %q is neither HOST:PORT nor unix:/PATH", address)
	}
	if host == "localhost" {
		return true, nil
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return false, fmt.Errorf("--operator-listen: %q names no address; give one of this machine, as 127.0.0.1:9464: everybody who reaches it may read there", address)
	}
	a = a.Unmap()
	switch {
	case a.IsLoopback():
		return true, nil
	case a.IsPrivate(), a.IsLinkLocalUnicast(), carrierNetworks.Contains(a):
		return false, nil
	}
	return false, fmt.Errorf("--operator-listen: %s is not a private address, and there is no password there; use 127.0.0.1:PORT, unix:/PATH or an address of a private network", a)
}

// listenOwner opens a socket for this user alone, in place of one that a server left behind when it was killed.
func listenOwner(path string) (net.Listener, error) {
	if !filepath.IsAbs(path) {
		return nil, fmt.Errorf("--operator-listen: unix:%s must be an absolute path", path)
	}
	if conn, err := net.Dial("unix", path); err == nil {
		conn.Close()
		return nil, explainListen(syscall.EADDRINUSE, path, "--operator-listen")
	} else if errors.Is(err, syscall.ECONNREFUSED) {
		if info, err := os.Lstat(path); err == nil && info.Mode().Type() == fs.ModeSocket {
			os.Remove(path) // where this fails, so does listening
		}
	}
	before := syscall.Umask(0o177) // so that it is nobody else's for no moment
	l, err := net.Listen("unix", path)
	syscall.Umask(before)
	if err != nil {
		return nil, explainListen(err, path, "--operator-listen")
	}
	return l, nil
}

// serve begins to answer; it ends with close.
func (o *operator) serve(metrics http.Handler, log *slog.Logger) {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "ok\n") })
	if o.profiles { // not cmdline: it may hold the database's password
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	handler := http.Handler(mux)
	if o.local {
		handler = byAddress(mux)
	}
	o.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
	go o.server.Serve(o.listener)
}

// byAddress refuses those who come under a name: a page of a stranger can give its own name this machine's address,
// and make a browser here read for it.
func byAddress(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostOf(r.Host)
		if _, err := netip.ParseAddr(host); err != nil && host != "localhost" {
			http.Error(w, "come by address, or as localhost", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// note is where it is, for people.
func (o *operator) note() string {
	if o.listener.Addr().Network() == "unix" {
		return "unix:" + o.listener.Addr().String()
	}
	return "http://" + o.listener.Addr().String() + "/metrics"
}

func (o *operator) close() {
	if o.server != nil {
		o.server.Close()
	}
	o.listener.Close()
}
