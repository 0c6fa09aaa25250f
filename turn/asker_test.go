package turn

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	library "github.com/pion/turn/v5"
)

// asker is a client that says exactly what a test wants said.
type asker struct {
	t          testing.TB
	conn       net.Conn
	stream     bool
	user, pass string
	realm      string
	nonce      []byte
	last       []byte // the answer as it came
	rest       []byte // of a stream, not read yet
}

func (g *rig) asker(t testing.TB, transport Transport, user, pass string) *asker {
	t.Helper()
	server := g.udp
	if transport != UDP {
		server = g.tcp
	}
	conn, err := new(net.Dialer).DialContext(context.Background(), server.Network(), server.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &asker{t: t, conn: conn, stream: transport != UDP, user: user, pass: pass, realm: "neochat"}
}

func (g *rig) askerFor(t testing.TB, transport Transport, account, device string) *asker {
	t.Helper()
	user, pass, _, err := g.Credentials(account, device)
	if err != nil {
		t.Fatal(err)
	}
	return g.asker(t, transport, user, pass)
}

// ask sends a request, with credentials once it has a nonce, and gives the answer.
func (a *asker) ask(method stun.Method, attrs ...stun.Setter) *stun.Message {
	a.t.Helper()
	all := []stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}
	all = append(all, attrs...)
	if a.nonce != nil {
		all = append(all, stun.NewUsername(a.user), stun.NewRealm(a.realm), stun.NewNonce(string(a.nonce)),
			stun.MessageIntegrity(library.GenerateAuthKey(a.user, a.realm, a.pass)))
	}
	m := stun.MustBuild(all...)
	a.say(m.Raw)
	answer := a.hear()
	if answer == nil {
		a.t.Fatalf("no answer to %v", m.Type)
	}
	if answer.TransactionID != m.TransactionID || answer.Type.Method != method {
		a.t.Fatalf("%v answered by %v", m.Type, answer.Type)
	}
	return answer
}

// code asks and gives the code of the error, 0 for success. Errors that are not about who asks must be signed.
func (a *asker) code(method stun.Method, attrs ...stun.Setter) stun.ErrorCode {
	a.t.Helper()
	answer := a.ask(method, attrs...)
	var code stun.ErrorCodeAttribute
	if answer.Type.Class == stun.ClassErrorResponse {
		if err := code.GetFrom(answer); err != nil {
			a.t.Fatal(err)
		}
	}
	if code.Code != stun.CodeUnauthorized && code.Code != stun.CodeStaleNonce && code.Code != stun.CodeBadRequest {
		if err := stun.MessageIntegrity(library.GenerateAuthKey(a.user, a.realm, a.pass)).Check(answer); err != nil {
			a.t.Errorf("the answer %v %d is not signed: %v", answer.Type, code.Code, err)
		}
	}
	return code.Code
}

// login fetches a nonce.
func (a *asker) login() {
	a.t.Helper()
	answer := a.ask(stun.MethodAllocate, transport(17))
	var nonce stun.Nonce
	if err := nonce.GetFrom(answer); err != nil {
		a.t.Fatal(err)
	}
	a.nonce = nonce
}

// allocate logs in and makes an allocation.
func (a *asker) allocate(attrs ...stun.Setter) stun.ErrorCode {
	a.t.Helper()
	if a.nonce == nil {
		a.login()
	}
	return a.code(stun.MethodAllocate, append([]stun.Setter{transport(17)}, attrs...)...)
}

func (a *asker) say(b []byte) {
	a.t.Helper()
	if _, err := a.conn.Write(b); err != nil {
		a.t.Fatal(err)
	}
}

// hear gives the next STUN message, leaving ChannelData out; nil when the connection was closed.
func (a *asker) hear() *stun.Message {
	a.t.Helper()
	b := a.next()
	for b != nil && b[0] >= 0x40 {
		b = a.next()
	}
	if b == nil {
		return nil
	}
	a.last = b
	m := &stun.Message{Raw: bytes.Clone(b)}
	if err := m.Decode(); err != nil {
		a.t.Fatalf("% x: %v", b, err)
	}
	return m
}

// next gives the next message as it came.
func (a *asker) next() []byte {
	a.t.Helper()
	_ = a.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 4096)
	for {
		if size, ok := frameSize(a.rest); a.stream && ok && size > 0 && size <= len(a.rest) {
			b := a.rest[:size]
			a.rest = a.rest[size:]
			return b
		}
		n, err := a.conn.Read(buf)
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			a.t.Fatal("nothing came")
		}
		if err != nil {
			return nil
		}
		if !a.stream {
			return buf[:n]
		}
		a.rest = append(a.rest, buf[:n]...)
	}
}

// channelData sends a payload on a channel, whatever its announced length.
func (a *asker) channelData(number uint16, n int, payload []byte) {
	b := binary.BigEndian.AppendUint16(nil, number)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	a.say(append(b, payload...))
}

// transport is REQUESTED-TRANSPORT.
func transport(protocol byte) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{protocol, 0, 0, 0}}
}

func channel(number uint16) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrChannelNumber, Value: binary.BigEndian.AppendUint32(nil, uint32(number)<<16)}
}

func lifetime(seconds uint32) stun.Setter {
	return stun.RawAttribute{Type: stun.AttrLifetime, Value: binary.BigEndian.AppendUint32(nil, seconds)}
}

func mustPeer(s string) stun.Setter { return peerAttr(netip.MustParseAddrPort(s)) }
