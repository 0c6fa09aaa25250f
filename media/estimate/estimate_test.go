package estimate

import (
	"math/rand/v2"
	"testing"
	"time"
)

const (
	ms  = time.Millisecond
	pin = 20 * ms // how often is sent
)

// path is a simulated way to a receiver: a rate, a queue that holds so much time, a delay, loss at random.
type path struct {
	rate  int // bits per second
	queue time.Duration
	delay time.Duration
	loss  float64

	now  time.Duration
	free time.Duration // when the bottleneck has sent everything
	fly  []packet
	dice *rand.Rand
	est  Estimator

	late time.Duration // longest a packet took lately
}

type packet struct {
	bytes         int
	sent, arrives time.Duration // arrives 0: lost
}

func newPath(rate int) *path {
	return &path{rate: rate, queue: 400 * ms, delay: 30 * ms, now: time.Second, dice: rand.New(rand.NewPCG(1, 2))}
}

func (p *path) send(bytes int) {
	start := max(p.free, p.now)
	x := packet{bytes: bytes, sent: p.now}
	if start-p.now <= p.queue && p.dice.Float64() >= p.loss {
		p.free = start + time.Duration(int64(bytes)*8*int64(time.Second)/int64(p.rate))
		x.arrives = p.free + p.delay + time.Duration(p.dice.IntN(8))*ms
		p.late = max(p.late, x.arrives-x.sent)
	}
	p.fly = append(p.fly, x)
}

// step sends media at that rate for one pinch of time, and padding if useful is more; every fifth time the receiver reports.
func (p *path) step(media, useful int, report bool) {
	for left := media / 8 * int(pin/ms) / 1000; left > 0; left -= 1000 {
		p.send(max(min(left, 1000), 100))
	}
	for left := p.est.Want(useful, p.now, pin); left > 0; left -= 255 {
		p.send(min(left, 255))
	}
	p.now += pin
	if report {
		p.report()
	}
}

// report tells what arrived by now, and that what was sent before that and did not is lost.
func (p *path) report() {
	last := -1
	for i, x := range p.fly {
		if x.arrives != 0 && x.arrives <= p.now {
			last = i
		}
	}
	var rest []packet
	for i, x := range p.fly {
		switch {
		case x.arrives != 0 && x.arrives <= p.now:
			p.est.Received(x.bytes, x.sent, x.arrives+time.Hour) // another clock
		case i < last && x.arrives == 0:
			p.est.Lost(x.bytes, x.sent)
		default:
			rest = append(rest, x)
		}
	}
	p.fly = rest
	p.est.Done(p.now)
}

// steps are what a picture takes in its layers, with the sound.
var steps = []int{45_000, 210_000, 620_000, 1_900_000}

// run sends the largest layer that the estimate allows, and asks for the next one; it gives the seconds spent with each.
func (p *path) run(d time.Duration) (spent [4]float64) {
	for n := 0; n < int(d/pin); n++ {
		level := len(steps) - 1
		if r := p.est.Rate(); r != 0 {
			for level > 0 && steps[level] > r {
				level--
			}
		}
		useful := 0
		if level < len(steps)-1 {
			useful = steps[level+1]
		}
		spent[level] += pin.Seconds()
		p.step(steps[level], useful, n%5 == 4)
	}
	return spent
}

func TestNothingIsKnownOfAWideWay(t *testing.T) {
	p := newPath(50_000_000)
	p.run(30 * time.Second)
	if p.est.Rate() != 0 || p.est.Cause() != None || p.est.Share() != 0 {
		t.Errorf("rate %d, cause %d, loss %f", p.est.Rate(), p.est.Cause(), p.est.Share())
	}
	if got := p.est.Arriving(); got < 1_700_000 || got > 2_100_000 {
		t.Errorf("%d arrive", got)
	}
}

