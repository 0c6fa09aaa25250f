// Command turn measures what it costs to relay a packet: CPU time of the relaying process for each packet that passes, for our relay and for
// Debian's coturn, each a child process of its own on loopback, with the same clients and peers in this process. Clients send ChannelData
// over UDP to a peer that echoes, so every packet counts twice: once on its way there and once on its way back. Ours is measured a second
// time where there is no socket behind it: against this server's own media, which coturn has no equal of.
//
//	go run ./bench/turn -rate 10000 -rounds 3
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type options struct {
	rate, rounds int
	window       time.Duration
	profile      string
	inside       bool

	clients, sizes numbers
}

// numbers is a flag of several, with commas between.
type numbers []int

// String gives them as the flag has them.
func (n *numbers) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*n), " ", ","), "[]")
}

// Set reads them.
func (n *numbers) Set(s string) error {
	*n = nil
	for _, one := range strings.Split(s, ",") {
		v, err := strconv.Atoi(one)
		if err != nil || v < 1 {
			return fmt.Errorf("%q is no number of anything", one)
		}
		*n = append(*n, v)
	}
	return nil
}

// server is a relay to measure.
type server struct {
	name  string
	start func(o options) (*process, error)
	runs  []float64 // µs per packet
	lost  float64   // the most of a round
}

// process is a relay that runs, and how clients get in.
type process struct {
	cmd        *exec.Cmd
	stop       io.Closer // what it lives as long as
	Addr       string    `json:"addr"`
	User       string    `json:"user"`
	Pass       string    `json:"pass"`
	Realm      string    `json:"realm"`
	Peer       string    `json:"peer"` // where to send when there is no peer of ours
	folder     string
	outputLeft <-chan struct{}
}

func main() {
	o := options{clients: numbers{10, 100}, sizes: numbers{160, 1200}}
	role := flag.String("role", "bench", "bench, or relay for the child process")
	flag.IntVar(&o.rate, "rate", 10000, "packets a second that clients send, all together")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each relay")
	flag.DurationVar(&o.window, "window", 2*time.Second, "time measured in each round")
	flag.StringVar(&o.profile, "profile", "", "file for a CPU profile of our relay's process as it relays to peers, the last round's")
	flag.Var(&o.clients, "clients", "numbers of clients to measure with")
	flag.Var(&o.sizes, "bytes", "sizes of payload to measure with")
	flag.BoolVar(&o.inside, "inside", false, "for the child process: relay to media in the process")
	flag.Parse()
	err := error(nil)
	if *role == "relay" {
		err = profiled(o.profile, func() error { return relay(o, os.Stdin, os.Stdout) })
	} else {
		err = compare(o)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/turn:", err)
		os.Exit(1)
	}
}

