package vp8

import "testing"

func TestKeyframe(t *testing.T) {
	for name, c := range map[string]struct {
		in   []byte
		want bool
	}{
		"plain key":             {[]byte{0x10, 0x00}, true},
		"plain delta":           {[]byte{0x10, 0x01}, false},
		"second packet":         {[]byte{0x00, 0x00}, false},
		"second partition":      {[]byte{0x11, 0x00}, false},
		"15 bit picture id":     {[]byte{0x90, 0x80, 0x81, 0x02, 0x00}, true},
		"7 bit picture id":      {[]byte{0x90, 0x80, 0x01, 0x00}, true},
		"all extensions, key":   {[]byte{0x90, 0xf0, 0x81, 0x02, 0x03, 0x04, 0x00}, true},
		"all extensions, delta": {[]byte{0x90, 0xf0, 0x81, 0x02, 0x03, 0x04, 0x01}, false},
		"only key index":        {[]byte{0x90, 0x10, 0x03, 0x00}, true},
		"empty":                 {nil, false},
		"no frame":              {[]byte{0x10}, false},
		"cut extension":         {[]byte{0x90}, false},
		"cut picture id":        {[]byte{0x90, 0x80}, false},
		"cut long picture id":   {[]byte{0x90, 0x80, 0x80}, false},
	} {
		if got := Keyframe(c.in); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func FuzzKeyframe(f *testing.F) {
	f.Add([]byte{0x90, 0xf0, 0x81, 0x02, 0x03, 0x04, 0x00})
	f.Fuzz(func(t *testing.T, b []byte) {
		if Keyframe(b) && len(b) < 2 {
			t.Fatal("a key frame without a frame")
		}
	})
}
