package ui

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"math"
	"net/http"
	"sync"

	"golang.org/x/image/vector"
)

// ManifestPath is where a phone reads how to install the site (W3C Web Application Manifest).
const ManifestPath = "/manifest.webmanifest"

// The colour of the paper, as the style sheet has it, for what surrounds a page.
const (
	PaperLight = "#fbfaf7"
	PaperDark  = "#141514"
)

// The sizes, in pixels, in which the icon is drawn as a PNG: for iOS, Android's launcher, its splash screen.
var iconSizes = []int{180, 192, 512}

// iconPictures are the pictures of the icon by their address, drawn when they are first asked for.
var iconPictures = map[string]func() asset{}

func init() {
	for _, size := range iconSizes {
		iconPictures[IconPath(size)] = sync.OnceValue(func() asset { return asset{raw: drawIcon(size), kind: "image/png"} })
	}
}

// iconVersion is part of the icons' addresses: what is at an address never changes.
var iconVersion = sync.OnceValue(func() string {
	sum := sha256.Sum256([]byte("2" + fmt.Sprint(iconStrokes, iconGround)))
	return hex.EncodeToString(sum[:6])
})

// IconPath gives the address of the icon as a PNG of 180, 192 or 512 pixels. Its ground fills the square, so that a
// phone can cut it to its own shape: what is drawn stays within the circle that no shape cuts (80 % of the width).
func IconPath(size int) string {
	return fmt.Sprintf("%sicon-%d.%s.png", AssetsPath, size, iconVersion())
}

var (
	iconGround = color.RGBA{0x17, 0x69, 0x4f, 0xff}
	iconInk    = color.RGBA{0xfb, 0xfa, 0xf7, 0xff}
	// iconStrokes are the strokes of icon.svg, in its units: 32 across.
	iconStrokes = [][4]float32{{18, 8, 9, 8}, {9, 8, 9, 24}, {9, 24, 18, 24}, {15, 16, 25, 16}, {21.5, 12.5, 25, 16}, {25, 16, 21.5, 19.5}}
)

const iconStrokeWidth = 2.25

// drawIcon draws the icon.
func drawIcon(size int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, size, size))
	for i := 0; i < len(img.Pix); i += 4 {
		img.Pix[i], img.Pix[i+1], img.Pix[i+2], img.Pix[i+3] = iconGround.R, iconGround.G, iconGround.B, iconGround.A
	}
	scale := float32(size) / 32
	for _, s := range iconStrokes {
		z := vector.NewRasterizer(size, size)
		capsule(z, s[0]*scale, s[1]*scale, s[2]*scale, s[3]*scale, iconStrokeWidth/2*scale)
		z.Draw(img, img.Bounds(), image.NewUniform(iconInk), image.Point{})
	}
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		panic("ui: draw icon: " + err.Error()) // into memory, of a fixed size: it cannot
	}
	return b.Bytes()
}

// capsule is a stroke with round ends.
func capsule(z *vector.Rasterizer, x0, y0, x1, y1, r float32) {
	dx, dy := x1-x0, y1-y0
	n := float32(math.Hypot(float64(dx), float64(dy)))
	ux, uy := dx/n*r, dy/n*r // along the stroke, as long as the radius
	const k = 0.5523         // a quarter of a circle as a cubic curve
	z.MoveTo(x0-uy, y0+ux)
	z.LineTo(x1-uy, y1+ux)
	z.CubeTo(x1-uy+k*ux, y1+ux+k*uy, x1+ux-k*uy, y1+uy+k*ux, x1+ux, y1+uy)
	z.CubeTo(x1+ux+k*uy, y1+uy-k*ux, x1+uy+k*ux, y1-ux+k*uy, x1+uy, y1-ux)
	z.LineTo(x0+uy, y0-ux)
	z.CubeTo(x0+uy-k*ux, y0-ux-k*uy, x0-ux+k*uy, y0-uy-k*ux, x0-ux, y0-uy)
	z.CubeTo(x0-ux-k*uy, y0-uy+k*ux, x0-uy-k*ux, y0+ux-k*uy, x0-uy, y0+ux)
	z.ClosePath()
}

// touchIcon gives the address of the icon for a phone's home screen.
func touchIcon(ctx context.Context) string {
	if own := ReaderFrom(ctx).Site.Icon; own != "" {
		return own
	}
	return IconPath(180)
}

// manifestIcon is one icon of the manifest.
type manifestIcon struct {
	Src     string `json:"src"`
	Sizes   string `json:"sizes"`
	Type    string `json:"type"`
	Purpose string `json:"purpose"`
}

// Manifest answers with how the site is installed, in the reader's language.
func Manifest(w http.ResponseWriter, r *http.Request) error {
	ctx := r.Context()
	icons := []manifestIcon{{AssetURL("icon.svg"), "any", "image/svg+xml", "any"}}
	for _, size := range iconSizes[1:] {
		for _, purpose := range []string{"any", "maskable"} {
			icons = append(icons, manifestIcon{IconPath(size), fmt.Sprintf("%dx%d", size, size), "image/png", purpose})
		}
	}
	if own := ReaderFrom(ctx).Site.Icon; own != "" {
		icons = []manifestIcon{{own, "any", "image/png", "any"}}
	}
	body, err := json.MarshalIndent(map[string]any{
		"id": "/", "name": SiteName(ctx), "short_name": SiteName(ctx), "description": SiteSlogan(ctx), "lang": string(LangOf(ctx)),
		"start_url": "/", "scope": "/", "display": "standalone", "background_color": PaperLight, "theme_color": PaperLight, "icons": icons,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	_, err = w.Write(append(body, '\n'))
	return err
}
