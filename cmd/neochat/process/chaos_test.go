package process

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"neochat/store/mariadbtest"
)

const (
	chaosTime  = time.Minute // how long server and database are killed again and again
	chaosPairs = 3
	chaosOpen  = 8 // unanswered texts of one talker
)

// TestKillServerAndDatabaseAtRandom kills the server, the database or both for a minute, while people go on
// talking through whatever is up. In the end all that was answered 200 is stored once where the answer said, every
// conversation's seq is whole, and every text has reached its recipient, in order.
func TestKillServerAndDatabaseAtRandom(t *testing.T) {
	t.Parallel()
	db := mariadbtest.New(t, true)
	c := &chaos{t: t, db: db, data: t.TempDir()}
	c.up()
	pairs := c.makePairs()
	var talking, listening sync.WaitGroup
	for _, p := range pairs {
		talking.Go(func() { p.failed = errors.Join(p.failed, p.talk(c)) })
		listening.Go(func() { p.unheard = p.listen(c) })
	}
	c.killUntil(time.Now().Add(chaosTime))
	c.ending.Store(true)
	talking.Wait()
	answered, resent := 0, 0
	for _, p := range pairs {
		if p.failed != nil {
			t.Error(p.failed)
		}
		p.check(t, login(t, c.server, p.from, "device: check"))
		answered, resent = answered+len(p.answered), resent+p.resent
		p.all.Store(true)
	}
	listening.Wait()
	for _, p := range pairs {
		if p.unheard != nil {
			t.Error(p.unheard)
		}
	}
	t.Logf("%d kills of the server, %d of the database, %d texts answered, %d resent", c.serverKills, c.databaseKills, answered, resent)
	if c.serverKills == 0 || c.databaseKills == 0 || resent == 0 || answered < 100 {
		t.Error("that is too little to prove anything")
	}
}

// chaos is a server and its database, either of which may be down.
type chaos struct {
	t      *testing.T
	db     *mariadbtest.Server
	data   string
	server *server
	addr   atomic.Pointer[string]
	ending atomic.Bool // nothing is killed any more; talkers settle what is open

	serverKills, databaseKills int
}

func (c *chaos) up() {
	c.server = start(c.t, c.data, "--database", c.db.URL("chat"))
	c.addr.Store(&c.server.addr)
}

func (c *chaos) killUntil(end time.Time) {
	for time.Now().Before(end) {
		time.Sleep(time.Duration(rand.Int64N(int64(2 * time.Second))))
		victims := 1 + rand.IntN(3)
		if victims&1 != 0 {
			c.server.kill()
			c.serverKills++
		}
		if victims&2 != 0 {
			if err := c.db.Kill(); err != nil {
				c.t.Fatal(err)
			}
			c.databaseKills++
			time.Sleep(time.Duration(rand.Int64N(int64(time.Second))))
			if err := c.db.Run(); err != nil {
				c.t.Fatal(err)
			}
		}
		if victims&1 != 0 {
			c.up()
		}
	}
}

// chaosPair is one who talks and one who listens, on a plain device.
type chaosPair struct {
	from, to           string
	fromToken, toToken string
	conversation       string
	all                atomic.Bool // everything that will ever be sent has been

	// Owned by talk until it has returned.
	sent     int
	open     []string       // client ids without an answer, oldest first
	answered map[string]int // seq by client id
	resent   int
	failed   error

	// Owned by listen until it has returned.
	heard   map[int]string // text by seq
	unheard error

	mu     sync.Mutex
	stored map[int]string // what the check found, by seq; guarded by mu
}

func (c *chaos) makePairs() (pairs []*chaosPair) {
	for i := range chaosPairs {
		p := &chaosPair{from: fmt.Sprintf("from%d", i), to: fmt.Sprintf("to%d", i), answered: map[string]int{}, heard: map[int]string{}}
		register(c.t, c.server, p.from, p.to)
		p.fromToken = token(c.t, c.server, p.from, "device: talker")
		p.toToken = token(c.t, c.server, p.to)
		k := login(c.t, c.server, p.from, "device: first")
		p.conversation = k.want(c.t, "200", "message_type: text", "friends: "+p.to, "text: first").get("conversation")
		k.gone()
		pairs = append(pairs, p)
	}
	return pairs
}

// token logs in and leaves, and returns the session token.
func token(t *testing.T, s *server, account string, more ...string) string {
	t.Helper()
	k := dial(t, s, "/message")
	defer k.gone()
	return k.want(t, "200", append([]string{"message_type: login", "user_account: " + account, "user_password: " + password}, more...)...).get("session")
}

