package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/fnv"
	"io"
	"io/fs"
	"reflect"
	"strings"
	"time"
)

// Limits of one volume when [Options] names none.
const (
	DefaultVolumeBytes = 2 << 30
	DefaultVolumeFiles = 100_000
)

// bufferSize is how much of a media file is read at once; a smaller file is
// read whole before its entry begins, so that a failed read leaves no trace.
const bufferSize = 1 << 20

// Options says what a volume is about. Spool, Made and Actor.Name are needed.
type Options struct {
	// Spool is a folder for temporary files; about as much room as the text of
	// the archive takes is used twice over until Close.
	Spool string
	// Made is when the archive was made; it is the modification time of what the writer itself makes.
	Made time.Time
	// Host is where the account lives, without scheme; it makes the addresses in Mastodon's files.
	Host string
	// Actor is the account. A Profile given to Record replaces it.
	Actor Profile
	Scope Scope
	// Volume counts from 1; zero means 1.
	Volume int
	// MaxBytes and MaxFiles bound a volume: past them Full is true. Zero means
	// the defaults, a negative number no bound.
	MaxBytes, MaxFiles int64
}

// Summary is what a finished volume holds.
type Summary struct {
	Bytes     int64 // of the zip
	Files     int64 // entries
	Classes   []ClassManifest
	Missing   int64
	Continued bool
}

// Writer makes one volume. Its methods are called by one goroutine: Class, then
// Record, Media and Missing for what belongs to it in any order, then the next
// Class, in the end Close. After an error of the output or
// the temporary files nothing more is written and every call returns it.
type Writer struct {
	o       Options
	zip     *zipWriter
	class   *ClassManifest
	records *spool // of the open class, until it ends: media may come between them
	classes []ClassManifest
	seen    map[uint64]struct{}
	sums    *spool
	missing *spool
	missed  int64
	posts   *timeline
	spools  map[string]*spool // by entry name or class, see mastodon_write.go and page.go
	lists   []listSpool
	images  map[string]bool // avatar.* and header.* that were written
	buffers copyBuffers     // for media
	more    bool            // a further volume follows
	full    bool            // see Fits
	err     error
	closed  bool
}

// NewWriter begins a volume on w, which is written strictly forwards.
func NewWriter(w io.Writer, o Options) (*Writer, error) {
	if o.Actor.Name == "" {
		return nil, errors.New("begin archive: the account has no name")
	}
	if o.Made.IsZero() {
		return nil, errors.New("begin archive: the time it is made is not given")
	}
	o.Volume = max(o.Volume, 1)
	if o.MaxBytes == 0 {
		o.MaxBytes = DefaultVolumeBytes
	}
	if o.MaxFiles == 0 {
		o.MaxFiles = DefaultVolumeFiles
	}
	aw := &Writer{o: o, seen: map[uint64]struct{}{}, buffers: newCopyBuffers(), spools: map[string]*spool{}, images: map[string]bool{}}
	var err error
	if aw.zip, err = newZipWriter(w, o.Spool); err != nil {
		return nil, fmt.Errorf("begin archive: %w", err)
	}
	for _, sp := range []**spool{&aw.sums, &aw.missing, &aw.records} {
		if *sp, err = newSpool(o.Spool); err != nil {
			return nil, errors.Join(fmt.Errorf("begin archive: %w", err), aw.Abort())
		}
	}
	if aw.posts, err = newTimeline(o.Spool); err != nil {
		return nil, errors.Join(fmt.Errorf("begin archive: %w", err), aw.Abort())
	}
	return aw, nil
}

// Class begins a class: words of lower-case letters, digits and hyphens joined by
// dots. Each is begun once a volume; beginning the open class again changes nothing.
func (w *Writer) Class(name string) error {
	if w.err != nil {
		return w.err
	}
	if !className(name) {
		return fmt.Errorf("begin class: %q is not a class name", name)
	}
	if w.class != nil && w.class.Class == name {
		return nil
	}
	if err := w.endClass(); err != nil {
		return err
	}
	file := classFile(name)
	if !w.claim(file) {
		return fmt.Errorf("begin class: %s was already written", name)
	}
	w.class = &ClassManifest{Class: name, File: file}
	return nil
}

