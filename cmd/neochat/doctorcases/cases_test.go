package doctorcases

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"neochat/files/s3test"
)

// trial is one thing that is broken, or a set-up in which nothing is.
type trial struct {
	number  string
	title   string
	want    []string // faults that must be found; none: nothing may be
	also    []string // faults that may be found besides, for they follow
	remedy  string   // what the remedy of the first fault must say
	perform func(t *testing.T) []finding
	quick   bool // it is tried by `make test` too
}

// here4 is DNS as it should be.
func here4() zone { return zone{host: {here}} }

func trials() []trial {
	return append(append(append(networkTrials(), proxyTrials()...), machineTrials()...), healthy()...)
}

func networkTrials() []trial {
	return []trial{
		{"1", "UDP port blocked inbound", []string{"udp-blocked"}, nil, "nft add rule inet filter input udp dport 443 accept", udpBlocked, true},
		{"2", "TCP port blocked", []string{"tcp-silent"}, nil, "nft add rule inet filter input tcp dport 443 accept", tcpBlocked, false},
		{"3", "DNS points elsewhere", []string{"dns-elsewhere"}, []string{"tcp-silent"}, "chat.test. A 203.0.113.10", namedElsewhere, true},
		{"4", "no DNS: no such name", []string{"dns-missing"}, nil, "chat.test. A ", unnamed, false},
		{"4b", "no DNS: no name server", []string{"dns-silent"}, nil, "/etc/resolv.conf", unresolved, false},
		{"9", "configured public address is wrong", []string{"address-wrong", "candidates-wrong"}, nil, `public_ip = "203.0.113.10"`, wrongAddress, false},
		{"10", "behind NAT without public address", []string{"address-private", "candidates-private"}, nil, `public_ip = "203.0.113.10"`, behindNAT, false},
		{"11", "container without published UDP port", []string{"udp-unpublished"}, nil, "docker run -p 443:443/udp", unpublished, false},
		{"12", "IPv6 announced but unreachable", []string{"ipv6-unreachable"}, nil, "AAAA 2001:db8:1::99 out of DNS", deadIPv6, false},
		{"19", "large UDP packets are dropped", []string{"mtu-small"}, nil, "nft list ruleset", smallPackets, true},
		{"20", "client's network lets only TLS out", []string{"udp-here", "relay-silent"}, nil, "go through the relay over TCP or TLS", onlyTLS, false},
	}
}

func proxyTrials() []trial {
	return []trial{
		{"13", "proxy strips WebSocket upgrade", []string{"websocket-stripped"}, nil, "proxy_set_header Upgrade $http_upgrade", func(t *testing.T) []finding { return bent(t, bend{strip: true}) }, false},
		{"14", "proxy times out", []string{"websocket-cut"}, nil, "proxy_read_timeout 1h", func(t *testing.T) []finding { return bent(t, bend{cutoff: 6 * time.Second}) }, false},
		{"14b", "proxy buffers", []string{"websocket-buffered"}, nil, "proxy_buffering off", func(t *testing.T) []finding { return bent(t, bend{hold: true}) }, false},
	}
}

func machineTrials() []trial {
	return []trial{
		{"5", "certificate expired", []string{"tls-expired", "certificate-expired"}, nil, "certbot renew", expired, false},
		{"6", "wrong host name in the certificate", []string{"tls-wrong-host", "certificate-wrong-host"}, nil, `domain = "chat.test"`, wrongName, false},
		{"7", "certificate unreadable by the service", []string{"certificate-unreadable"}, nil, "setfacl -m u:nobody:r ", unreadable, false},
		{"8", "port taken by another program", []string{"port-taken"}, nil, "kill ", taken, true},
		{"15", "clock off by ten minutes", []string{"clock-off"}, nil, "timedatectl set-ntp true", clockOff, false},
		{"16", "disk full", []string{"disk-full"}, []string{"database-unwritable"}, "du -xhd1", diskFull, false},
		{"17", "database unreachable", []string{"database-unreachable"}, nil, "NEOCHAT_DATABASE=mysql://", noDatabase, false},
		{"18", "object storage refuses the key", []string{"files-refused"}, nil, "NEOCHAT_S3_ACCESS_KEY", refusedKey, false},
	}
}