// profiled runs f, with a CPU profile written to file if there is a name.
func profiled(file string, f func() error) error {
	if file == "" {
		return f()
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := pprof.StartCPUProfile(out); err != nil {
		return err
	}
	defer pprof.StopCPUProfile()
	return f()
}

// compare runs the relays in turn, so that a busy moment of the machine meets all.
func compare(o options) error {
	fmt.Printf("clients send %d packets/s to peers that echo, over UDP on loopback; %s a round\n\n", o.rate, o.window)
	fmt.Printf("| %-20s | clients | bytes | µs per packet, each round | median | of coturn's | lost |\n|---|---|---|---|---|---|---|\n", "relay")
	for _, clients := range o.clients {
		for _, size := range o.sizes {
			servers := []*server{{name: "coturn", start: startCoturn}, {name: "neochat/turn", start: startOurs}, {name: "neochat/turn, inside", start: startInside}}
			for round := range o.rounds {
				for _, s := range servers {
					if err := s.measure(o, clients, size); err != nil {
						return fmt.Errorf("%s, round %d: %w", s.name, round+1, err)
					}
				}
			}
			for _, s := range servers {
				fmt.Printf("| %-20s | %7d | %5d | %-25s | %6.2f | %11.2f | %.1f %% |\n", s.name, clients, size, s.all(), s.median(),
					s.median()/servers[0].median(), 100*s.lost)
			}
		}
	}
	return nil
}

func (s *server) all() string {
	each := make([]string, len(s.runs))
	for i, r := range s.runs {
		each[i] = fmt.Sprintf("%.2f", r)
	}
	return strings.Join(each, "  ")
}

func (s *server) median() float64 {
	sorted := slices.Sorted(slices.Values(s.runs))
	return sorted[len(sorted)/2]
}

// measure runs one round of a relay.
func (s *server) measure(o options, clients, size int) (err error) {
	p, err := s.start(o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	c, err := newCrowd(p, clients, size)
	if err != nil {
		return err
	}
	defer c.close()
	c.drive(o.rate, o.window/4) // warm
	before, err := cpuTime(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	sent, relayed := c.sent.Load(), c.relayed()
	c.drive(o.rate, o.window)
	time.Sleep(100 * time.Millisecond) // the last ones are on their way
	after, err := cpuTime(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	sent, relayed = c.sent.Load()-sent, c.relayed()-relayed
	if relayed == 0 {
		return errors.New("nothing was relayed")
	}
	s.runs = append(s.runs, float64((after-before).Nanoseconds())/1000/float64(relayed))
	s.lost = max(s.lost, 1-float64(relayed)/float64(2*sent))
	return nil
}

// cpuTime is what all threads of a process have used, from the scheduler's own accounts (ns).
func cpuTime(pid int) (time.Duration, error) {
	files, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	if err != nil {
		return 0, err
	}
	var sum time.Duration
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			continue // a thread that has just ended
		}
		ran, _, _ := strings.Cut(string(b), " ")
		ns, err := strconv.ParseInt(ran, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("%s: %w", file, err)
		}
		sum += time.Duration(ns)
	}
	return sum, nil
}

// end stops a relay and waits for it.
func (p *process) end() error {
	_ = p.stop.Close()
	<-p.outputLeft
	err := p.cmd.Wait()
	if p.folder != "" { // coturn, which was told to end by a signal
		return os.RemoveAll(p.folder)
	}
	return err
}

func startOurs(o options) (*process, error)   { return startChild(o, false) }
func startInside(o options) (*process, error) { return startChild(o, true) }

// startChild starts this program as our relay; it ends with its standard input.
func startChild(o options, inside bool) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if inside {
		o.profile = ""
	}
	cmd := exec.Command(self, "-role", "relay", "-profile", o.profile, "-inside="+strconv.FormatBool(inside))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, stop: in}
	r := bufio.NewReader(out)
	line, err := r.ReadBytes('\n')
	p.outputLeft = drain(r)
	if err == nil {
		err = json.Unmarshal(line, p)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("our relay did not start: %w", err), p.end())
	}
	return p, nil
}

// startCoturn starts coturn in the foreground, with everything off that it does not need here.
func startCoturn(options) (*process, error) {
	folder, err := os.MkdirTemp("", "bench-turn-")
	if err != nil {
		return nil, err
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	p := &process{Addr: "127.0.0.1:" + strconv.Itoa(port), User: "bench", Pass: "secret", Realm: "bench", folder: folder}
	p.cmd = exec.Command("turnserver", "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--listening-port="+strconv.Itoa(port),
		"--lt-cred-mech", "--user=bench:secret", "--realm=bench", "--allow-loopback-peers", "--no-tls", "--no-dtls", "--no-tcp", "--no-cli",
		"--no-rfc5780", "--log-file=stdout", "--simple-log", "--pidfile="+filepath.Join(folder, "pid"), "--userdb="+filepath.Join(folder, "db"))
	p.cmd.Dir = folder
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("%w (it is in the package coturn)", err)
	}
	p.stop = interrupt{p.cmd.Process}
	p.outputLeft = drain(out)
	return p, nil
}

// interrupt ends a process by a signal.
type interrupt struct{ *os.Process }

func (i interrupt) Close() error { return i.Signal(syscall.SIGTERM) }

// drain reads away what a process writes, and tells when there is no more.
func drain(r io.Reader) <-chan struct{} {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = io.Copy(io.Discard, r)
	}()
	return done
}

func freePort() (int, error) {
	conn, err := new(net.ListenConfig).ListenPacket(context.Background(), "udp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	return conn.LocalAddr().(*net.UDPAddr).Port, nil
}
