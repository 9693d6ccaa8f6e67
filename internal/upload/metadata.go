package upload

import (
	"encoding/base64"
	"errors"
	"fmt"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The bounds of an upload's metadata.
const (
	largestMetadata = 4096 // bytes of the header
	mostMetadata    = 16   // pairs
	longestName     = 200  // characters
	longestType     = 100  // bytes
	longestDetail   = 200  // bytes
)

var errMetadata = errors.New("the metadata cannot be read")

// Metadata reads the header Upload-Metadata: pairs of a key and a value in Base64 (RFC 4648 section 4), parted by commas; a value
// may be missing.
func Metadata(header string) (map[string]string, error) {
	out := map[string]string{}
	if header == "" {
		return out, nil
	}
	if len(header) > largestMetadata {
		return nil, fmt.Errorf("%w: it is longer than %d bytes", errMetadata, largestMetadata)
	}
	pairs := strings.Split(header, ",")
	if len(pairs) > mostMetadata {
		return nil, fmt.Errorf("%w: there are more than %d pairs", errMetadata, mostMetadata)
	}
	for _, pair := range pairs {
		key, coded, _ := strings.Cut(strings.Trim(pair, " "), " ")
		if _, twice := out[key]; key == "" || twice || strings.ContainsFunc(key, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
			return nil, fmt.Errorf("%w: a key is empty, not ASCII or there twice", errMetadata)
		}
		value, err := base64.StdEncoding.Strict().DecodeString(coded)
		if err != nil || strings.ContainsAny(coded, "\r\n") || !utf8.Valid(value) {
			return nil, fmt.Errorf("%w: a value is not Base64 of a text", errMetadata)
		}
		out[key] = string(value)
	}
	return out, nil
}

// header gives the metadata of an upload as the protocol writes it.
func (u Upload) header() string {
	var pairs []string
	for _, p := range [][2]string{{"filename", u.Name}, {"filetype", u.Type}, {"what", u.What}, {"detail", u.Detail}} {
		if p[1] != "" {
			pairs = append(pairs, p[0]+" "+base64.StdEncoding.EncodeToString([]byte(p[1])))
		}
	}
	return strings.Join(pairs, ",")
}

// clean gives a file's own name: the last part of what the browser sent, without control characters.
func clean(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	name = strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || c == unicode.ReplacementChar {
			return -1
		}
		return c
	}, name))
	if name == "." || name == ".." || name == "/" {
		return ""
	}
	if c := []rune(name); len(c) > longestName {
		// The end tells what it is.
		name = string(c[:longestName-20]) + "…" + string(c[len(c)-19:])
	}
	return name
}
