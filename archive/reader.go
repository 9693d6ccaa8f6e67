package archive

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Format says whose archive it is.
type Format string

// The formats that are read.
const (
	FormatExeunt   Format = "exeunt"
	FormatMastodon Format = "mastodon"
)

// Reader reads one archive. It may be used by one goroutine at a time.
type Reader struct {
	c      container
	l      Limits
	format Format
	root   string           // folder inside the archive in which all of it lies, with its slash, or ""
	media  map[string]int32 // of Mastodon's: suffixes and base names of media paths to places in the table, -1 if ambiguous
}

// Open opens the archive at path: zip, tar.gz or folder, told apart by content.
// Names, kinds, counts and sizes of all entries are checked here; a refusal is
// an [*Error]. A tar.gz is unpacked into limits.Spool.
func Open(ctx context.Context, path string, limits Limits) (*Reader, error) {
	l := limits.withDefaults()
	c, err := openContainer(ctx, path, l)
	if err != nil {
		return nil, err
	}
	return newReader(c, l)
}

// OpenZip opens a zip that is not a file of its own.
func OpenZip(src io.ReaderAt, size int64, limits Limits) (*Reader, error) {
	l := limits.withDefaults()
	c, err := openZip(src, size, l)
	if err != nil {
		return nil, err
	}
	return newReader(c, l)
}

func newReader(c container, l Limits) (*Reader, error) {
	r := &Reader{c: c, l: l}
	for _, name := range c.table().names {
		// People unpack an archive and pack its folder again: one folder around everything is taken.
		dir, base := path.Split(name)
		if strings.Count(dir, "/") > 1 || dir == "exeunt/" {
			if rest, ok := strings.CutSuffix(name, ManifestName); ok && (rest == "" || strings.Count(rest, "/") == 1) {
				r.format, r.root = FormatExeunt, rest
				return r, nil
			}
			continue
		}
		if base == outboxName && (r.format == "" || len(dir) < len(r.root)) {
			r.format, r.root = FormatMastodon, dir
		}
	}
	if r.format == "" {
		return nil, errors.Join(refuse(KindUnknown, "", ""), c.close())
	}
	r.indexMedia()
	return r, nil
}

// Format says whose archive it is.
func (r *Reader) Format() Format { return r.format }

// Close frees what the reader holds, such as what was unpacked.
func (r *Reader) Close() error { return r.c.close() }

// Records calls fn with the records of a class in an order that never changes,
// numbered from 0, beginning with number from: an import that stopped after n
// continues at n+1. Each v is the value type of its class ([Post], [Link], …), or
// json.RawMessage for a class this package does not know. A class the archive
// lacks has no records. An error of fn ends the walk and is returned as it is.
// From Mastodon's archives come account.profile, post.posts, post.links,
// relation.following and relation.followers.
func (r *Reader) Records(ctx context.Context, class string, from int64, fn func(n int64, v any) error) error {
	n := int64(0)
	give := func(v any) error {
		if err := ctx.Err(); err != nil {
			return &callbackError{err}
		}
		if n >= r.l.Records {
			return refuse(KindTooMany, "", "more than %d records of %s", r.l.Records, class)
		}
		n++
		if n <= from {
			return nil
		}
		if err := fn(n-1, v); err != nil {
			return &callbackError{err}
		}
		return nil
	}
	var err error
	if r.format == FormatExeunt {
		err = r.ownRecords(class, give)
	} else {
		err = r.mastodonRecords(class, give)
	}
	if c := (*callbackError)(nil); errors.As(err, &c) {
		return c.err
	}
	return err
}

// ownRecords reads one of our JSON arrays.
func (r *Reader) ownRecords(class string, give func(any) error) error {
	if !className(class) {
		return fmt.Errorf("read records: %q is not a class name", shorten(class, 80))
	}
	name := classFile(class)
	f, err := r.openEntry(name)
	if errors.Is(err, &Error{Kind: KindNoFile}) {
		return nil
	}
	if err != nil {
		return err
	}
	err = decodeClass(f, class, r.l, give)
	return jsonFault(name, errors.Join(err, f.Close()))
}

func decodeClass(in io.Reader, class string, l Limits, give func(any) error) error {
	s := newJSONStream(in, l, 1)
	if err := s.delim('['); err != nil {
		return err
	}
	err := s.array(func(raw json.RawMessage) error {
		v, err := decodeRecord(class, raw)
		if err != nil {
			return err
		}
		return give(v)
	})
	if err != nil {
		return err
	}
	return s.end()
}

// jsonFault names the file in which decoding failed; errors of a caller's
// function and refusals of the container pass.
func jsonFault(name string, err error) error {
	if err == nil {
		return nil
	}
	if c := (*callbackError)(nil); errors.As(err, &c) {
		return c
	}
	return refuseFor(KindJSON, name, err)
}

// openEntry opens a file by its name relative to the archive's root.
func (r *Reader) openEntry(name string) (io.ReadCloser, error) {
	f, err := r.c.open(r.root + name)
	if err != nil {
		return nil, fmt.Errorf("read archive: %w", err)
	}
	return f, nil
}

