package media

import (
	"image"
	"image/color"
	"image/draw"
)

// fit makes an image smaller, so that no side is longer than side; one that fits is only copied. Each new pixel is the mean of
// the area it covers. It goes through the image row by row, so beside the result it needs memory for two rows.
func fit(m image.Image, side int) *image.RGBA {
	b := m.Bounds()
	w, h := b.Dx(), b.Dy()
	dw, dh := w, h
	if longest := max(w, h); longest > side {
		dw, dh = max(1, w*side/longest), max(1, h*side/longest)
	}
	out := image.NewRGBA(image.Rect(0, 0, dw, dh))
	if dw == w && dh == h {
		draw.Draw(out, out.Rect, m, b.Min, draw.Src)
		return out
	}
	row := image.NewRGBA(image.Rect(0, 0, w, 1))
	across := make([]float32, 4*dw) // the source row, as wide as the result
	sum := make([]float32, 4*dw)    // of the rows that the current row of the result covers
	for y, dy := 0, 0; y < h; y++ {
		draw.Draw(row, row.Rect, m, image.Pt(b.Min.X, b.Min.Y+y), draw.Src)
		narrow(across, row.Pix, w, dw)
		// In units of 1/h of a new row, this row covers [y*dh, (y+1)*dh) and the new one [dy*h, (dy+1)*h).
		top, bottom, edge := y*dh, (y+1)*dh, (dy+1)*h
		if bottom < edge {
			add(sum, across, float32(bottom-top))
			continue
		}
		add(sum, across, float32(edge-top))
		put(out.Pix[dy*out.Stride:], sum, float32(h))
		clear(sum)
		add(sum, across, float32(bottom-edge))
		dy++
	}
	return out
}

// narrow makes a row of w pixels dw pixels wide.
func narrow(to []float32, from []uint8, w, dw int) {
	clear(to)
	scale := 1 / float32(w)
	for x, dx := 0, 0; x < w; x++ {
		left, right, edge := x*dw, (x+1)*dw, (dx+1)*w
		share := float32(min(right, edge)-left) * scale
		for c := range 4 {
			to[4*dx+c] += float32(from[4*x+c]) * share
		}
		if right < edge {
			continue
		}
		dx++
		if rest := float32(right-edge) * scale; rest > 0 {
			for c := range 4 {
				to[4*dx+c] += float32(from[4*x+c]) * rest
			}
		}
	}
}

func add(sum, row []float32, weight float32) {
	if weight == 0 {
		return
	}
	for i, v := range row {
		sum[i] += v * weight
	}
}

func put(to []uint8, sum []float32, weight float32) {
	for i, v := range sum {
		to[i] = uint8(min(255, v/weight+0.5))
	}
}

// upright turns an image as its orientation says: 1 to 8, as in Exif 2.3, tag 0x0112.
func upright(m *image.RGBA, orientation int) *image.RGBA {
	if orientation < 2 || orientation > 8 {
		return m
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	dw, dh := w, h
	if orientation >= 5 {
		dw, dh = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, dw, dh))
	for y := range dh {
		for x := range dw {
			sx, sy := source(orientation, x, y, w, h)
			copy(out.Pix[y*out.Stride+4*x:][:4], m.Pix[sy*m.Stride+4*sx:][:4])
		}
	}
	return out
}

// source gives the pixel of the stored image that is seen at (x, y).
func source(orientation, x, y, w, h int) (int, int) {
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
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}

func onWhite(m *image.RGBA) *image.RGBA {
	out := image.NewRGBA(m.Rect)
	draw.Draw(out, out.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	draw.Draw(out, out.Rect, m, image.Point{}, draw.Over)
	return out
}
