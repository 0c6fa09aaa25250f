package signaling

import (
	"bytes"
	"crypto/sha1" // of a piece, against accidents; tus requires it
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"neochat/wire"
)

// metadata is what an Upload-Metadata header says.
type metadata struct {
	raw          string
	name         string // of the file, as people call it
	time         string // by the sender's clock
	keepLocation bool
	durationMS   int64 // of sound or video
	width        int64 // of video, pixels
	height       int64
}

const (
	maxMetadata   = 4096 // bytes of the header
	maxDurationMS = 7 * 24 * 3600_000
	maxPixels     = 1 << 16 // a side
)

// parseMetadata reads a header of pairs, separated by commas, each a key and, after a space, its value in Base64.
// What it does not know it passes over.
func parseMetadata(header string, now time.Time) (metadata, error) {
	m := metadata{raw: header}
	if len(header) > maxMetadata {
		return m, refusal(wire.StatTooLarge, "Upload-Metadata has at most 4096 bytes")
	}
	values, err := metadataValues(header)
	if err != nil {
		return m, err
	}
	m.name, m.time = values["filename"], values["time"]
	if _, ok := values["filename"]; !ok {
		m.name = "file" + extension(values["filetype"])
	}
	if m.time == "" {
		m.time = strconv.FormatInt(now.UnixMilli(), 10)
	}
	m.keepLocation = values["keep_location"] == "yes"
	for _, n := range []struct {
		name string
		to   *int64
		most int64
	}{{"duration_ms", &m.durationMS, maxDurationMS}, {"width", &m.width, maxPixels}, {"height", &m.height, maxPixels}} {
		v, ok := values[n.name]
		if !ok {
			continue
		}
		if *n.to, err = strconv.ParseInt(v, 10, 64); err != nil || *n.to < 0 || *n.to > n.most {
			return m, refusal(wire.StatBadRequest, "Upload-Metadata: "+n.name+" is a whole number from 0 to "+strconv.FormatInt(n.most, 10))
		}
	}
	return m, nil
}

func metadataValues(header string) (map[string]string, error) {
	values := map[string]string{}
	if strings.TrimSpace(header) == "" {
		return values, nil
	}
	for _, pair := range strings.Split(header, ",") {
		key, encoded, _ := strings.Cut(strings.TrimSpace(pair), " ")
		value, err := base64.StdEncoding.DecodeString(encoded)
		_, twice := values[key]
		if err != nil || !utf8.Valid(value) || twice || key == "" || strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r > '~' }) {
			return nil, refusal(wire.StatBadRequest, "Upload-Metadata is pairs separated by commas: a key, a space, the value in Base64; each key once, each value UTF-8")
		}
		values[key] = string(value)
	}
	return values, nil
}

// kept is what an upload carries in the database.
type kept struct {
	Metadata string `json:"metadata"` // as it was sent
}

func (m metadata) carry() []byte {
	text, err := json.Marshal(kept{m.raw})
	if err != nil {
		panic(err) // a string is always encoded
	}
	return text
}

func carried(carry []byte) (k kept) {
	if json.Unmarshal(carry, &k) != nil {
		return kept{}
	}
	return k
}

const checksumNames = "sha1,sha256"

// errChecksum: a piece does not have the checksum it should.
var errChecksum = errors.New("the checksum does not fit")

// checksum is what an Upload-Checksum header says of a piece; nil: it says nothing.
type checksum struct {
	hash hash.Hash
	want []byte
}

func newChecksum(header string) (*checksum, error) {
	if header == "" {
		return nil, nil
	}
	name, encoded, _ := strings.Cut(header, " ")
	c := &checksum{}
	switch name {
	case "sha1":
		c.hash = sha1.New()
	case "sha256":
		c.hash = sha256.New()
	default:
		return nil, refusal(wire.StatBadRequest, "Upload-Checksum: only "+checksumNames+" are known here")
	}
	var err error
	if c.want, err = base64.StdEncoding.DecodeString(encoded); err != nil || len(c.want) != c.hash.Size() {
		return nil, refusal(wire.StatBadRequest, "Upload-Checksum is the name of an algorithm, a space, and the checksum in Base64")
	}
	return c, nil
}

// over reads what r does; where that does not have the checksum, it fails at its end with errChecksum.
func (c *checksum) over(r io.Reader) io.Reader {
	if c == nil {
		return r
	}
	return &checked{io.TeeReader(r, c.hash), c}
}

type checked struct {
	r io.Reader
	c *checksum
}

// Read implements io.Reader.
func (k *checked) Read(p []byte) (int, error) {
	n, err := k.r.Read(p)
	if err == io.EOF && !bytes.Equal(k.c.hash.Sum(nil), k.c.want) {
		err = errChecksum
	}
	return n, err
}
