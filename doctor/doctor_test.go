package doctor

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// update writes what docs/doctor.md lists anew: go test ./doctor -update.
var update = flag.Bool("update", false, "write the lists of docs/doctor.md")

const (
	begin = "<!-- The rest is made from the code by `go test ./doctor -update`. -->\n"
	docs  = "../docs/doctor.md"
)

// document is the part of docs/doctor.md that lists checks and faults.
func document() string {
	var b strings.Builder
	b.WriteString(begin)
	for _, c := range Checks() {
		side := map[string]string{"host": "on the server", "visit": "from elsewhere", "both": "on both sides"}[c.Side]
		fmt.Fprintf(&b, "\n## `%s`\n\nLooked at %s: %s.\n", c.Name, side, c.What)
		for _, f := range Faults() {
			if f.Check == c.Name || f.Check == "relay-tcp" && strings.HasPrefix(c.Name, "relay-") {
				fmt.Fprintf(&b, "\n**%s** (%s): %s\n\n    %s\n", f.ID, f.State, f.Cause, f.Remedy)
			}
		}
	}
	return b.String()
}

func TestDocs(t *testing.T) {
	text, err := os.ReadFile(docs)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), begin)
	if *update {
		if err := os.WriteFile(docs, []byte(head+document()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if begin+rest != document() {
		t.Error("docs/doctor.md lists other checks and faults than the code; `go test ./doctor -update` writes them anew")
	}
}

// TestFaults holds the catalogue together: each fault is once there, belongs to a check, and its finding has no hole.
func TestFaults(t *testing.T) {
	checks := map[string]bool{}
	for _, c := range Checks() {
		checks[c.Name] = true
	}
	seen := map[string]bool{}
	holes := regexp.MustCompile(`\{([a-z]+)\}`)
	for _, f := range Faults() {
		if seen[f.ID] || !checks[f.Check] || f.Cause == "" || f.Remedy == "" || f.State != Warn && f.State != Fail {
			t.Errorf("fault %+v is there twice, or incomplete", f)
		}
		seen[f.ID] = true
		var known facts
		for _, m := range holes.FindAllStringSubmatch(f.Cause+f.Remedy, -1) {
			known = append(known, m[1], "X.")
		}
		if got := found("", f.ID, known); strings.ContainsAny(got.Note, "{}") || strings.Contains(got.Note, "..") {
			t.Errorf("%s becomes %q", f.ID, got.Note)
		}
	}
}

func addrs(list ...string) []netip.Addr {
	var all []netip.Addr
	for _, s := range list {
		all = append(all, netip.MustParseAddr(s))
	}
	return all
}

func TestJudgeLookup(t *testing.T) {
	for _, c := range []struct {
		addrs []netip.Addr
		err   error
		want  string
	}{
		{addrs("203.0.113.1"), nil, ""},
		{nil, &net.DNSError{Err: "no such host", IsNotFound: true}, "dns-missing"},
		{nil, nil, "dns-missing"},
		{nil, &net.DNSError{Err: "i/o timeout", IsTimeout: true}, "dns-silent"},
		{nil, context.DeadlineExceeded, "dns-silent"},
	} {
		if got := judgeLookup("chat.test", c.addrs, c.err); got.Fault != c.want {
			t.Errorf("%v, %v: %+v, want %q", c.addrs, c.err, got, c.want)
		}
	}
}

func TestJudgeUDP(t *testing.T) {
	reached, refused := netip.MustParseAddr("203.0.113.10"), &net.OpError{Op: "read", Err: syscall.ECONNREFUSED}
	for _, c := range []struct {
		name string
		r    Reach
		err  error
		want string
	}{
		{"its own address, nobody heard", Reach{Own: addrs("203.0.113.10", "10.0.0.1")}, context.DeadlineExceeded, "udp-blocked"},
		{"its own address, refused", Reach{Own: addrs("203.0.113.10")}, refused, "udp-refused"},
		{"a private one only", Reach{Own: addrs("172.17.0.2", "fd00::2")}, context.DeadlineExceeded, "udp-unpublished"},
		{"a private one only, refused", Reach{Own: addrs("172.17.0.2", "fd00::2")}, refused, "udp-unpublished"},
		{"another public one", Reach{Own: addrs("203.0.113.11")}, context.DeadlineExceeded, "udp-blocked"},
		{"it tells none", Reach{}, context.DeadlineExceeded, "udp-blocked"},
		{"others are heard", Reach{Own: addrs("172.17.0.2"), UDPHeard: 1}, context.DeadlineExceeded, "udp-here"},
	} {
		c.r.UDP = 443
		got := judgeUDP("203.0.113.10:443", &c.r, reached, c.err)
		if got.Fault != c.want || !strings.Contains(got.Note+got.Remedy, "443") {
			t.Errorf("%s: %+v, want %s", c.name, got, c.want)
		}
	}
}

func TestWeigh(t *testing.T) {
	silent := func(check string) Finding { return Finding{Check: check, State: Fail, Fault: "relay-silent"} }
	open := func(check string) Finding { return good(check, "") }
	for _, c := range []struct {
		all  []Finding
		want []State
	}{
		{[]Finding{silent("relay-udp"), silent("relay-tcp"), open("relay-tls")}, []State{Warn, Warn, OK}},
		{[]Finding{open("relay-udp"), silent("relay-tcp"), silent("relay-tls")}, []State{OK, Fail, Fail}},
		{[]Finding{silent("relay-udp"), silent("relay-tcp")}, []State{Fail, Fail}},
	} {
		var got []State
		for _, f := range weigh(c.all) {
			got = append(got, f.State)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v, want %v", got, c.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	for _, c := range []struct {
		name          string
		a             Addresses
		names         []netip.Addr
		address, dns  string
		remedyAddress string
	}{
		{"a public machine", Addresses{Own: addrs("203.0.113.10")}, addrs("203.0.113.10"), "", "", ""},
		{"its name leads elsewhere", Addresses{Own: addrs("203.0.113.10")}, addrs("203.0.113.99"), "", "dns-elsewhere", ""},
		{"a wrong public_ip", Addresses{Own: addrs("203.0.113.10"), Configured: addrs("203.0.113.99")}, nil, "address-wrong", "", `public_ip = "203.0.113.10"`},
		{"a public_ip that STUN denies", Addresses{Own: addrs("10.0.0.1"), Configured: addrs("203.0.113.99"), Asked: addrs("203.0.113.10")}, nil, "address-wrong", "", `public_ip = "203.0.113.10"`},
		{"a public_ip of the other family", Addresses{Own: addrs("10.0.0.1", "2001:db8::1"), Configured: addrs("203.0.113.10")}, nil, "", "", ""},
		{"behind NAT, with public_ip", Addresses{Own: addrs("10.0.0.1"), Configured: addrs("203.0.113.10")}, addrs("203.0.113.10"), "", "", ""},
		{"behind NAT, told nothing", Addresses{Own: addrs("10.0.0.1")}, addrs("203.0.113.10"), "address-private", "", `public_ip = "203.0.113.10"`},
		{"behind NAT, asked", Addresses{Own: addrs("10.0.0.1"), Asked: addrs("203.0.113.10")}, addrs("203.0.113.10"), "", "", ""},
		{"in a LAN", Addresses{Own: addrs("192.168.1.10")}, addrs("192.168.1.10"), "", "", ""},
		{"no IPv6 here, but announced", Addresses{Own: addrs("203.0.113.10")}, addrs("203.0.113.10", "2001:db8::1"), "", "dns-elsewhere", ""},
		{"nameless", Addresses{Own: addrs("203.0.113.10")}, nil, "", "", ""},
	} {
		n := Network{Lookup: func(context.Context, string, string) ([]netip.Addr, error) { return c.names, nil }}
		var names []string
		if c.names != nil {
			names = []string{"chat.test"}
		}
		c.a.Resolve(t.Context(), n, names)
		got := c.a.JudgeAddress()
		if got.Fault != c.address || !strings.Contains(got.Remedy, c.remedyAddress) {
			t.Errorf("%s: %+v, want %q", c.name, got, c.address)
		}
		for _, got := range c.a.JudgeNames() {
			if got.Fault != c.dns {
				t.Errorf("%s: %+v, want %q", c.name, got, c.dns)
			}
		}
	}
}

func TestListeners(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:01BB 0100007F:9999 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 100 0 0 10 0
   2: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 333 1 0 100 0 0 10 0
`
	if got := listeners(table, "tcp", 443); !slices.Equal(got, []string{"111"}) {
		t.Errorf("of TCP %v", got)
	}
	if got := listeners(table, "udp", 443); !slices.Equal(got, []string{"111", "222"}) {
		t.Errorf("of UDP %v", got)
	}
}

// TestPortOwner has the ports of this very test taken.
func TestPortOwner(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	got := JudgePort("tcp", address, `listen = ":8443"`, "root")
	if name := fmt.Sprintf("(process %d)", os.Getpid()); got.Fault != "port-taken" || !strings.Contains(got.Note, name) || !strings.Contains(got.Remedy, `listen = ":8443"`) {
		t.Errorf("a port that this process has: %+v", got)
	}
	l.Close()
	if got := JudgePort("tcp", address, "", "root"); got.State != OK {
		t.Errorf("a free port: %+v", got)
	}
	if got := JudgePort("tcp", "192.0.2.77:0", "", "root"); got.Fault != "port-address" {
		t.Errorf("an address of another machine: %+v", got)
	}
}

func TestProgram(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "42")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"comm": "nginx\n", "cgroup": "0::/system.slice/nginx.service\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	who, stop := describe(program(dir))
	if who != "nginx (process 42)" || stop != "systemctl disable --now nginx.service" {
		t.Errorf("%s, %s", who, stop)
	}
}

func TestJudgeRoom(t *testing.T) {
	for _, c := range []struct {
		free uint64
		full bool
		want string
	}{{1 << 40, false, ""}, {100 << 20, false, "disk-low"}, {1 << 20, false, "disk-full"}, {1 << 40, true, "disk-full"}} {
		if got := judgeRoom("/data", c.free, c.full); got.Fault != c.want {
			t.Errorf("%d %v: %+v, want %q", c.free, c.full, got, c.want)
		}
	}
	if got := JudgeDisk(t.TempDir()); got.State == Skip {
		t.Errorf("a real disk: %+v", got)
	}
}

func TestBrief(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{nil, "no answer"},
		{context.DeadlineExceeded, "no answer in time"},
		{&net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, "connection refused"},
		{fmt.Errorf("so: %w", &net.DNSError{Err: "server misbehaving"}), "server misbehaving"},
		{errors.New("as it is"), "as it is"},
	} {
		if got := brief(c.err); got != c.want {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}

func FuzzReach(f *testing.F) {
	f.Add(`{"time":"2026-01-02T03:04:05Z","tcp":443,"udp":443,"tls":true,"relay":"inside","own":["10.0.0.1","::ffff:1.2.3.4"],"public":[],"seen":null,"udp_heard":3}`)
	f.Add(`{"tcp":0}`)
	f.Fuzz(func(t *testing.T, text string) {
		r, err := readReach(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, a := range r.offered() {
			if !a.IsValid() || a.IsUnspecified() || a.Is4In6() {
				t.Errorf("%q offers %v", text, a)
			}
		}
		if r.TCP < 1 || r.TCP > 65535 || r.UDP < 1 || r.UDP > 65535 || len(r.offered()) > 48 {
			t.Errorf("%q is taken as %+v", text, r)
		}
	})
}

func FuzzMapped(f *testing.F) {
	f.Add([]byte("\x01\x01\x00\x00"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		if a, err := mapped(answer, binding(0)); err == nil { // the question is a new one each time
			t.Errorf("%x answers what was not asked: %v", answer, a)
		}
	})
}

func FuzzListeners(f *testing.F) {
	f.Add("   0: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1", uint16(443))
	f.Fuzz(func(t *testing.T, table string, port uint16) {
		for _, inode := range listeners(table, "tcp", port) {
			if !strings.Contains(table, inode) {
				t.Errorf("%q is not in the table", inode)
			}
		}
	})
}

func TestBinding(t *testing.T) {
	for _, size := range []int{0, 20, 100, large} {
		if n := len(binding(size).Raw); n < 20 || n > max(size, 20) || size >= 28 && n < size-3 {
			t.Errorf("a request of %d bytes has %d", size, n)
		}
	}
}

func TestClockOff(t *testing.T) {
	for _, c := range []struct {
		offset time.Duration
		want   string
	}{{10 * time.Minute, "10m0s behind"}, {-10 * time.Minute, "10m0s ahead"}} {
		if got := clockOff(c.offset, "x", "y"); got.Fault != "clock-off" || !strings.Contains(got.Note, c.want) {
			t.Errorf("%v: %+v, want %q", c.offset, got, c.want)
		}
	}
}

// answerTo is what a STUN server says.
func answerTo(question []byte, from *net.UDPAddr) []byte {
	m := &stun.Message{Raw: question}
	if m.Decode() != nil {
		return nil
	}
	return stun.MustBuild(m, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.IP, Port: from.Port}).Raw
}
