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
	"runtime"
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
	profile, heap           string
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
	key, name string
	open      func() (forwarder, error)
	runs      []result
}

func variants() []*variant {
	return []*variant{{key: "stock", name: "stock Pion", open: openStock}, {key: "ours", name: "neochat/media", open: openOurs}}
}

// result is what a round of one variant took.
type result struct {
	CPU       time.Duration
	Packets   uint64
	Delivered uint64
	Memory    int64 // bytes that the process grew by
}

func (r result) each() float64 {
	return float64(r.CPU.Nanoseconds()) / 1000 / float64(max(r.Packets, 1))
}

func main() {
	var o options
	role := flag.String("role", "", "forwarder or clients, for the processes of a round")
	receivers := flag.String("receivers", "50", "numbers of receivers, as in 10,50,100")
	flag.IntVar(&o.rate, "rate", 400, "packets a second that are published")
	flag.IntVar(&o.rounds, "rounds", 3, "rounds of each variant")
	flag.DurationVar(&o.window, "window", 3*time.Second, "time measured in each round")
	flag.StringVar(&o.profile, "profile", "", "file for a CPU profile of the forwarding process, of the last round")
	flag.StringVar(&o.heap, "heap", "", "file for a profile of its memory in use, at the end of the last round")
	only := flag.String("only", "", "the one variant to run: stock or ours")
	flag.Parse()
	series, err := numbers(*receivers)
	if err == nil {
		o.receivers = series[0]
		switch *role {
		case "clients":
			err = clients(o, os.Stdin, os.Stdout)
		case "forwarder":
			err = forward(o, *only)
		default:
			err = compareAll(o, series, *only)
		}
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

// compareAll prints a table with a row for each variant and number of receivers.
func compareAll(o options, series []int, only string) error {
	all := variants()
	if only != "" {
		all = slices.DeleteFunc(all, func(v *variant) bool { return v.key != only })
	}
	if len(all) == 0 {
		return fmt.Errorf("there is no variant %q", only)
	}
	fmt.Printf("1 publisher, %d packets/s of 1200 bytes, %s a round\n\n", o.rate, o.window)
	fmt.Printf("| receivers | %-13s | µs per packet, each round | median | to stock | KiB per receiver | delivered |\n|---|---|---|---|---|---|---|\n", "forwarder")
	for _, n := range series {
		o.receivers = n
		if err := compare(o, all); err != nil {
			return err
		}
	}
	return nil
}

// compare runs the variants in turn, so that a busy moment of the machine meets both.
func compare(o options, all []*variant) error {
	for _, v := range all {
		v.runs = nil
	}
	for round := range o.rounds {
		for _, v := range all {
			r, err := apart(o, v)
			if err != nil {
				return fmt.Errorf("%s, %d receivers, round %d: %w", v.name, o.receivers, round+1, err)
			}
			v.runs = append(v.runs, r)
		}
	}
	for _, v := range all {
		fmt.Println(v.row(o.receivers, all[0].median()))
	}
	return nil
}

// apart runs one round of one variant in a process of its own: what another one left in memory does not count.
func apart(o options, v *variant) (r result, err error) {
	self, err := os.Executable()
	if err != nil {
		return r, err
	}
	cmd := exec.Command(self, "-role", "forwarder", "-only", v.key, "-receivers", fmt.Sprint(o.receivers), "-rate", fmt.Sprint(o.rate), "-window", o.window.String(),
		"-profile", o.profile, "-heap", o.heap)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return r, fmt.Errorf("the forwarding process: %w", err)
	}
	return r, json.Unmarshal(out, &r)
}

// forward is that process: it prints the result.
func forward(o options, only string) error {
	for _, v := range variants() {
		if v.key != only {
			continue
		}
		return profiled(o.profile, func() error {
			r, err := measure(o, v)
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stdout).Encode(r)
		})
	}
	return fmt.Errorf("there is no variant %q", only)
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
		packets += r.Packets
		delivered += r.Delivered
		memory = append(memory, r.Memory)
	}
	slices.Sort(memory)
	return fmt.Sprintf("| %9d | %-13s |%s | %.2f | %.2f | %d | %.1f %% |", receivers, v.name, list, v.median(), v.median()/reference,
		memory[len(memory)/2]/1024/int64(receivers), 100*float64(delivered)/float64(max(packets, 1)))
}

// measure runs one round of one variant.
func measure(o options, v *variant) (result, error) {
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
	r := result{CPU: cpuTime() - cpu, Packets: f.sent() - sent, Memory: resident() - before}
	if err := heapProfile(o.heap); err != nil {
		return result{}, err
	}
	total := f.sent()
	last, err := child.finish()
	if err != nil {
		return result{}, err
	}
	r.Delivered = r.Packets * last.Received / max(total, last.Received)
	return r, nil
}

// heapProfile writes what is in use to a file, if there is a name.
func heapProfile(file string) error {
	if file == "" {
		return nil
	}
	out, err := os.Create(file)
	if err != nil {
		return err
	}
	defer out.Close()
	runtime.GC()
	return pprof.Lookup("heap").WriteTo(out, 0)
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
