package process

import (
	"net"
	"testing"

	"github.com/coder/websocket"
	"github.com/pion/stun/v4"
)

// optionsFor names the server otherwise than it is dialled.
func optionsFor(host string) websocket.DialOptions { return websocket.DialOptions{Host: host} }

// stunAt is a STUN server (RFC 8489) that sees everybody at one address, or says rubbish. It returns its own address.
func stunAt(t *testing.T, sees string, rubbish bool) string {
	t.Helper()
	conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	t.Cleanup(func() { conn.Close(); <-done })
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, from, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			asked := &stun.Message{Raw: b[:n]}
			if asked.Decode() != nil {
				continue
			}
			answer := stun.MustBuild(asked, stun.BindingSuccess, &stun.XORMappedAddress{IP: net.ParseIP(sees), Port: 4711})
			if rubbish {
				answer.Raw = append([]byte("HTTP/1.1 "), answer.Raw...)
			}
			conn.WriteTo(answer.Raw, from)
		}
	}()
	return conn.LocalAddr().String()
}
