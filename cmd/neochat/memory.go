package main

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

const (
	// What the heap may hold besides what is in use before it is collected. Go's own rule, as much again as is in use,
	// collects a small server's heap dozens of times a second, for a third of all processor time.
	memorySlack = 64 << 20
	// A server that makes less than quietBytes in quietTime does nothing; what it made before is given back.
	quietTime  = 3 * time.Second
	quietBytes = 1 << 20
)

// tendMemory trades memory for processor time while there is work, and gives it back when there is none, until ctx is
// done. Who sets GOGC wants something else.
func tendMemory(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	setSlack(ctx)
	go giveBack(ctx)
}

// setSlack sets how much the heap may grow, now and after every collection.
func setSlack(ctx context.Context) {
	if ctx.Err() != nil {
		return
	}
	debug.SetGCPercent(growth(read("/gc/heap/live:bytes")))
	runtime.AddCleanup(new([16]byte), setSlack, ctx)
}

// growth is how much a heap may grow, in percent of what is in use.
func growth(live uint64) int {
	const least = 1 << 20 // before the first collection nothing is known
	return int(max(100, memorySlack*100/max(live, least)))
}

// giveBack returns memory to the system when the server has become quiet.
func giveBack(ctx context.Context) {
	tick := time.NewTicker(quietTime)
	defer tick.Stop()
	var before, given uint64 // bytes made since the start: at the last look, when memory was last given back
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		made := read("/gc/heap/allocs:bytes")
		if made-before < quietBytes && made-given > quietBytes {
			debug.FreeOSMemory()
			made = read("/gc/heap/allocs:bytes")
			given = made
		}
		before = made
	}
}

func read(metric string) uint64 {
	sample := []metrics.Sample{{Name: metric}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}