func healthy() []trial {
	return []trial{
		{"H1", "plain http in a LAN", nil, nil, "", inLAN, false},
		{"H2", "one public port with TLS", nil, nil, "", onePort, true},
		{"H3", "behind a reverse proxy", nil, nil, "", func(t *testing.T) []finding {
			s := newStage(t, here4()).proxied(bend{}).start()
			return append(s.from(s.client), s.beside()...)
		}, false},
		{"H4", "container with published ports", nil, nil, "", published, false},
		{"H5", "IPv4 and IPv6", nil, nil, "", dualStack, false},
	}
}

func udpBlocked(t *testing.T) []finding {
	s := newStage(t, here4()).public().start()
	s.server.drop("udp dport 443")
	return s.from(s.client)
}

func tcpBlocked(t *testing.T) []finding {
	s := newStage(t, here4()).public().start()
	s.server.drop("tcp dport 443")
	return s.from(s.client)
}

func namedElsewhere(t *testing.T) []finding {
	s := newStage(t, zone{host: {elsewhere}}).public().start()
	return append(s.beside(), s.from(s.client)...)
}

func unnamed(t *testing.T) []finding {
	s := newStage(t, zone{}).public().start()
	return append(s.beside(), s.from(s.client)...)
}

func unresolved(t *testing.T) []finding {
	s := newStage(t, nil).public().start()
	return s.from(s.client)
}

func wrongAddress(t *testing.T) []finding {
	s := newStage(t, here4()).public("--public-ip", elsewhere).start()
	return append(s.beside(), s.from(s.client)...)
}

func behindNAT(t *testing.T) []finding {
	s := newStage(t, here4()).behind("10.0.0.10", "10.0.0.1", "tcp", "udp")
	s.server.resolvedBy("") // else it would offer each client the address that the name leads to
	found := s.start().from(s.client)
	s.server.resolvedBy(names)
	return append(s.beside(), found...)
}

func unpublished(t *testing.T) []finding {
	s := newStage(t, here4()).behind("172.17.0.2", "172.17.0.1", "tcp").start()
	return s.from(s.client)
}

func published(t *testing.T) []finding {
	s := newStage(t, here4()).behind("172.17.0.2", "172.17.0.1", "tcp", "udp")
	s.flags = append(s.flags, "--public-ip", here)
	s.start()
	return append(s.from(s.client), s.beside()...)
}

func deadIPv6(t *testing.T) []finding {
	s := newStage(t, zone{host: {here, "2001:db8:1::99"}}).public().start()
	return s.from(s.client)
}

func dualStack(t *testing.T) []finding {
	s := newStage(t, zone{host: {here, here6}}).public().start()
	return append(s.from(s.client), s.beside()...)
}

func smallPackets(t *testing.T) []finding {
	s := newStage(t, here4()).public().start()
	s.server.drop("udp dport 443 meta length > 900")
	return s.from(s.client)
}

// onlyTLS is a network that lets out TCP to port 443 that begins as TLS does, and questions to name servers.
func onlyTLS(t *testing.T) []finding {
	s := newStage(t, here4()).public().start()
	s.from(s.client) // by which the server has heard somebody over UDP
	router, lan := s.router("office", s.internet, "203.0.113.30/24", "192.168.1.1/24")
	router.nft(`table ip strict { chain pass { type filter hook forward priority filter;
	  iifname "lan" udp dport 53 accept
	  iifname "lan" tcp dport 443 ct mark 1 accept
	  iifname "lan" tcp dport 443 @ih,0,16 0x1603 ct mark set 1 accept
	  iifname "lan" tcp dport 443 @ih,0,8 >= 0 drop
	  iifname "lan" tcp dport 443 accept
	  iifname "lan" drop
	}; }`)
	worker := s.machine("worker", lan, "192.168.1.1", "192.168.1.20/24")
	worker.resolvedBy(names)
	found := s.from(worker)
	for _, f := range found {
		if f.State == "fail" || f.Check == "relay-tls" && f.State != "ok" {
			t.Errorf("calls work through the relay over TLS, and the doctor says %v", f)
		}
	}
	return found
}

func bent(t *testing.T, b bend) []finding {
	s := newStage(t, here4()).proxied(b).start()
	return s.from(s.client, "--patience", "10s")
}

func expired(t *testing.T) []finding {
	s := newStage(t, here4()).public()
	end := time.Now().Add(4 * time.Second)
	s.secure(host, end)
	s.start()
	time.Sleep(time.Until(end.Add(time.Second))) // certificates know whole seconds
	return append(s.from(s.client), s.beside()...)
}

