// Command messages measures durable messages a second against a neochat process
// of its own, in turns with bare inserts into the same kind of database, and what
// an idle server and its connections cost. See the table it prints.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"neochat/bench/process"
)

// plan is what to measure.
type plan struct {
	binary string        // neochat; built when empty
	dir    string        // where data folders are made
	pairs  int           // senders, each with a receiver of its own
	open   int           // unanswered texts of each sender
	rounds int           // of each kind, in turns
	length time.Duration // of a round
	idle   int           // idle connections
	on     []string      // databases
}

func main() {
	var p plan
	flag.StringVar(&p.binary, "bin", os.Getenv("NEOCHAT_BIN"), "the neochat to measure; built from this checkout when empty")
	flag.StringVar(&p.dir, "dir", "", "folder for the databases; the system's temporary folder when empty (which may be memory)")
	flag.IntVar(&p.pairs, "pairs", 50, "pairs of a sender and a receiver")
	flag.IntVar(&p.open, "open", 8, "unanswered texts each sender keeps under way")
	flag.IntVar(&p.rounds, "rounds", 3, "rounds of each kind, in turns")
	flag.DurationVar(&p.length, "time", 3*time.Second, "length of a round")
	flag.IntVar(&p.idle, "idle", 5000, "idle logged-in connections (an even number)")
	on := flag.String("database", "sqlite,mariadb", "databases to measure on; MariaDB is a server of the benchmark's own")
	flag.Parse()
	p.on = strings.Split(*on, ",")
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := p.run(ctx, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "messages:", err)
		os.Exit(1)
	}
}

// run measures everything and prints the table.
func (p plan) run(ctx context.Context, out io.Writer) (err error) {
	if p.pairs < 1 || p.open < 1 || p.rounds < 1 || p.idle < 2 || p.idle%2 != 0 {
		return errors.New("-pairs, -open and -rounds are at least 1, -idle is even and at least 2")
	}
	dir, err := os.MkdirTemp(p.dir, "neochat-messages-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if p.binary == "" {
		p.binary = filepath.Join(dir, "neochat")
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", p.binary, "neochat/cmd/neochat")
		build.Stderr = os.Stderr
		if err := build.Run(); err != nil {
			return fmt.Errorf("building neochat: %w", err)
		}
	}
	for _, name := range p.on {
		if err := p.rates(ctx, dir, name, out); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return p.others(ctx, dir, out)
}

// others measures what hardly depends on the database, on SQLite.
func (p plan) others(ctx context.Context, dir string, out io.Writer) error {
	groups, err := p.group(ctx, dir)
	if err != nil {
		return err
	}
	tokens, err := p.logins(ctx, dir)
	if err != nil {
		return err
	}
	cold, err := p.coldSync(ctx, dir)
	if err != nil {
		return err
	}
	cost, err := p.standing(ctx, dir)
	if err != nil {
		return err
	}
	for i, g := range groups {
		fmt.Fprintf(out, "group of %d, round %d    %.0f deliveries/s, %.2f µs of CPU each\n", groupMembers, i+1, float64(g.count)/g.took.Seconds(), g.cpuEach())
	}
	fmt.Fprintf(out, "%d logins by token     %.2f s of CPU, in %.2f s\n", tokenLogins, tokens.cpu.Seconds(), tokens.took.Seconds())
	fmt.Fprintf(out, "cold sync of %d messages  %.2f s of CPU, in %.2f s, %d pages\n", cold.items, cold.cpu.Seconds(), cold.took.Seconds(), cold.pages)
	return p.printCost(out, cost)
}

// start starts the server to be measured on a data folder.
func (p plan) start(ctx context.Context, data string, flags ...string) (*process.Process, error) {
	return process.Neochat(ctx, p.binary, data, nil, flags...)
}

// rates runs rounds of texts and of bare inserts in turns, and prints them.
func (p plan) rates(ctx context.Context, dir, name string, out io.Writer) (err error) {
	d, err := openDatabase(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()
	data := filepath.Join(dir, name)
	url, err := d.url(data)
	if err != nil {
		return err
	}
	s, err := p.start(ctx, data, "--database", url)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Stop()) }()
	l, err := newLoad(s, p.pairs, p.open)
	if err != nil {
		return err
	}
	defer l.close()
	b, err := openBare(ctx, d, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	var all []round
	for range p.rounds {
		texts, err := l.round(ctx, p.length)
		if err != nil {
			return err
		}
		rows, err := b.round(ctx, p.length)
		if err != nil {
			return err
		}
		all = append(all, round{texts, rows})
	}
	return p.printRates(out, d.name(), all)
}

// round is one turn of both.
type round struct{ texts, rows figures }

// figures are what a round came to.
type figures struct {
	count    int
	took     time.Duration
	cpu      time.Duration // of the process that has the database
	p50, p99 time.Duration // from a text's sending to its answer; from BEGIN to COMMIT
}

func (f figures) rate() float64 { return float64(f.count) / f.took.Seconds() }

func (f figures) cpuEach() float64 { return f.cpu.Seconds() * 1e6 / float64(f.count) }

func (p plan) printRates(out io.Writer, name string, rounds []round) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(t, "%s\tmessages/s\tCPU µs each\tp50 ms\tp99 ms\tbare rows/s\tCPU µs each\tp50 ms\tshare\t\n", name)
	for i, r := range rounds {
		fmt.Fprintf(t, "%d\t%.0f\t%.1f\t%.1f\t%.1f\t%.0f\t%.1f\t%.1f\t%.0f %%\t\n", i+1, r.texts.rate(), r.texts.cpuEach(), ms(r.texts.p50), ms(r.texts.p99),
			r.rows.rate(), r.rows.cpuEach(), ms(r.rows.p50), 100*r.texts.rate()/r.rows.rate())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d pairs, %d unanswered texts each; every message is committed, synced, answered and delivered. Bare: %d rows a transaction.\n"+
		"CPU is the server's process (bare: this one). Clients share the machine with the server.\n\n", p.pairs, p.open, bareBatch)
	return err
}

func (p plan) printCost(out io.Writer, c cost) error {
	_, err := fmt.Fprintf(out, "start to /readyz 200   %.0f ms (new folder), %.0f ms (existing)\n"+
		"idle RSS, empty        %.1f MiB\n"+
		"with %d connections  %.1f MiB: %.1f KiB each, of the second half %.1f KiB each\n"+
		"binary                 %.1f MiB\n",
		ms(c.startNew), ms(c.startOld), mib(c.empty), p.idle, mib(c.idle), float64(c.idle-c.empty)/1024/float64(p.idle), float64(c.idle-c.half)/512/float64(p.idle), mib(c.binary))
	return err
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }

func mib(bytes int64) float64 { return float64(bytes) / (1 << 20) }
