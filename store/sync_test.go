package store

import (
	"testing"
)

func TestSyncCursors(t *testing.T) {
	s := openNew(t, "a", "b")
	p := send(t, s, "a", "b", "x")
	for _, c := range []struct {
		device     string
		said, want int64
	}{
		{"phone", 1, 1}, {"phone", 0, 1}, {"", 1, 1},
	} {
		if got, err := s.Synced(t.Context(), "b", c.device, c.said); err != nil || got != c.want {
			t.Errorf("%q says %d: %d, %v", c.device, c.said, got, err)
		}
	}
	if got, err := s.Synced(t.Context(), "b", "phone", 1<<60); err != nil || got < p.Change || got > 1000 {
		t.Errorf("beyond the last: %d, %v", got, err)
	}
	if got, err := s.Cursor(t.Context(), "b", "tablet"); err != nil || got != 0 {
		t.Errorf("another device: %d, %v", got, err)
	}
	if got, err := s.Synced(t.Context(), "b", "", 1<<60); err != nil || got < p.Change {
		t.Errorf("the plain device: %d, %v", got, err)
	}
	if missed, err := waiting(t, s, "b", ""); err != nil || len(missed) != 0 {
		t.Errorf("the plain device has everything, but for %v, %v", missed, err)
	}
}

// Nothing of others' is found, and the cursor passes it.
func TestSyncOfNothing(t *testing.T) {
	s := openNew(t, "a", "b", "c")
	for range 50 {
		send(t, s, "a", "b", "x")
	}
	page, err := s.Sync(t.Context(), "c", 0, 5)
	if err != nil || len(page.Items) != 0 || page.More || page.UpTo < 50 {
		t.Errorf("%+v, %v", page, err)
	}
	if again, err := s.Sync(t.Context(), "c", page.UpTo+1000, 5); err != nil || again.UpTo != page.UpTo || again.More {
		t.Errorf("a cursor beyond the last: %+v, %v", again, err)
	}
}

// BenchmarkColdSync reads 10,000 messages in 20 conversations as a device does that has none.
func BenchmarkColdSync(b *testing.B) {
	s := openNew(b, benchAccounts()...)
	const n, peers = 10_000, 20
	answers := make(chan error, n)
	for i := range n {
		s.Post(Draft{Author: benchAccount(0, 0), To: []Target{{Account: benchAccount(i%peers, 1)}}, Kind: KindText, Text: benchText},
			func(_ []Posted, err error) { answers <- err })
		if i%1000 == 999 {
			for range 1000 {
				if err := <-answers; err != nil {
					b.Fatal(err)
				}
			}
		}
	}
	before := cpu(b)
	b.ResetTimer()
	for range b.N {
		got := 0
		for after, more := int64(0), true; more; {
			page, err := s.Sync(b.Context(), benchAccount(0, 0), after, 500)
			if err != nil {
				b.Fatal(err)
			}
			got, after, more = got+len(page.Items), page.UpTo, page.More
		}
		if got != n {
			b.Fatalf("%d items, want %d", got, n)
		}
	}
	b.StopTimer()
	b.ReportMetric(float64((cpu(b)-before).Milliseconds())/float64(b.N), "cpu-ms/10000")
}
