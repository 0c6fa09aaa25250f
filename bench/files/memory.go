package main

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"neochat/bench/process"
)

// memory prints how much larger uploads make the server.
func memory(ctx context.Context, s *process.Process, p *person) error {
	many, err := s.Grows(func() error {
		const atOnce, size = 20, 64 << 20
		failed := make([]error, atOnce)
		var all sync.WaitGroup
		for i := range failed {
			all.Go(func() { _, failed[i] = p.upload(ctx, size) })
		}
		all.Wait()
		return errors.Join(failed...)
	})
	if err != nil {
		return err
	}
	one, err := s.Grows(func() error { _, err := p.upload(ctx, 2<<30); return err })
	if err != nil {
		return err
	}
	fmt.Printf("resident memory grew by at most %d MiB with 20 uploads of 64 MiB at once, and by %d MiB with one of 2 GiB\n\n", many>>20, one>>20)
	return nil
}
