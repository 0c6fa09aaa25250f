package main

import (
	"net"
	"net/netip"

	"github.com/pion/stun/v4"

	"neochat/port/firstbytes"
)

// answerBinding answers who asks by STUN for his address (RFC 8489, section 3) without being an ICE agent; nil: it is no such question.
// What fills the question up fills the answer up too (RFC 5780, section 7.6), so that both ways are shown to carry it.
func answerBinding(packet []byte, from netip.AddrPort) []byte {
	if len(packet) < 2 || packet[0] != 0 || packet[1] != 1 || firstbytes.Datagram(packet) != firstbytes.Relay {
		return nil
	}
	const padding = stun.AttrType(0x8026)
	question := &stun.Message{Raw: append([]byte(nil), packet...)}
	if question.Decode() != nil {
		return nil
	}
	setters := []stun.Setter{question, stun.BindingSuccess, &stun.XORMappedAddress{IP: from.Addr().Unmap().AsSlice(), Port: int(from.Port())}}
	if fill, err := question.Get(padding); err == nil {
		setters = append(setters, stun.RawAttribute{Type: padding, Value: fill})
	}
	answer, err := stun.Build(setters...)
	if err != nil {
		return nil
	}
	return answer.Raw
}

// serveBinding answers what a relay that is off would: those who ask for their address. The answer is never longer than a plain one, whoever was
// named as the sender.
func serveBinding(conn net.PacketConn) {
	buf := make([]byte, 2048)
	for {
		n, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		at, ok := from.(*net.UDPAddr)
		if !ok {
			continue
		}
		if answer := answerBinding(short(buf[:n]), at.AddrPort()); answer != nil {
			conn.WriteTo(answer, from)
		}
	}
}

// short takes the attributes off a question.
func short(packet []byte) []byte {
	const header = 20
	if len(packet) < header || firstbytes.Datagram(packet) != firstbytes.Relay {
		return nil
	}
	packet[2], packet[3] = 0, 0
	return packet[:header]
}
