package wire

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

// drain reads everything a frame holds and writes it down in a form that a golden file can show.
func drain(src io.Reader, binary bool, lim Limits) string {
	var out strings.Builder
	r := NewReader(src, binary, lim)
	for {
		m, err := r.Next()
		if err == io.EOF {
			return out.String()
		}
		for _, f := range m.Fields {
			fmt.Fprintf(&out, "%s=%q\n", f.Name, f.Value)
		}
		var mistake *Error
		var closing *CloseError
		switch {
		case errors.As(err, &mistake):
			fmt.Fprintf(&out, "! %d %s\n", mistake.Stat, mistake.Reason)
		case errors.As(err, &closing):
			fmt.Fprintf(&out, "close %d\n", closing.Code)
			return out.String()
		case err != nil:
			fmt.Fprintf(&out, "failed %v\n", err)
			return out.String()
		}
		if r.HasBody() {
			body, err := io.ReadAll(r)
			fmt.Fprintf(&out, "body %q %v\n", body, err)
		}
		out.WriteString("--\n")
	}
}

func TestReader(t *testing.T) {
	const (
		noColon = "! 400 a line has no colon\n--\n"
		badName = "! 400 a name is [a-z][a-z0-9_]*, at most 64 bytes\n--\n"
		space   = "! 400 a message begins with a name, not with a space\n--\n"
	)
	for _, c := range []struct {
		name, in string
		binary   bool
		want     string
	}{
		{"nothing", "", false, ""},
		{"only empty lines", "\n\r\n\n", false, ""},
		{"one", "a: 1\n\n", false, "a=\"1\"\n--\n"},
		{"last may omit its empty line", "a: 1\n\nb: 2", false, "a=\"1\"\n--\nb=\"2\"\n--\n"},
		{"one space is dropped", "a:  x \nb:y\nc:\n\n", false, "a=\" x \"\nb=\"y\"\nc=\"\"\n--\n"},
		{"empty lines between", "\n\na: 1\n\n\n\nb: 2\n\n", false, "a=\"1\"\n--\nb=\"2\"\n--\n"},
		{"continuation", "a: 1\n 2\n \n  3\nb: x\n\n", false, "a=\"1\\n2\\n\\n 3\"\nb=\"x\"\n--\n"},
		{"continuation first", " 1\na: x\n\nb: 2\n\n", false, "a=\"x\"\n" + space + "b=\"2\"\n--\n"},
		{"crlf", "a: 1\r\n 2\r\nb: \r\r\n\r\nc: 3\r\n", false, "a=\"1\\n2\"\nb=\"\\r\"\n--\nc=\"3\"\n--\n"},
		{"cr kept after lf", "a: 1\nb: 2\r\n\r\nc: 3\n", false, "a=\"1\"\nb=\"2\\r\"\nc=\"3\"\n! 400 a line has no colon\n--\n"},
		{"no colon", "a\nb: 2\n\n", false, "b=\"2\"\n" + noColon},
		{"bad name", "A: 1\n continued\nb: 2\n\n", false, "b=\"2\"\n" + badName},
		{"name twice", "a: 1\na: 2\n\nb: 1\n\n", false, "a=\"1\"\n! 400 the name a stands twice in one message\n--\nb=\"1\"\n--\n"},
		{"nul", "a: \x00\n\nb: 1\n\n", false, "a=\"\\x00\"\n! 400 a value must not hold a NUL\n--\nb=\"1\"\n--\n"},
		{"bad utf-8 in text", "a: \xff\n\nb: 1\n\n", false, "close 1007\n"},
		{"bad utf-8 in binary", "a: 1\nb: \xff\n\n\x00x", true, "a=\"1\"\n! 400 the lines before the body are not UTF-8\nbody \"x\" <nil>\n--\n"},
		{"long name", strings.Repeat("a", 65) + ": 1\n\n", false, badName},
		{"body", "a: 1\n\n\x00xy\n\n\x00", true, "a=\"1\"\nbody \"xy\\n\\n\\x00\" <nil>\n--\n"},
		{"body without lines", "\n\x00xy", true, "body \"xy\" <nil>\n--\n"},
		{"empty body", "a: 1\n\n\x00", true, "a=\"1\"\nbody \"\" <nil>\n--\n"},
		{"binary without body", "a: 1\n\n", true, "a=\"1\"\n--\n"},
		{"binary, wrong byte", "a: 1\n\nb: 2\n\n", true, "a=\"1\"\n! 400 in a binary frame one byte 0x00 and the body follow the empty line\n--\n"},
		{"body too large", "a: 1\n\n\x00" + strings.Repeat("x", 17), true, "a=\"1\"\nbody \"\" the body is too large\n--\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			lim := Limits{Header: 100, Body: 16}
			if got := drain(strings.NewReader(c.in), c.binary, lim); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			if got := drain(iotest.OneByteReader(strings.NewReader(c.in)), c.binary, lim); got != c.want && c.name != "body too large" {
				t.Errorf("a byte at a time: got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestReaderLimits(t *testing.T) {
	message := func(n int) string { return "a: " + strings.Repeat("x", n-4) + "\n" } // n bytes
	for _, c := range []struct {
		name, in string
		lim      Limits
		stats    string
	}{
		{"at the limit", message(100) + "\n", Limits{Header: 100}, "ok"},
		{"past the limit, the next is read", message(101) + "\na: 1\n\n", Limits{Header: 100}, "413 ok"},
		{"at twice the limit", message(200) + "\n", Limits{Header: 100}, "413"},
		{"just past twice, all at hand", message(201) + "\n", Limits{Header: 100}, "close 1009"},
		{"far past it", message(5000) + "\na: 1\n\n", Limits{Header: 100}, "close 1009"},
		{"endless", strings.Repeat("x", 1<<20), Limits{Header: 100}, "close 1009"},
		{"frame", message(60) + "\n" + message(60) + "\n" + "a: 1\n\n", Limits{Header: 100, Frame: 100}, "ok 413 413"},
		{"frame far past", message(60) + "\n" + message(60) + "\n" + message(99), Limits{Header: 100, Frame: 100}, "ok 413 close 1009"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			r := NewReader(strings.NewReader(c.in), false, c.lim)
			for {
				_, err := r.Next()
				var mistake *Error
				var closing *CloseError
				if err == nil {
					got = append(got, "ok")
				} else if errors.As(err, &mistake) {
					got = append(got, fmt.Sprint(mistake.Stat))
				} else if errors.As(err, &closing) {
					got = append(got, fmt.Sprintf("close %d", closing.Code))
					break
				} else {
					break
				}
			}
			if s := strings.Join(got, " "); s != c.stats {
				t.Errorf("got %q, want %q", s, c.stats)
			}
		})
	}
}

func TestDiscard(t *testing.T) {
	for _, c := range []struct {
		n    int
		code int
	}{{10, 0}, {200, 0}, {5000, CloseTooLarge}} {
		r := NewReader(strings.NewReader("a: 1\n\n\x00"+strings.Repeat("x", c.n)), true, Limits{Header: 64, Body: 100})
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		code := 0
		var closing *CloseError
		if errors.As(r.Discard(), &closing) {
			code = closing.Code
		}
		if code != c.code {
			t.Errorf("%d bytes: close %d, want %d", c.n, code, c.code)
		}
	}
}

func TestFieldsAreBounded(t *testing.T) {
	var in strings.Builder
	for i := range MaxFields + 1 {
		fmt.Fprintf(&in, "n%d: x\n", i)
	}
	r := NewReader(strings.NewReader(in.String()), false, DefaultLimits())
	m, err := r.Next()
	var mistake *Error
	if !errors.As(err, &mistake) || mistake.Stat != StatBadRequest || len(m.Fields) != MaxFields {
		t.Errorf("%d fields, %v", len(m.Fields), err)
	}
}

func TestGoldenFrames(t *testing.T) {
	frames, err := filepath.Glob("testdata/golden/*.frame")
	if err != nil || len(frames) == 0 {
		t.Fatal("no golden frames", err)
	}
	for _, path := range frames {
		in, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want, err := os.ReadFile(strings.TrimSuffix(path, ".frame") + ".want")
		if err != nil {
			t.Fatal(err)
		}
		binary := strings.Contains(path, "binary")
		if got := drain(bytes.NewReader(in), binary, DefaultLimits()); got != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", path, got, want)
		}
	}
}

func TestEncodeIsReadBack(t *testing.T) {
	m := Message{}
	m.Add("a", "")
	m.Add("b", "line\n\n  three\r")
	m.Add("c", "你好")
	b, err := Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	back, err := NewReader(bytes.NewReader(b), false, DefaultLimits()).Next()
	if err != nil || fmt.Sprint(back) != fmt.Sprint(m) {
		t.Errorf("%v %q", err, back)
	}
	for _, bad := range [][2]string{{"A", ""}, {"a", "\x00"}, {"a", "\xff"}, {"a", "x\r"}, {"a", "x\r\ny"}} {
		m := Message{}
		m.Add(bad[0], bad[1])
		if _, err := Encode(m); err == nil {
			t.Errorf("%q was encoded", bad)
		}
	}
	m.Add("a", "again")
	if _, err := Encode(m); err == nil {
		t.Error("a repeated name was encoded")
	}
}

func TestEnc(t *testing.T) {
	for in, want := range map[string]string{
		"+86101": "%2B86101", "a_b": "a%5Fb", "a.png": "a.png", "é": "%C3%A9", "": "", "A-z.9~": "A-z.9%7E",
	} {
		if got := Enc(in); got != want {
			t.Errorf("Enc(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestValidAccount(t *testing.T) {
	for in, want := range map[string]bool{
		"+86101": true, "a.b_c@d-e": true, "": false, "a b": false, "a,b": false, "é": false,
		strings.Repeat("a", 100): true, strings.Repeat("a", 101): false,
	} {
		if ValidAccount(in) != want {
			t.Errorf("ValidAccount(%q) is %v", in, !want)
		}
	}
}

// FuzzReader: whatever arrives, the Reader ends, holds no more than it should,
// and what it took can be encoded and is read back the same.
func FuzzReader(f *testing.F) {
	for _, s := range []string{"a: 1\n\n", "a: 1\r\n 2\r\n\r\nb: 2", "a\nb: \n\n", "a: 1\n\n\x00body", "\n\n\r\n", "a: x\r\nb: y\r\r\n\r\n"} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, binary bool) {
		r := NewReader(bytes.NewReader(in), binary, Limits{Header: 256, Body: 256})
		for range len(in) + 2 {
			m, err := r.Next()
			var mistake *Error
			if err != nil && !errors.As(err, &mistake) {
				return
			}
			if cap(r.buf) > 4096 {
				t.Fatalf("holds %d bytes", cap(r.buf))
			}
			if err != nil || len(m.Fields) == 0 {
				continue
			}
			b, err := Encode(m)
			if err != nil {
				if first, _, _ := strings.Cut(m.Fields[0].Value, "\n"); strings.HasSuffix(first, "\r") {
					continue // came with CRLF line ends
				}
				t.Fatalf("%q: %v", m, err)
			}
			back, err := NewReader(bytes.NewReader(b), false, DefaultLimits()).Next()
			if err != nil || fmt.Sprintf("%q", back) != fmt.Sprintf("%q", m) {
				t.Fatalf("%q came back as %q, %v", m, back, err)
			}
		}
		t.Fatal("does not end")
	})
}

var text = []byte("user_account: +86101\nmessage_type: text\nfriends: +8200001\nclient_message_id: 0123456789abcdef\ntext: 你好, a line of chat as people write them\n\n")

func BenchmarkReader(b *testing.B) {
	for _, n := range []int{1, 16} {
		b.Run(fmt.Sprintf("batch%d", n), func(b *testing.B) {
			frame := bytes.Repeat(text, n)
			b.SetBytes(int64(len(frame)))
			b.ReportAllocs()
			for range b.N {
				r := NewReader(bytes.NewReader(frame), false, DefaultLimits())
				for {
					if _, err := r.Next(); err != nil {
						break
					}
				}
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	dst := make([]byte, 0, 1024)
	b.ReportAllocs()
	for range b.N {
		dst = Append(dst[:0], "user_account", "+86101")
		dst = Append(dst, "message_type", "text")
		dst = Append(dst, "text", "你好, a line of chat as people write them")
		dst = AppendInt(dst, "seq", 1234567)
		dst = End(dst)
	}
}
