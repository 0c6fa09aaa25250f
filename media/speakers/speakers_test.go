package speakers

import (
	"strings"
	"testing"
	"time"
)

func TestMeter(t *testing.T) {
	var m Meter
	if m.Level() != silent {
		t.Errorf("%d dBov of nothing", m.Level())
	}
	for range 5 {
		m.Add(20 | 0x80)
	}
	if m.Level() < -25 || m.Level() > -20 {
		t.Errorf("%d dBov after 100 ms at -20", m.Level())
	}
	m.Add(127)
	if m.Level() < -40 {
		t.Errorf("%d dBov after one silent packet", m.Level())
	}
	for range 100 {
		m.Add(127)
	}
	if m.Level() > -120 {
		t.Errorf("%d dBov after two seconds of silence", m.Level())
	}
}

func TestTracker(t *testing.T) {
	var tr Tracker
	now := time.Duration(0)
	// say lets so much time pass at levels of a, b and c, and gives the last answer and how often it changed.
	say := func(d time.Duration, a, b, c int) (who string, changes int) {
		for ; d > 0; d -= 100 * time.Millisecond {
			now += 100 * time.Millisecond
			list, changed := tr.Update([]Level{{"a", a}, {"b", b}, {"c", c}}, now)
			who = ""
			for _, l := range list {
				who += l.ID
			}
			if changed {
				changes++
			}
		}
		return who, changes
	}
	for i, c := range []struct {
		d       time.Duration
		a, b, c int
		who     string
		changes int
	}{
		{time.Second, -127, -60, -50, "", 0},              // nobody
		{100 * time.Millisecond, -20, -127, -127, "", 0},  // a cough
		{time.Second, -127, -127, -127, "", 0},            //
		{time.Second, -20, -127, -127, "a", 1},            // a speaks
		{time.Second, -70, -127, -127, "a", 0},            // and takes breath
		{time.Second, -20, -127, -127, "a", 0},            //
		{time.Second, -20, -15, -127, "ab", 1},            // b falls in, hardly louder
		{3 * time.Second, -20, -15, -127, "ab", 0},        //
		{time.Second, -35, -15, -127, "ab", 0},            // b is much louder
		{2 * time.Second, -35, -15, -127, "ba", 1},        // for two seconds
		{3 * time.Second, -35, -127, -30, "ca", 2},        // b stops, c is louder than a
		{3 * time.Second, -127, -127, -127, "", 1},        //
		{500 * time.Millisecond, -127, -127, -46, "", 0},  // not loud enough to begin
		{500 * time.Millisecond, -127, -127, -44, "c", 1}, //
		{3 * time.Second, -127, -127, -54, "c", 0},        // but to go on
		{1500 * time.Millisecond, -127, -127, -60, "", 1}, //
	} {
		who, changes := say(c.d, c.a, c.b, c.c)
		if who != c.who || changes != c.changes {
			t.Errorf("step %d: %q after %d changes, want %q after %d", i, who, changes, c.who, c.changes)
		}
	}
	say(time.Second, -10, -127, -127)
	if list, changed := tr.Update(nil, now); len(list) != 0 || !changed || len(tr.voices) != 0 {
		t.Error("whoever left still speaks")
	}
}

func FuzzTracker(f *testing.F) {
	f.Add("aZbYcX")
	f.Fuzz(func(t *testing.T, in string) {
		var tr Tracker
		var m Meter
		for i := 0; i+1 < len(in); i += 2 {
			m.Add(in[i+1])
			var levels []Level
			for j, id := range strings.Split(in[:i%7], "") {
				if !strings.Contains(in[:j], id) {
					levels = append(levels, Level{id, int(in[i+1]) - 127})
				}
			}
			list, _ := tr.Update(levels, time.Duration(i)*100*time.Millisecond)
			if len(list) > len(levels) || m.Level() > 0 || m.Level() < silent {
				t.Fatal(list, m.Level())
			}
		}
	})
}
