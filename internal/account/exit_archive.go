package account

import (
	"context"
	"fmt"
	"io"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/relation"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// The beginnings of a profile's files in an archive, as Mastodon names them.
const (
	avatarName = "avatar"
	coverName  = "header"
)

func pictureName(stem, key string) string {
	k, ok := blob.ParseKey(key)
	if !ok {
		return ""
	}
	return stem + k.Ext
}

// ArchiveProfile gives an account's profile as its archive tells it.
func (r *Room) ArchiveProfile(ctx context.Context, account who.ID) (archive.Profile, error) {
	a, err := r.store.account(ctx, account)
	if err != nil {
		return archive.Profile{}, err
	}
	p, err := r.store.profile(ctx, account)
	if err != nil {
		return archive.Profile{}, err
	}
	out := archive.Profile{
		ID: a.ID.String(), Name: a.Name, DisplayName: p.Display, Bio: p.Bio, Kind: string(a.Kind), Created: archive.At(a.Created),
		Avatar: pictureName(avatarName, p.Avatar), Cover: pictureName(coverName, p.Cover),
	}
	for _, l := range p.Links {
		out.Links = append(out.Links, archive.ProfileLink{Label: l.Label, URL: l.URL})
	}
	return out, nil
}

// Export writes the profile with its pictures, or the settings. Each is one record.
func (r *Room) Export(ctx context.Context, t exit.Task, to exit.Sink) (exit.Progress, error) {
	id, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return exit.Progress{}, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	switch t.Class {
	case classProfile:
		return r.exportProfile(ctx, id, to)
	case classSettings:
		s, err := r.store.settings(ctx, id)
		if err != nil {
			return exit.Progress{}, err
		}
		by := string(s.SeenBy)
		record := archive.Settings{Locale: string(s.Language), Theme: string(s.Theme), Zone: s.Zone, SeeFollowing: by, SeeFollowers: by, SeeLikes: by}
		more := map[string]string{}
		if s.Unfound {
			more[foundKey] = foundNo
		}
		if word := rankingWords[s.Ranking]; word != "" {
			more[rankingKey] = word
		}
		w, err := r.store.watching(ctx, id)
		if err != nil {
			return exit.Progress{}, err
		}
		if word := videoWords[w.order]; word != "" {
			more[videosKey] = word
		}
		if w.forgets {
			more[historyKey] = historyOff
		}
		if len(more) > 0 {
			record.More = more
		}
		return exit.Progress{Items: 1, Done: true}, to.Record(record)
	}
	return exit.Progress{}, exit.Fail(exit.Internal, "error.no_class", "class", t.Class)
}

// What an archive's further settings say: whether an account lets itself be found, whether its home is ranked, how its entrance of videos is
// ordered, and whether what it watches is remembered.
const (
	foundKey   = "found"
	foundNo    = "no"
	rankingKey = "ranking"
	videosKey  = "videos"
	historyKey = "history"
	historyOff = "off"
)

var (
	rankingWords = map[Ranking]string{Ranked: "on", Unranked: "off"}
	videoWords   = map[int64]string{1: "ranked", 2: "latest"}
)

func (r *Room) exportProfile(ctx context.Context, id who.ID, to exit.Sink) (exit.Progress, error) {
	p := exit.Progress{Items: 1, Done: true}
	record, err := r.ArchiveProfile(ctx, id)
	if err != nil {
		return p, err
	}
	if err := to.Record(record); err != nil {
		return p, err
	}
	keys, err := r.store.profile(ctx, id)
	if err != nil {
		return p, err
	}
	for name, key := range map[string]string{record.Avatar: keys.Avatar, record.Cover: keys.Cover} {
		if key == "" {
			continue
		}
		size, err := r.Blobs.Size(ctx, key)
		if exit.KindOf(err) == exit.NotFound {
			to.Missing(name, archive.MissingAbsent)
			continue
		}
		if err != nil {
			return p, err
		}
		open := func() (io.ReadCloser, error) { return r.Blobs.NewReader(ctx, key, 0, -1) }
		if err := to.Media(name, size, record.Created.Time, open); err != nil {
			return p, err
		}
		p.Bytes += size
	}
	return p, nil
}

// Import takes a profile or settings back. What the account has chosen already stays: only what
// is empty is filled, so a repeat changes nothing. The name is never imported.
func (r *Room) Import(ctx context.Context, t exit.Task, records []any, files exit.Files) (exit.Intake, error) {
	id, ok := who.ParseID(t.Subject.ID)
	if !ok {
		return nil, exit.Fail(exit.Invalid, "error.subject", "text", t.Subject.String())
	}
	intakes := make([]func(context.Context) (exit.Outcome, error), len(records))
	for i, record := range records {
		switch x := record.(type) {
		case archive.Profile:
			var err error
			if intakes[i], err = r.importProfile(ctx, id, x, files); err != nil {
				return nil, err
			}
		case archive.Settings:
			intakes[i] = func(ctx context.Context) (exit.Outcome, error) { return r.importSettings(ctx, id, x) }
		default:
			return nil, fmt.Errorf("import %s: a record of type %T", t.Class, record)
		}
	}
	return func(ctx context.Context) ([]exit.Outcome, error) {
		out := make([]exit.Outcome, len(records))
		for i, in := range intakes {
			var err error
			if out[i], err = in(ctx); err != nil {
				return nil, err
			}
		}
		return out, nil
	}, nil
}

func outcome(changed bool) exit.Outcome {
	if changed {
		return exit.Outcome{Result: "taken"}
	}
	return exit.Outcome{Result: "duplicate"}
}

// importProfile puts the pictures that the profile lacks, and gives what fills it.
func (r *Room) importProfile(ctx context.Context, id who.ID, x archive.Profile, files exit.Files) (func(context.Context) (exit.Outcome, error), error) {
	had, err := r.store.profile(ctx, id)
	if err != nil {
		return nil, err
	}
	pictures, missing, err := r.importPictures(ctx, id, had, x, files)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (out exit.Outcome, err error) {
		err = r.write(ctx, who.Viewer{Account: id}, func(ctx context.Context, pass service.Pass) error {
			had, err := r.store.profile(ctx, id)
			if err != nil {
				return err
			}
			fresh, changed := fill(had, x)
			if changed {
				if err := r.store.setProfile(ctx, pass, id, fresh); err != nil {
					return err
				}
				if err := r.index(ctx, pass, id); err != nil {
					return err
				}
			}
			for which, b := range pictures {
				if err := r.keepPicture(ctx, pass, id, which, b); err != nil {
					return err
				}
			}
			out = outcome(changed || len(pictures) > 0)
			out.Missing = missing
			return nil
		})
		return out, err
	}, nil
}

// fill gives a profile with what it lacks and a record has. What cannot stand in a profile here
// is cut, or left out.
func fill(p Profile, x archive.Profile) (Profile, bool) {
	changed := false
	take := func(own *string, theirs string, most int) {
		if theirs = cut(theirs, most); *own == "" && theirs != "" {
			*own, changed = theirs, true
		}
	}
	take(&p.Display, cleanLine(x.DisplayName), longestDisplay)
	take(&p.Bio, cleanLines(x.Bio), longestBio)
	if len(p.Links) > 0 {
		return p, changed
	}
	for _, l := range x.Links {
		address, ok := webAddress(l.URL)
		if !ok || len(p.Links) == mostLinks {
			continue
		}
		label := cut(cleanLine(l.Label), longestLabel)
		if label == "" {
			label = cut(address.Host, longestLabel)
		}
		p.Links = append(p.Links, ProfileLink{label, address.String()})
		changed = true
	}
	return p, changed
}

// cut gives the first characters of a text.
func cut(s string, most int) string {
	n := 0
	for i := range s {
		if n == most {
			return s[:i]
		}
		n++
	}
	return s
}

// importPictures puts the pictures that a profile lacks and an archive has. One that the archive
// names and does not hold, or that is no image, or for which there is no room left, is missing; the import goes on without it.
func (r *Room) importPictures(ctx context.Context, id who.ID, had Profile, x archive.Profile, files exit.Files) (put map[Which]blob.Blob, missing int, err error) {
	put = map[Which]blob.Blob{}
	for _, p := range []struct {
		which      Which
		own, entry string
	}{{Avatar, had.Avatar, x.Avatar}, {Cover, had.Cover, x.Cover}} {
		if p.own != "" || p.entry == "" {
			continue
		}
		if files == nil {
			missing++
			continue
		}
		b, err := r.importPicture(ctx, id, p.which, p.entry, files)
		if kind := exit.KindOf(err); kind == exit.NotFound || kind == exit.Invalid || kind == exit.Conflict {
			missing++
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		put[p.which] = b
	}
	return put, missing, nil
}

func (r *Room) importPicture(ctx context.Context, id who.ID, which Which, entry string, files exit.Files) (b blob.Blob, err error) {
	f, size, err := files.File(ctx, entry)
	if err != nil {
		return b, &exit.Error{Kind: exit.NotFound, Key: "account.error.picture", Err: err}
	}
	if size > mostPicture {
		err = exit.Fail(exit.Invalid, "account.error.picture")
	} else {
		b, err = r.putPicture(ctx, id, which, f, true)
	}
	if e := f.Close(); err == nil && e != nil {
		err = fmt.Errorf("read picture: %w", e)
	}
	return b, err
}

func (r *Room) importSettings(ctx context.Context, id who.ID, x archive.Settings) (out exit.Outcome, err error) {
	err = r.write(ctx, who.Viewer{Account: id}, func(ctx context.Context, pass service.Pass) error {
		had, err := r.store.settings(ctx, id)
		if err != nil {
			return err
		}
		fresh := had
		if l, ok := ui.ParseLang(x.Locale); ok && had.Language == "" {
			fresh.Language = l
		}
		if had.Theme == "" {
			fresh.Theme = ui.ParseTheme(x.Theme)
		}
		if _, ok := zone(x.Zone); ok && had.Zone == "" {
			fresh.Zone = x.Zone
		}
		// One setting here says it for all three lists: only where the archive does, too.
		if by := relation.SeenBy(x.SeeLikes); had.SeenBy == relation.ByMe && x.SeeFollowing == x.SeeLikes && x.SeeFollowers == x.SeeLikes && (Settings{SeenBy: by}).check() == nil {
			fresh.SeenBy = by
		}
		fresh.Unfound = had.Unfound || x.More[foundKey] == foundNo
		for ranking, word := range rankingWords {
			if had.Ranking == 0 && x.More[rankingKey] == word {
				fresh.Ranking = ranking
			}
		}
		watched, err := r.importWatching(ctx, pass, id, x)
		if err != nil {
			return err
		}
		out = outcome(fresh != had || watched)
		if fresh == had {
			return nil
		}
		return r.store.setSettings(ctx, pass, id, fresh)
	})
	return out, err
}

// importWatching takes over how videos are watched, where the account has not chosen, and reports whether that changed anything. An account that was
// not to be remembered is not remembered here.
func (r *Room) importWatching(ctx context.Context, pass service.Pass, id who.ID, x archive.Settings) (bool, error) {
	had, err := r.store.watching(ctx, id)
	if err != nil {
		return false, err
	}
	fresh := had
	fresh.forgets = had.forgets || x.More[historyKey] == historyOff
	for order, word := range videoWords {
		if had.order == 0 && x.More[videosKey] == word {
			fresh.order = order
		}
	}
	if fresh == had {
		return false, nil
	}
	return true, r.store.setWatching(ctx, pass, id, fresh)
}
