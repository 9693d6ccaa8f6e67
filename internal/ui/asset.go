package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
)

//go:embed assets
var assetFiles embed.FS

// AssetsPath is the path prefix under which Assets must be mounted.
const AssetsPath = "/assets/"

// asset is one file as it is sent: its bytes, the same gzipped, its type.
type asset struct {
	raw, zipped []byte
	kind        string
}

var (
	assetURLs   = map[string]string{}
	assetByPath = map[string]asset{}
)

// Style sheets of few pages, for [Frame.Sheet].
const (
	VideoSheet    = "video.css"
	TimelineSheet = "timeline.css"
)

func init() {
	for name, file := range map[string]string{
		"exeunt.js":   "assets/exeunt.js",
		"work.js":     "assets/work.js",
		"ending.js":   "assets/ending.js",
		"htmx.js":     "assets/vendor/htmx-4.0.1.min.js",
		"hls.js":      "assets/vendor/hls.light-1.7.4.min.js",
		"player.js":   "assets/player.js",
		"icon.svg":    "assets/icon.svg",
		"tus.js":      "assets/vendor/tus-4.3.1.min.js",
		"timeline.js": "assets/timeline.js",
		"upload.js":   "assets/upload.js",
		"folder.js":   "assets/folder.js",
	} {
		b, err := assetFiles.ReadFile(file)
		if err != nil {
			panic("ui: " + err.Error())
		}
		if name == "exeunt.js" || name == "player.js" || name == "ending.js" {
			b = spareScript(b)
		}
		addAsset(name, b)
	}
	addAsset("exeunt.css", spareStyle(joined("assets/css/*.css")))
	addAsset(VideoSheet, spareStyle(joined("assets/"+VideoSheet)))
	addAsset(TimelineSheet, spareStyle(joined("assets/"+TimelineSheet)))
	addAsset("icons.svg", iconSprite())
}

// What browsers do not need of our own files. Strings in them hold neither comments nor breaks of lines, nor, in style sheets, blanks beside brackets.
var (
	styleComments = regexp.MustCompile(`(?s)/\*.*?\*/`)
	styleBlanks   = regexp.MustCompile(`\s*([{};,>\n])\s*`)
	afterColons   = regexp.MustCompile(`: +`)
	scriptIndents = regexp.MustCompile(`(?m)^\s*//.*\n|^\s+`)
)

func spareStyle(css []byte) []byte {
	css = styleBlanks.ReplaceAll(styleComments.ReplaceAll(css, nil), []byte("$1"))
	return afterColons.ReplaceAll(css, []byte(":"))
}

func spareScript(js []byte) []byte { return scriptIndents.ReplaceAll(js, nil) }

// joined is one file out of several, in the order of their names.
func joined(pattern string) []byte {
	names, err := fs.Glob(assetFiles, pattern)
	if err != nil || len(names) == 0 {
		panic(fmt.Sprintf("ui: no files %s: %v", pattern, err))
	}
	var b bytes.Buffer
	for _, name := range names {
		part, err := assetFiles.ReadFile(name)
		if err != nil {
			panic("ui: " + err.Error())
		}
		b.Write(part)
	}
	return b.Bytes()
}

var assetKinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

func addAsset(name string, b []byte) {
	sum := sha256.Sum256(b)
	ext := path.Ext(name)
	at := AssetsPath + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:4]) + ext
	var z bytes.Buffer
	w, err := gzip.NewWriterLevel(&z, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(b)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		panic("ui: compress asset: " + err.Error())
	}
	assetURLs[name] = at
	assetByPath[at] = asset{raw: b, zipped: z.Bytes(), kind: assetKinds[ext]}
}

// AssetURL returns the address of the named browser file (exeunt.css, exeunt.js,
// htmx.js, player.js, hls.js, icon.svg, icons.svg). It holds a hash of the content, so the answer
// never changes and may be kept for ever.
func AssetURL(name string) string { return assetURLs[name] }

// Assets serves the embedded browser files under AssetsPath, gzipped where the
// browser accepts it, to be cached for ever.
func Assets() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := assetByPath[r.URL.Path]
		if draw, is := iconPictures[r.URL.Path]; is {
			a, ok = draw(), true
		}
		if !ok || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Vary", "Accept-Encoding")
		body := a.raw
		if a.zipped != nil && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			body = a.zipped
			h.Set("Content-Encoding", "gzip")
		}
		h.Set("Content-Length", strconv.Itoa(len(body)))
		if r.Method == http.MethodHead {
			return
		}
		// A failed write means the browser has gone: nobody is left to be told.
		_, _ = w.Write(body)
	})
}

// iconShapes holds what is inside each icon of the sprite, by name.
var iconShapes = map[string]string{}

// iconSprite joins the Lucide files under assets/icons into one SVG of symbols.
func iconSprite() []byte {
	files, err := fs.Glob(assetFiles, "assets/icons/*.svg")
	if err != nil || len(files) == 0 {
		panic(fmt.Sprintf("ui: no icons: %v", err))
	}
	var b bytes.Buffer
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg">`)
	for _, f := range files {
		raw, err := assetFiles.ReadFile(f)
		if err != nil {
			panic("ui: " + err.Error())
		}
		_, rest, _ := strings.Cut(string(raw), "<svg")
		_, inner, ok := strings.Cut(rest, ">")
		inner, _, closed := strings.Cut(inner, "</svg>")
		if !ok || !closed {
			panic("ui: not an icon: " + f)
		}
		name := strings.TrimSuffix(path.Base(f), ".svg")
		iconShapes[name] = strings.Join(strings.Fields(inner), " ")
		fmt.Fprintf(&b, `<symbol id="%s" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">%s</symbol>`,
			name, iconShapes[name])
	}
	b.WriteString("</svg>")
	return b.Bytes()
}

// ContentSecurityPolicy is the header the server sends with every page: the
// pages of this package need no inline script, no inline style and no other host.
const ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src 'self'; " +
	"font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'"
