package post

import (
	"bytes"
	"fmt"
	"image"
	_ "image/jpeg" // thumbnails are JPEG …
	_ "image/png"  // … or PNG

	"golang.org/x/image/draw"
)

// Look gives what an image looks like, in 16 hexadecimal digits: a difference hash of 64 bits ("dHash", N. Krawetz 2013). The image
// is made 9 × 8 pixels of grey, and each bit says whether a pixel is brighter than the one to its right. The same picture
// smaller, lighter or compressed again differs in few bits. "" for what is no JPEG or PNG.
func Look(b []byte) string {
	m, _, err := image.Decode(bytes.NewReader(b))
	if err != nil {
		return ""
	}
	grey := image.NewGray(image.Rect(0, 0, 9, 8))
	draw.ApproxBiLinear.Scale(grey, grey.Bounds(), m, m.Bounds(), draw.Src, nil)
	var bits uint64
	for y := range 8 {
		for x := range 8 {
			bits <<= 1
			if grey.GrayAt(x, y).Y > grey.GrayAt(x+1, y).Y {
				bits |= 1
			}
		}
	}
	return fmt.Sprintf("%016x", bits)
}
