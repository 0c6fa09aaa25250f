package doctor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// soon is how long before its end a certificate should have been renewed.
const soon = 14 * 24 * time.Hour

// JudgeCertificate reads a certificate and its key as this process's user, whose name is user, and holds them against the server's names.
func JudgeCertificate(certificate, key, user string, names []string, now time.Time) Finding {
	for _, path := range []string{certificate, key} {
		if f, ok := readable(path, user); !ok {
			return f
		}
	}
	pair, err := tls.LoadX509KeyPair(certificate, key)
	if err != nil {
		return found("", "certificate-broken", facts{"error", strings.TrimPrefix(err.Error(), "tls: ")})
	}
	return judgeLeaf(pair.Leaf, certificate, names, now)
}

func judgeLeaf(leaf *x509.Certificate, path string, names []string, now time.Time) Finding {
	known := facts{"path", path, "end", day(leaf.NotAfter), "names", namesOf(leaf), "host", "NAME", "name", strings.Split(namesOf(leaf), ", ")[0]}
	if len(names) > 0 {
		known[7] = names[0]
	}
	switch {
	case now.After(leaf.NotAfter):
		return found("", "certificate-expired", known)
	case now.Before(leaf.NotBefore):
		return found("", "certificate-broken", facts{"error", path + " is valid from " + day(leaf.NotBefore) + " on only; is the clock right?"})
	}
	for _, name := range names {
		if leaf.VerifyHostname(name) != nil {
			known[7] = name
			return found("", "certificate-wrong-host", known)
		}
	}
	if leaf.NotAfter.Sub(now) < soon && leaf.NotAfter.Sub(leaf.NotBefore) > 3*soon {
		return found("", "certificate-soon", known)
	}
	return good("certificate", path+" is for "+namesOf(leaf)+", until "+day(leaf.NotAfter))
}

// readable tries to open a file; what keeps it from that may be any of its folders.
func readable(path, user string) (Finding, bool) {
	f, err := os.Open(path)
	if err == nil {
		f.Close()
		return Finding{}, true
	}
	if errors.Is(err, fs.ErrNotExist) {
		return found("", "certificate-missing", facts{"path", path}), false
	}
	closed, right := path, "r"
	for dir := filepath.Dir(path); dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, ".")); err == nil {
			if _, err := os.Stat(filepath.Join(dir, "probe")); errors.Is(err, fs.ErrPermission) {
				closed, right = dir, "x"
			}
		}
	}
	command := "setfacl -m u:" + user + ":" + right + " " + closed
	if right == "r" {
		command += " (or: chgrp " + user + " " + closed + " && chmod 640 " + closed + ")"
	}
	return found("", "certificate-unreadable", facts{"user", user, "path", path, "error", brief(errors.Unwrap(err)), "command", command}), false
}
