package signaling

import (
	"net/http"
	"strings"
	"testing"
)

// ogg is the first page of an Ogg file with one packet.
func ogg(packet string) string {
	return "OggS\x00\x02" + strings.Repeat("\x00", 20) + "\x01" + string(rune(len(packet))) + packet
}

// ftyp is the first box of an MP4 file.
func ftyp(major string, compatible ...string) string {
	brands := major + "\x00\x00\x02\x00" + strings.Join(compatible, "")
	return "\x00\x00\x00" + string(rune(8+len(brands))) + "ftyp" + brands + "\x00\x00\x00\x08free"
}

// matroska is the beginning of a file of that doctype with a track of each codec.
func matroska(doctype string, codecs ...string) string {
	s := "\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82" + string([]byte{0x80 | byte(len(doctype))}) + doctype + "\x18\x53\x80\x67"
	for _, c := range codecs {
		s += "\xae\x86" + string([]byte{0x80 | byte(len(c))}) + c
	}
	return s
}

func TestSniff(t *testing.T) {
	for name, c := range map[string]struct{ head, want string }{
		"nothing":                      {"", "text/plain; charset=utf-8"},
		"text":                         {"你好", "text/plain; charset=utf-8"},
		"PNG":                          {"\x89PNG\r\n\x1a\n", "image/png"},
		"page":                         {"<html>", "text/html; charset=utf-8"},
		"MP4":                          {ftyp("isom", "isom", "iso2", "avc1", "mp41"), "video/mp4"},
		"MP4 of newer brands":          {ftyp("iso5", "iso6", "hlsf"), "video/mp4"},
		"MP4 of a brand to come":       {ftyp("zzzz"), "video/mp4"},
		"QuickTime":                    {ftyp("qt  ", "qt  "), "video/quicktime"},
		"M4A":                          {ftyp("M4A ", "M4A ", "mp42", "isom"), "audio/mp4"},
		"HEIC":                         {ftyp("heic", "mif1", "heic"), "image/heic"},
		"HEIF":                         {ftyp("mif1", "mif1", "heic"), "image/heic"},
		"AVIF":                         {ftyp("avif", "mif1", "miaf"), "image/avif"},
		"AVIF as HEIF":                 {ftyp("mif1", "mif1", "avif"), "image/avif"},
		"WebM":                         {matroska("webm", "V_VP8", "A_OPUS"), "video/webm"},
		"WebM whose tracks come later": {matroska("webm"), "video/webm"},
		"voice":                        {matroska("webm", "A_OPUS"), "audio/webm"},
		"Matroska":                     {matroska("matroska", "V_MPEG4/ISO/AVC", "A_AAC"), "video/x-matroska"},
		"Opus":                         {ogg("OpusHead\x01\x02"), "audio/ogg"},
		"Vorbis":                       {ogg("\x01vorbis\x00"), "audio/ogg"},
		"Theora":                       {ogg("\x80theora\x03"), "video/ogg"},
		"other Ogg":                    {ogg("fishead\x00"), "application/ogg"},
		"half an Ogg":                  {"OggS\x00", "application/ogg"},
		"FLAC":                         {"fLaC\x00\x00\x00\x22", "audio/flac"},
		"AMR":                          {"#!AMR\n\x3c", "audio/amr"},
		"AAC":                          {"\xff\xf1\x50\x80\x01\x7f\xfc\x21", "audio/aac"},
		"MP3 with a tag":               {"ID3\x04\x00", "audio/mpeg"},
		"MP3 without":                  {"\xff\xfb\x90\x44\x00\x00\x00\x01", "audio/mpeg"},
		"MP3 of half the rate":         {"\xff\xf3\x44\xc4\x00\x00\x00\x01", "audio/mpeg"},
		"no MP3: no bit rate":          {"\xff\xfb\xf0\x44\x00\x00\x00\x01", "application/octet-stream"},
		"no MP3: no sample rate":       {"\xff\xfb\x9c\x44\x00\x00\x00\x01", "application/octet-stream"},
		"UTF-16":                       {"\xff\xfea\x00b\x00", "text/plain; charset=utf-16le"},
		"JPEG":                         {"\xff\xd8\xff\xe0", "image/jpeg"},
		"ones":                         {"\xff\xff\xff\xff\x00", "application/octet-stream"},
		"ftyp too short":               {"\x00\x00\x00\x08ftyp", "application/octet-stream"},
		"wave":                         {"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wave"},
	} {
		if got := sniff([]byte(c.head)); got != c.want {
			t.Errorf("%s is %s, want %s", name, got, c.want)
		}
	}
}

// FuzzSniff: nothing makes a file pass for what can run that is not found to be it anyway, nor the other way round.
func FuzzSniff(f *testing.F) {
	for _, head := range []string{ftyp("M4A "), matroska("webm", "A_OPUS"), ogg("OpusHead"), "<html>", "\xff\xfb\x90\x44", "%PDF-1.7", "\xff\xf1\x50\x80"} {
		f.Add([]byte(head))
	}
	media := map[string]bool{"video/mp4": true, "audio/webm": true, "audio/ogg": true, "video/ogg": true}
	for _, kind := range brands {
		media[kind] = true
	}
	for _, kind := range []string{"audio/flac", "audio/amr", "audio/aac", "audio/mpeg", "video/x-matroska"} {
		media[kind] = true
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		got, plain := sniff(head), http.DetectContentType(head)
		if got != plain && !media[got] {
			t.Errorf("%q is %s, by itself %s", head, got, plain)
		}
		for _, active := range []string{"text/html", "text/xml", "application/pdf"} {
			if strings.HasPrefix(plain, active) && got != plain && string(head[4:8]) != "ftyp" {
				t.Errorf("%q is %s, and not %s", head, got, plain)
			}
		}
		if strings.ContainsAny(got, "\r\n ") && got != plain {
			t.Errorf("%q is %q", head, got)
		}
	})
}
