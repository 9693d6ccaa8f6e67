package poster

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
)

// fontNames are files of fonts that have 汉字, the best first; each with its bold sister, where there is one.
var fontNames = []struct{ regular, bold string }{
	{"notosanscjk-regular.ttc", "notosanscjk-bold.ttc"},
	{"notosanscjksc-regular.otf", "notosanscjksc-bold.otf"},
	{"notosanssc-regular.otf", "notosanssc-bold.otf"},
	{"sourcehansanssc-regular.otf", "sourcehansanssc-bold.otf"},
	{"sourcehansanscn-regular.otf", "sourcehansanscn-bold.otf"},
	{"sourcehansans.ttc", ""},
	{"harmonyos_sans_sc_regular.ttf", "harmonyos_sans_sc_bold.ttf"},
	{"pingfang.ttc", ""},
	{"hiragino sans gb.ttc", ""},
	{"msyh.ttc", "msyhbd.ttc"},
	{"wqy-microhei.ttc", ""},
	{"wqy-zenhei.ttc", ""},
	{"droidsansfallbackfull.ttf", ""},
	{"droidsansfallback.ttf", ""},
	{"simhei.ttf", ""},
	{"notoserifcjk-regular.ttc", "notoserifcjk-bold.ttc"},
}

// mostFontFiles bounds how many files are looked at for a font.
const mostFontFiles = 20_000

// Folders gives where this system keeps its fonts.
func Folders() []string {
	home, err := os.UserHomeDir()
	switch runtime.GOOS {
	case "darwin":
		return []string{"/System/Library/Fonts", "/Library/Fonts", filepath.Join(home, "Library/Fonts")}
	case "windows":
		return []string{filepath.Join(os.Getenv("WINDIR"), "Fonts")}
	}
	list := []string{"/usr/share/fonts", "/usr/local/share/fonts"}
	if err == nil {
		list = append(list, filepath.Join(home, ".local/share/fonts"), filepath.Join(home, ".fonts"))
	}
	return list
}

// Fonts are the fonts posters are drawn with. They are looked for and opened when they are first asked for; the files
// stay open and glyphs are read from them one by one, so that they take a few hundred KB of memory and not 40 MB.
type Fonts struct {
	folders []string

	once          sync.Once
	regular, bold *sfnt.Font
	problem       error
}

// NewFonts gives the fonts of some folders, see [Folders].
func NewFonts(folders ...string) *Fonts { return &Fonts{folders: folders} }

// Found reports whether there is a font with 汉字. The error says what is wrong with one that cannot be read.
func (f *Fonts) Found() (bool, error) {
	f.once.Do(f.open)
	return f.regular != nil, f.problem
}

func (f *Fonts) open() {
	files := map[string]string{}
	left := mostFontFiles
	for _, folder := range f.folders {
		// A folder that cannot be read has no fonts for us.
		_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if left--; left < 0 {
				return fs.SkipAll
			}
			if err != nil {
				return fs.SkipDir
			}
			if name := strings.ToLower(d.Name()); !d.IsDir() && files[name] == "" {
				files[name] = path
			}
			return nil
		})
	}
	for _, n := range fontNames {
		if files[n.regular] == "" {
			continue
		}
		if f.regular, f.problem = openFont(files[n.regular]); f.problem != nil {
			continue
		}
		f.bold = f.regular
		if files[n.bold] != "" {
			if f.bold, f.problem = openFont(files[n.bold]); f.problem != nil {
				f.bold, f.problem = f.regular, nil // thin letters are better than none
			}
		}
		return
	}
}

// openFont opens a font, of a collection that for simplified Chinese, or its first. It must have a 汉字.
func openFont(path string) (*sfnt.Font, error) {
	file, err := os.Open(path) //nolint:gosec // G304: one of the system's own fonts
	if err != nil {
		return nil, fmt.Errorf("open font: %w", err)
	}
	found, err := chooseFont(file)
	if err != nil {
		_ = file.Close() // it was only read
		return nil, fmt.Errorf("read font %s: %w", filepath.Base(path), err)
	}
	return found, nil
}

func chooseFont(file *os.File) (*sfnt.Font, error) {
	all, err := opentype.ParseCollectionReaderAt(file)
	if err != nil {
		return nil, err
	}
	var chosen *sfnt.Font
	var b sfnt.Buffer
	for i := range min(all.NumFonts(), 32) {
		f, err := all.Font(i)
		if err != nil {
			return nil, err
		}
		if glyph, err := f.GlyphIndex(&b, '汉'); err != nil || glyph == 0 {
			continue
		}
		name, err := f.Name(&b, sfnt.NameIDFamily)
		simplified := err == nil && slices.ContainsFunc(strings.Fields(name), func(w string) bool { return w == "SC" || w == "CN" || w == "GB" })
		if chosen == nil || simplified {
			chosen = f
		}
		if simplified {
			break
		}
	}
	if chosen == nil {
		return nil, fmt.Errorf("it has no Chinese characters")
	}
	return chosen, nil
}
