// Package words tells what a text can be found by. A word is a run of letters, digits and marks
// between other characters, compared without regard to case and to forms of writing that mean the
// same (Unicode NFKC and full case folding). Scripts that are written without spaces between
// words (中文, 日本語, 한글, ไทย and the like) are found by any part: each character, and each
// pair of neighbours, is a word of its own.
package words

import (
	"cmp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// unspaced are the scripts whose words are not told apart by spaces.
var unspaced = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Yi}

// Each calls do with every word of text, in order, some perhaps repeatedly.
func Each(text string, do func(word string)) {
	eachSegment(normal(text), func(s string, whole bool) {
		if whole {
			do(s)
			return
		}
		eachPart(s, do)
	})
}

// eachPart calls do with each character of s and each pair of neighbours.
func eachPart(s string, do func(string)) {
	before := 0 // length of the character before
	for at, r := range s {
		size := utf8.RuneLen(r)
		do(s[at : at+size])
		if before > 0 {
			do(s[at-before : at+size])
		}
		before = size
	}
}

// normal brings what means the same into the same form.
func normal(text string) string {
	if isASCII(text) {
		return strings.ToLower(text)
	}
	return norm.NFKC.String(cases.Fold().String(norm.NFKC.String(visible(text))))
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// visible drops what has no look of its own, such as soft hyphens, and makes the space of
// no width, which parts words, one that is seen.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\u200b':
			return ' '
		case r >= utf8.RuneSelf && unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, text)
}

// class is what a character does to the segment it stands in.
type class int

const (
	parting class = iota // ends it
	letter               // belongs to a word
	part                 // belongs to a run of a script without spaces
	mark                 // belongs to what is before it
)

func classOf(r rune) class {
	switch {
	case r < utf8.RuneSelf:
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' || 'A' <= r && r <= 'Z' {
			return letter
		}
		return parting
	case r == 'ー', unicode.In(r, unspaced...): // the long vowel belongs to no one script
		return part
	case unicode.IsLetter(r), unicode.IsNumber(r):
		return letter
	case unicode.IsMark(r):
		return mark
	}
	return parting
}

// eachSegment cuts normal text into words and into runs of scripts without spaces.
func eachSegment(s string, do func(segment string, whole bool)) {
	start, kind := 0, parting
	cut := func(end int) {
		if kind != parting {
			do(s[start:end], kind == letter)
		}
	}
	for at, r := range s {
		c := classOf(r)
		if c == mark {
			c = kind // one that has nothing before it is nothing
		}
		if c != kind {
			cut(at)
			start, kind = at, c
		}
	}
	cut(len(s))
}

// Query is what somebody looks for.
type Query struct {
	words []string // must be there as they are
	runs  []string // must be part of a run
}

// Parse reads what somebody typed to look for.
func Parse(text string) Query {
	var q Query
	seen := map[string]bool{}
	eachSegment(normal(text), func(s string, whole bool) {
		switch {
		case seen[s]:
		case whole:
			q.words = append(q.words, s)
		default:
			q.runs = append(q.runs, s)
		}
		seen[s] = true
	})
	return q
}

// Empty reports that there is no word in the query: nothing can be found by it.
func (q Query) Empty() bool { return len(q.words)+len(q.runs) == 0 }

// Words returns at most limit of the words that every text has which the query finds,
// those first that tell most. Texts that have them are to be tried with Match.
func (q Query) Words(limit int) []string {
	var all []string
	for _, r := range q.runs {
		all = append(all, cover(r)...)
	}
	all = append(all, q.words...)
	return longest(all, limit)
}

// cover returns the pairs that together hold every character of a run; of a single one, itself.
func cover(run string) (pairs []string) {
	runes := []rune(run)
	if len(runes) == 1 {
		return []string{run}
	}
	for i := 0; i+1 < len(runes); i += 2 {
		pairs = append(pairs, string(runes[i:i+2]))
	}
	if len(runes)%2 == 1 {
		pairs = append(pairs, string(runes[len(runes)-2:]))
	}
	return pairs
}

// Match reports whether the query finds text: every word is in it, and every run is part of
// one of its runs.
func (q Query) Match(text string) bool {
	found := make([]bool, len(q.words)+len(q.runs))
	missing := len(found)
	eachSegment(normal(text), func(s string, whole bool) {
		for i := range found {
			if !found[i] && q.finds(i, s, whole) {
				found[i] = true
				missing--
			}
		}
	})
	return missing == 0
}

func (q Query) finds(i int, segment string, whole bool) bool {
	if i < len(q.words) {
		return whole && segment == q.words[i]
	}
	return !whole && strings.Contains(segment, q.runs[i-len(q.words)])
}

// longest returns at most limit of all, each once, the longest first.
func longest(all []string, limit int) []string {
	slices.SortStableFunc(all, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	all = slices.Compact(all)
	return all[:min(limit, len(all))]
}
