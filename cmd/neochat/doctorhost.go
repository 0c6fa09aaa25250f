package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/minio/minio-go/v7"

	"neochat/doctor"
	"neochat/files"
	"neochat/store"
)

// lookTimeout is for one look at a database or an object store.
const lookTimeout = 15 * time.Second

// service is the user that the server runs as.
type service struct {
	name   string
	uid    int // -1: the one that we are
	gid    int
	groups []int
}

// serviceUser finds the user: the named one, or the owner of the data folder.
func serviceUser(name, data string) (service, error) {
	current, err := user.Current()
	if err != nil {
		return service{}, fmt.Errorf("who runs this: %w", err)
	}
	if os.Geteuid() != 0 {
		if name != "" && name != current.Username {
			return service{}, errors.New("--as: only root can look as another user")
		}
		return service{name: current.Username, uid: -1}, nil
	}
	var u *user.User
	if name != "" {
		if u, err = user.Lookup(name); err != nil {
			return service{}, fmt.Errorf("--as: %w", err)
		}
	} else if info, err := os.Stat(data); err != nil {
		return service{name: current.Username, uid: -1}, nil // nothing was ever served
	} else if u, err = user.LookupId(strconv.Itoa(int(info.Sys().(*syscall.Stat_t).Uid))); err != nil {
		return service{}, fmt.Errorf("the owner of %s: %w; name the service's user with --as", data, err)
	}
	return identify(u)
}

func identify(u *user.User) (service, error) {
	s := service{name: u.Username}
	var err1, err2 error
	s.uid, err1 = strconv.Atoi(u.Uid)
	s.gid, err2 = strconv.Atoi(u.Gid)
	ids, err3 := u.GroupIds()
	for _, id := range ids {
		if n, err := strconv.Atoi(id); err == nil {
			s.groups = append(s.groups, n)
		}
	}
	if err := errors.Join(err1, err2, err3); err != nil {
		return s, fmt.Errorf("the user %s: %w", u.Username, err)
	}
	return s, nil
}

// become makes this whole process that user's, for good: what it can do from then on, the service can.
func (s service) become() error {
	if s.uid < 0 || s.uid == os.Geteuid() {
		return nil
	}
	if err := errors.Join(syscall.Setgroups(s.groups), syscall.Setgid(s.gid), syscall.Setuid(s.uid)); err != nil {
		return fmt.Errorf("becoming the user %s: %w", s.name, err)
	}
	return nil
}

// lookPorts looks whether the ports are free, or whether the server that has them answers.
func (c *doctorCommand) lookPorts(ctx context.Context, user string) []doctor.Finding {
	media := c.MediaPort
	if media == -1 {
		_, p, _ := net.SplitHostPort(c.Listen)
		media, _ = strconv.Atoi(p)
	}
	if serves(c.Data) {
		return c.lookServer(ctx)
	}
	all := []doctor.Finding{doctor.JudgePort("tcp", c.Listen, `listen = ":8443"`, user),
		doctor.JudgePort("udp", ":"+strconv.Itoa(media), "media_port = 8443", user)}
	if c.RelayListen != "" {
		all = append(all, doctor.JudgePort("tcp", c.RelayListen, `relay_listen = ":3478"`, user))
	}
	if c.PlainListen != "" {
		all = append(all, doctor.JudgePort("tcp", c.PlainListen, `plain_listen = ""`, user))
	}
	return all
}

// serves tells whether a server has the data folder.
func serves(data string) bool {
	f, err := os.OpenFile(filepath.Join(data, "lock"), os.O_RDWR, 0)
	if err != nil {
		return false
	}
	defer f.Close() // and with it the lock, where we got it
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// firstCertificate is how long a new server is given to get its first certificate from an authority.
const firstCertificate = 20 * time.Second

// healthy asks whether a server answers at a URL; the answer's body is closed.
func healthy(ctx context.Context, client *http.Client, url string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return resp, errors.New(resp.Status)
	}
	return resp, nil
}

// lookServer asks the running server.
func (c *doctorCommand) lookServer(ctx context.Context) []doctor.Finding {
	host, port, err := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	scheme, address := "http://", net.JoinHostPort(host, port)
	if c.TLS != "off" {
		scheme = "https://"
	}
	name := first(words(c.Domain))
	client := &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: name}}} // the certificate is looked at elsewhere
	var resp *http.Response
	if err == nil {
		resp, err = healthy(ctx, client, scheme+address+"/healthz")
	}
	for until := time.Now().Add(firstCertificate); err != nil && c.TLS == "auto" && time.Now().Before(until) && ctx.Err() == nil; {
		time.Sleep(firstCertificate / 40) // a server that has just started fetches its first one
		resp, err = healthy(ctx, client, scheme+address+"/healthz")
	}
	if err != nil {
		return []doctor.Finding{doctor.Found("server-silent", "address", address, "error", err.Error())}
	}
	all := []doctor.Finding{doctor.Good("ports", "NeoChat runs and answers on "+address)}
	if c.TLS == "auto" && resp.TLS != nil {
		all = append(all, doctor.JudgeServed(resp.TLS.PeerCertificates, name, time.Now()))
	}
	return all
}

