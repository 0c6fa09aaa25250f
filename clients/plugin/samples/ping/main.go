// Command ping is a sample plugin: where somebody else says "ping", it answers "pong". It needs
// the grants receive and send. With the argument "pull" it asks for messages; else they are pushed to it.
// It uses nothing but the standard library and the grammar of package wire.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"

	"neochat/wire"
)

func main() {
	mode := "push"
	if len(os.Args) > 1 {
		mode = os.Args[1]
	}
	if err := run(mode); err != nil && !errors.Is(err, io.EOF) { // at the end of the chat, so does this
		fmt.Fprintln(os.Stderr, "ping:", err)
		os.Exit(1)
	}
}

// link is a connection to the chat.
type link struct {
	net.Conn
	in *wire.Reader
}

func run(mode string) error {
	conn, err := net.Dial("unix", os.Getenv("NEOCHAT_PLUGIN_SOCKET"))
	if err != nil {
		return err
	}
	defer conn.Close()
	l := &link{conn, wire.NewReader(conn, false, wire.Limits{Header: 1 << 20})}
	me, _, err := l.call("register", "plugin_name", os.Getenv("NEOCHAT_PLUGIN_NAME"), "token", os.Getenv("NEOCHAT_PLUGIN_TOKEN"), "mode", mode)
	if err != nil {
		return err
	}
	if mode == "pull" {
		return l.pull(me.Get("user_account"))
	}
	return l.pushed(me.Get("user_account"))
}

// pull asks for one message after the other.
func (l *link) pull(me string) error {
	for {
		_, messages, err := l.call("get_message", "wait_ms", "60000")
		if err != nil {
			return err
		}
		for _, m := range messages {
			if !asks(m, me) {
				continue
			}
			if _, _, err := l.call("send_message", "conversation", m.Get("conversation"), "text", "pong", "client_message_id", m.Get("message_id")); err != nil {
				return err
			}
		}
	}
}

// pushed takes messages as they come. Answers, which have a stat, come between them.
func (l *link) pushed(me string) error {
	for {
		m, err := l.in.Next()
		if err != nil {
			return err
		}
		if stat := m.Get("stat"); stat != "" && stat != "200" {
			return fmt.Errorf("%s: %s", stat, m.Get("reason"))
		}
		if asks(m, me) {
			if err := l.send("send_message", "conversation", m.Get("conversation"), "text", "pong", "client_message_id", m.Get("message_id")); err != nil {
				return err
			}
		}
	}
}

// asks reports whether a message is somebody else's "ping".
func asks(m wire.Message, me string) bool {
	return m.Get("message_type") == "text" && m.Get("text") == "ping" && m.Get("user_account") != me
}

// send writes a request: a call and its names and values.
func (l *link) send(call string, values ...string) error {
	b := wire.Append(nil, "message_type", "plugin")
	b = wire.Append(b, "call", call)
	for i := 0; i+1 < len(values); i += 2 {
		b = wire.Append(b, values[i], values[i+1])
	}
	_, err := l.Write(wire.End(b))
	return err
}

// call sends a request and reads its answer, with its items where it is a list. Where messages
// are pushed it cannot be used but for register: they may come first.
func (l *link) call(name string, values ...string) (answer wire.Message, items []wire.Message, err error) {
	if err := l.send(name, values...); err != nil {
		return wire.Message{}, nil, err
	}
	if answer, err = l.in.Next(); err != nil {
		return wire.Message{}, nil, err
	}
	if answer.Get("stat") != "200" {
		return answer, nil, fmt.Errorf("%s: %s", answer.Get("stat"), answer.Get("reason"))
	}
	n := 0
	_, _ = fmt.Sscan(answer.Get("count"), &n) // what is no list has none
	for range n {
		item, err := l.in.Next()
		if err != nil {
			return answer, items, err
		}
		items = append(items, item)
	}
	return answer, items, nil
}
