package plugin

import (
	"sync"
	"time"
)

// item is a message that waits for a plugin.
type item struct {
	conversation string
	encoded      []byte // shared by all plugins: never written to
}

// queue holds what waits for one plugin, bounded: past its size the oldest is dropped and counted.
type queue struct {
	most, mostBytes int
	wake            chan struct{} // holds a token while there may be something

	mu sync.Mutex
	// guarded by mu
	items  []item
	bytes  int
	missed int // dropped since the last one was taken
}

func newQueue(most, mostBytes int) *queue {
	return &queue{most: most, mostBytes: mostBytes, wake: make(chan struct{}, 1)}
}

// put adds an item. It never waits.
func (q *queue) put(it item) {
	q.mu.Lock()
	q.items = append(q.items, it)
	q.bytes += len(it.encoded)
	q.trimLocked()
	q.mu.Unlock()
	q.poke()
}

// poke wakes whoever waits for an item.
func (q *queue) poke() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) trimLocked() {
	for len(q.items) > q.most || q.bytes > q.mostBytes && len(q.items) > 1 {
		q.bytes -= len(q.items[0].encoded)
		q.items[0] = item{}
		q.items = q.items[1:]
		q.missed++
	}
}

// take takes the oldest item, and how many were dropped before it.
func (q *queue) take() (it item, missed int, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		q.items = nil // let the array go
		return item{}, 0, false
	}
	it = q.items[0]
	q.items[0] = item{}
	q.items = q.items[1:]
	q.bytes -= len(it.encoded)
	missed, q.missed = q.missed, 0
	return it, missed, true
}

// putBack undoes take: the item did not arrive.
func (q *queue) putBack(it item, missed int) {
	q.mu.Lock()
	q.items = append([]item{it}, q.items...)
	q.bytes += len(it.encoded)
	q.missed += missed
	q.trimLocked()
	q.mu.Unlock()
	q.poke()
}

// owe counts messages as dropped before the next one.
func (q *queue) owe(missed int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.missed += missed
}

func (q *queue) len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.items)
}

// Rate is how often something may happen.
type Rate struct {
	PerSecond float64
	Burst     int // at once
}

// bucket holds somebody to a Rate. It is safe for concurrent use.
type bucket struct {
	rate Rate

	mu sync.Mutex
	// guarded by mu
	left float64
	at   time.Time // when left was counted
}

func newBucket(r Rate) *bucket { return &bucket{rate: r, left: float64(r.Burst)} }

// take takes one; where there is none it returns how long it is until there is.
func (b *bucket) take(now time.Time) (wait time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.at.IsZero() {
		b.left = min(float64(b.rate.Burst), b.left+max(0, now.Sub(b.at).Seconds())*b.rate.PerSecond)
	}
	b.at = now
	if b.left >= 1 {
		b.left--
		return 0
	}
	return time.Duration((1 - b.left) / b.rate.PerSecond * float64(time.Second))
}
