package sdk

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestReadFileInfo(t *testing.T) {
	for text, want := range map[string][]FileInfo{
		"": nil,
		"a_1_p.png 7 image/png 640x480 - preview": {{Name: "a_1_p.png", Size: 7, ContentType: "image/png", Width: 640, Height: 480, Preview: true}},
		"a_1_v 9 audio/mpeg - 1500 -\na_1_n 0 - - - -": {
			{Name: "a_1_v", Size: 9, ContentType: "audio/mpeg", Duration: 1500 * time.Millisecond}, {Name: "a_1_n"}},
		"a 1 x/y 3x4 - - and what a later server adds":          {{Name: "a", Size: 1, ContentType: "x/y", Width: 3, Height: 4}},
		"short 1\nb x x/y - - -\nc -1 x/y - - -\nd 2 x/y - - -": {{Name: "d", Size: 2, ContentType: "x/y"}},
		"a 1 x/y 0x4 0 -": {{Name: "a", Size: 1, ContentType: "x/y"}},
		"a 1 x/y 3 x -":   {{Name: "a", Size: 1, ContentType: "x/y"}},
		"a 1 x/y 99999999999x1 9223372036854775807 -": {{Name: "a", Size: 1, ContentType: "x/y"}},
		"a 1 x/y -3x-4 -5 previews":                   {{Name: "a", Size: 1, ContentType: "x/y"}},
	} {
		if got := readFileInfo(text); !slices.Equal(got, want) {
			t.Errorf("%q is read as %+v, want %+v", text, got, want)
		}
	}
}

func FuzzReadFileInfo(f *testing.F) {
	f.Add("a_1_p.png 7 image/png 640x480 - preview\na_1_v 9 audio/mpeg - 1500 -")
	f.Add("x -1 y 0x 9223372036854775807 -\n\n 1")
	f.Fuzz(func(t *testing.T, text string) {
		all := readFileInfo(text)
		if len(all) > 1+strings.Count(text, "\n") {
			t.Errorf("%d files of %q", len(all), text)
		}
		for _, i := range all {
			if i.Name == "" || i.Size < 0 || i.Width < 0 || i.Height < 0 || (i.Width == 0) != (i.Height == 0) || i.Duration < 0 {
				t.Errorf("%q: %+v", text, i)
			}
		}
	})
}
