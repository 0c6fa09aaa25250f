package words

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func of(text string) string {
	var all []string
	Each(text, func(w string) { all = append(all, w) })
	return strings.Join(all, "|")
}

func TestEach(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		" ,.-!?\n\t":             "",
		"The roses, the ROSES!":  "the|roses|the|roses",
		"don't x_y 3.14":         "don|t|x|y|3|14",
		"Straße STRASSE ΣΊΣΥΦΟΣ": "strasse|strasse|σίσυφοσ",
		"cafe\u0301 caf\u00e9":   "caf\u00e9|caf\u00e9",
		"ｆｕｌｌ ﬁve x²":            "full|five|x2",
		"co\u00adoperate":        "cooperate",
		"中":                      "中",
		"中文字":                    "中|文|中文|字|文字",
		"我in中文2024年":             "我|in|中|文|中文|2024|年",
		"中。文":                    "中|文",
		"データー":                   "デ|ー|デー|タ|ータ|ー|ター",
		"한글 말":                   "한|글|한글|말",
		"\u1112\u1161\u11ab":     "한",
		"สวัสดี":                 "ส|ว|สว|ั|วั|ส|ัส|ด|สด|ี|ดี",
		"a\u200bb":               "a|b",
		"\u0301x":                "x",
		"\u0301":                 "",
		"😀 fun":                  "fun",
		"Привет,МИР":             "привет|мир",
		"bad\xffutf":             "bad|utf",
	} {
		if got := of(text); got != want {
			t.Errorf("%q has %s, want %s", text, got, want)
		}
	}
}

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		query, text string
		want        bool
	}{
		{"roses", "The ROSES need water", true},
		{"rose", "The roses need water", false},
		{"water roses", "The roses need water", true},
		{"water tulips", "The roses need water", false},
		{"文", "我喜欢中文", true},
		{"中文", "我喜欢中文", true},
		{"中字", "中文字", false},
		{"喜欢中文", "我喜欢中文搜索", true},
		{"喜欢文中", "我喜欢中文搜索", false},
		{"欢中", "我喜欢 中文", false},
		{"喜欢 中文", "中文，我喜欢", true},
		{"中文 search", "SEARCH中文", true},
		{"ｓｅａｒｃｈ", "search", true},
		{"don't", "I don't", true},
	} {
		if got := Parse(c.query).Match(c.text); got != c.want {
			t.Errorf("%q in %q: %v", c.query, c.text, got)
		}
	}
}

func TestWordsOfAQuery(t *testing.T) {
	for _, c := range []struct {
		query string
		limit int
		want  string
	}{
		{"", 9, ""}, {"?!", 9, ""}, {"the the roses", 9, "roses|the"}, {"a bb ccc", 2, "ccc|bb"},
		{"中", 9, "中"}, {"中文", 9, "中文"}, {"中文字", 9, "中文|文字"}, {"中文字母", 9, "中文|字母"}, {"中中中中", 9, "中中"},
	} {
		q := Parse(c.query)
		if got := strings.Join(q.Words(c.limit), "|"); got != c.want || q.Empty() != (c.want == "") {
			t.Errorf("%q: %s, want %s", c.query, got, c.want)
		}
	}
}

// Whatever is in a text finds it, and the words of a query are among those of what it finds.
func FuzzWords(f *testing.F) {
	for _, s := range []string{"The roses", "我in中文2024年", "データー x²", "\u0301\u00ad\u200b", "İıſK", "\xff"} {
		f.Add(s, "x"+s+"y")
	}
	f.Fuzz(func(t *testing.T, query, text string) {
		if len(query)+len(text) > 2000 {
			return // a text that looks for itself takes the square of its length
		}
		var all []string
		Each(text, func(w string) {
			if w == "" || utf8.ValidString(text) && !utf8.ValidString(w) {
				t.Errorf("%q has the word %q", text, w)
			}
			all = append(all, w)
		})
		if !Parse(text).Match(text) {
			t.Errorf("%q does not find itself", text)
		}
		q := Parse(query)
		if !q.Match(text) {
			return
		}
		for _, w := range q.Words(100) {
			if !slices.Contains(all, w) {
				t.Errorf("%q finds %q, which has not the word %q", query, text, w)
			}
		}
	})
}

func BenchmarkEach(b *testing.B) {
	for name, text := range map[string]string{"ascii": "a message of some forty bytes, as people write", "中文": "我喜欢用中文写消息给朋友们"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Each(text, func(string) {})
			}
		})
	}
}
