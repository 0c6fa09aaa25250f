package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/net/idna"

	"neochat/wire"
)

// resolveTimeout is how long setup waits for a name server.
const resolveTimeout = 5 * time.Second

// decide collects the answers, from flags or a person, and refuses what cannot work.
func (s *setup) decide(ctx context.Context) (*plan, error) {
	p := &plan{}
	oldDomain, _ := s.old["domain"].(string)
	oldMail, _ := s.old["acme_mail"].(string)
	var err error
	if p.domain, err = s.answer(s.Domain, "Domain under which people reach this server (- for none)", oldDomain, checkDomain); err != nil {
		return nil, err
	}
	if p.domain != "" {
		if p.mail, err = s.answer(s.Mail, "Mail address for the certificate authority (- for none)", oldMail, checkMail); err != nil {
			return nil, err
		}
	}
	if err := s.decideAccount(p); err != nil {
		return nil, err
	}
	if err := s.decideListen(p); err != nil {
		return nil, err
	}
	p.config = s.wanted(p)
	if _, said := s.old["public_ip"]; p.domain != "" && !said {
		if a := s.publicAddress(ctx, p.domain); a.IsValid() {
			p.config["public_ip"] = a.String()
		}
	}
	return p, nil
}

// answer takes a flag's word, else asks; a person is asked again.
func (s *setup) answer(flag *string, question, proposal string, check func(string) (string, error)) (string, error) {
	if flag != nil || s.Yes {
		if flag != nil {
			proposal = *flag
		}
		return check(proposal)
	}
	if proposal != "" {
		question += " [" + proposal + "]"
	}
	for {
		text, err := s.ask(question+":", proposal)
		if err != nil {
			return "", err
		}
		if text == "-" {
			text = ""
		}
		good, err := check(text)
		if err == nil {
			return good, nil
		}
		fmt.Fprintln(s.std.err, err)
	}
}

// checkDomain returns a name as certificates have it.
func checkDomain(text string) (string, error) {
	text = strings.ToLower(strings.TrimSuffix(strings.TrimSpace(text), "."))
	if text == "" {
		return "", nil
	}
	if strings.Contains(text, "://") || strings.ContainsAny(text, "/:, ") && net.ParseIP(text) == nil {
		return "", fmt.Errorf("domain: %q is more than a name; write only the name, as chat.example.org", text)
	}
	if net.ParseIP(text) != nil {
		return "", fmt.Errorf("domain: %s is an address, for which no authority gives a certificate; use a name that leads to it, or none", text)
	}
	name, err := idna.New(idna.MapForLookup(), idna.StrictDomainName(true), idna.VerifyDNSLength(true)).ToASCII(text)
	if err != nil {
		return "", fmt.Errorf("domain: %q is no name like chat.example.org", text)
	}
	last := name[strings.LastIndex(name, ".")+1:]
	if private := []string{"localhost", "local", "lan", "internal", "home", "corp", "test", "invalid", "example", "onion", "arpa"}; last == name || slices.Contains(private, last) {
		return "", fmt.Errorf("domain: %s is no name of the internet, for which no authority gives a certificate; take none (--domain \"\") for a network of your own", name)
	}
	return name, nil
}

func checkMail(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", nil
	}
	a, err := mail.ParseAddress(text)
	if err != nil || a.Name != "" || a.Address != text || !strings.Contains(text[strings.LastIndex(text, "@"):], ".") {
		return "", fmt.Errorf("mail: %q is no address like you@example.org; or take none (--mail \"\")", text)
	}
	return text, nil
}

func checkAccount(text string) (string, error) {
	if !wire.ValidAccount(text) {
		return "", fmt.Errorf("account: %q is not 1 to 100 of A-Z a-z 0-9 + . _ @ -; choose one with --account", text)
	}
	return text, nil
}

// decideAccount is about the first account; where there is one already nothing is asked.
func (s *setup) decideAccount(p *plan) (err error) {
	if !s.first {
		return nil
	}
	if p.account, err = s.answer(s.Account, "First account, which is yours", "", checkAccount); err != nil {
		return err
	}
	p.password, err = s.firstPassword()
	return err
}

func (s *setup) firstPassword() (string, error) {
	if s.PasswordFile != "" {
		return passwordFrom(s.PasswordFile)
	}
	if s.Yes && os.Getenv("NEOCHAT_PASSWORD") == "" {
		return "", errors.New("the account needs a password: name a file with --password-file or set NEOCHAT_PASSWORD")
	}
	for {
		p, err := newPassword(s.std)
		if err != nil || !onTerminal(s.std.in) || os.Getenv("NEOCHAT_PASSWORD") != "" {
			return p, err
		}
		again, err := askPassword(s.std, "The same again: ")
		if err != nil || p == again {
			return p, err
		}
		fmt.Fprintln(s.std.err, "These were two different ones.")
	}
}