// enter connects and logs in by token; nil: not now.
func (c *chaos) enter(account, token string, more ...string) *client {
	k, err := connect(*c.addr.Load(), "/message")
	if err != nil {
		time.Sleep(20 * time.Millisecond) // the server is away
		return nil
	}
	go k.read()
	if err := k.write(append([]string{"message_type: login", "user_account: " + account, "session: " + token}, more...)...); err == nil {
		if m, err := k.next(); err == nil && m.get("stat") == "200" {
			return k
		} else if err == nil && m.get("stat") != "503" {
			c.t.Errorf("%s: the login was answered %s", account, m.raw)
		}
	}
	k.gone()
	time.Sleep(20 * time.Millisecond)
	return nil
}

// talk sends, and sends again what was not answered, until the chaos is over and nothing is open.
func (p *chaosPair) talk(c *chaos) error {
	for !c.ending.Load() || len(p.open) > 0 {
		k := c.enter(p.from, p.fromToken, "device: talker")
		if k == nil {
			continue
		}
		err := p.talkOn(c, k)
		k.gone()
		if err != nil {
			return err
		}
	}
	return nil
}

// talkOn uses one connection until it ends, or something must be sent again.
func (p *chaosPair) talkOn(c *chaos, k *client) error {
	p.resent += len(p.open)
	for _, id := range p.open {
		if k.write(p.lines(id)...) != nil {
			return nil
		}
	}
	for {
		for len(p.open) < chaosOpen && !c.ending.Load() {
			id := p.from + "-" + strconv.Itoa(p.sent)
			p.sent++
			p.open = append(p.open, id)
			if k.write(p.lines(id)...) != nil {
				return nil
			}
		}
		if len(p.open) == 0 {
			return nil
		}
		m, err := k.next()
		if err != nil || m.get("stat") == "503" {
			return nil
		}
		seq, err := strconv.Atoi(m.get("seq"))
		if m.get("stat") != "200" || m.get("task_id") != p.open[0] || err != nil {
			return fmt.Errorf("to %s came %s", p.open[0], m.raw)
		}
		p.answered[p.open[0]] = seq
		p.open = p.open[1:]
	}
}

func (p *chaosPair) lines(id string) []string {
	return []string{"message_type: text", "task_id: " + id, "client_message_id: " + id, "friends: " + p.to, "text: said as " + id}
}

// listen keeps a plain device connected until it has heard all there is.
func (p *chaosPair) listen(c *chaos) error {
	last := 0
	for deadline := time.Now().Add(chaosTime + 2*patience); ; {
		if p.heardAll() {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s heard %d texts, and not all that were stored for it", p.to, len(p.heard))
		}
		k := c.enter(p.to, p.toToken)
		if k == nil {
			continue
		}
		for {
			m, open := p.push(k)
			if !open || m.raw == "" && p.heardAll() {
				break
			}
			seq, _ := strconv.Atoi(m.get("seq"))
			if m.get("message_type") != "text" || p.heard[seq] != "" {
				continue
			}
			if seq <= last {
				k.gone()
				return fmt.Errorf("%s heard seq %d for the first time after %d", p.to, seq, last)
			}
			last, p.heard[seq] = seq, m.get("text")
		}
		k.gone()
	}
}

// push returns what is told next, an empty message now and then, or false when the connection has ended.
func (p *chaosPair) push(k *client) (message, bool) {
	select {
	case m := <-k.pushes:
		return m, true
	default:
	}
	select {
	case m := <-k.pushes:
		return m, true
	case <-time.After(100 * time.Millisecond):
		return message{}, true
	case <-k.done:
		return message{}, false
	}
}

// heardAll tells whether everything stored was heard, once it is known what that is.
func (p *chaosPair) heardAll() bool {
	if !p.all.Load() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for seq, text := range p.stored {
		if p.heard[seq] != text {
			return false
		}
	}
	return true
}

// check compares what is stored with what was answered.
func (p *chaosPair) check(t *testing.T, k *client) {
	defer k.gone()
	at := map[string]int{}
	stored := map[int]string{}
	for i, m := range readHistory(t, k, p.conversation) {
		seq := i + 1
		if m.get("seq") != strconv.Itoa(seq) {
			t.Fatalf("history line %d has seq %s", seq, m.get("seq"))
		}
		stored[seq] = m.get("text")
		id := m.get("client_message_id")
		if id == "" {
			continue
		}
		if at[id] != 0 {
			t.Errorf("%s is stored at %d and at %d", id, at[id], seq)
		}
		if m.get("text") != "said as "+id {
			t.Errorf("%s is stored as %q", id, m.get("text"))
		}
		at[id] = seq
	}
	for id, seq := range p.answered {
		if at[id] != seq {
			t.Errorf("%s was answered with seq %d and lies at %d", id, seq, at[id])
		}
	}
	if len(at) != p.sent {
		t.Errorf("of %d texts of %s, %d are stored", p.sent, p.from, len(at))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stored = stored
}
