package signaling

import (
	"net/http"
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"neochat/store"
	"neochat/wire"
)

// shownInline are the types that a browser may show in its window: none of them can run, or make it load, anything.
var shownInline = map[string]bool{
	"image/png": true, "image/jpeg": true, "image/gif": true, "image/webp": true, "image/avif": true, "image/heic": true,
	"audio/mpeg": true, "audio/mp4": true, "audio/aac": true, "audio/ogg": true, "audio/webm": true, "audio/flac": true, "audio/amr": true,
	"audio/wave": true, "audio/aiff": true, "audio/basic": true, "audio/midi": true, "application/ogg": true,
	"video/mp4": true, "video/webm": true, "video/ogg": true, "video/quicktime": true, "video/x-matroska": true, "video/avi": true,
	"text/plain": true,
}

// fileHeaders lets a browser show pictures and play sound, and nothing run.
func fileHeaders(h http.Header, f store.File) {
	h.Set("Content-Type", f.ContentType)
	h.Set("Content-Disposition", disposition(f.Name, f.ContentType))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Referrer-Policy", "no-referrer") // a signed address is nobody else's business
	h.Set("Cache-Control", "private, max-age=31536000, immutable")
	h.Set("Vary", "Authorization, Cookie")
	h.Set("ETag", etag(f))
}

func etag(f store.File) string { return `"` + f.Hash + `"` }

// disposition says whether a browser may show a file, and what people call it (RFC 6266, RFC 8187), in full and, for programs that do not
// read that, in ASCII.
func disposition(stored, contentType string) string {
	how := "attachment"
	if kind, _, _ := strings.Cut(contentType, ";"); shownInline[strings.TrimSpace(kind)] {
		how = "inline"
	}
	name := calledName(stored)
	plain := strings.Map(func(r rune) rune {
		if r >= utf8.RuneSelf || r == '"' || r == '\\' || r == '%' {
			return '_'
		}
		return r
	}, name)
	return how + `; filename="` + plain + `"; filename*=UTF-8''` + wire.Enc(name)
}

// calledName is what people call a stored file: the third part of its name. What would lead to another folder, or make a name
// look like another one, stands as _.
func calledName(stored string) string {
	_, rest, _ := strings.Cut(stored, "_")
	_, encoded, _ := strings.Cut(rest, "_")
	name, err := url.PathUnescape(encoded)
	if err != nil {
		name = encoded
	}
	name = strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' || unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) {
			return '_'
		}
		return r
	}, strings.ToValidUTF8(name, "_"))
	if strings.Trim(name, ".") == "" {
		return "file"
	}
	return name
}