// Highest notes the highest id that the open class had when it was begun.
func (w *Writer) Highest(id string) error {
	if w.class == nil {
		return errors.New("note highest id: no class was begun")
	}
	w.class.Highest = id
	return nil
}

func classFile(class string) string { return "exeunt/" + class + ".json" }

func className(s string) bool {
	for part := range strings.SplitSeq(s, ".") {
		if part == "" {
			return false
		}
	}
	ok := strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '.' && r != '-'
	}) < 0
	return ok && len(s) <= 80 && s != "manifest"
}

// Record writes one record of the open class. A class this package knows takes
// its own record type by value; any other takes whatever encodes as JSON.
func (w *Writer) Record(v any) error {
	if w.err != nil {
		return w.err
	}
	if w.class == nil {
		return errors.New("write record: no class was begun")
	}
	if want, ok := recordTypes[w.class.Class]; ok && reflect.TypeOf(v) != want {
		return fmt.Errorf("write record: %s holds %s, not %T", w.class.Class, want.Name(), v)
	}
	line, err := marshal(v, false)
	if err != nil {
		return fmt.Errorf("write record of %s: %w", w.class.Class, err)
	}
	before := ",\n"
	if w.class.Count == 0 {
		before = "[\n"
	}
	if _, err := w.records.Write(append([]byte(before), line...)); err != nil {
		return w.fail(err)
	}
	w.class.Count++
	if err := w.index(v); err != nil {
		return w.fail(err)
	}
	return nil
}

// marshal encodes v on one line. For scripts it also escapes <, >, & and the two
// line separators that JavaScript once refused in strings.
func marshal(v any, script bool) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(script)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// Media writes a file that belongs to the open class. size is what it should
// weigh in bytes. A file that cannot be read, or weighs something else, is listed
// as missing with the reason and the archive stays whole: that is no error.
// A name that is unsafe, taken or reserved is one.
func (w *Writer) Media(name string, size int64, modTime time.Time, open func() (io.ReadCloser, error)) error {
	if w.err != nil {
		return w.err
	}
	if w.class == nil {
		return errors.New("write media: no class was begun")
	}
	if !mediaAllowed(name) {
		return fmt.Errorf("write media: %q may not be the name of a media file", shorten(name, maxName))
	}
	if size < 0 {
		return fmt.Errorf("write media: size %d is negative", size)
	}
	if !w.claim(name) {
		return fmt.Errorf("write media: %s was already written", name)
	}
	body, err := open()
	if err != nil {
		w.Missing(name, whyUnread(err))
		return w.err
	}
	reason, err := w.copyMedia(name, size, modTime, body)
	if closeErr := body.Close(); closeErr != nil && reason == "" && err == nil {
		// All bytes came and their number is right, but the source disowns them.
		reason = MissingUnreadable
	}
	if err != nil {
		return w.fail(err)
	}
	if reason != "" {
		w.Missing(name, reason)
		return w.err
	}
	return nil
}

// copyMedia returns a reason when the file is at fault and an error when the output is.
func (w *Writer) copyMedia(name string, size int64, modTime time.Time, body io.Reader) (reason string, err error) {
	if size == 0 {
		return MissingEmpty, nil
	}
	src := &sourceReader{r: body}
	if size < bufferSize {
		data := w.buffers[0][:size+1]
		n, err := io.ReadFull(src, data)
		if reason := src.reason(int64(n), size, err); reason != "" {
			return reason, nil
		}
		hashed := make(chan [32]byte, 1)
		go func() { hashed <- sha256.Sum256(data[:size]) }()
		err = w.zip.store(name, modTime, data[:size])
		sum := <-hashed
		if err != nil {
			return "", err
		}
		return "", w.written(name, sum, size)
	}
	e, err := w.zip.begin(name, methodStored, modTime, size)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	n, err := copyHashed(e, io.LimitReader(src, size+1), sum, w.buffers)
	if err != nil && src.err == nil {
		return "", err
	}
	if reason := src.reason(n, size, src.err); reason != "" {
		// The entry is left out of the directory: nobody finds half a file.
		return reason, nil
	}
	if err := e.finish(); err != nil {
		return "", err
	}
	return "", w.written(name, [32]byte(sum.Sum(nil)), size)
}

