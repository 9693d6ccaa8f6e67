package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
)

// Survey is what a whole reading of an archive found. Nothing was written.
type Survey struct {
	Format  Format
	Files   int64 // entries
	Bytes   int64 // unpacked
	Profile *Profile
	Classes []ClassCount
	// Items counts the outbox of a Mastodon archive: posts, boosts and what was skipped.
	Items int64
	// Audiences counts posts by audience.
	Audiences map[string]int64
	// Skipped counts, by Skip word, items that become no record.
	Skipped map[string]int64
	// Images counts the images that posts name, MissingImages those without a file.
	Images, MissingImages int64
	// Manifest is that of an archive of ours, with the first hundred missing files.
	Manifest *Manifest
}

// ClassCount is the number of records of one class.
type ClassCount struct {
	Class string
	Count int64
}

// Count is the number of records of a class.
func (s *Survey) Count(class string) int64 {
	for _, c := range s.Classes {
		if c.Class == class {
			return c.Count
		}
	}
	return 0
}

// Survey reads every byte of the archive and decodes every record, before
// anything of it is taken: JSON to its last byte, checksums of the container and,
// in an archive of ours, manifest and sha256 of each file. The first fault ends
// it and is returned, an [*Error] unless reading itself failed.
func (r *Reader) Survey(ctx context.Context) (Survey, error) {
	return r.inspect(ctx, func(e *Error) error { return e })
}

// inspect is the one walk behind Survey and Verify. fault is told each finding
// and decides whether to go on by returning nil.
func (r *Reader) inspect(ctx context.Context, fault func(*Error) error) (Survey, error) {
	t := r.c.table()
	s := Survey{Format: r.format, Files: int64(len(t.names)), Audiences: map[string]int64{}, Skipped: map[string]int64{}}
	for _, size := range t.sizes {
		s.Bytes += size
	}
	i := &inspection{buffers: newCopyBuffers(), r: r, ctx: ctx, s: &s, fault: fault}
	var err error
	if r.format == FormatExeunt {
		err = i.own()
	} else {
		err = i.mastodon()
	}
	return s, err
}

type inspection struct {
	buffers copyBuffers // for reading what is not decoded
	r       *Reader
	ctx     context.Context
	s       *Survey
	fault   func(*Error) error
}

// report passes a refusal to fault and other errors through.
func (i *inspection) report(err error) error {
	var e *Error
	if errors.As(err, &e) && i.ctx.Err() == nil {
		return i.fault(e)
	}
	return err
}

// own checks an archive of ours, each file once, in the order of the checksums.
func (i *inspection) own() error {
	if err := i.manifest(); err != nil {
		return err
	}
	if i.s.Manifest == nil {
		return nil // told already; without it nothing can be compared
	}
	seen := make([]bool, len(i.r.c.table().names))
	f, err := i.r.openEntry(SumsName)
	if err != nil {
		return i.report(refuse(KindDamaged, SumsName, "it is not there"))
	}
	err = eachSum(f, func(sum, name string) error { return i.file(sum, name, seen) })
	if err := errors.Join(err, f.Close()); err != nil {
		if err := i.report(err); err != nil {
			return err
		}
	}
	return i.unlisted(seen)
}

// unlisted finds files that the checksums do not name, and classes that the
// manifest counts but the archive lacks.
func (i *inspection) unlisted(seen []bool) error {
	for at, name := range i.r.c.table().names {
		rest, inside := strings.CutPrefix(name, i.r.root)
		if seen[at] || !inside || rest == SumsName || litter[path.Base(rest)] {
			continue
		}
		if err := i.fault(refuse(KindDamaged, rest, "not named in %s", SumsName)); err != nil {
			return err
		}
	}
	found := map[string]int64{}
	for _, c := range i.s.Classes {
		found[c.Class] = c.Count
	}
	for _, c := range i.s.Manifest.Classes {
		n, ok := found[c.Class]
		if ok && n == c.Count {
			continue
		}
		if err := i.fault(refuse(KindDamaged, classFile(c.Class), "the manifest counts %d records, %d are there", c.Count, n)); err != nil {
			return err
		}
	}
	return nil
}

