package sdk

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

func TestKnown(t *testing.T) {
	for _, c := range []struct {
		name string
		do   func(*known)
		want string
	}{
		{"in order", func(k *known) { k.note(1); k.note(2) }, "2"},
		{"a gap", func(k *known) { k.upTo(6); k.note(8); k.note(10) }, "6 8-8 10-10"},
		{"a gap closes from below", func(k *known) { k.note(2); k.note(1) }, "2"},
		{"a gap closes between", func(k *known) { k.upTo(3); k.note(5); k.note(7); k.note(6) }, "3 5-7"},
		{"before a span", func(k *known) { k.note(5); k.note(4) }, "0 4-5"},
		{"up to inside a span", func(k *known) { k.note(4); k.note(5); k.note(9); k.upTo(4) }, "5 9-9"},
		{"up to before a span", func(k *known) { k.note(4); k.upTo(3) }, "4"},
		{"twice", func(k *known) { k.note(4); k.note(4); k.upTo(9); k.upTo(2); k.note(3) }, "9"},
	} {
		k := &known{}
		c.do(k)
		if k.String() != c.want || parseKnown(c.want).String() != c.want {
			t.Errorf("%s: %q, want %q", c.name, k, c.want)
		}
	}
}

func TestKnownIsASet(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	k, have := &known{}, map[int64]bool{}
	for range 20_000 {
		seq := 1 + r.Int64N(400)
		if r.IntN(50) == 0 {
			seq = r.Int64N(40)
			k.upTo(seq)
			for i := range seq {
				have[i+1] = true
			}
		} else {
			k.note(seq)
			have[seq] = true
		}
		if check := 1 + r.Int64N(400); k.has(check) != have[check] {
			t.Fatalf("%d in %s: %v", check, k, !have[check])
		}
	}
}

func TestFileState(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	s, err := OpenFileState(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []map[string]string{{"a": "1", "b": "x\ny"}, {"a": "2"}, {"c": "3"}, {"c": ""}, nil} {
		if err := s.Save(change); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if s.Save(map[string]string{"a": "3"}) == nil {
		t.Error("a closed state was written to")
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"a":"cut sho`); err != nil { // the program died while it wrote
		t.Fatal(err)
	}
	_ = f.Close() // it was written
	s, err = OpenFileState(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range staleLines + 10 { // far enough for the file to be written anew
		if err := s.Save(map[string]string{"n": string(rune('a' + i%20))}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := s.Load(); err != nil || len(got) != 3 || got["a"] != "2" || got["b"] != "x\ny" {
		t.Errorf("%q %v", got, err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() > 1000 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(path, []byte("something else\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenFileState(path); err == nil {
		t.Error("what is no state was taken for one")
	}
}
