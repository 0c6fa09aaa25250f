package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

// filled is a folder with bodies, and their hashes.
func filled(t *testing.T, bodies ...string) (f *Folder, hashes []string) {
	t.Helper()
	f = open(t)
	for _, body := range bodies {
		hash, _, err := f.Put(t.Context(), strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		hashes = append(hashes, hash)
	}
	return f, hashes
}

func TestCompare(t *testing.T) {
	f, hashes := filled(t, "right", "spoiled", "cut off", "missing", "a preview", "unwanted and old", "unwanted and young")
	wanted := map[string]int64{hashes[0]: 5, hashes[1]: 7, hashes[2]: 7, hashes[3]: 7, hashes[4]: -1}
	long := time.Now().Add(-48 * time.Hour)
	err := errors.Join(os.WriteFile(f.path(hashes[1]), []byte("sp0iled"), 0o600), os.Truncate(f.path(hashes[2]), 3),
		f.Remove(t.Context(), hashes[3]), os.Chtimes(f.path(hashes[5]), long, long))
	if err != nil {
		t.Fatal(err)
	}
	for _, deep := range []bool{false, true} {
		steps := 0
		c, err := Compare(t.Context(), f, wanted, time.Now().Add(-24*time.Hour), deep, func(int64, int64) { steps++ })
		changed := []string{hashes[2]}
		if deep {
			changed = append(changed, hashes[1])
		}
		var got []string
		for _, w := range c.Changed {
			got = append(got, w.Hash)
		}
		if err != nil || c.Right() || c.Files != 5 || c.Bytes != 5+7+9 || !slices.Equal(got, changed) || (steps > 0) != deep ||
			len(c.Missing) != 1 || c.Missing[0] != (Wrong{hashes[3], 7, "it is missing"}) || len(c.Unwanted) != 1 || c.Unwanted[0].Hash != hashes[5] {
			t.Errorf("deep %t: %+v, %v", deep, c, err)
		}
		delete(wanted, hashes[3])
		wanted[hashes[5]] = 16
		c.Again(wanted) // somebody deleted the one, and uploaded the other
		if len(c.Missing)+len(c.Unwanted) != 0 || len(c.Changed) != len(changed) {
			t.Errorf("deep %t, again: %+v", deep, c)
		}
		delete(wanted, hashes[5])
		wanted[hashes[3]] = 7
	}
	c, err := Compare(t.Context(), LookFolder(filepath.Join(t.TempDir(), "none")), map[string]int64{hashes[0]: 5}, time.Now(), true, nil)
	if err != nil || len(c.Missing) != 1 {
		t.Errorf("a folder that is not there: %+v, %v", c, err)
	}
}

func TestCopy(t *testing.T) { copyTo(t, open(t)) }

// copyTo copies contents, some of them damaged, with hindrances, and looks what comes of it.
func copyTo(t *testing.T, to Target) {
	big := string(random(copyPieces + 1000))
	from, hashes := filled(t, "", "one", "two", "spoiled", big, big[1:])
	err := errors.Join(os.WriteFile(from.path(hashes[3]), []byte("sp0iled"), 0o600), os.Truncate(from.path(hashes[5]), copyPieces))
	if err != nil {
		t.Fatal(err)
	}
	nobody := func(int64, int64) {}
	before, err := Copy(t.Context(), LookFolder(from.root), cutting{to, hashes[4][:uploadIDSize]}, nobody)
	if !errors.Is(err, errCut) || before.Copied > 4 {
		t.Errorf("with a target that fails: %+v, %v", before, err)
	}
	if at, err := to.Offset(t.Context(), hashes[4][:uploadIDSize]); err != nil || at != 4000 {
		t.Errorf("of the large one %d bytes are there: %v", at, err)
	}
	c, err := Copy(t.Context(), LookFolder(from.root), to, nobody)
	var damaged []string
	for _, w := range c.Damaged {
		damaged = append(damaged, w.Hash)
	}
	slices.Sort(damaged)
	bad := []string{hashes[3], hashes[5]}
	slices.Sort(bad)
	if err != nil || c.There+c.Copied != 4 || c.There != before.Copied || !slices.Equal(damaged, bad) {
		t.Errorf("%+v, %v; %d before", c, err, before.Copied)
	}
	for i, hash := range hashes {
		r, err := to.Open(t.Context(), hash)
		if slices.Contains(bad, hash) {
			if !errors.Is(err, ErrNotFound) {
				t.Errorf("number %d is damaged, and there: %v", i, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		got := new(bytes.Buffer)
		if _, err := got.ReadFrom(r); err != nil || hashOf(got.Bytes()) != hash {
			t.Errorf("number %d has %d other bytes: %v", i, got.Len(), err)
		}
		r.Close()
	}
	if c, err := Copy(t.Context(), LookFolder(from.root), to, nobody); err != nil || c.There != 4 || c.Copied != 0 {
		t.Errorf("again: %+v, %v", c, err)
	}
	if _, err := Copy(t.Context(), LookFolder(filepath.Join(t.TempDir(), "none")), to, nobody); err == nil {
		t.Error("a source that is not there was copied")
	}
}

// cutting takes the first bytes of one upload, and then fails.
type cutting struct {
	Target
	id string
}

func (c cutting) Append(ctx context.Context, id string, at int64, r io.Reader, whole bool) (int64, error) {
	if id == c.id {
		r = io.MultiReader(io.LimitReader(r, 4000), iotest.ErrReader(errCut))
	}
	return c.Target.Append(ctx, id, at, r, whole)
}