func (i *inspection) manifest() error {
	f, err := i.r.openEntry(ManifestName)
	if err != nil {
		return i.report(err)
	}
	m, err := readManifest(&contextReader{f, i.ctx}, i.r.l)
	if err := errors.Join(err, f.Close()); err != nil {
		return i.report(jsonFault(ManifestName, err))
	}
	i.s.Manifest = m
	return nil
}

// file reads one listed file to its end, hashing it, and decodes it if it is a class.
func (i *inspection) file(want, name string, seen []bool) error {
	at, ok := i.r.c.table().byName[i.r.root+name]
	if !ok {
		return i.fault(refuse(KindDamaged, name, "named in %s but not there", SumsName))
	}
	if seen[at] {
		return i.fault(refuse(KindDamaged, name, "named twice in %s", SumsName))
	}
	seen[at] = true
	f, err := i.r.openEntry(name)
	if err != nil {
		return i.report(refuseFor(KindBroken, name, err))
	}
	sum := sha256.New()
	in := &contextReader{f, i.ctx}
	err = i.contents(name, io.TeeReader(in, sum))
	if err == nil {
		_, err = copyHashed(io.Discard, in, sum, i.buffers)
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return i.report(refuseUnless(i.ctx, KindBroken, name, err))
	}
	if hex.EncodeToString(sum.Sum(nil)) != want {
		return i.fault(refuse(KindDamaged, name, "its checksum differs"))
	}
	return nil
}

// refuseUnless makes a refusal of err, but not of the caller's own wish to stop.
func refuseUnless(ctx context.Context, kind ErrorKind, name string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return refuseFor(kind, name, err)
}

// contents decodes a class that the manifest knows and any other JSON of ours.
func (i *inspection) contents(name string, in io.Reader) error {
	if name == ManifestName || !strings.HasSuffix(name, ".json") {
		return nil
	}
	class, ok := strings.CutPrefix(strings.TrimSuffix(name, ".json"), "exeunt/")
	if !ok || strings.Contains(class, "/") {
		// Mastodon's files are made from the classes; they are read as JSON only.
		s := newJSONStream(in, i.r.l, 2)
		return jsonFault(name, drain(s))
	}
	known := false
	for _, c := range i.s.Manifest.Classes {
		known = known || c.Class == class
	}
	if !known || !className(class) {
		return refuse(KindDamaged, name, "the manifest does not count it")
	}
	n := int64(0)
	err := decodeClass(in, class, i.r.l, func(v any) error {
		if n++; n > i.r.l.Records {
			return refuse(KindTooMany, name, "more than %d records", i.r.l.Records)
		}
		i.record(v)
		return nil
	})
	i.s.Classes = append(i.s.Classes, ClassCount{class, n})
	return jsonFault(name, err)
}

// drain reads tokens to the end of the text.
func drain(s jsonStream) error {
	depth, values := 0, 0
	for {
		t, err := s.Token()
		if errors.Is(err, io.EOF) {
			if depth > 0 || values != 1 {
				return io.ErrUnexpectedEOF
			}
			return nil
		}
		if err != nil {
			return err
		}
		switch t {
		case json.Delim('['), json.Delim('{'):
			depth++
		case json.Delim(']'), json.Delim('}'):
			depth--
		}
		if depth == 0 {
			values++
		}
	}
}

// record counts what a person is told of before importing.
func (i *inspection) record(v any) {
	switch r := v.(type) {
	case Profile:
		i.s.Profile = &r
	case Post:
		i.s.Audiences[r.Audience]++
		for _, img := range r.Images {
			i.s.Images++
			if _, missing := i.r.find(img.Path); missing != "" {
				i.s.MissingImages++
			}
		}
	}
}