func TestTheRateFollowsAWayThatNarrowsAndWidens(t *testing.T) {
	for name, change := range map[string]func(*path){
		"a deep queue":    func(p *path) { p.queue = 800 * ms },
		"a short queue":   func(p *path) { p.queue = 30 * ms },
		"a middling one":  func(*path) {},
		"far away":        func(p *path) { p.delay = 200 * ms },
		"a little lossy":  func(p *path) { p.loss = 0.01 },
		"queue and loss":  func(p *path) { p.loss, p.queue = 0.02, 60*ms },
		"packets jitter":  func(p *path) { p.delay = 60 * ms },
		"a short way off": func(p *path) { p.delay = ms },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPath(10_000_000)
			change(p)
			p.run(5 * time.Second)
			p.rate = 300_000
			if spent := p.run(3 * time.Second); spent[3]+spent[2] > 2 {
				t.Errorf("too much for too long after it narrowed: %v, rate %d", spent, p.est.Rate())
			}
			p.run(5 * time.Second)
			p.late = 0
			if spent := p.run(40 * time.Second); spent[3]+spent[2] > 4 || spent[1] < 30 {
				t.Errorf("on 300 kbit/s: %v, rate %d", spent, p.est.Rate())
			}
			if limit := 350*ms + p.delay; p.late > limit {
				t.Errorf("packets took up to %v", p.late)
			}
			p.rate = 10_000_000
			p.run(13 * time.Second)
			if spent := p.run(5 * time.Second); spent[2]+spent[3] < 4.5 {
				t.Errorf("13 s after it widened: %v, rate %d", spent, p.est.Rate())
			}
			p.run(2 * time.Second)
			if spent := p.run(10 * time.Second); spent[3] < 9 {
				t.Errorf("20 s after it widened: %v, rate %d", spent, p.est.Rate())
			}
		})
	}
}

func TestLossThatIsAlwaysThereDoesNotStopPictures(t *testing.T) {
	for _, loss := range []float64{0.05, 0.1, 0.2} {
		p := newPath(20_000_000)
		p.loss = loss
		p.run(20 * time.Second)
		if spent := p.run(60 * time.Second); spent[3] < 45 || spent[0] > 1 {
			t.Errorf("at a loss of %.2f: %v, rate %d, usual %.2f", loss, spent, p.est.Rate(), p.est.losses.usual)
		}
	}
}

func TestALongerWayIsNoQueue(t *testing.T) {
	p := newPath(20_000_000)
	p.run(5 * time.Second)
	p.delay += 300 * ms
	p.run(20 * time.Second)
	if spent := p.run(20 * time.Second); spent[3] < 19 {
		t.Errorf("after the way became longer: %v, rate %d", spent, p.est.Rate())
	}
}

func TestTooLittleForPictures(t *testing.T) {
	p := newPath(20_000_000)
	p.run(3 * time.Second)
	p.rate = 90_000
	p.run(5 * time.Second)
	if spent := p.run(20 * time.Second); spent[0] < 16 {
		t.Errorf("on 90 kbit/s: %v, rate %d, cause %d", spent, p.est.Rate(), p.est.Cause())
	}
	p.rate = 2_500_000
	p.run(12 * time.Second)
	if spent := p.run(10 * time.Second); spent[2]+spent[3] < 8 {
		t.Errorf("12 s later: %v, rate %d", spent, p.est.Rate())
	}
}

func FuzzEstimator(f *testing.F) {
	f.Add([]byte{1, 200, 3, 0, 0, 0, 9, 255, 255})
	f.Fuzz(func(t *testing.T, in []byte) {
		var e Estimator
		now, sent := time.Duration(0), time.Duration(0)
		for i, b := range in {
			switch b % 5 {
			case 0:
				e.Received(int(b)*10, sent, time.Duration(int8(b))*time.Second)
			case 1:
				e.Lost(int(b)*10, sent-time.Duration(b)*ms)
			case 2:
				e.Done(now)
			case 3:
				sent = now
				if n := e.Want(int(b)*10_000, now, 20*ms); n < 0 || n > 1<<20 {
					t.Fatalf("%d bytes of padding", n)
				}
			}
			now += time.Duration(i%40) * ms
			if r := e.Rate(); r < 0 || r > most || (r > 0 && r < least) {
				t.Fatalf("a rate of %d", r)
			}
		}
	})
}
