package picture

import "bytes"

// maxXMPName is how much of a name in XMP is looked at.
const maxXMPName = 128

// xmpState is where in XML a packet's next byte is.
type xmpState uint8

const (
	xmpText  xmpState = iota
	xmpOpen           // behind <
	xmpName           // in the name of an element
	xmpEnd            // in the name of an element that ends
	xmpTag            // between attributes
	xmpAttr           // in the name of an attribute
	xmpValue          // in an attribute's quotes
	xmpOther          // in a comment, declaration or instruction
)

// xmp takes the place out of a packet of XMP (ISO 16684-1), in place and piece by piece: the values of elements and attributes that tell
// of it become spaces, so that the packet stays well-formed and as long as it was. The zero xmp awaits a packet's first byte.
type xmp struct {
	state  xmpState
	name   []byte // of the element or attribute that is read
	quote  byte
	hide   bool // the attribute's value
	hidden int  // elements open, from one that tells of the place on
	opens  bool // the tag that is read: its element's content is to come
	found  bool // something became a space
}

// blank goes on with the packet's next bytes.
func (x *xmp) blank(b []byte) {
	for i := 0; i < len(b); i++ {
		if x.state == xmpText && x.hidden == 0 { // nearly all of a long packet
			n := bytes.IndexByte(b[i:], '<')
			if n < 0 {
				return
			}
			i += n
		}
		if x.step(b[i]) && b[i] != ' ' {
			b[i] = ' '
			x.found = true
		}
	}
}

// step reads one byte and reports whether it is to be hidden.
func (x *xmp) step(c byte) bool {
	space := c == ' ' || c == '\t' || c == '\r' || c == '\n'
	switch x.state {
	case xmpText:
		if c != '<' {
			return x.hidden > 0 && !space
		}
		x.state = xmpOpen
	case xmpOpen:
		x.name = x.name[:0]
		switch c {
		case '/':
			x.state = xmpEnd
		case '!', '?':
			x.state = xmpOther
		default:
			x.state = xmpName
			x.add(c)
		}
	case xmpName:
		if !space && c != '/' && c != '>' {
			x.add(c)
			return false
		}
		x.opens = x.hidden > 0 || tellsPlace(x.name)
		x.state = xmpTag
		x.inTag(c, space)
	case xmpTag:
		x.inTag(c, space)
	case xmpAttr:
		x.inAttribute(c, space)
	case xmpValue:
		if c != x.quote {
			return x.hide
		}
		x.state = xmpTag
		x.name = x.name[:0]
	case xmpEnd:
		if c == '>' {
			x.hidden = max(0, x.hidden-1)
			x.state = xmpText
		}
	case xmpOther:
		if c == '>' {
			x.state = xmpText
		}
	}
	return false
}

// inTag reads a byte between attributes.
func (x *xmp) inTag(c byte, space bool) {
	switch {
	case c == '>':
		if x.opens {
			x.hidden++
		}
		x.opens = false
		x.state = xmpText
	case c == '/':
		x.opens = false
	case !space:
		x.name = x.name[:0]
		x.add(c)
		x.state = xmpAttr
	}
}

// inAttribute reads a byte of an attribute's name, or up to its quotes.
func (x *xmp) inAttribute(c byte, space bool) {
	switch {
	case c == '"' || c == '\'':
		x.quote = c
		x.hide = tellsPlace(x.name) || (x.hidden > 0 || x.opens) && !structural(x.name)
		x.state = xmpValue
	case c == '>' || c == '/':
		x.state = xmpTag
		x.inTag(c, space)
	case !space && c != '=':
		x.add(c)
	}
}

func (x *xmp) add(c byte) {
	if len(x.name) < maxXMPName {
		x.name = append(x.name, c)
	}
}

// tellsPlace reports whether an element or attribute of that name tells where a picture was taken: those of EXIF in XMP,
// of the W3C's geo vocabulary, and of drones, whose longitude is misspelt.
func tellsPlace(name []byte) bool {
	name = bytes.ToLower(name)
	prefix, local, ok := bytes.Cut(name, []byte(":"))
	if !ok {
		prefix, local = nil, name
	}
	for _, word := range []string{"gps", "latitude", "longitude", "longtitude"} {
		if bytes.Contains(local, []byte(word)) {
			return true
		}
	}
	switch string(local) {
	case "lat", "long", "lon", "lat_long":
		return string(prefix) == "geo"
	}
	return false
}

// structural reports whether an attribute says how to read its element and not what is in it.
func structural(name []byte) bool {
	return bytes.HasPrefix(name, []byte("xmlns")) || bytes.HasPrefix(name, []byte("xml:")) || string(name) == "rdf:parseType"
}