// mastodon reads the files it knows as records and all others to their end.
func (i *inspection) mastodon() error {
	p, err := i.r.mastodonProfile()
	if err != nil {
		return i.report(err)
	}
	i.s.Profile = p
	var posts, links int64
	err = i.r.eachActivity(func(v any, skipped string) error {
		if err := i.ctx.Err(); err != nil {
			return &callbackError{err}
		}
		if i.s.Items++; i.s.Items > i.r.l.Records {
			return refuse(KindTooMany, outboxName, "more than %d items", i.r.l.Records)
		}
		switch v.(type) {
		case Post:
			posts++
		case Link:
			links++
		default:
			i.s.Skipped[skipped]++
		}
		i.record(v)
		return nil
	})
	if err != nil {
		return i.report(uncalled(err))
	}
	for _, name := range []string{likesName, bookmarksName} {
		var all, taken int64
		count := func(n *int64) error {
			if *n++; *n > i.r.l.Records {
				return refuse(KindTooMany, name, "more than %d items", i.r.l.Records)
			}
			return nil
		}
		err := errors.Join(i.r.eachItem(name, func(json.RawMessage) error { return count(&all) }),
			i.r.eachURI(name, func(string) error { return count(&taken) }))
		if err != nil {
			return i.report(err)
		}
		links += taken
		if all > taken {
			i.s.Skipped[SkipUnreadable] += all - taken
		}
	}
	i.s.Classes = []ClassCount{{ClassPosts, posts}, {ClassLinks, links}}
	if p != nil {
		i.s.Classes = append([]ClassCount{{ClassProfile, 1}}, i.s.Classes...)
	}
	if err := i.addresses(); err != nil {
		return i.report(err)
	}
	return i.readThrough()
}

func uncalled(err error) error {
	if c := (*callbackError)(nil); errors.As(err, &c) {
		return c.err
	}
	return err
}

func (i *inspection) addresses() error {
	for _, c := range [][2]string{{ClassFollowing, followingName}, {ClassFollowers, followersName}, {ClassBlocks, blocksName}, {ClassMutes, mutesName}} {
		var n int64
		if err := i.r.eachAddress(c[1], func(string, bool) error { n++; return nil }); err != nil {
			return err
		}
		if n > 0 {
			i.s.Classes = append(i.s.Classes, ClassCount{c[0], n})
		}
	}
	return nil
}

// readThrough reads what was not decoded, so that a damaged picture is known
// before anything is imported.
func (i *inspection) readThrough() error {
	for _, name := range i.r.c.table().names {
		switch strings.TrimPrefix(name, i.r.root) {
		case outboxName, likesName, bookmarksName, actorName, followingName, followersName, blocksName, mutesName:
			continue
		}
		f, err := i.r.c.open(name)
		if err != nil {
			return i.report(refuseUnless(i.ctx, KindBroken, name, err))
		}
		_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, &contextReader{f, i.ctx}, i.buffers[0])
		if err := errors.Join(err, f.Close()); err != nil {
			if err := i.report(refuseUnless(i.ctx, KindBroken, name, err)); err != nil {
				return err
			}
		}
	}
	return nil
}

// contextReader stops when its context does.
type contextReader struct {
	r   io.Reader
	ctx context.Context
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// Report is what [Verify] found in an archive of ours.
type Report struct {
	Survey
	// Problems are what differs from the manifest or cannot be read, at most a hundred.
	Problems []*Error
	// More counts further problems.
	More int64
}

const maxProblems = 100

// Verify reads an archive of ours back: every file against its sha256, every
// class against its count, JSON to its last byte, no file unlisted. The error is
// nil only if all of it is right. If it could be read but differs, the error is
// the first problem and Report has them all. It needs no network and no clock.
func Verify(ctx context.Context, path string) (Report, error) {
	r, err := Open(ctx, path, Limits{})
	if err != nil {
		return Report{}, fmt.Errorf("verify archive: %w", err)
	}
	report, err := r.Verify(ctx)
	if err := errors.Join(err, r.Close()); err != nil {
		return report, fmt.Errorf("verify archive: %w", err)
	}
	return report, nil
}

// Verify is [Verify] on an archive that is already open.
func (r *Reader) Verify(ctx context.Context) (Report, error) {
	if r.format != FormatExeunt {
		return Report{}, refuse(KindUnknown, "", "it has no manifest to be verified against")
	}
	var report Report
	s, err := r.inspect(ctx, func(e *Error) error {
		if len(report.Problems) < maxProblems {
			report.Problems = append(report.Problems, e)
		} else {
			report.More++
		}
		return nil
	})
	report.Survey = s
	if err != nil {
		return report, err
	}
	if len(report.Problems) > 0 {
		return report, report.Problems[0]
	}
	return report, nil
}
