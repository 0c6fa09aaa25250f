package store

import (
	"hash/fnv"
	"slices"
	"strings"

	"neochat/store/words"
)

// The index holds tokens: seven base32 characters of a word's hash, then the conversation's number in
// base32. So a search touches only the lists of conversations that one may read; what it finds is
// compared with the text, for two words may have the same hash. Tokens are words to either
// database's full-text index, and none of their operators.

const (
	tokenAlphabet = "abcdefghijklmnopqrstuvwxyz234567"
	wordChars     = 7 // of a token, for the word
)

// wordKey is the part of a token that stands for the word, with room for the rest.
func wordKey(word string) []byte {
	h := fnv.New64a()
	h.Write([]byte(word))
	sum := h.Sum64()
	sum ^= sum >> 32 // the low bits are the better mixed ones
	key := make([]byte, wordChars, wordChars+13)
	for i := range key {
		key[i] = tokenAlphabet[sum&31]
		sum >>= 5
	}
	return key
}

// authorWord stands for who wrote a message; no word of a text has a zero byte.
func authorWord(account string) string { return "\x00" + account }

// appendConversation makes a token of a wordKey.
func appendConversation(key []byte, conversation int64) []byte {
	for {
		key = append(key, tokenAlphabet[conversation&31])
		if conversation >>= 5; conversation == 0 {
			return key
		}
	}
}

// tokensOf returns what the index holds of a message, separated by spaces.
func tokensOf(conversation int64, author, text string) string {
	suffix := appendConversation(nil, conversation)
	keys := []string{string(wordKey(authorWord(author)))}
	words.Each(text, func(word string) { keys = append(keys, string(wordKey(word))) })
	slices.Sort(keys)
	keys = slices.Compact(keys)
	var b strings.Builder
	b.Grow(len(keys) * (wordChars + len(suffix) + 1))
	for i, key := range keys {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(key)
		b.Write(suffix)
	}
	return b.String()
}