func wrongName(t *testing.T) []finding {
	s := newStage(t, here4()).public()
	s.secure("other.test", time.Now().Add(time.Hour))
	s.start()
	return append(s.from(s.client), s.beside()...)
}

func unreadable(t *testing.T) []finding {
	const nobody = 65534
	s := newStage(t, here4()).public()
	if err := os.Mkdir(s.data, 0o700); err != nil {
		t.Fatal(err)
	}
	certificate, _, _ := strings.Cut(s.flags[len(s.flags)-1], ",")
	if err := os.Chmod(certificate, 0o644); err != nil { // the key stays root's alone
		t.Fatal(err)
	}
	if err := os.Chown(s.data, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	found := s.beside()
	// The same behind a closed folder, as /etc/letsencrypt/live is.
	closed := filepath.Join(s.dir, "live")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, f := range s.beside("--tls", filepath.Join(closed, "a.pem")+","+filepath.Join(closed, "a.key")) {
		if f.Check == "certificate" && !strings.HasPrefix(f.Remedy, "setfacl -m u:nobody:x "+closed) {
			t.Errorf("behind a closed folder: %+v", f)
		}
	}
	return found
}

func taken(t *testing.T) []finding {
	s := newStage(t, here4()).public()
	cmd := s.server.command("/usr/bin/python3", "-c", "import socket, time; s = socket.create_server(('', 443)); time.sleep(600)")
	s.lab.start(cmd)
	for until := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		conn, err := s.server.dial("127.0.0.1:443")
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(until) {
			t.Fatal("the other program does not take the port")
		}
	}
	found := s.beside()
	for _, f := range found {
		if f.Fault == "port-taken" && !strings.Contains(f.Note, fmt.Sprintf("python3 (process %d)", cmd.Process.Pid)) {
			t.Errorf("the program that has the port is not named: %s", f.Note)
		}
	}
	return found
}

func clockOff(t *testing.T) []finding {
	s := newStage(t, here4()).public().start()
	s.machine("time", s.internet, "", "203.0.113.60/24").serveTime("203.0.113.60:80", 10*time.Minute)
	return append(s.beside("--time-from", "http://203.0.113.60/"), s.from(s.client, "--time-from", "http://203.0.113.60/")...)
}

func diskFull(t *testing.T) []finding {
	s := newStage(t, here4()).public()
	if err := os.Mkdir(s.data, 0o700); err != nil {
		t.Fatal(err)
	}
	must(t, "mount", "-t", "tmpfs", "-o", "size=48m", "tmpfs", s.data)
	t.Cleanup(func() { exec.Command("umount", "--lazy", s.data).Run() })
	s.start()
	full, err := os.Create(filepath.Join(s.data, "large"))
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	for block := make([]byte, 64<<10); err == nil; {
		_, err = full.Write(block)
	}
	return s.beside()
}

func noDatabase(t *testing.T) []finding {
	s := newStage(t, here4()).public()
	if err := os.Mkdir(s.data, 0o700); err != nil {
		t.Fatal(err)
	}
	s.env = []string{"NEOCHAT_DATABASE=mysql://neochat:" + password + "@127.0.0.1:3306/neochat"}
	found := s.beside()
	for _, f := range found {
		if strings.Contains(f.Note+f.Remedy, password) {
			t.Errorf("a password is shown: %v", f)
		}
	}
	return found
}

// refusedKey needs no network of its own.
func refusedKey(t *testing.T) []finding {
	store := s3test.Start(t)
	s := &stage{lab: newLab(t), authority: newAuthority(t, t.TempDir()), data: t.TempDir()}
	s.env = []string{"NEOCHAT_S3_ACCESS_KEY=" + s3test.AccessKey, "NEOCHAT_S3_SECRET_KEY=not-" + s3test.SecretKey}
	return s.look(nil, "--data", s.data, "--listen", "127.0.0.1:0", "--files", store.Address(""))
}

func inLAN(t *testing.T) []finding {
	s := newStage(t, nil)
	lan := s.segment("lan")
	s.server = s.machine("server", lan, "", "192.168.1.10/24")
	s.flags = []string{"--listen", ":8080"}
	s.start()
	visitor := s.machine("visitor", lan, "", "192.168.1.20/24")
	return append(s.from(visitor, "--from", "http://192.168.1.10:8080"), s.beside()...)
}

func onePort(t *testing.T) []finding {
	s := newStage(t, here4()).public().start()
	return append(s.from(s.client), s.beside()...)
}
