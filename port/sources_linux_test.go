package port

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// answeredFrom asks the port at each address by a connected socket, which hears nothing that comes from another.
func answeredFrom(t *testing.T, u *UDP, addresses ...string) {
	t.Helper()
	for range 2 { // the second time by what has been learned
		for _, a := range addresses {
			c := dial(t, u, a)
			write(t, c, check)
			_, from := receive(t, u.Media())
			if _, err := u.Media().WriteTo(rtp, net.UDPAddrFromAddrPort(from)); err != nil {
				t.Fatal(err)
			}
			if got, _ := receive(t, c); !bytes.Equal(got, rtp) {
				t.Errorf("%s answered with %x", a, got)
			}
		}
	}
}

func TestAnswersLeaveFromTheAddressAsked(t *testing.T) {
	for _, bound := range []string{":0", "0.0.0.0:0"} {
		answeredFrom(t, openUDP(t, bound, false), "127.0.0.1", "127.0.0.2", "127.0.0.3")
	}
}

// inNamespace is set for this test's own child, which lives in a network of its own.
const inNamespace = "NEOCHAT_TEST_NAMESPACE"

// TestAnswersLeaveFromTheIPv6AddressAsked runs itself in a network namespace, where the loopback interface can have several addresses; where the system allows none,
// it makes do with those of the machine.
func TestAnswersLeaveFromTheIPv6AddressAsked(t *testing.T) {
	if os.Getenv(inNamespace) != "" {
		for _, a := range []string{"fd00:9::1", "fd00:9::2", "10.9.0.1", "10.9.0.2"} {
			if err := addAddress(netip.MustParseAddr(a)); err != nil {
				t.Fatal(a, err)
			}
			settle(t, a)
		}
		answeredFrom(t, openUDP(t, ":0", false), "fd00:9::1", "fd00:9::2", "::1", "10.9.0.1", "10.9.0.2", "127.0.0.1")
		return
	}
	c := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	c.Env = append(os.Environ(), inNamespace+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if id := os.Getuid(); id != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: id, Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	out, err := c.CombinedOutput()
	switch {
	case errors.Is(err, unix.EPERM) || errors.Is(err, unix.ENOSPC):
		var hosts []string
		for _, a := range own(t) {
			hosts = append(hosts, a.String())
		}
		answeredFrom(t, openUDP(t, ":0", false), hosts...)
	case err != nil:
		t.Errorf("%v\n%s", err, out)
	}
}

// settle waits until a new address can be reached: the system sets up its route a moment after it has acknowledged the address.
func settle(t *testing.T, address string) {
	t.Helper()
	there, err := net.ListenPacket("udp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	for range 100 {
		c, err := net.Dial("udp", there.LocalAddr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Write(check)
		c.Close()
		there.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if _, _, failed := there.ReadFrom(make([]byte, 100)); err == nil && failed == nil {
			return
		}
	}
	t.Fatal("nothing reaches ", address)
}

// addAddress gives the loopback interface an address and brings it up, over rtnetlink(7).
func addAddress(a netip.Addr) error {
	lo, err := net.InterfaceByName("lo")
	if err != nil {
		return err
	}
	fam := byte(unix.AF_INET6)
	if a.Is4() {
		fam = unix.AF_INET
	}
	address := []byte{fam, byte(a.BitLen()), unix.IFA_F_NODAD, 0}
	address = binary.NativeEndian.AppendUint32(address, uint32(lo.Index))
	for _, kind := range []uint16{unix.IFA_LOCAL, unix.IFA_ADDRESS} {
		address = binary.NativeEndian.AppendUint16(address, uint16(4+a.BitLen()/8))
		address = binary.NativeEndian.AppendUint16(address, kind)
		address = append(address, a.AsSlice()...)
	}
	up := binary.NativeEndian.AppendUint32(make([]byte, 4), uint32(lo.Index))
	up = binary.NativeEndian.AppendUint32(up, unix.IFF_UP)
	up = binary.NativeEndian.AppendUint32(up, unix.IFF_UP)
	if err := netlink(unix.RTM_NEWLINK, 0, up); err != nil {
		return err
	}
	return netlink(unix.RTM_NEWADDR, unix.NLM_F_CREATE, address)
}

// netlink makes one request and waits for its acknowledgement.
func netlink(kind, flags uint16, body []byte) error {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	m := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+len(body)))
	m = binary.NativeEndian.AppendUint16(m, kind)
	m = binary.NativeEndian.AppendUint16(m, unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags)
	m = append(append(m, make([]byte, 8)...), body...)
	if err := unix.Sendto(fd, m, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	b := make([]byte, 4096)
	n, _, err := unix.Recvfrom(fd, b, 0)
	if err != nil {
		return err
	}
	if n < unix.NLMSG_HDRLEN+4 {
		return fmt.Errorf("an answer of %d bytes", n)
	}
	if code := int32(binary.NativeEndian.Uint32(b[unix.NLMSG_HDRLEN:])); code != 0 {
		return unix.Errno(-code)
	}
	return nil
}

func prefixes(t *testing.T, list ...string) (out []net.Addr) {
	t.Helper()
	for _, s := range list {
		ip, n, err := net.ParseCIDR(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, &net.IPNet{IP: ip, Mask: n.Mask})
	}
	return out
}

func TestOneAddressNeedsNoTable(t *testing.T) {
	s := newSources(prefixes(t, "127.0.0.1/8", "::1/128", "192.0.2.2/24", "fd00::2/64", "fe80::1/64"))
	remote := func(a string) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr(a), 9) }
	for remoteAddress, local := range map[string]string{"198.51.100.7": "192.0.2.2", "2001:db8::7": "fd00::2", "127.0.0.1": "127.0.0.1", "::1": "::1",
		"192.0.2.2": "192.0.2.2", "fe80::9%2": "fe80::1"} {
		s.note(remote(remoteAddress), netip.MustParseAddr(local))
	}
	if s.needed.Load() || len(s.young) != 0 {
		t.Fatal("remembers what the system would choose anyway")
	}
	other := netip.MustParseAddr("192.0.2.3")
	s.note(remote("198.51.100.7"), other)
	if got := s.of(remote("198.51.100.7")); got != other {
		t.Errorf("a new address was asked, and the answer leaves from %s", got)
	}
	if newSources(prefixes(t, "192.0.2.2/24", "192.0.2.3/24")).needed.Load() == false {
		t.Error("two addresses need the table")
	}
}

func TestSourcesAreBounded(t *testing.T) {
	s := newSources(prefixes(t, "192.0.2.2/24", "192.0.2.3/24"))
	local, loyal := netip.MustParseAddr("192.0.2.3"), netip.MustParseAddrPort("198.51.100.7:9")
	for i := range 5 * sourcesKept {
		s.note(netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 9), local)
		if i%(sourcesKept/2) == 0 {
			s.note(loyal, local)
		}
		if n := len(s.young) + len(s.old); n > 2*sourcesKept {
			t.Fatalf("%d are kept", n)
		}
	}
	if s.of(loyal) != local {
		t.Error("forgot one who kept speaking")
	}
	if first := netip.MustParseAddrPort("10.0.0.0:9"); s.of(first).IsValid() {
		t.Error("never forgets")
	}
	s.forget(loyal)
	if s.of(loyal).IsValid() {
		t.Error("cannot forget")
	}
}
