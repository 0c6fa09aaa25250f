package store

import (
	"slices"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	h := newHistogram(1, 2, 4)
	for _, v := range []float64{0, 1, 1.5, 2, 3, 4, 5, 100} {
		h.add(v)
	}
	got := h.now()
	if !slices.Equal(got.Counts, []uint64{2, 2, 2, 2}) || got.Sum != 116.5 {
		t.Errorf("%+v", got)
	}
}

// What was written and read is counted, and the database tells how much of it there is.
func TestStats(t *testing.T) {
	s := openNew(t, "a", "b")
	before := s.Stats()
	send(t, s, "a", "b", "hello")
	after := s.Stats()
	if n := after.Committed - before.Committed; n < 1 || after.Failed != 0 || after.Rejected != 0 || after.Away {
		t.Errorf("%d operations after one message: %+v", n, after)
	}
	sum := func(h Histogram) (n uint64) {
		for _, c := range h.Counts {
			n += c
		}
		return n
	}
	if sum(after.Batch) != sum(after.Commit) || sum(after.Batch) <= sum(before.Batch) || after.Batch.Sum != float64(after.Committed) || after.Commit.Sum <= 0 {
		t.Errorf("transactions: %+v, %+v", after.Batch, after.Commit)
	}
	if after.QueueLimit != queueLimit || after.ReadersMost < 1 {
		t.Errorf("%+v", after)
	}
	reads := s.Stats().Reads
	if _, err := s.User(t.Context(), "a"); err != nil || s.Stats().Reads == reads {
		t.Errorf("a read is not counted (%v)", err)
	}
	for until := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		behind, err := s.Behind(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if behind == 0 {
			break
		}
		if time.Now().After(until) {
			t.Fatalf("the index stays %d messages behind", behind)
		}
	}
	if size, err := s.Size(t.Context()); err != nil || size < 4096 {
		t.Errorf("size %d, %v", size, err)
	}
}

// Equal bytes are kept once.
func TestFilesKept(t *testing.T) {
	s := openNew(t, "a", "b")
	for _, f := range []File{{Name: "a_1_x", Owner: "a", Hash: "h1", Size: 5, Time: 1}, {Name: "b_1_x", Owner: "b", Hash: "h1", Size: 5, Time: 1}, {Name: "a_2_y", Owner: "a", Hash: "h2", Size: 7, Time: 2}} {
		if _, err := s.PutFile(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	if files, bytes, err := s.FilesKept(t.Context()); err != nil || files != 2 || bytes != 12 {
		t.Errorf("%d files of %d bytes, %v", files, bytes, err)
	}
}

// Operations that find the queue full are counted, and refused.
func TestRejectedAreCounted(t *testing.T) {
	s := openNew(t)
	hold, held := make(chan struct{}), make(chan struct{})
	go s.write(t.Context(), func(*batch) error { close(held); <-hold; return nil })
	<-held
	nothing := &errand{act: func(*batch) error { return nil }, done: func(error) {}}
	for s.writer.offer(nothing) {
	}
	st := s.Stats()
	close(hold)
	if st.Rejected != 1 || st.Queue != queueLimit {
		t.Errorf("%d rejected, %d waiting", st.Rejected, st.Queue)
	}
}
