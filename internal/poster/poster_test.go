package poster_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"exeunt/internal/poster"
)

// hills is a picture with a sky.
func hills(w, h int) image.Image {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for x := range w {
		for y := range h {
			c := color.RGBA{0xc8, 0xdc, 0xe8, 0xff}
			if y > h*2/3+(x*x/w)%97 {
				c = color.RGBA{0x5d, 0x80, 0x6a, 0xff}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

func samples() map[string]poster.Poster {
	base := poster.Poster{
		By: "青禾", About: "周末徒步 · 2026年11月22日", Link: "https://example.org/posts/123456789012345", Scan: "扫码看原文", Opens: "圈子成员登录后可以打开",
		Site: "来去 Exeunt", Slogan: "圈子和视频，来去由你。", More: "全文请扫码", Lang: "zh-CN",
	}
	short, long, photo, english, circle := base, base, base, base, base
	short.Text = "早上六点出门，走了12公里，膝盖还好。「下周还来」！"
	long.Text = strings.Repeat("一路上只遇见一只猫（它不怕人），忽然觉得不着急了。Trailhead 在 Linden Street 的尽头……", 30)
	photo.Text, photo.Picture = "雾散得比预报早。\n\n照片晚点整理，路线放在圈子里了。", hills(1200, 800)
	english.By, english.Lang, english.Scan = "Maren Lindqvist", "en", "Scan to read it"
	english.Text = "Left the house at six. The path goes all the way to the sea, and nobody was there but a cat. https://example.org/averyveryverylongaddressthatcannotfitonasinglelineofthisposter/andgoeson"
	circle.By, circle.Title, circle.About, circle.Text = "", "周末徒步", "户外 · 128 位成员", "城市周边一日来回的路线，走完记一笔。不比速度，不带货。"
	circle.Picture, circle.Banner = hills(1600, 700), true
	return map[string]poster.Poster{"short": short, "long": long, "photo": photo, "english": english, "circle": circle}
}

// Look at the pictures: EXEUNT_GALLERY=DIR go test -run TestPNG.
func TestPNG(t *testing.T) {
	fonts := poster.NewFonts(poster.Folders()...)
	if ok, err := fonts.Found(); !ok {
		t.Fatalf("the tests need a CJK font (Debian: fonts-noto-cjk): %v", err)
	}
	for name, p := range samples() {
		b, err := poster.PNG(t.Context(), p, fonts)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		m, err := png.Decode(bytes.NewReader(b))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if w, h := m.Bounds().Dx(), m.Bounds().Dy(); w != poster.Width || h < 1350 || h > 3600 {
			t.Errorf("%s is %d × %d", name, w, h)
		}
		if len(b) > 4<<20 {
			t.Errorf("%s has %d bytes", name, len(b))
		}
		if to := os.Getenv("EXEUNT_GALLERY"); to != "" {
			if err := os.WriteFile(filepath.Join(to, "poster-"+name+".png"), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestNoFont(t *testing.T) {
	_, err := poster.PNG(t.Context(), samples()["short"], poster.NewFonts(t.TempDir()))
	if !errors.Is(err, poster.ErrNoFont) {
		t.Errorf("got %v, want ErrNoFont", err)
	}
	broken := t.TempDir()
	if err := os.WriteFile(filepath.Join(broken, "NotoSansCJK-Regular.ttc"), []byte("no font"), 0o600); err != nil {
		t.Fatal(err)
	}
	ok, err := poster.NewFonts(broken).Found()
	if ok || err == nil {
		t.Errorf("a broken font gives %v, %v", ok, err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := poster.PNG(ctx, samples()["photo"], poster.NewFonts(poster.Folders()...)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want Canceled", err)
	}
}

func TestSVG(t *testing.T) {
	all := samples()
	hostile := all["short"]
	hostile.By, hostile.Text, hostile.Link = `"><script>alert(1)</script>`, "a\x00\u202eb]]>&<svg onload=x>", `https://example.org/"onload="x`
	all["hostile"] = hostile
	for name, p := range all {
		b, err := poster.SVG(p)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		d := xml.NewDecoder(bytes.NewReader(b))
		for {
			token, err := d.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			e, ok := token.(xml.StartElement)
			if ok && e.Name.Local == "script" {
				t.Errorf("%s has a script", name)
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "data:image/jpeg;base64,") {
					t.Errorf("%s has the attribute %s", name, a.Name.Local)
				}
			}
		}
		if to := os.Getenv("EXEUNT_GALLERY"); to != "" {
			if err := os.WriteFile(filepath.Join(to, "poster-"+name+".svg"), b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}
