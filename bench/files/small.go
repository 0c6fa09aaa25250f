package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	smallBytes = 4 << 10
	smallFiles = 64
	smallLanes = 8 // requests under way
	smallTime  = 3 * time.Second
	smallTurns = 3
)

// subject is a server that is asked for small files.
type subject struct {
	name string
	*person
	cpu func() (time.Duration, error)
}

// small has both servers serve small files in turns, and prints how many a second and for how much CPU.
func small(ctx context.Context, subjects ...subject) error {
	fmt.Printf("%-28s %22s   (%d of %d bytes, %d at a time, the best of %d times %v)\n", "small files", "down", smallFiles, smallBytes, smallLanes, smallTurns, smallTime)
	http.DefaultTransport.(*http.Transport).MaxIdleConnsPerHost = smallLanes
	names := make([][]string, len(subjects))
	for i, s := range subjects {
		for range smallFiles {
			name, err := s.put(ctx, smallBytes)
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			names[i] = append(names[i], name)
		}
	}
	best := make([]rate, len(subjects))
	for range smallTurns {
		for i, s := range subjects {
			r, err := s.serve(ctx, names[i])
			if err != nil {
				return fmt.Errorf("%s: %w", s.name, err)
			}
			best[i] = rate{max(best[i].second, r.second), min(r.cpu, orMuch(best[i].cpu))}
		}
	}
	last := best[len(best)-1]
	for i, s := range subjects {
		fmt.Printf("%-28s %6.0f/s, %3.0f µs CPU each; %.0f %% of the rate\n", s.name, best[i].second, best[i].cpu, 100*best[i].second/last.second)
	}
	return nil
}

// rate is how many requests a second were answered, and the µs of CPU of each.
type rate struct{ second, cpu float64 }

func orMuch(cpu float64) float64 {
	if cpu == 0 {
		return 1e9
	}
	return cpu
}

func (s subject) serve(ctx context.Context, names []string) (r rate, err error) {
	before, err := s.cpu()
	if err != nil {
		return r, err
	}
	var lanes sync.WaitGroup
	var served atomic.Int64
	failed := make([]error, smallLanes)
	begun := time.Now()
	for lane := range smallLanes {
		lanes.Go(func() {
			for i := lane; failed[lane] == nil && time.Since(begun) < smallTime; i++ {
				failed[lane] = s.fetch(ctx, names[i%len(names)], smallBytes)
				served.Add(1)
			}
		})
	}
	lanes.Wait()
	took := time.Since(begun)
	after, err := s.cpu()
	n := float64(served.Load())
	return rate{n / took.Seconds(), float64((after - before).Microseconds()) / n}, errors.Join(append(failed, err)...)
}
