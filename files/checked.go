package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
)

// ErrDamaged: bytes are not what their name says. It comes wrapped.
var ErrDamaged = errors.New("it is damaged")

// Checked reads what r yields, which ought to have a hash and a size in bytes (-1: any); where it has not, the end is
// ErrDamaged: who stores what it yields keeps nothing then.
func Checked(r io.Reader, hash string, size int64) io.Reader {
	return &checkedReader{r: r, hash: hash, want: size, sum: sha256.New()}
}

type checkedReader struct {
	r    io.Reader
	hash string
	want int64
	sum  hash.Hash
	size int64
}

// Read reads on.
func (c *checkedReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.sum.Write(p[:n])
	c.size += int64(n)
	if err == io.EOF && (c.want >= 0 && c.size != c.want || hex.EncodeToString(c.sum.Sum(nil)) != c.hash) {
		return n, fmt.Errorf("the bytes of %s: %w", c.hash, ErrDamaged)
	}
	return n, err
}
