package media

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/png"
)

// Square gives the middle of a picture that [Image] gave, as a square PNG whose side is at most side pixels.
func Square(picture []byte, side int) ([]byte, error) {
	m, _, err := image.Decode(bytes.NewReader(picture))
	if err != nil {
		return nil, fmt.Errorf("decode picture: %w", err)
	}
	b := m.Bounds()
	short := min(b.Dx(), b.Dy())
	middle := image.NewRGBA(image.Rect(0, 0, short, short))
	draw.Draw(middle, middle.Rect, m, b.Min.Add(image.Pt((b.Dx()-short)/2, (b.Dy()-short)/2)), draw.Src)
	var out bytes.Buffer
	if err := png.Encode(&out, fit(middle, side)); err != nil {
		return nil, fmt.Errorf("encode picture: %w", err)
	}
	return out.Bytes(), nil
}