// File opens a media file by the path a record gives, with its size in bytes. A
// file that is not there or empty is an [*Error] of [KindNoFile]. Reading on
// after ctx is done fails. In Mastodon's archives the path is matched as its
// servers write it: from its last media_attachments/, else by its base name.
func (r *Reader) File(ctx context.Context, name string) (io.ReadCloser, int64, error) {
	entry, missing := r.find(name)
	if missing != "" {
		return nil, 0, refuse(KindNoFile, name, "%s", missing)
	}
	f, err := r.openEntry(entry)
	if err != nil {
		return nil, 0, err
	}
	t := r.c.table()
	return &contextFile{f, ctx}, t.sizes[t.byName[r.root+entry]], nil
}

// contextFile stops when its context does.
type contextFile struct {
	io.ReadCloser
	ctx context.Context
}

func (f *contextFile) Read(p []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	return f.ReadCloser.Read(p)
}

// find gives the name, relative to the root, of the entry for a media path, or why
// it is missing. A failed download of Mastodon's leaves an empty entry.
func (r *Reader) find(name string) (entry, missing string) {
	t := r.c.table()
	i, ok := t.byName[r.root+name]
	if !ok && r.format == FormatMastodon {
		var at int32
		if at, ok = r.media[mediaSuffix(name)]; !ok || at < 0 {
			at, ok = r.media[path.Base(name)]
		}
		i, ok = int(at), ok && at >= 0
	}
	if !ok {
		return "", MissingAbsent
	}
	if t.sizes[i] == 0 {
		return "", MissingEmpty
	}
	return t.names[i][len(r.root):], ""
}

const mediaFolder = "media_attachments/"

func mediaSuffix(name string) string {
	if i := strings.LastIndex(name, mediaFolder); i >= 0 {
		return name[i:]
	}
	return name
}

// indexMedia prepares the two ways in which Mastodon's media paths are matched.
func (r *Reader) indexMedia() {
	if r.format != FormatMastodon {
		return
	}
	r.media = map[string]int32{}
	put := func(key string, i int) {
		if _, twice := r.media[key]; twice {
			r.media[key] = -1
			return
		}
		r.media[key] = int32(i)
	}
	for i, name := range r.c.table().names {
		if !strings.HasPrefix(name, r.root) || !strings.Contains(name[len(r.root):], "/") {
			continue
		}
		put(mediaSuffix(name), i)
		put(path.Base(name), i)
	}
}

// readManifest streams our manifest; of a long list of missing files it keeps the first hundred.
func readManifest(in io.Reader, l Limits) (*Manifest, error) {
	s := newJSONStream(in, l, 2)
	if err := s.delim('{'); err != nil {
		return nil, err
	}
	m, members := &Manifest{}, map[string]json.RawMessage{}
	var missing []Missing
	var count int64
	for s.More() {
		key, err := s.Token()
		if err != nil {
			return nil, unexpectedEnd(err)
		}
		if key == "missing" {
			if err := s.delim('['); err != nil {
				return nil, err
			}
			err := s.array(func(raw json.RawMessage) error {
				var one Missing
				if count++; count > 100 {
					return nil
				}
				if err := json.Unmarshal(raw, &one); err != nil {
					return err
				}
				missing = append(missing, one)
				return nil
			})
			if err != nil {
				return nil, err
			}
			continue
		}
		var raw json.RawMessage
		if err := s.Decode(&raw); err != nil {
			return nil, unexpectedEnd(err)
		}
		if len(members) < 64 {
			members[fmt.Sprint(key)] = raw
		}
	}
	if err := errors.Join(s.delim('}'), s.end()); err != nil {
		return nil, err
	}
	whole, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(whole, m); err != nil {
		return nil, err
	}
	switch {
	case m.Format != manifestFormat || m.Version < 1:
		return nil, refuse(KindUnknown, ManifestName, "format %q", shorten(m.Format, 40))
	case m.Version > manifestVersion:
		return nil, refuse(KindUnknown, ManifestName, "version %d is newer than this program", m.Version)
	case m.MissingCount != count:
		return nil, refuse(KindDamaged, ManifestName, "%d missing files counted, %d named", m.MissingCount, count)
	}
	m.Missing = missing
	return m, nil
}

// eachSum reads lines of sha256sum: 64 hexadecimal digits, two spaces, a name.
func eachSum(in io.Reader, fn func(sum, name string) error) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(make([]byte, 0, 4096), 4096)
	for lines.Scan() {
		line := lines.Bytes()
		if len(line) < 67 || line[64] != ' ' || line[65] != ' ' || bytes.IndexFunc(line[:64], notHex) >= 0 {
			return refuse(KindDamaged, SumsName, "a line is no checksum and name")
		}
		if err := fn(string(line[:64]), string(line[66:])); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return refuseFor(KindDamaged, SumsName, err)
	}
	return nil
}

func notHex(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') }