// sourceReader remembers whether a failed copy was the source's fault.
type sourceReader struct {
	r   io.Reader
	err error
}

func (s *sourceReader) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && err != io.EOF {
		s.err = err
	}
	return n, err
}

func (s *sourceReader) reason(n, size int64, err error) string {
	if s.err != nil {
		err = s.err
	}
	switch {
	case n > size:
		return MissingSize
	case err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return whyUnread(err)
	case n < size:
		return MissingSize
	}
	return ""
}

// whyUnread is a word and not the error, which may name paths of the server.
func whyUnread(err error) string {
	if errors.Is(err, fs.ErrNotExist) {
		return MissingAbsent
	}
	return MissingUnreadable
}

// written books a media file that is in the archive.
func (w *Writer) written(name string, sum [32]byte, size int64) error {
	w.class.Files++
	w.class.Bytes += size
	if !strings.Contains(name, "/") {
		w.images[name] = true
	}
	return w.sum(name, sum[:])
}

// Missing lists a file that should be here and is not, with one of the Missing words
// as its reason. The person reads it: it names no path of the server.
func (w *Writer) Missing(name, reason string) {
	if w.err != nil {
		return
	}
	m := Missing{Name: name, Reason: reason}
	if w.class != nil {
		m.Class = w.class.Class
	}
	line, err := marshal(m, false)
	if err == nil {
		before := ",\n    "
		if w.missed == 0 {
			before = "\n    "
		}
		_, err = io.WriteString(w.missing, before+string(line))
	}
	if err != nil {
		w.err = fmt.Errorf("list missing file: %w", err)
		return
	}
	w.missed++
}

// Full reports whether the volume has reached a limit and the next record or file
// belongs in a further one: finish it with Close(true). What waits in temporary
// files is counted by half, which is more than it weighs compressed.
func (w *Writer) Full() bool {
	return w.full || w.o.MaxBytes > 0 && w.weight() >= w.o.MaxBytes ||
		w.o.MaxFiles > 0 && w.zip.count >= w.o.MaxFiles
}

// weight gives how many bytes the volume has, what waits in temporary files among them.
func (w *Writer) weight() int64 {
	waiting := w.posts.data.n + w.records.n/2 + w.sums.n + w.missing.n + w.zip.dir.n
	for _, s := range w.spools {
		waiting += s.n / 2
	}
	return w.zip.n + waiting
}

// Close finishes the volume: Mastodon's files, the page, the manifest, the sums,
// the zip's directory. more says that a further volume follows. The temporary
// files are gone afterwards, whatever happens.
func (w *Writer) Close(more bool) (Summary, error) {
	if w.closed {
		return Summary{}, errors.New("finish archive: it is already finished")
	}
	err := w.finish(more)
	if abortErr := w.Abort(); abortErr != nil {
		err = errors.Join(err, abortErr)
	}
	if err != nil {
		return Summary{}, fmt.Errorf("finish archive: %w", err)
	}
	return Summary{Bytes: w.zip.n, Files: w.zip.count, Classes: w.classes, Missing: w.missed, Continued: more}, nil
}