// lookDatabase looks at the schema first, so that nothing is migrated.
func (c *doctorCommand) lookDatabase(ctx context.Context, user string) doctor.Finding {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	name := databaseName(c.Database, c.Data)
	place := placeOf(name)
	schema, err := store.LookAtSchema(ctx, name)
	have, known := schema.Version, schema.Wanted
	switch {
	case err != nil && store.IsFile(name):
		return doctor.Found("database-unwritable", "place", place, "path", name, "user", user, "error", plain(err))
	case err != nil:
		return doctor.Found("database-unreachable", "place", place, "error", err.Error())
	case have > known:
		return doctor.Found("database-newer", "place", place, "have", strconv.FormatInt(have, 10), "known", strconv.FormatInt(known, 10))
	case have == 0:
		return doctor.Good("database", place+" is empty; the first start makes its tables")
	case have < known:
		return doctor.Good("database", fmt.Sprintf("%s has schema %d; the next start brings it to %d", place, have, known))
	}
	quiet := slog.New(slog.DiscardHandler)
	s, err := openStore(ctx, store.Config{Database: c.Database, Logger: quiet}, c.Data, quiet)
	if err == nil {
		err = errors.Join(s.Ping(ctx), s.Close())
	}
	if err != nil {
		return doctor.Found("database-unwritable", "place", place, "path", name, "user", user, "error", err.Error())
	}
	return doctor.Good("database", place+" answers and can be written")
}

// placeOf is a database's name without its password.
func placeOf(name string) string {
	scheme, rest, isURL := strings.Cut(name, "://")
	if at := strings.LastIndex(rest, "@"); isURL && at >= 0 {
		return scheme + "://" + rest[at+1:]
	}
	return name
}

// lookFiles stores a test object.
func (c *doctorCommand) lookFiles(ctx context.Context) doctor.Finding {
	if !strings.Contains(c.Files, "://") {
		return c.lookFolder()
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	cfg, err := files.ParseS3(c.Files)
	if err != nil {
		return doctor.Found("config-wrong", "error", "--files: "+err.Error())
	}
	keys, err := files.S3Keys(os.Getenv)
	if err != nil {
		return doctor.Found("files-refused", "error", err.Error(), "bucket", cfg.Bucket)
	}
	spool, err := os.MkdirTemp("", "neochat-doctor-")
	if err != nil {
		return doctor.Found("files-unreachable", "error", err.Error(), "place", os.TempDir())
	}
	defer os.RemoveAll(spool)
	s, err := files.OpenS3(ctx, cfg, keys, spool)
	var answer minio.ErrorResponse
	switch {
	case err == nil:
		s.Close()
		return doctor.Good("files", "the bucket "+cfg.Bucket+" takes a test object")
	case errors.As(err, &answer) && (answer.StatusCode == http.StatusForbidden || answer.StatusCode == http.StatusUnauthorized):
		return doctor.Found("files-refused", "error", answer.Code+": "+answer.Message, "bucket", cfg.Bucket)
	}
	return doctor.Found("files-unreachable", "error", err.Error(), "place", cfg.Endpoint+"/"+cfg.Bucket)
}

func (c *doctorCommand) lookFolder() doctor.Finding {
	where := c.Files
	if where == "" {
		where = filepath.Join(c.Data, "files")
	}
	err := doctor.TryFolder(where)
	switch {
	case errors.Is(err, os.ErrNotExist) && c.Files == "":
		return doctor.Good("files", "the first start makes the folder "+where)
	case err != nil:
		return doctor.Found("files-unreachable", "error", plain(err), "place", where)
	}
	return doctor.Good("files", where+" can be written")
}

// lookCertificate looks at files that somebody else keeps; false: there are none.
func (c *doctorCommand) lookCertificate(user string) (doctor.Finding, bool) {
	certificate, key, two := strings.Cut(c.TLS, ",")
	switch {
	case two:
		return doctor.JudgeCertificate(certificate, key, user, words(c.Domain), time.Now()), true
	case c.TLS == "auto" && c.Domain == "":
		return doctor.Found("config-wrong", "error", "--tls auto needs --domain: the name that the certificate is for"), true
	case c.TLS == "off", c.TLS == "auto", c.TLS == "self-signed":
		return doctor.Finding{}, false
	}
	return doctor.Found("config-wrong", "error", fmt.Sprintf("--tls: %q is none of off, auto, self-signed and CERTIFICATE,KEY", c.TLS)), true
}

// lookAddresses holds what the machine has, what is configured, what a STUN server sees and what the names say against each other.
func (c *doctorCommand) lookAddresses(ctx context.Context) []doctor.Finding {
	configured, err := newPublicAddresses(c.PublicIP, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return []doctor.Finding{doctor.Found("config-wrong", "error", err.Error())}
	}
	known := doctor.Addresses{Own: interfaceAddresses(), Configured: configured.list()}
	known.Resolve(ctx, doctor.Network{}, words(c.Domain))
	var all []doctor.Finding
	if c.StunServer != "" {
		seen, err := seenBy(ctx, "udp4", c.StunServer)
		if err != nil {
			all = append(all, doctor.Found("address-unknown", "server", c.StunServer, "error", err.Error()))
		} else {
			known.Asked = append(known.Asked, seen)
		}
	}
	if len(all) == 0 {
		all = append(all, known.JudgeAddress())
	}
	return append(all, known.JudgeNames()...)
}
