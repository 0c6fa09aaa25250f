package picture

import (
	"errors"
	"io"
)

// window is how many bytes of a file are looked at in one piece, where nothing asks for more.
const window = 64 << 10

// WithoutLocation yields what r yields, but for the place where a picture was taken: in a JPEG, PNG or WebP, GPS is taken out of EXIF and
// XMP. Not a byte more or less comes, the pixels and all other bytes stay, and the same file gives the same bytes each time. Whatever is no
// such picture comes as it is. An error is r's own.
func WithoutLocation(r io.Reader) io.Reader { return &cleaner{r: r, next: (*cleaner).begin} }

// HasLocation reports whether WithoutLocation would change what r yields. An error is r's own.
func HasLocation(r io.Reader) (bool, error) {
	c := &cleaner{r: r, next: (*cleaner).begin}
	for !c.found {
		if c.next == nil { // nothing will be looked at
			return false, nil
		}
		_, err := c.piece()
		if errors.Is(err, io.EOF) {
			return c.found, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// cleaner takes the place out of what it reads, piece by piece.
type cleaner struct {
	r     io.Reader
	buf   []byte // read, and not handed out
	store []byte // what buf is a part of
	err   error  // r's last
	out   []byte // to be handed out; a part of store
	found bool   // there was a place

	next   func(*cleaner) // hands out the next bytes of buf; nil: the rest of r is not looked at
	pass   int64          // bytes that next hands out as they are, but for edit
	edit   func([]byte)   // nil: as they are
	packet xmp            // that is read
	long   xmp            // of a JPEG's XMP that goes over several segments
}

// Read implements io.Reader.
func (c *cleaner) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if c.next == nil && len(c.out)+len(c.buf) == 0 && c.err == nil {
		return c.r.Read(p)
	}
	b, err := c.piece()
	n := copy(p, b)
	c.out = b[n:]
	return n, err
}

// piece returns the next bytes, at least one where there is no error, good until the next call.
func (c *cleaner) piece() ([]byte, error) {
	b := c.out
	c.out = nil
	for len(b) == 0 {
		if len(c.buf) == 0 && c.err != nil {
			return nil, c.err
		}
		if c.next == nil {
			c.has(1)
			c.hand(len(c.buf))
		} else {
			c.next(c)
		}
		b, c.out = c.out, nil
	}
	return b, nil
}

// has reads until buf has n bytes, and reports whether there are that many.
func (c *cleaner) has(n int) bool {
	for len(c.buf) < n && c.err == nil {
		if cap(c.buf) < n || len(c.buf) == cap(c.buf) {
			c.move(n)
		}
		k, err := c.r.Read(c.buf[len(c.buf):cap(c.buf)])
		c.buf = c.buf[:len(c.buf)+k]
		c.err = err
	}
	return len(c.buf) >= n
}

// move makes room for n bytes at least.
func (c *cleaner) move(n int) {
	if len(c.store) < n {
		c.store = make([]byte, max(n, window))
	}
	c.buf = c.store[:copy(c.store, c.buf)]
}

// hand hands out the next n bytes of buf, or as many as there are.
func (c *cleaner) hand(n int) {
	n = min(n, len(c.buf))
	c.out, c.buf = c.buf[:n], c.buf[n:]
}

// begin tells the kind of file.
func (c *cleaner) begin() {
	c.has(sniffed)
	c.next = nil
	switch formatOf(c.buf) {
	case formatJPEG:
		c.next = (*cleaner).jpeg
	case formatPNG:
		c.next = (*cleaner).pngChunk
		c.hand(len(pngSignature))
	case formatWebP:
		c.next = (*cleaner).webpChunk
		c.hand(len("RIFF....WEBP"))
	}
}

// passing hands out what is left of pass, and then goes on with then.
func (c *cleaner) passing(then func(*cleaner)) {
	if c.pass == 0 || !c.has(1) {
		c.next = then
		return
	}
	n := int(min(c.pass, int64(len(c.buf))))
	if c.edit != nil {
		c.edit(c.buf[:n])
	}
	c.pass -= int64(n)
	c.hand(n)
}

// zero blanks what is too long to be looked into.
func (c *cleaner) zero(b []byte) {
	for i, old := range b {
		b[i] = 0
		c.found = c.found || old != 0
	}
}

// blankXMP goes on with the packet.
func (c *cleaner) blankXMP(b []byte) {
	c.packet.blank(b)
	c.found = c.found || c.packet.found
}