func (w *Writer) finish(more bool) error {
	w.more = more
	if err := w.endClass(); err != nil {
		return err
	}
	if w.err != nil {
		return w.err
	}
	for _, step := range []func() error{w.writeMastodon, w.writePage, w.writeManifest, w.writeSums, w.zip.close} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// Abort gives the volume up and removes the temporary files. After Close it does nothing.
func (w *Writer) Abort() error {
	if w.closed {
		return nil
	}
	w.closed = true
	if w.err == nil {
		w.err = errors.New("write archive: it is already finished")
	}
	var errs []error
	if w.zip != nil {
		errs = append(errs, w.zip.discard())
	}
	for _, s := range w.spools {
		errs = append(errs, s.close())
	}
	for _, s := range []*spool{w.sums, w.missing, w.records} {
		if s != nil {
			errs = append(errs, s.close())
		}
	}
	if w.posts != nil {
		errs = append(errs, w.posts.close())
	}
	return errors.Join(errs...)
}

func (w *Writer) fail(err error) error {
	if w.err == nil {
		w.err = err
	}
	return err
}

// claim takes a name; names that differ in case alone are one, as on many file
// systems. Only hashes are kept: 64 bits for at most some 100,000 names.
func (w *Writer) claim(name string) bool {
	h := fnv.New64a()
	_, _ = io.WriteString(h, strings.ToLower(name)) // a hash never fails
	if _, taken := w.seen[h.Sum64()]; taken {
		return false
	}
	w.seen[h.Sum64()] = struct{}{}
	return true
}

// endClass writes the records of the open class as one JSON array.
func (w *Writer) endClass() error {
	if w.class == nil {
		return nil
	}
	records, err := w.records.reader()
	if err != nil {
		return w.fail(err)
	}
	end := "\n]\n"
	if w.class.Count == 0 {
		end = "[]\n"
	}
	err = w.file(w.class.File, func(out io.Writer) error {
		_, err := io.Copy(out, io.MultiReader(records, strings.NewReader(end)))
		return err
	})
	if err := errors.Join(err, w.records.reset()); err != nil {
		return w.fail(err)
	}
	w.classes = append(w.classes, *w.class)
	w.class = nil
	return nil
}

// entryWriter is a compressed entry that is hashed as it is written.
type entryWriter struct {
	w   *Writer
	e   *zipEntry
	sum hash.Hash
}

// text begins an entry that the writer itself makes.
func (w *Writer) text(name string) (*entryWriter, error) {
	e, err := w.zip.begin(name, methodDeflated, w.o.Made, 0)
	if err != nil {
		return nil, w.fail(err)
	}
	return &entryWriter{w, e, sha256.New()}, nil
}

func (e *entryWriter) Write(p []byte) (int, error) {
	_, _ = e.sum.Write(p) // a hash never fails
	return e.e.Write(p)
}

func (e *entryWriter) finish() error {
	if err := e.e.finish(); err != nil {
		return err
	}
	return e.w.sum(e.e.name, e.sum.Sum(nil))
}

// file writes a whole entry through fn.
func (w *Writer) file(name string, fn func(io.Writer) error) error {
	e, err := w.text(name)
	if err != nil {
		return err
	}
	if err := fn(e); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return e.finish()
}

func (w *Writer) sum(name string, sum []byte) error {
	_, err := io.WriteString(w.sums, hex.EncodeToString(sum)+"  "+name+"\n")
	return err
}

func (w *Writer) writeManifest() error {
	m := Manifest{
		Format: manifestFormat, Version: manifestVersion, Made: At(w.o.Made), Host: w.o.Host, Account: w.o.Actor.Name,
		Scope: w.o.Scope, Volume: w.o.Volume, Continued: w.more, Classes: w.classes, MissingCount: w.missed, Missing: []Missing{},
	}
	if m.Classes == nil {
		m.Classes = []ClassManifest{}
	}
	head, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return fmt.Errorf("write manifest: %w", err)
	}
	// The list may be long: it is copied from disk into the place of the empty one.
	head, ok := bytes.CutSuffix(head, []byte("[]\n}"))
	if !ok {
		return errors.New("write manifest: the list of missing files is not its last member")
	}
	list, err := w.missing.reader()
	if err != nil {
		return err
	}
	return w.file(ManifestName, func(out io.Writer) error {
		_, err := io.Copy(out, io.MultiReader(bytes.NewReader(head), strings.NewReader("["), list, strings.NewReader("]\n}\n")))
		return err
	})
}

func (w *Writer) writeSums() error {
	r, err := w.sums.reader()
	if err != nil {
		return err
	}
	e, err := w.zip.begin(SumsName, methodDeflated, w.o.Made, 0)
	if err != nil {
		return err
	}
	if _, err := io.Copy(e, r); err != nil {
		return err
	}
	return e.finish()
}
