package media_test

import (
	"bytes"
	"strings"
	"testing"
	"unicode/utf8"

	"exeunt/internal/media"
)

func TestSubtitle(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{
			"WebVTT", "\xef\xbb\xbfWEBVTT - 片名\r\n\r\nNOTE who wrote it\r\n\r\nSTYLE\r\n::cue { background: url(http://example.org) }\r\n\r\n1\r\n00:01.000 --> 00:02.5 line:0 region:x position:50%,center\r\n你好 & 再见\r\n",
			"WEBVTT\n\n00:00:01.000 --> 00:00:02.500 line:0 position:50%,center\n你好 &amp; 再见\n",
		},
		{
			"tags", "WEBVTT\n\n01:00:00.000 --> 01:00:02.000\n<v 小明>一<c.red>二</c></v> <b>&lt;三&gt;</b><script>alert(1)</script><img src=x onerror=y><00:00:01.500>四 <br> 1 < 2 > 0 --> 5 &nope; &amp;\n",
			"WEBVTT\n\n01:00:00.000 --> 01:00:02.000\n<v 小明>一<c.red>二</c></v> <b>&lt;三&gt;</b>alert(1)<00:00:01.500>四  1  0 --&gt; 5 &amp;nope; &amp;\n",
		},
		{
			"SubRip", "1\n00:00:01,000 --> 00:00:04,000 X1:40\n{\\an8}<font color=\"red\">第一行</font>\n<i>第二行</i>\n\n2\n00:00:05,5 --> 00:00:06,000\n尾\n",
			"WEBVTT\n\n00:00:01.000 --> 00:00:04.000\n第一行\n<i>第二行</i>\n\n00:00:05.500 --> 00:00:06.000\n尾\n",
		},
		{
			"what is no cue is passed over", "WEBVTT\n00:00.000 --> 00:01.000\nat once\n\n00:05.000 --> 00:04.000\nback\n\n00:06.000 --> 00:07.000\n\n00:99.000 --> 01:00.000\nno time\n\n00:08.000 --> 00:09.000 align:start\nlast",
			"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nat once\n\n00:00:08.000 --> 00:00:09.000 align:start\nlast\n",
		},
		{"control characters", "WEBVTT\n\n00:00.000 --> 00:01.000\na\x07b\x1b[0m", "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nab[0m\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := media.Subtitle(strings.NewReader(test.in))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
			again, err := media.Subtitle(bytes.NewReader(got))
			if err != nil || !bytes.Equal(again, got) {
				t.Errorf("what is clean became %q, %v", again, err)
			}
		})
	}
}

func TestSubtitleRefuses(t *testing.T) {
	for _, test := range []struct{ name, in, key string }{
		{"nothing", " \n", "media.error.empty"},
		{"no cues", "WEBVTT\n\nNOTE nothing\n", "media.error.subtitle_type"},
		{"a page", "<!doctype html><script>alert(1)</script>", "media.error.subtitle_type"},
		{"GBK", "1\n00:00:01,000 --> 00:00:04,000\n\xc4\xe3\xba\xc3\n", "media.error.subtitle_text"},
		{"zeros", "WEBVTT\x00\n\n", "media.error.subtitle_text"},
		{"too large", "WEBVTT\n\n" + strings.Repeat("x", 2_000_001), "media.error.subtitle_large"},
		{"too many", "WEBVTT\n" + strings.Repeat("\n1:0.0-->1:1.0\na\n", 50_001), "media.error.subtitle_large"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := media.Subtitle(strings.NewReader(test.in))
			wantKey(t, err, test.key)
		})
	}
}

func FuzzSubtitle(f *testing.F) {
	f.Add([]byte("WEBVTT\n\n1\n00:01.000 --> 00:02.500 line:0\n<v A>你好</v> & <b>x</b>\n"))
	f.Add([]byte("1\r\n00:00:01,000 --> 00:00:04,000\r\n<font>{\\an8}a --> b</font>\r\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := media.Subtitle(bytes.NewReader(b))
		if err != nil {
			return
		}
		if !utf8.Valid(got) || !bytes.HasPrefix(got, []byte("WEBVTT\n\n")) || bytes.Contains(got, []byte("\n\n\n")) || bytes.Contains(bytes.ToLower(got), []byte("<script")) {
			t.Errorf("%q", got)
		}
		again, err := media.Subtitle(bytes.NewReader(got))
		if err != nil || !bytes.Equal(again, got) {
			t.Errorf("%q, cleaned again, is %q, %v", got, again, err)
		}
	})
}
