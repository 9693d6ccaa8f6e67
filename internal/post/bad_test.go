package post_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"net/http"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// hugePNG is the head of a PNG of 30,000 × 30,000 pixels, with next to nothing behind it.
func hugePNG() []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	chunk := func(kind string, data []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(data)))
		body := append([]byte(kind), data...)
		b = binary.BigEndian.AppendUint32(append(b, body...), crc32.ChecksumIEEE(body))
	}
	head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, 30000), 30000)
	chunk("IHDR", append(head, 8, 2, 0, 0, 0))
	chunk("IDAT", []byte{0x78, 0x9c, 0x03, 0x00, 0x00, 0x00, 0x00, 0x01})
	chunk("IEND", nil)
	return b
}

func brokenJPEG(t *testing.T) []byte {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewRGBA(image.Rect(0, 0, 64, 64)), nil); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()[:b.Len()/2]
}

// wantFiles counts what lies in the store once what was given up is gone.
func (h *house) wantFiles(t *testing.T, want int) {
	t.Helper()
	if _, err := h.blobs.Drain(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	files, err := h.blobs.All(t.Context(), "", 100)
	if err != nil || len(files) != want {
		t.Errorf("%d files lie there, want %d (%v)", len(files), want, err)
	}
	if n := h.number(t, `select count(*) from blob_pending`); n != 0 {
		t.Errorf("%d files wait for who keeps them", n)
	}
}

// TestBadInput sends what somebody who means harm, or is mistaken, sends: each is answered by one sentence beneath the field, in
// both languages, and nothing is stored.
func TestBadInput(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira := h.person(t, "mira")
		executable := append([]byte("MZ\x90\x00\x03\x00\x00\x00"), make([]byte, 4096)...)
		for name, c := range map[string]struct {
			text  string
			image []byte
			field string
			words [2]string
		}{
			"a file of 0 bytes":        {"x", []byte{}, "images", [2]string{"空", "empty"}},
			"a renamed executable":     {"x", executable, "images", [2]string{"JPEG", "JPEG"}},
			"an SVG with a script":     {"x", []byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "images", [2]string{"SVG", "SVG"}},
			"30,000 × 30,000 pixels":   {"x", hugePNG(), "images", [2]string{"像素", "pixels"}},
			"a broken JPEG":            {"x", brokenJPEG(t), "images", [2]string{"图片", "image"}},
			"a million characters":     {strings.Repeat("长", 1_000_000), nil, "text", [2]string{"5,000", "5,000"}},
			"nothing that can be seen": {"\u200b\u200d\u2060 \ufeff", nil, "text", [2]string{"还没有写什么", "nothing"}},
			"a text read backwards":    {"pay \u202eRUE 0001\u202c", nil, "text", [2]string{"阅读方向", "direction"}},
			"isolates":                 {"a\u2066b\u2069c", nil, "text", [2]string{"阅读方向", "direction"}},
			"hidden words":             {"hi\u200b\u200c\u200d\u2060\u200bthere", nil, "text", [2]string{"看不见", "invisible"}},
			"words in tags":            {"hi\U000e0041\U000e0042", nil, "text", [2]string{"看不见", "invisible"}},
			"a NUL":                    {"a\x00b", nil, "text", [2]string{"字符", "characters"}},
			"broken UTF-8":             {"a\xff\xfeb", nil, "text", [2]string{"字符", "characters"}},
		} {
			for i, lang := range []ui.Lang{ui.Chinese, ui.English} {
				var images [][]byte
				if c.image != nil {
					images = [][]byte{c.image}
				}
				w, err := h.ask(t, mira, lang, multi(t, map[string]string{"text": c.text}, images...))
				body := w.Body.String()
				_, after, found := strings.Cut(body, `id="`+c.field+`-error"`)
				sentence, _, _ := strings.Cut(after, "</p>")
				if err != nil || w.Code != http.StatusUnprocessableEntity || !found || !strings.Contains(strings.ToLower(sentence), strings.ToLower(c.words[i])) {
					t.Errorf("%s (%s): %d, %v, told %q", name, lang, w.Code, err, sentence)
				}
			}
		}
		// What was put before the one that is refused, or before the words are, is given up.
		for what, req := range map[string]*http.Request{
			"a good image and a bad one": multi(t, map[string]string{"text": "x"}, picture(color.White), executable),
			"a description that hides":   multi(t, map[string]string{"text": "x", "alts": "fine\n\u202eenif"}, picture(color.White), picture(color.White)),
			"an audience there is not":   multi(t, map[string]string{"text": "x", "audience": "all"}, picture(color.White)),
		} {
			if w, err := h.ask(t, mira, ui.English, req); err != nil || w.Code != http.StatusUnprocessableEntity {
				t.Errorf("%s: %d, %v", what, w.Code, err)
			}
		}
		h.posts.Screen = func(context.Context, service.Pass, post.ScreenIn) (bool, error) {
			return false, exit.Fail(exit.Invalid, "post.error.text")
		}
		if w, err := h.ask(t, mira, ui.English, multi(t, map[string]string{"text": "x"}, picture(color.White))); err != nil || w.Code != http.StatusUnprocessableEntity {
			t.Errorf("refused words: %d, %v", w.Code, err)
		}
		h.posts.Screen = nil
		big := multi(t, map[string]string{"text": "x"}, make([]byte, 200<<20))
		if _, err := h.ask(t, mira, ui.English, big); exit.KindOf(err) != exit.Invalid || !strings.Contains(err.Error(), "post.error.heavy") {
			t.Errorf("200 MB: %v", err)
		}
		if n := h.number(t, `select (select count(*) from posts) + (select count(*) from post_images)`); n != 0 {
			t.Errorf("%d rows are left of what was refused", n)
		}
		h.wantFiles(t, 0)
		for _, text := range []string{"👩\u200d👩\u200d👧 and 🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", "می\u200cخواهم", "مرحبا\u200f!", "ก็"} {
			if _, err := h.posts.Write(t.Context(), mira, post.Draft{Service: post.Page, Text: text}); err != nil {
				t.Errorf("%q is refused: %v", text, err)
			}
		}
	})
}

// TestMovingImage keeps the first frame of a GIF that moves, as the form says.
func TestMovingImage(t *testing.T) {
	eachHouse(t, func(t *testing.T, h *house) {
		mira := h.person(t, "mira")
		g := &gif.GIF{}
		for _, c := range []color.Color{color.White, color.Black, color.White} {
			m := image.NewPaletted(image.Rect(0, 0, 8, 8), color.Palette{c, color.Gray{9}})
			g.Image, g.Delay = append(g.Image, m), append(g.Delay, 10)
		}
		var b bytes.Buffer
		if err := gif.EncodeAll(&b, g); err != nil {
			t.Fatal(err)
		}
		id := h.write(t, mira, post.Draft{Images: []post.Upload{upload(b.Bytes(), "")}})
		views, err := h.posts.Views(t.Context(), mira, []post.Post{mustOne(t, h, mira, id)})
		if err != nil || len(views[0].Images) != 1 {
			t.Fatalf("%+v, %v", views, err)
		}
		r, err := h.blobs.NewReader(t.Context(), strings.TrimPrefix(views[0].Images[0].Href, "/media/"), 0, -1)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		m, format, err := image.Decode(r)
		if err != nil || format == "gif" {
			t.Fatalf("kept as %s, %v", format, err)
		}
		if got := color.GrayModel.Convert(m.At(4, 4)).(color.Gray).Y; got < 250 {
			t.Errorf("the first frame is white, what is kept is %d", got)
		}
	})
}
