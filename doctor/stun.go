package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/pion/stun/v4"
)

// large is how long a request is that shows whether large packets pass, in bytes: as those of calls are.
const large = 1200

// padding is an attribute that its reader passes over (RFC 5780, section 7.6).
const padding stun.AttrType = 0x8026

// binding makes a Binding request (RFC 8489) of at least so many bytes.
func binding(size int) *stun.Message {
	m := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	if fill := (size - len(m.Raw) - 4) &^ 3; fill > 0 {
		m.Add(padding, make([]byte, fill))
	}
	return m
}

// mapped reads the answer to a request; an error means it is none.
func mapped(answer []byte, to *stun.Message) (netip.AddrPort, error) {
	m := &stun.Message{Raw: append([]byte(nil), answer...)}
	if err := m.Decode(); err != nil {
		return netip.AddrPort{}, fmt.Errorf("an answer of STUN: %w", err)
	}
	if m.TransactionID != to.TransactionID || m.Type != stun.BindingSuccess {
		return netip.AddrPort{}, errors.New("an answer of STUN to another question")
	}
	var a stun.XORMappedAddress
	if err := a.GetFrom(m); err != nil {
		return netip.AddrPort{}, fmt.Errorf("an answer of STUN: %w", err)
	}
	ip, _ := netip.AddrFromSlice(a.IP)
	return netip.AddrPortFrom(ip.Unmap(), uint16(a.Port)), nil
}

// sendEvery is how far apart a request is sent again: at least twice within the time there is.
const sendEvery = 500 * time.Millisecond

// refusals is after how many of them a port counts as one where nobody listens.
const refusals = 2

// askUDP sends a request until it is answered, and returns the address it came from as the server sees it.
func askUDP(ctx context.Context, n Network, to string, size int, within time.Duration) (netip.AddrPort, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	conn, err := n.Dial(ctx, "udp", to)
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer conn.Close()
	return exchange(ctx, conn, binding(size))
}

// exchange is askUDP on an open socket.
func exchange(ctx context.Context, conn net.Conn, request *stun.Message) (netip.AddrPort, error) {
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	buf := make([]byte, 2048)
	last := error(context.DeadlineExceeded)
	for refused := 0; ctx.Err() == nil && refused < refusals; {
		if _, err := conn.Write(request.Raw); err != nil {
			last = err
			if errors.Is(err, syscall.ECONNREFUSED) { // what the one before brought
				refused++
			}
		}
		conn.SetReadDeadline(time.Now().Add(sendEvery))
		for ctx.Err() == nil {
			size, err := conn.Read(buf)
			if errors.Is(err, syscall.ECONNREFUSED) {
				last = err
				refused++
				pause(ctx, sendEvery)
				break
			}
			if err != nil {
				break
			}
			if seen, err := mapped(buf[:size], request); err == nil {
				return seen, nil
			}
		}
	}
	return netip.AddrPort{}, last
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
