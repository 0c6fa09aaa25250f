// Command start measures how long neochat takes to serve a folder that is full of messages, and what memory it has when
// nothing happens afterwards.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"neochat/store"
)

// params say what to measure.
type params struct {
	binary   string
	data     string
	messages int
	rounds   int
}

func main() {
	var p params
	flag.StringVar(&p.binary, "bin", "bin/neochat", "the neochat to measure")
	flag.StringVar(&p.data, "data", "", "a data folder to keep and use again; empty: one in the system's temporary folder")
	flag.IntVar(&p.messages, "messages", 1_000_000, "messages in the folder")
	flag.IntVar(&p.rounds, "rounds", 15, "starts")
	flag.Parse()
	if err := measure(p); err != nil {
		fmt.Fprintln(os.Stderr, "start:", err)
		os.Exit(1)
	}
}

func measure(p params) error {
	if p.data == "" {
		dir, err := os.MkdirTemp("", "neochat-start-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		p.data = dir
	}
	if _, err := os.Stat(filepath.Join(p.data, "neochat.db")); errors.Is(err, os.ErrNotExist) {
		if err := fill(p); err != nil {
			return fmt.Errorf("filling %s: %w", p.data, err)
		}
	}
	var starts []time.Duration
	for i := range p.rounds {
		took, rss, err := start(p, i == p.rounds-1)
		if err != nil {
			return err
		}
		starts = append(starts, took)
		if rss != "" {
			fmt.Println("resident when nothing happens:", rss)
		}
	}
	slices.Sort(starts)
	fmt.Printf("from exec to /readyz: median %v, worst %v of %d starts\n", starts[len(starts)/2].Round(time.Millisecond), starts[len(starts)-1].Round(time.Millisecond), p.rounds)
	return nil
}

// people talk in pairs; conversations is among how many pairs the messages are spread.
const (
	people        = 200
	conversations = 1000
	underWay      = 5000
)

// fill posts the messages as clients would, and waits until the last one can be found.
func fill(p params) error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Config{Database: filepath.Join(p.data, "neochat.db"), Exclusive: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	name := func(n int) string { return fmt.Sprintf("p%d", n%people) }
	for n := range people {
		if err := s.CreateUser(ctx, store.User{Account: name(n)}, "correct horse battery"); err != nil {
			return errors.Join(err, s.Close())
		}
	}
	var failed error
	var mu sync.Mutex
	var posting sync.WaitGroup
	slots := make(chan struct{}, underWay)
	for i := range p.messages {
		a := i % conversations
		slots <- struct{}{}
		posting.Add(1)
		s.Post(store.Draft{Author: name(a), To: []store.Target{{Account: name(a*7 + a/people + 1)}}, Kind: "text", Text: fmt.Sprintf("message %d about tea, and what else there is to say of word%d", i, i%50_000)},
			func(_ []store.Posted, err error) {
				mu.Lock()
				failed = errors.Join(failed, err)
				mu.Unlock()
				<-slots
				posting.Done()
			})
	}
	posting.Wait()
	for last := p.messages - 1; failed == nil && p.messages > 0; time.Sleep(100 * time.Millisecond) {
		found, _, err := s.Search(ctx, name(last%conversations), store.Search{Text: fmt.Sprintf("message %d", last), Limit: 1})
		if failed = err; len(found) > 0 {
			break
		}
	}
	return errors.Join(failed, s.Close())
}

// start measures one start, and if asked what memory is left to it when it is quiet.
func start(p params, quiet bool) (took time.Duration, rss string, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, "", err
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(p.binary, "serve", "--data", p.data, "--listen", addr)
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, "", fmt.Errorf("starting: %w", err)
	}
	defer func() {
		cmd.Process.Signal(syscall.SIGTERM)
		err = errors.Join(err, cmd.Wait())
	}()
	defer http.DefaultClient.CloseIdleConnections()
	for range 60_000 {
		if r, err := http.Get("http://" + addr + "/readyz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				took = time.Since(begun)
				break
			}
		}
		time.Sleep(time.Millisecond)
	}
	if took == 0 {
		return 0, "", errors.New("neochat does not get ready")
	}
	if quiet {
		time.Sleep(12 * time.Second) // what it used is given back when it has been quiet for 3 s
		rss, err = resident(cmd.Process.Pid)
	}
	return took, rss, err
}

// resident is what /proc says of a process's memory.
func resident(pid int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return "", err
	}
	var parts []string
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && slices.Contains([]string{"VmRSS", "RssAnon", "RssFile"}, name) {
			parts = append(parts, name+" "+strings.Join(strings.Fields(value), " "))
		}
	}
	return strings.Join(parts, ", "), nil
}