func passwordFrom(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("--password-file: %w", err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan()
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("--password-file: %w", err)
	}
	p := strings.TrimRight(lines.Text(), "\r")
	if len(p) < 8 || len(p) > 1024 {
		return "", fmt.Errorf("--password-file: the first line of %s has %d bytes; a password has 8 to 1024", path, len(p))
	}
	return p, nil
}

// decideListen chooses the port and tries whether it is free, unless it is our own server that has it.
func (s *setup) decideListen(p *plan) error {
	p.listen = ":443"
	if kept, ok := s.old["listen"].(string); ok {
		p.listen = kept
	} else if p.domain == "" && !s.root {
		p.listen = ":8443"
	}
	if s.Listen != nil {
		p.listen = *s.Listen
	}
	_, port, err := net.SplitHostPort(p.listen)
	if n, bad := strconv.Atoi(port); err != nil || bad != nil || n < 1 || n > 65535 {
		return fmt.Errorf("--listen: %q is no address like :443", p.listen)
	}
	if s.serving() {
		return nil
	}
	tcp, err := net.Listen("tcp", p.listen)
	if err != nil {
		return explainListen(err, "TCP "+p.listen, "--listen")
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", ":"+port)
	if err != nil {
		return explainListen(err, "UDP port "+port, "--listen")
	}
	return udp.Close()
}

// serving reports whether a server runs on the data.
func (s *setup) serving() bool {
	f, err := os.Open(filepath.Join(s.Data, "lock"))
	if err != nil {
		return false
	}
	defer f.Close()
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) != nil
}

// wanted is what the configuration is to say. What setup does not ask about stays as it is.
func (s *setup) wanted(p *plan) map[string]any {
	config := maps.Clone(s.old)
	if config == nil {
		config = map[string]any{"registration": "invite"} // nobody comes in without a code
	}
	oldDomain, _ := config["domain"].(string)
	_, chosen := config["tls"]
	config["data"], config["listen"] = s.Data, p.listen
	if !chosen || oldDomain != p.domain {
		config["tls"] = choose(p.domain != "", "auto", "self-signed")
	}
	for key, value := range map[string]string{"domain": p.domain, "acme_mail": p.mail} {
		if config[key] = value; value == "" {
			delete(config, key)
		}
	}
	return config
}

// publicAddress is what --public-ip must be for a machine that the name leads to by way of address translation; none
// where it leads here by itself, or elsewhere.
func (s *setup) publicAddress(ctx context.Context, domain string) netip.Addr {
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	named, err := net.DefaultResolver.LookupNetIP(ctx, "ip", domain)
	if err != nil || len(named) == 0 {
		fmt.Fprintf(s.std.err, "note: %s leads nowhere yet; make a DNS record (A, and AAAA for IPv6) of it with this machine's address\n", domain)
		return netip.Addr{}
	}
	own := ownAddresses()
	a, note := translated(named, own)
	if note {
		fmt.Fprintf(s.std.err, "note: %s leads to %v, and this machine has %v; mend the DNS record if that is not meant\n", domain, named, own)
	}
	if a.IsValid() {
		fmt.Fprintf(s.std.err, "note: this machine has no public address of its own; calls are told %s, to which %s leads (public_ip)\n", a, domain)
	}
	return a
}

// translated compares where a name leads with the addresses of this machine. elsewhere: it does not lead here.
func translated(named, own []netip.Addr) (public netip.Addr, elsewhere bool) {
	for _, a := range named {
		if slices.Contains(own, a.Unmap()) {
			return netip.Addr{}, false
		}
	}
	if slices.ContainsFunc(own, isPublic) {
		return netip.Addr{}, true
	}
	for _, a := range named {
		if a = a.Unmap(); a.Is4() && isPublic(a) {
			return a, false
		}
	}
	return netip.Addr{}, true
}

// isPublic reports whether the internet could reach an address. Carriers translate 100.64.0.0/10 (RFC 6598).
func isPublic(a netip.Addr) bool {
	return a.IsGlobalUnicast() && !a.IsPrivate() && !netip.PrefixFrom(netip.AddrFrom4([4]byte{100, 64}), 10).Contains(a)
}

// ownAddresses are those of this machine that others can use.
func ownAddresses() (own []netip.Addr) {
	addrs, _ := net.InterfaceAddrs() // without them nothing is concluded
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil && p.Addr().IsGlobalUnicast() {
			own = append(own, p.Addr().Unmap())
		}
	}
	return own
}
