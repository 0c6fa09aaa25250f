// Command media measures what it costs to pass on a packet: CPU time of the forwarding process for each packet that leaves, and the memory it takes
// for each receiver, for our SFU and for a bare forwarder made of Pion's own parts with its default interceptors. One publisher and the receivers live
// in a child process, which does not count; so does not what receivers would do with the media, which the child drops at its sockets.
//
//	go run ./bench/media -receivers 10,50,100,200 -rate 200 -rounds 3
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type options struct {
	receivers, rate, rounds int
	window                  time.Duration
}

// message is a line between the two processes.
type message struct {
	ID       int    `json:"id"`
	Publish  bool   `json:"publish,omitempty"`
	Mid      string `json:"mid,omitempty"`
	SDP      string `json:"sdp,omitempty"`
	Ready    bool   `json:"ready,omitempty"`    // every receiver has got media
	Received uint64 `json:"received,omitempty"` // media packets, in all
	Error    string `json:"error,omitempty"`
}

// forwarder is what is measured.
type forwarder interface {
	// connect answers the offer of a client, which publishes in section mid or only receives.
	connect(m message) (answer string, err error)
	// sent is the number of packets passed on so far.
	sent() uint64
	close() error
}

type variant struct {
	name string
	open func() (forwarder, error)
	runs []result
}

type result struct {
	cpu       time.Duration
	packets   uint64
	delivered uint64
	memory    int64 // bytes that the process grew by
}

func (r result) each() float64 {
	return float64(r.cpu.Nanoseconds()) / 1000 / float64(max(r.packets, 1))
}

func main() {
	var o options
	role := flag.String("role", "server", "server, or clients for the child process")
	receivers := flag.String("receivers", "50", "numbers of receivers, as in 10,50,100")
	flag.IntVar(&o.rate, "rate", 400, "packets a second that are published")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each variant")
	flag.DurationVar(&o.window, "window", 3*time.Second, "time measured in each round")
	profile := flag.String("profile", "", "file for a CPU profile of the forwarding process, all rounds")
	only := flag.String("only", "", "the one variant to run: stock or ours")
	flag.Parse()
	series, err := numbers(*receivers)
	switch {
	case err != nil:
	case *role == "clients":
		o.receivers = series[0]
		err = clients(o, os.Stdin, os.Stdout)
	default:
		err = profiled(*profile, func() error { return compareAll(o, series, *only) })
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/media:", err)
		os.Exit(1)
	}
}

func numbers(list string) (all []int, err error) {
	for _, one := range strings.Split(list, ",") {
		n, err := strconv.Atoi(one)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%q is no number of receivers", one)
		}
		all = append(all, n)
	}
	return all, nil
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

// compareAll prints a table with two rows for each number of receivers.
func compareAll(o options, series []int, only string) error {
	fmt.Printf("1 publisher, %d packets/s of 1200 bytes, %s a round\n\n", o.rate, o.window)
	fmt.Printf("| receivers | %-13s | µs per packet, each round | median | to stock | KiB per receiver | delivered |\n|---|---|---|---|---|---|---|\n", "forwarder")
	for _, n := range series {
		o.receivers = n
		if err := compare(o, only); err != nil {
			return err
		}
	}
	return nil
}

// compare runs the variants in turn, so that a busy moment of the machine meets both.
func compare(o options, only string) error {
	variants := []*variant{{name: "stock Pion", open: openStock}, {name: "neochat/media", open: openOurs}}
	switch only {
	case "stock":
		variants = variants[:1]
	case "ours":
		variants = variants[1:]
	case "":
	default:
		return fmt.Errorf("there is no variant %q", only)
	}
	for round := range o.rounds {
		for _, v := range variants {
			r, err := measure(o, v)
			if err != nil {
				return fmt.Errorf("%s, %d receivers, round %d: %w", v.name, o.receivers, round+1, err)
			}
			v.runs = append(v.runs, r)
		}
	}
	for _, v := range variants {
		fmt.Println(v.row(o.receivers, variants[0].median()))
	}
	return nil
}

// median is that of the rounds, in microseconds of CPU for each packet.
func (v *variant) median() float64 {
	var each []float64
	for _, r := range v.runs {
		each = append(each, r.each())
	}
	slices.Sort(each)
	return each[len(each)/2]
}

func (v *variant) row(receivers int, reference float64) string {
	var packets, delivered uint64
	var memory []int64
	list := ""
	for _, r := range v.runs {
		list += fmt.Sprintf(" %.2f", r.each())
		packets += r.packets
		delivered += r.delivered
		memory = append(memory, r.memory)
	}
	slices.Sort(memory)
	return fmt.Sprintf("| %9d | %-13s |%s | %.2f | %.2f | %d | %.1f %% |", receivers, v.name, list, v.median(), v.median()/reference,
		memory[len(memory)/2]/1024/int64(receivers), 100*float64(delivered)/float64(max(packets, 1)))
}

// measure runs one round of one variant.
func measure(o options, v *variant) (result, error) {
	debug.FreeOSMemory() // what the round before left does not count
	before := resident()
	f, err := v.open()
	if err != nil {
		return result{}, err
	}
	defer f.close()
	child, err := start(o)
	if err != nil {
		return result{}, err
	}
	defer child.stop()
	if err := child.serve(f); err != nil {
		return result{}, err
	}
	cpu, sent := cpuTime(), f.sent()
	time.Sleep(o.window)
	r := result{cpu: cpuTime() - cpu, packets: f.sent() - sent, memory: resident() - before}
	total := f.sent()
	last, err := child.finish()
	if err != nil {
		return result{}, err
	}
	r.delivered = r.packets * last.Received / max(total, last.Received)
	return r, nil
}

// cpuTime is what this process has used, in user and system mode.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// resident is the memory that this process has, in bytes; 0 where the system does not tell.
func resident() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	var size, pages int64
	if _, scanErr := fmt.Sscan(string(text), &size, &pages); err != nil || scanErr != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}

// process is the child with the clients in it.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(o options) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self, "-role", "clients", "-receivers", fmt.Sprint(o.receivers), "-rate", fmt.Sprint(o.rate))
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
		return nil, fmt.Errorf("starting the clients: %w", err)
	}
	return &process{cmd: cmd, in: in, out: bufio.NewReader(out)}, nil
}

// serve answers offers until every receiver has got media.
func (p *process) serve(f forwarder) error {
	for {
		m, err := p.read()
		if err != nil {
			return err
		}
		if m.Ready {
			return nil
		}
		m.SDP, err = f.connect(m)
		if err != nil {
			return fmt.Errorf("client %d: %w", m.ID, err)
		}
		if err := json.NewEncoder(p.in).Encode(m); err != nil {
			return err
		}
	}
}

func (p *process) read() (message, error) {
	var m message
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return m, fmt.Errorf("reading from the clients: %w", err)
	}
	if err := json.Unmarshal(line, &m); err != nil {
		return m, err
	}
	if m.Error != "" {
		return m, fmt.Errorf("clients: %s", m.Error)
	}
	return m, nil
}

// finish ends the sending and asks what arrived.
func (p *process) finish() (message, error) {
	if err := p.in.Close(); err != nil {
		return message{}, err
	}
	return p.read()
}

func (p *process) stop() {
	_ = p.in.Close()
	_ = p.cmd.Wait()
}
