package port

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"neochat/port/firstbytes"
)

// echoes are the ways in which a packet comes in and goes out again; each returns the port it does that on.
func echoes(b *testing.B) []struct {
	name string
	open func(b *testing.B) uint16
} {
	return []struct {
		name string
		open func(b *testing.B) uint16
	}{
		{"net.UDPConn", func(b *testing.B) uint16 {
			c, err := net.ListenUDP("udp", &net.UDPAddr{})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { c.Close() })
			go func() {
				buf := make([]byte, largest)
				for {
					n, from, err := c.ReadFromUDPAddrPort(buf)
					if err != nil {
						return
					}
					c.WriteToUDPAddrPort(buf[:n], from)
				}
			}()
			return c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
		}},
		{"portable", func(b *testing.B) uint16 { return echoMedia(b, true) }},
		{"queue", func(b *testing.B) uint16 { return echoMedia(b, false) }},
		{"intercept", func(b *testing.B) uint16 {
			u := openUDP(b, ":0", false)
			u.Intercept(func(_ firstbytes.Kind, packet []byte, from netip.AddrPort) bool { return u.Send(packet, from) == nil })
			return u.LocalAddr().Port()
		}},
	}
}

// echoMedia sends back what Media gives.
func echoMedia(b *testing.B, portable bool) uint16 {
	u := openUDP(b, ":0", portable)
	go func() {
		buf := make([]byte, largest)
		for {
			n, from, err := u.media.ReadFromAddrPort(buf)
			if err != nil {
				return
			}
			u.media.WriteToAddrPort(buf[:n], from)
		}
	}()
	return u.LocalAddr().Port()
}

// echoClient is set for the child that BenchmarkEcho sends packets with: port, burst and number.
const echoClient = "NEOCHAT_TEST_ECHO_CLIENT"

func TestMain(m *testing.M) {
	if order := os.Getenv(echoClient); order != "" {
		if err := runEchoClient(order); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// runEchoClient sends bursts and waits until each is back.
func runEchoClient(order string) error {
	var number, burst, count int
	if _, err := fmt.Sscan(order, &number, &burst, &count); err != nil {
		return err
	}
	c, err := net.Dial("udp", fmt.Sprintf("127.0.0.1:%d", number))
	if err != nil {
		return err
	}
	defer c.Close()
	back := make([]byte, largest)
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		return err
	}
	for sent := 0; sent < count; sent += burst {
		n := min(burst, count-sent)
		for range n {
			if _, err := c.Write(rtp); err != nil {
				return err
			}
		}
		for range n {
			if _, err := c.Read(back); err != nil {
				return err
			}
		}
	}
	return nil
}

// BenchmarkEcho has a client of its own process send bursts of 1200 bytes and wait until they are back. cpu-ns/op is this process's processor time for a packet in and
// out; ns/op is mostly the client's.
func BenchmarkEcho(b *testing.B) {
	for _, burst := range []int{1, 5, 32} {
		for _, e := range echoes(b) {
			b.Run(fmt.Sprintf("%s/burst=%d", e.name, burst), func(b *testing.B) {
				number := e.open(b)
				client := exec.Command(os.Args[0])
				client.Env = append(os.Environ(), fmt.Sprintf("%s=%d %d %d", echoClient, number, burst, b.N))
				began := processorTime(b)
				if out, err := client.CombinedOutput(); err != nil {
					b.Fatalf("%v: %s", err, out)
				}
				b.ReportMetric(float64(processorTime(b)-began)/float64(b.N), "cpu-ns/op")
			})
		}
	}
}

func processorTime(b *testing.B) int64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// BenchmarkSend is a packet out alone, towards a socket that nobody reads.
func BenchmarkSend(b *testing.B) {
	there, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	defer there.Close()
	to := there.LocalAddr().(*net.UDPAddr).AddrPort()
	plain, err := net.ListenUDP("udp", &net.UDPAddr{})
	if err != nil {
		b.Fatal(err)
	}
	defer plain.Close()
	b.Run("net.UDPConn", func(b *testing.B) {
		for b.Loop() {
			if _, err := plain.WriteToUDPAddrPort(rtp, to); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, pinned := range []bool{false, true} {
		b.Run(fmt.Sprintf("port/pinned=%v", pinned), func(b *testing.B) {
			u := openUDP(b, ":0", false)
			if pinned {
				pin(u, to, netip.AddrFrom4([4]byte{127, 0, 0, 1}))
			}
			b.ReportAllocs()
			for b.Loop() {
				if err := u.Send(rtp, to); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// pin makes what goes to a remote leave from an address.
func pin(u *UDP, to netip.AddrPort, from netip.Addr) {
	asked := u.socket.(*linuxSocket).asked
	asked.needed.Store(true)
	asked.note(to, from)
}
