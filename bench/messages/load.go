package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"neochat/bench/process"
)

// password is every account's.
const password = "correct horse battery"

// benchText is what is sent.
const benchText = "a message of some forty bytes, as people write"

var (
	statOK    = []byte("stat: 200\n")
	delivered = []byte("message_type: text\n")
)

// load is pairs of connections, one sending, one receiving.
type load struct {
	server    *process.Process
	open      int
	senders   []*sender
	receivers []*socket
	received  atomic.Int64
	reading   sync.WaitGroup
}

// newLoad makes the accounts and connects them.
func newLoad(s *process.Process, pairs, open int) (*load, error) {
	names := make([]string, 0, 2*pairs)
	for i := range pairs {
		names = append(names, account("s", i), account("r", i))
	}
	tokens, err := makeAccounts(s.Addr, names)
	if err != nil {
		return nil, err
	}
	l := &load{server: s, open: open, senders: make([]*sender, pairs), receivers: make([]*socket, pairs)}
	for i := range pairs {
		if err := l.pair(i, [2]string(tokens[2*i:])); err != nil {
			l.close()
			return nil, err
		}
	}
	return l, nil
}

func (l *load) pair(i int, tokens [2]string) error {
	from, to := account("s", i), account("r", i)
	a, err := enter(l.server.Addr, from, tokens[0])
	if err != nil {
		return err
	}
	l.senders[i] = newSender(a, "friends: "+to)
	b, err := enter(l.server.Addr, to, tokens[1])
	if err != nil {
		return err
	}
	l.receivers[i] = b
	l.reading.Go(func() { countTexts(b, &l.received) })
	return nil
}

func account(kind string, i int) string { return kind + strconv.Itoa(i) }

// makeAccounts makes them, a few at a time, and returns a session token of each. Who is to be connected
// connects afterwards: hashing passwords takes long, and who does not read meanwhile answers no pings.
func makeAccounts(addr string, names []string) ([]string, error) {
	tokens, failed := make([]string, len(names)), make([]error, len(names))
	slots := make(chan struct{}, 4)
	var making sync.WaitGroup
	for i, name := range names {
		slots <- struct{}{}
		making.Go(func() {
			tokens[i], failed[i] = makeAccount(addr, name)
			<-slots
		})
	}
	making.Wait()
	return tokens, errors.Join(failed...)
}

// makeAccount returns a session token of the new account.
func makeAccount(addr, name string) (token string, err error) {
	s, err := dialSocket(addr)
	if err != nil {
		return "", err
	}
	defer s.conn.Close()
	if _, err := s.ask("", "message_type: registered", "user_account: "+name, "user_password: "+password); err != nil {
		return "", err
	}
	return s.ask("session", "message_type: login", "user_account: "+name, "user_password: "+password, "device: bench")
}

// enter opens a connection that is logged in.
func enter(addr, name, token string) (*socket, error) {
	s, err := dialSocket(addr)
	if err != nil {
		return nil, err
	}
	if _, err := s.ask("", "message_type: login", "user_account: "+name, "session: "+token, "device: bench"); err != nil {
		s.conn.Close()
		return nil, err
	}
	return s, nil
}

// countTexts adds up the texts that a connection is told until it ends.
func countTexts(s *socket, received *atomic.Int64) {
	for {
		frame, err := s.next()
		if err != nil {
			return // the connection was closed; a round counts what came
		}
		received.Add(int64(bytes.Count(frame, delivered)))
	}
}

// round lets all senders run for about length, until everything is answered and delivered.
func (l *load) round(ctx context.Context, length time.Duration) (figures, error) {
	if ctx.Err() != nil {
		return figures{}, ctx.Err()
	}
	l.received.Store(0)
	cpu, err := l.server.CPU()
	if err != nil {
		return figures{}, err
	}
	begun := time.Now()
	var sending sync.WaitGroup
	failed := make([]error, len(l.senders))
	for i, s := range l.senders {
		sending.Go(func() { failed[i] = s.run(l.open, begun.Add(length)) })
	}
	sending.Wait()
	took := time.Since(begun)
	if err := errors.Join(failed...); err != nil {
		return figures{}, err
	}
	var waits []time.Duration
	for _, s := range l.senders {
		waits = append(waits, s.waits...)
	}
	if err := awaitCount(&l.received, int64(len(waits))); err != nil {
		return figures{}, err
	}
	after, err := l.server.CPU()
	slices.Sort(waits)
	return figures{count: len(waits), took: took, cpu: after - cpu, p50: waits[len(waits)/2], p99: waits[len(waits)*99/100]}, err
}

// awaitCount waits for the last deliveries.
func awaitCount(received *atomic.Int64, n int64) error {
	for range 10_000 {
		if received.Load() >= n {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("of %d deliveries of messages answered 200 only %d came", n, received.Load())
}

func (l *load) close() {
	for _, s := range l.senders {
		if s != nil {
			s.conn.Close()
		}
	}
	for _, r := range l.receivers {
		if r != nil {
			r.conn.Close()
		}
	}
	l.reading.Wait()
}

// sender keeps texts under way on one connection.
type sender struct {
	*socket
	frame  []byte // a whole text; its client_message_id is set before each sending
	id     []byte // the digits of that, within frame
	next   int    // of client_message_id
	out    []byte
	sentAt []time.Time // of unanswered texts, oldest first: answers come in order
	waits  []time.Duration
}

// newSender makes one that sends to where the line to says.
func newSender(s *socket, to string) *sender {
	const digits = "000000000000"
	frame := appendFrame(nil, opText, []byte("message_type: text\n"+to+"\nclient_message_id: "+digits+"\ntext: "+benchText+"\n\n"))
	at := bytes.Index(frame, []byte(digits))
	return &sender{socket: s, frame: frame, id: frame[at : at+len(digits)]}
}

// run keeps open texts unanswered until the time is over, and then waits for the last answers.
func (s *sender) run(open int, until time.Time) error {
	s.waits = s.waits[:0]
	if err := s.send(open, time.Now()); err != nil {
		return err
	}
	for len(s.sentAt) > 0 {
		frame, err := s.socket.next()
		if err != nil {
			return fmt.Errorf("waiting for an answer: %w", err)
		}
		n := bytes.Count(frame, statOK)
		if n == 0 || n > len(s.sentAt) {
			return fmt.Errorf("not the answer to a text: %q", frame)
		}
		now := time.Now()
		for _, at := range s.sentAt[:n] {
			s.waits = append(s.waits, now.Sub(at))
		}
		s.sentAt = append(s.sentAt[:0], s.sentAt[n:]...)
		if now.Before(until) {
			if err := s.send(n, now); err != nil {
				return err
			}
		}
	}
	return nil
}

// send writes n texts, each a frame, in one go.
func (s *sender) send(n int, now time.Time) error {
	s.out = s.out[:0]
	for range n {
		for i, v := len(s.id)-1, s.next; i >= 0; i, v = i-1, v/10 {
			s.id[i] = byte('0' + v%10)
		}
		s.next++
		s.out = append(s.out, s.frame...)
		s.sentAt = append(s.sentAt, now)
	}
	if _, err := s.conn.Write(s.out); err != nil {
		return fmt.Errorf("sending texts: %w", err)
	}
	return nil
}
