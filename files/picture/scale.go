package picture

import (
	"context"
	"image"

	"golang.org/x/image/draw"
)

// band is how many rows of a picture are halved at once, or one of its smallest half if that has more.
const band = 64

// rowsOf is how many rows of a picture are halved that many times at once.
func rowsOf(times int) int { return max(band, 1<<times) }

// halvings is how often a picture of that size is halved before it is scaled.
func halvings(width, height int) (n int) {
	for max(width, height)>>(n+1) >= PreviewSide {
		n++
	}
	return n
}

// scalingMemory is how many bytes scaling takes besides the decoded picture: one band halved once, and again, and what the
// last step works on, up to 1,023 rows of the preview's width in four float64.
func scalingMemory(width, height int) int64 {
	rows := min(height, rowsOf(halvings(width, height)))
	return 24<<20 + 4*int64(width)*int64(halved(rows, 1))
}

// shrink returns m, whose bounds begin at 0,0, with at most PreviewSide pixels a side. It halves m, band by band, until less than two
// halvings are left, and then scales it once, well. An error is ctx's.
func shrink(ctx context.Context, m image.Image) (*image.RGBA, error) {
	size := m.Bounds().Size()
	width, height := fit(size.X, size.Y)
	if times := halvings(size.X, size.Y); times > 0 {
		half, err := halve(ctx, m, times)
		if err != nil {
			return nil, err
		}
		m = half
	}
	small := image.NewRGBA(image.Rect(0, 0, width, height))
	if m.Bounds() == small.Bounds() {
		draw.Draw(small, small.Bounds(), m, image.Point{}, draw.Src)
	} else {
		draw.BiLinear.Scale(small, small.Bounds(), m, m.Bounds(), draw.Src, nil)
	}
	return small, nil
}

// fit is how large a picture of that size becomes: in proportion, never larger, never nothing.
func fit(width, height int) (int, int) {
	long := max(width, height)
	if long <= PreviewSide {
		return width, height
	}
	scaled := func(n int) int { return max(1, (n*PreviewSide+long/2)/long) }
	return scaled(width), scaled(height)
}

// halve halves m that many times.
func halve(ctx context.Context, m image.Image, times int) (*image.RGBA, error) {
	size := m.Bounds().Size()
	rows := rowsOf(times)
	whole := image.NewRGBA(image.Rect(0, 0, halved(size.X, times), halved(size.Y, times)))
	var between []*image.RGBA // of a band, each half the one before
	for i := 1; i < times; i++ {
		between = append(between, image.NewRGBA(image.Rect(0, 0, halved(size.X, i), halved(min(rows, size.Y), i))))
	}
	for top := 0; top < size.Y; top += rows {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		from, part := m, image.Rect(0, top, size.X, min(top+rows, size.Y))
		for i := range times {
			to, at := whole, image.Rect(0, top>>times, whole.Rect.Max.X, top>>times+halved(part.Dy(), 1))
			if i < times-1 {
				to = between[i]
				at = image.Rect(0, 0, to.Rect.Dx(), halved(part.Dy(), 1))
			}
			draw.ApproxBiLinear.Scale(to, at, from, part, draw.Src, nil) // at one half: the mean of four pixels
			from, part = to, at
		}
	}
	return whole, nil
}

// halved is half of n, rounded up, that many times.
func halved(n, times int) int { return (n + 1<<times - 1) >> times }

// turn turns m as an orientation of EXIF says (CIPA DC-008, section 4.6.5.1.6).
func turn(m *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	turned := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			tx, ty := turnedPoint(x, y, w, h, orientation)
			copy(turned.Pix[turned.PixOffset(tx, ty):][:4], m.Pix[m.PixOffset(x, y):][:4])
		}
	}
	return turned
}

// turnedPoint is where the pixel x, y of a picture of w×h is shown.
func turnedPoint(x, y, w, h, orientation int) (int, int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	}
	return y, w - 1 - x
}
