package main

import (
	"bytes"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// TestAnswerBinding answers plain questions, with their filling, and nothing else.
func TestAnswerBinding(t *testing.T) {
	from := netip.MustParseAddrPort("192.0.0.8:1024")
	plain := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	filled := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.RawAttribute{Type: 0x8026, Value: make([]byte, 1000)})
	for _, question := range []*stun.Message{plain, filled} {
		answer := &stun.Message{Raw: answerBinding(question.Raw, from)}
		if err := answer.Decode(); err != nil || answer.Type != stun.BindingSuccess || answer.TransactionID != question.TransactionID {
			t.Fatalf("%v is answered with %v, %v", question, answer, err)
		}
		var seen stun.XORMappedAddress
		if err := seen.GetFrom(answer); err != nil || seen.Port != 1024 || !seen.IP.Equal(net.IPv4(192, 0, 0, 8)) {
			t.Errorf("it tells %v, %v", seen, err)
		}
		if len(answer.Raw) > len(question.Raw)+16 || len(question.Raw) > 1000 && len(answer.Raw) < 1000 {
			t.Errorf("%d bytes are answered with %d", len(question.Raw), len(answer.Raw))
		}
	}
	agent := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.NewUsername("a:b"))
	for _, other := range [][]byte{nil, {0, 1}, agent.Raw, stun.MustBuild(stun.TransactionID, stun.BindingSuccess).Raw, bytes.Repeat([]byte{0, 1}, 50)} {
		if got := answerBinding(other, from); got != nil {
			t.Errorf("%x is answered with %x", other, got)
		}
	}
}

// TestServeBinding answers over a real socket, never at length.
func TestServeBinding(t *testing.T) {
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { serveBinding(server); close(ended) }()
	client, err := net.Dial("udp", server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	client.SetReadDeadline(time.Now().Add(time.Minute))
	filled := stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.RawAttribute{Type: 0x8026, Value: make([]byte, 1000)})
	client.Write([]byte("no question"))
	client.Write(filled.Raw)
	buf := make([]byte, 2048)
	n, err := client.Read(buf)
	answer := &stun.Message{Raw: buf[:n]}
	if err != nil || answer.Decode() != nil || answer.TransactionID != filled.TransactionID || n > 64 {
		t.Errorf("answered with %d bytes, %v: %v", n, err, answer)
	}
	server.Close()
	<-ended
}

func FuzzAnswerBinding(f *testing.F) {
	f.Add(stun.MustBuild(stun.TransactionID, stun.BindingRequest, stun.RawAttribute{Type: 0x8026, Value: make([]byte, 5)}).Raw)
	from := netip.MustParseAddrPort("[100::1]:7")
	f.Fuzz(func(t *testing.T, packet []byte) {
		before := bytes.Clone(packet)
		if answer := answerBinding(packet, from); len(answer) > len(packet)+28 {
			t.Errorf("%d bytes are answered with %d", len(packet), len(answer))
		}
		if !bytes.Equal(before, packet) {
			t.Error("the packet was changed")
		}
		if answer := answerBinding(short(packet), from); len(answer) > 48 {
			t.Errorf("a short question is answered with %d bytes", len(answer))
		}
	})
}
