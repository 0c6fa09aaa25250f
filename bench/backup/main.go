// Command backup measures backups of a server in use: how long they take, how long those who write meanwhile wait
// beside when there is none, and whether what is restored is the source at a point in time.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"time"

	"neochat/bench/process"
)

type options struct {
	binary   string
	dir      string
	messages int
	mib      int           // of files
	blob     int           // KiB of a file
	people   int           // who write
	pause    time.Duration // of each between an answer and the next text
	quiet    time.Duration // of measuring without a backup
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "bin/neochat", "the server")
	flag.StringVar(&o.dir, "dir", "", "where everything is kept; a temporary folder by default")
	flag.IntVar(&o.messages, "messages", 1_000_000, "messages that are there before")
	flag.IntVar(&o.mib, "mib", 2048, "MiB of files that are there before")
	flag.IntVar(&o.blob, "blob", 256, "KiB of each file")
	flag.IntVar(&o.people, "people", 16, "people who write meanwhile")
	flag.DurationVar(&o.pause, "pause", 50*time.Millisecond, "of each between an answer and the next text")
	flag.DurationVar(&o.quiet, "quiet", 10*time.Second, "how long they write without a backup")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := measure(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench/backup:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, o options) (err error) {
	dir, err := os.MkdirTemp(o.dir, "neochat-backup-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	data, to, back := filepath.Join(dir, "data"), filepath.Join(dir, "backup"), filepath.Join(dir, "restored")
	begun := time.Now()
	if err := fill(ctx, data, o); err != nil {
		return fmt.Errorf("filling the server: %w", err)
	}
	fmt.Printf("%d messages and %d MiB of files of %d KiB, made in %v\n", o.messages, o.mib, o.blob, time.Since(begun).Round(time.Second))
	s, err := process.Neochat(ctx, o.binary, data, nil)
	if err != nil {
		return err
	}
	crowd, err := startCrowd(ctx, s.Addr, o)
	if err == nil {
		err = backups(ctx, o, crowd, data, to)
		err = errors.Join(err, crowd.end())
	}
	if err = errors.Join(err, s.Stop()); err != nil {
		return err
	}
	for _, args := range [][]string{{"verify", "--from", to}, {"restore", "--from", to, "--data", back}, {"verify", "--data", back}} {
		if _, err := command(ctx, o.binary, args...); err != nil {
			return err
		}
	}
	return compare(ctx, filepath.Join(data, "neochat.db"), filepath.Join(back, "neochat.db"))
}

// backups makes two while people write: the first has everything to copy, the second next to nothing.
func backups(ctx context.Context, o options, crowd *crowd, data, to string) error {
	crowd.take() // what they waited while they logged in
	select {
	case <-time.After(o.quiet):
	case <-ctx.Done():
		return ctx.Err()
	}
	fmt.Println("writers without a backup:        ", crowd.take())
	for n, which := range []string{"during the first backup:         ", "during the second, incremental:  "} {
		took, err := command(ctx, o.binary, "backup", "--data", data, "--to", to)
		if err != nil {
			return err
		}
		fmt.Printf("writers %s %s\n", which, crowd.take())
		if n == 0 {
			bytes, err := sizeOf(to)
			if err != nil {
				return err
			}
			fmt.Printf("%d MiB in %v: %.0f MB/s\n", bytes>>20, took.Round(time.Millisecond), float64(bytes)/1e6/took.Seconds())
		}
	}
	return nil
}

// command runs neochat and prints what it says.
func command(ctx context.Context, binary string, args ...string) (time.Duration, error) {
	begun := time.Now()
	out, err := exec.CommandContext(ctx, binary, args...).Output()
	took := time.Since(begun)
	fmt.Printf("neochat %s (%v):\n%s", args[0], took.Round(time.Millisecond), out)
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("neochat %s: %w: %s", args[0], err, exit.Stderr)
	}
	return took, err
}

func sizeOf(root string) (bytes int64, err error) {
	err = filepath.WalkDir(root, func(_ string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			bytes += info.Size()
		}
		return err
	})
	return bytes, err
}
