package archive

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// jsonGuard watches a JSON text on its way to the decoder, which itself bounds
// neither depth nor the size of one value: it keeps the depth and how many bytes
// lie since the last comma or bracket near the surface.
type jsonGuard struct {
	r        io.Reader
	maxDepth int
	maxItem  int64
	surface  int // the depth at which items are told apart
	depth    int
	item     int64
	inString bool
	escaped  bool
}

func (g *jsonGuard) Read(p []byte) (int, error) {
	n, err := g.r.Read(p)
	for _, c := range p[:n] {
		g.item++
		switch {
		case g.escaped:
			g.escaped = false
		case g.inString:
			g.escaped = c == '\\'
			g.inString = c != '"'
		case c == '"':
			g.inString = true
		case c == '[' || c == '{':
			g.depth++
			if g.depth > g.maxDepth {
				return 0, refuse(KindDepth, "", "deeper than %d", g.maxDepth)
			}
			if g.depth <= g.surface {
				g.item = 0
			}
		case c == ']' || c == '}':
			g.depth--
		case c == ',' && g.depth <= g.surface:
			g.item = 0
		}
		if g.item > g.maxItem {
			return 0, refuse(KindTooLarge, "", "one record of more than %d bytes", g.maxItem)
		}
	}
	return n, err
}

// jsonStream decodes one guarded text.
type jsonStream struct {
	*json.Decoder
}

func newJSONStream(r io.Reader, l Limits, surface int) jsonStream {
	return jsonStream{json.NewDecoder(&jsonGuard{r: withoutBOM(r), maxDepth: l.Depth, maxItem: l.Item, surface: surface})}
}

// withoutBOM drops the byte order mark that some editors leave at the start.
func withoutBOM(r io.Reader) io.Reader {
	b := bufio.NewReaderSize(r, 64<<10)
	if head, err := b.Peek(3); err == nil && bytes.Equal(head, []byte("\xef\xbb\xbf")) {
		if _, err := b.Discard(3); err != nil {
			return io.MultiReader(bytes.NewReader(head))
		}
	}
	return b
}

// delim takes the given bracket or says what stands there.
func (s jsonStream) delim(want json.Delim) error {
	t, err := s.Token()
	if err != nil {
		return unexpectedEnd(err)
	}
	if t != want {
		return fmt.Errorf("expected %v, found %v", want, describe(t))
	}
	return nil
}

func describe(t json.Token) string {
	if s, ok := t.(string); ok {
		return fmt.Sprintf("%q", shorten(s, 40))
	}
	return fmt.Sprint(t)
}

// array calls fn for each element; the opening bracket is already taken.
func (s jsonStream) array(fn func(raw json.RawMessage) error) error {
	for s.More() {
		var raw json.RawMessage
		if err := s.Decode(&raw); err != nil {
			return unexpectedEnd(err)
		}
		if err := fn(raw); err != nil {
			return err
		}
	}
	return s.delim(']')
}

// end makes sure that nothing but white space follows.
func (s jsonStream) end() error {
	t, err := s.Token()
	if errors.Is(err, io.EOF) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%v follows the end", describe(t))
}

func unexpectedEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// callbackError carries an error of the caller's function through the decoding,
// so that it is not taken for a fault of the archive.
type callbackError struct{ err error }

func (c *callbackError) Error() string { return c.err.Error() }
