package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/minio/minio-go/v7"

	"neochat/bench/process"
	"neochat/files/s3test"
)

// way is one by which a file goes to a server: it sends size new bytes and returns what fetches them.
type way struct {
	name string
	send func(ctx context.Context, size int64) (fetch func(context.Context) error, err error)
	cpu  func() (time.Duration, error)
}

// cost is what one transfer took.
type cost struct{ took, cpu time.Duration }

// large sends and fetches a large file by each way, in turns, and prints the medians; the last way is the reference.
func (o options) large(ctx context.Context, ways []way) error {
	size := int64(o.mib) << 20
	up, down := make([][]cost, len(ways)), make([][]cost, len(ways))
	for range o.rounds {
		for i, w := range ways {
			var fetch func(context.Context) error
			sent, err := w.measure(func() (err error) { fetch, err = w.send(ctx, size); return err })
			if err != nil {
				return fmt.Errorf("%s, up: %w", w.name, err)
			}
			fetched, err := w.measure(func() error { return fetch(ctx) })
			if err != nil {
				return fmt.Errorf("%s, down: %w", w.name, err)
			}
			up[i], down[i] = append(up[i], sent), append(down[i], fetched)
		}
	}
	fmt.Printf("%-28s %22s %22s   (%d MiB, median of %d; MB/s, CPU ms per 100 MB, of the reference)\n", "", "up", "down", o.mib, o.rounds)
	for i, w := range ways {
		fmt.Printf("%-28s %s   %s\n", w.name, compare(size, up[i], up[len(ways)-1]), compare(size, down[i], down[len(ways)-1]))
	}
	return nil
}

func (w way) measure(do func() error) (c cost, err error) {
	before, err := w.cpu()
	if err != nil {
		return c, err
	}
	begun := time.Now()
	if err := do(); err != nil {
		return c, err
	}
	c.took = time.Since(begun)
	after, err := w.cpu()
	c.cpu = after - before
	return c, err
}

func compare(size int64, costs, reference []cost) string {
	mine, other := median(costs), median(reference)
	return fmt.Sprintf("%5.0f MB/s %4.0f ms %4.0f %%", float64(size)/1e6/mine.took.Seconds(), float64(mine.cpu.Milliseconds())/float64(size)*1e8,
		100*other.took.Seconds()/mine.took.Seconds())
}

func median(costs []cost) cost {
	by := func(of func(cost) time.Duration) time.Duration {
		var all []time.Duration
		for _, c := range costs {
			all = append(all, of(c))
		}
		slices.Sort(all)
		return all[len(all)/2]
	}
	return cost{by(func(c cost) time.Duration { return c.took }), by(func(c cost) time.Duration { return c.cpu })}
}

func (p *person) viaTus(ctx context.Context, size int64) (func(context.Context) error, error) {
	name, err := p.upload(ctx, size)
	return func(ctx context.Context) error { return p.fetch(ctx, name, size) }, err
}

func (p *person) viaPut(ctx context.Context, size int64) (func(context.Context) error, error) {
	name, err := p.put(ctx, size)
	return func(ctx context.Context) error { return p.fetch(ctx, name, size) }, err
}

// straight is minio-go's own client, without a server of ours in between.
type straight struct{ client *minio.Client }

func (s straight) via(ctx context.Context, size int64) (func(context.Context) error, error) {
	key := "straight/" + strconv.FormatUint(contents.Load(), 10)
	_, err := s.client.PutObject(ctx, s3test.Bucket, key, body(size), size, minio.PutObjectOptions{})
	return func(ctx context.Context) error {
		o, err := s.client.GetObject(ctx, s3test.Bucket, key, minio.GetObjectOptions{})
		if err != nil {
			return err
		}
		defer o.Close()
		return all(o, size)
	}, err
}

// ownCPU is that of this process: minio-go works in it.
func ownCPU() (time.Duration, error) { return process.CPU(os.Getpid()) }
