package upload_test

import (
	"encoding/base64"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"exeunt/internal/upload"
)

func TestMetadata(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 4097)
	for _, x := range []struct {
		header string
		want   map[string]string // nil: refused
	}{
		{"", map[string]string{}},
		{"what dmlkZW8=", map[string]string{"what": "video"}},
		{"what dmlkZW8=, filename 5rW36L65,flag", map[string]string{"what": "video", "filename": "海边", "flag": ""}},
		{"flag ", map[string]string{"flag": ""}},
		{"what", map[string]string{"what": ""}},
		{",", nil},
		{"what dmlkZW8=,", nil},
		{"what dmlkZW8", nil},
		{"what dmlkZW8==", nil},
		{"what dmlk\nZW8=", nil},
		{"what dmlkZW8= x", nil},
		{"what  dmlkZW8=", nil},
		{"what dmlkZW8=,what dmlkZW8=", nil},
		{"wh\tat dmlkZW8=", nil},
		{"名 dmlkZW8=", nil},
		{"what /w==", nil}, // no UTF-8
		{long, nil},
		{strings.Repeat("a,", 16) + "b", nil},
	} {
		got, err := upload.Metadata(x.header)
		if (err != nil) != (x.want == nil) || err == nil && !maps.Equal(got, x.want) {
			t.Errorf("%.40q gives %v, %v; want %v", x.header, got, err, x.want)
		}
	}
}

func FuzzMetadata(f *testing.F) {
	for _, s := range []string{"", "what dmlkZW8=", "what dmlkZW8=,filename 5rW36L65", "a,b,c", "what /w==", strings.Repeat("a ,", 20)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got, err := upload.Metadata(header)
		if err != nil {
			return
		}
		if len(got) > 16 || len(header) > 4096 {
			t.Errorf("%d pairs out of %d bytes", len(got), len(header))
		}
		var pairs []string
		for key, value := range got {
			if key == "" || !utf8.ValidString(value) {
				t.Errorf("pair %q %q", key, value)
			}
			pairs = append(pairs, key+" "+base64.StdEncoding.EncodeToString([]byte(value)))
		}
		if len(strings.Join(pairs, ",")) > 4096 {
			return
		}
		again, err := upload.Metadata(strings.Join(pairs, ","))
		if err != nil || !maps.Equal(got, again) {
			t.Errorf("written again it reads %v, %v; want %v", again, err, got)
		}
	})
}
