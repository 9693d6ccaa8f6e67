package archive

import (
	"embed"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"strings"
)

// The offline page: plain files, read by a browser from a folder.
//
//go:embed view/index.html view/view.js view/view.css
var view embed.FS

// chunkRecords is how many records one data file holds at most; a year's posts
// are never in one file with another's.
const chunkRecords = 1000

// listSpool is one class shown as a list, in the order it was written.
type listSpool struct {
	class string
	count int64
}

// onPage keeps a record for the page's lists.
func (w *Writer) onPage(v any) error {
	switch v.(type) {
	case Comment, Like, Favourite, Follow, Block, Mute, Quiet, Circle, CircleNotice, Farewell, CirclePost, Membership, Link, Video, Collection, VideoDay, Watched:
	default:
		return nil
	}
	class := w.class.Class
	s, err := w.spool("list:" + class)
	if err != nil {
		return err
	}
	line, err := marshal(v, true)
	if err != nil {
		return err
	}
	if n := len(w.lists); n == 0 || w.lists[n-1].class != class {
		w.lists = append(w.lists, listSpool{class: class})
	}
	w.lists[len(w.lists)-1].count++
	_, err = s.Write(append(line, '\n'))
	return err
}

// pageIndex is exeunt/data/index.js, from which the page knows what to load.
type pageIndex struct {
	Account  Profile         `json:"account"`
	Host     string          `json:"host"`
	Made     Time            `json:"made"`
	Scope    Scope           `json:"scope"`
	Volume   int             `json:"volume"`
	More     bool            `json:"continued"`
	Missing  int64           `json:"missing"`
	Classes  []ClassManifest `json:"classes"`
	Posts    []pageChunk     `json:"posts"`
	Lists    []pageList      `json:"lists"`
	HasImage map[string]bool `json:"images"`
}

type pageChunk struct {
	File   string         `json:"file"`
	Count  int            `json:"count"`
	Year   int            `json:"year"`
	Months map[string]int `json:"months"`
}

type pageList struct {
	Class  string   `json:"class"`
	Count  int64    `json:"count"`
	Chunks []string `json:"chunks"`
}

func (w *Writer) writePage() error {
	for _, f := range [][2]string{{"view/view.js", "exeunt/view.js"}, {"view/view.css", "exeunt/view.css"}, {"view/index.html", "index.html"}} {
		data, err := view.ReadFile(f[0])
		if err != nil {
			return fmt.Errorf("read page: %w", err)
		}
		text := strings.ReplaceAll(string(data), "{{name}}", html.EscapeString(w.o.Actor.Name))
		if err := w.file(f[1], func(out io.Writer) error { _, err := io.WriteString(out, text); return err }); err != nil {
			return err
		}
	}
	ix := pageIndex{
		Account: w.o.Actor, Host: w.o.Host, Made: At(w.o.Made), Scope: w.o.Scope, Volume: w.o.Volume, More: w.more,
		Missing: w.missed, Classes: w.classes, Posts: []pageChunk{}, Lists: []pageList{}, HasImage: w.images,
	}
	if ix.Classes == nil {
		ix.Classes = []ClassManifest{}
	}
	var err error
	if ix.Posts, err = w.writePostChunks(); err != nil {
		return err
	}
	for _, l := range w.lists {
		chunks, err := w.writeListChunks(l)
		if err != nil {
			return err
		}
		ix.Lists = append(ix.Lists, pageList{Class: l.class, Count: l.count, Chunks: chunks})
	}
	return w.file("exeunt/data/index.js", func(out io.Writer) error {
		line, err := marshal(ix, true)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "window.exeuntIndex = %s;\n", line)
		return err
	})
}

// chunkWriter writes data files, each a call with its own name and an array.
type chunkWriter struct {
	w     *Writer
	entry *entryWriter
	count int
}

func (c *chunkWriter) begin(name string) error {
	e, err := c.w.text("exeunt/data/" + name + ".js")
	if err != nil {
		return err
	}
	c.entry, c.count = e, 0
	_, err = fmt.Fprintf(e, "exeuntData(%q, [\n", name)
	return err
}

func (c *chunkWriter) add(line []byte) error {
	if c.count > 0 {
		line = append([]byte(",\n"), line...)
	}
	c.count++
	_, err := c.entry.Write(line)
	return err
}

func (c *chunkWriter) end() error {
	if c.entry == nil {
		return nil
	}
	if _, err := io.WriteString(c.entry, "\n]);\n"); err != nil {
		return err
	}
	e := c.entry
	c.entry = nil
	return e.finish()
}

func (w *Writer) writePostChunks() ([]pageChunk, error) {
	chunks, c := []pageChunk{}, &chunkWriter{w: w}
	err := w.posts.each(true, func(record []byte) error {
		if record[0] != tagPost {
			return nil
		}
		var p struct {
			Published Time `json:"published"`
		}
		if err := json.Unmarshal(record[1:], &p); err != nil {
			return err
		}
		year, last := p.Published.Year(), len(chunks)-1
		if last < 0 || chunks[last].Year != year || chunks[last].Count == chunkRecords {
			if err := c.end(); err != nil {
				return err
			}
			name := fmt.Sprintf("posts-%05d", len(chunks)+1)
			chunks = append(chunks, pageChunk{File: name, Year: year, Months: map[string]int{}})
			last++
			if err := c.begin(name); err != nil {
				return err
			}
		}
		chunks[last].Count++
		chunks[last].Months[p.Published.Format("2006-01")]++
		return c.add(record[1:])
	})
	if err != nil {
		return nil, fmt.Errorf("write page: %w", err)
	}
	return chunks, c.end()
}

func (w *Writer) writeListChunks(l listSpool) ([]string, error) {
	r, err := w.spools["list:"+l.class].reader()
	if err != nil {
		return nil, err
	}
	names, c, lines := []string{}, &chunkWriter{w: w}, json.NewDecoder(r)
	for range l.count {
		var line json.RawMessage
		if err := lines.Decode(&line); err != nil {
			return nil, fmt.Errorf("write page: %w", err)
		}
		if c.entry == nil {
			name := fmt.Sprintf("%s-%05d", l.class, len(names)+1)
			names = append(names, name)
			if err := c.begin(name); err != nil {
				return nil, err
			}
		}
		if err := c.add(line); err != nil {
			return nil, err
		}
		if c.count == chunkRecords {
			if err := c.end(); err != nil {
				return nil, err
			}
		}
	}
	return names, c.end()
}
