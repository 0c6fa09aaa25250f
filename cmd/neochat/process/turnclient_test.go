package process

import (
	"bufio"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/stun/v4"
	"github.com/pion/turn/v5"
)

// loan is what the server lends of its relay.
type loan struct {
	urls       []string
	user, pass string
}

// borrow asks for it.
func borrow(t testing.TB, c *client) loan {
	t.Helper()
	m := c.want(t, "200", "message_type: turn", "type: GET")
	l := loan{strings.Split(m.get("turn_urls"), ","), m.get("turn_username"), m.get("turn_password")}
	if m.get("turn_lifetime") != "3600" || l.user == "" || l.pass == "" {
		t.Fatalf("lent was\n%s", m.raw)
	}
	return l
}

// asker speaks TURN (RFC 8656) as a test wants it spoken.
type asker struct {
	t     testing.TB
	conn  net.Conn
	in    *bufio.Reader // of a stream; nil: datagrams
	loan  loan
	nonce stun.Nonce
}

// over connects to the relay by "udp", "tcp" or "tls" on the server's one port. The loan is what it says it has.
func (s *server) over(t testing.TB, transport string, trust *tls.Config, l loan) *asker {
	t.Helper()
	addr, network := s.addr, "tcp"
	if transport == "udp" {
		addr, network = "127.0.0.1:"+s.media, "udp"
	}
	return askAt(t, network, addr, transport == "tls", trust, l)
}

func askAt(t testing.TB, network, addr string, encrypted bool, trust *tls.Config, l loan) *asker {
	t.Helper()
	conn, err := net.Dial(network, addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if encrypted {
		conn = tls.Client(conn, trust)
	}
	a := &asker{t: t, conn: conn, loan: l}
	if network == "tcp" {
		a.in = bufio.NewReader(conn)
	}
	return a
}

// send writes a request; it has credentials once there is a nonce.
func (a *asker) send(method stun.Method, attrs ...stun.Setter) *stun.Message {
	a.t.Helper()
	all := append([]stun.Setter{stun.TransactionID, stun.NewType(method, stun.ClassRequest)}, attrs...)
	if a.nonce != nil {
		all = append(all, stun.NewUsername(a.loan.user), stun.NewRealm("neochat"), a.nonce,
			stun.MessageIntegrity(turn.GenerateAuthKey(a.loan.user, "neochat", a.loan.pass)))
	}
	m := stun.MustBuild(all...)
	if _, err := a.conn.Write(m.Raw); err != nil {
		a.t.Fatal(err)
	}
	return m
}

// hear reads the next message of the relay.
func (a *asker) hear() (*stun.Message, error) {
	a.conn.SetReadDeadline(time.Now().Add(patience))
	b := make([]byte, 2048)
	if a.in == nil {
		n, err := a.conn.Read(b)
		return &stun.Message{Raw: b[:n]}, err
	}
	if _, err := io.ReadFull(a.in, b[:20]); err != nil {
		return nil, err
	}
	n := 20 + int(binary.BigEndian.Uint16(b[2:]))
	if n > len(b) {
		return nil, errors.New("a message of such a length is none")
	}
	_, err := io.ReadFull(a.in, b[20:n])
	return &stun.Message{Raw: b[:n]}, err
}

func (a *asker) ask(method stun.Method, attrs ...stun.Setter) *stun.Message {
	a.t.Helper()
	asked := a.send(method, attrs...)
	m, err := a.hear()
	if err == nil {
		err = m.Decode()
	}
	if err != nil {
		a.t.Fatalf("no answer to %v: %v", asked.Type, err)
	}
	if m.TransactionID != asked.TransactionID {
		a.t.Fatalf("%v was answered by %v of another transaction", asked.Type, m.Type)
	}
	return m
}

// codeOf is an answer's error, 0: it is none.
func codeOf(m *stun.Message) int {
	var code stun.ErrorCodeAttribute
	if m.Type.Class != stun.ClassErrorResponse || code.GetFrom(m) != nil {
		return 0
	}
	return int(code.Code)
}

// allocate fetches a nonce and asks for an allocation.
func (a *asker) allocate() *stun.Message {
	a.t.Helper()
	udp := stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}}
	if a.nonce == nil {
		if m := a.ask(stun.MethodAllocate, udp); codeOf(m) != 401 || a.nonce.GetFrom(m) != nil {
			a.t.Fatalf("a first request was answered %v, code %d", m.Type, codeOf(m))
		}
	}
	return a.ask(stun.MethodAllocate, udp)
}

func (a *asker) mustAllocate() {
	a.t.Helper()
	if m := a.allocate(); codeOf(m) != 0 {
		a.t.Fatalf("allocating was answered %d", codeOf(m))
	}
}

// permit asks for a permission and returns the error's code.
func (a *asker) permit(addr string) int {
	a.t.Helper()
	return codeOf(a.ask(stun.MethodCreatePermission, peer(netip.AddrPortFrom(netip.MustParseAddr(addr), 9))))
}

// peer is XOR-PEER-ADDRESS.
type peer netip.AddrPort

// AddTo implements stun.Setter.
func (p peer) AddTo(m *stun.Message) error {
	to := netip.AddrPort(p)
	return stun.XORMappedAddress{IP: net.IP(to.Addr().AsSlice()), Port: int(to.Port())}.AddToAs(m, stun.AttrXORPeerAddress)
}

// shape is what an answer says but for what must differ each time.
func shape(m *stun.Message) []string {
	var out []string
	for _, a := range m.Attributes {
		if a.Type == stun.AttrNonce {
			a.Value = nil
		}
		out = append(out, a.Type.String()+" "+string(a.Value))
	}
	slices.Sort(out)
	return out
}
