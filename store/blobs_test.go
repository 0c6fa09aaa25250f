package store

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// What is kept for a database: contents of files, previews, and garbage that is on its way out.
func TestBlobsOfDatabase(t *testing.T) {
	name := databases.Own(t)
	s := openOn(t, name)
	defer closeStore(t, s)
	addUsers(t, s, "a")
	for _, f := range []File{{Name: "a_1_x", Owner: "a", Hash: "h1", Size: 5}, {Name: "a_2_x", Owner: "a", Hash: "h1", Size: 5},
		{Name: "a_3_x", Owner: "a", Hash: "h2", Size: 6}, {Name: "a_4_x", Owner: "a", Hash: "h3", Size: 7}} {
		if _, err := s.PutFile(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	for file, preview := range map[string]string{"a_1_x": "h0", "a_2_x": "h0", "a_3_x": "h1"} {
		if _, err := s.SetPreview(t.Context(), file, "", preview, 1, 1); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DropFile(t.Context(), "a", "a_4_x"); err != nil {
		t.Fatal(err)
	}
	look := func() (blobs []Blob, garbage []string) {
		err := EachBlob(t.Context(), name, func(b Blob) error { blobs = append(blobs, b); return nil })
		if err == nil {
			err = EachGarbage(t.Context(), name, func(hash string) error { garbage = append(garbage, hash); return nil })
		}
		if err != nil {
			t.Fatal(err)
		}
		return blobs, garbage
	}
	if blobs, garbage := look(); !reflect.DeepEqual(blobs, []Blob{{"h0", -1}, {"h1", 5}, {"h2", 6}}) || !slices.Equal(garbage, []string{"h3"}) {
		t.Errorf("blobs %v, garbage %v", blobs, garbage)
	}
	for hash, want := range map[string][]string{"h0": {"a_1_x", "a_2_x"}, "h1": {"a_1_x", "a_2_x"}, "h3": nil} {
		if names, err := NamesOf(t.Context(), name, hash, 2); err != nil || !slices.Equal(names, want) {
			t.Errorf("%s is that of %v, not %v: %v", hash, names, want, err)
		}
	}
	if gone, err := s.TakeGarbage(t.Context(), time.Now().Add(time.Hour)); err != nil || s.GarbageRemoved(t.Context(), gone) != nil {
		t.Error(err)
	}
	if _, garbage := look(); garbage != nil {
		t.Errorf("garbage %v is left", garbage)
	}
}

// An older schema has no previews, and no garbage.
func TestBlobsOfOlderSchemas(t *testing.T) {
	for version, name := range map[int64]string{1: makeFirst(t), 2: makeSecond(t)} {
		var blobs []Blob
		if err := EachBlob(t.Context(), name, func(b Blob) error { blobs = append(blobs, b); return nil }); err != nil || len(blobs) == 0 {
			t.Fatalf("schema %d: %v, %v", version, blobs, err)
		}
		names, err := NamesOf(t.Context(), name, blobs[0].Hash, 5)
		if err != nil || len(names) == 0 {
			t.Errorf("schema %d: %v, %v", version, names, err)
		}
		if err := EachGarbage(t.Context(), name, func(hash string) error { t.Errorf("garbage %s", hash); return nil }); err != nil {
			t.Errorf("schema %d: %v", version, err)
		}
	}
}
