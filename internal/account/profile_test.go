package account_test

import (
	"bytes"
	"context"
	"errors"
	"image"
	"image/color"
	"image/png"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"exeunt/archive"
	"exeunt/exit"
	"exeunt/internal/account"
	"exeunt/internal/db"
	"exeunt/internal/dbtest"
	"exeunt/internal/relation"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// drawn gives a small picture as a PNG file.
func drawn(t *testing.T, c color.Color) []byte {
	t.Helper()
	m := image.NewRGBA(image.Rect(0, 0, 8, 8))
	for i := range 64 {
		m.Set(i%8, i/8, c)
	}
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestProfileIsChecked(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.signUp(t, "lin")
		_, s := h.signIn(t, "lin")
		link := func(label, url string) account.Profile {
			return account.Profile{Links: []account.ProfileLink{{Label: label, URL: url}}}
		}
		many := account.Profile{}
		for range 6 {
			many.Links = append(many.Links, account.ProfileLink{URL: "https://example.org/"})
		}
		for key, p := range map[string]account.Profile{
			"account.error.display_long": {Display: strings.Repeat("林", 51)},
			"account.error.bio_long":     {Bio: strings.Repeat("林", 501)},
			"account.error.link_form":    link("x", "javascript:alert(1)"),
			"account.error.link_label":   link(strings.Repeat("x", 41), "https://example.org"),
			"account.error.link_most":    many,
		} {
			wantFail(t, h.SetProfile(t.Context(), s.Viewer, p), exit.Invalid, key)
		}
		for _, url := range []string{"https://user:pass@example.org/", "//example.org", "mailto:a@example.org", "https://", "https://" + strings.Repeat("x", 500)} {
			wantFail(t, h.SetProfile(t.Context(), s.Viewer, link("", url)), exit.Invalid, "account.error.link_form")
		}
		want := account.Profile{Display: "林间 Lin", Bio: "一\n二", Links: []account.ProfileLink{{Label: "example.org", URL: "https://example.org/a"}}}
		err := h.SetProfile(t.Context(), s.Viewer, account.Profile{
			Display: " 林间   Lin ", Bio: "一\r\n二\u200b\n", Links: []account.ProfileLink{{}, {URL: " https://example.org/a "}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.Profile(t.Context(), s.Viewer.Account); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("profile %+v, error %v, want %+v", got, err, want)
		}
	})
}

func TestPictures(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.signUp(t, "lin")
		_, s := h.signIn(t, "lin")
		err := h.SetPicture(t.Context(), s.Viewer, account.Avatar, strings.NewReader("no picture"))
		if exit.KindOf(err) != exit.Invalid {
			t.Errorf("what is no picture: %v", err)
		}
		set := func(from io.Reader) string {
			t.Helper()
			if err := h.SetPicture(t.Context(), s.Viewer, account.Avatar, from); err != nil {
				t.Fatal(err)
			}
			p, err := h.Profile(t.Context(), s.Viewer.Account)
			if err != nil {
				t.Fatal(err)
			}
			return p.Avatar
		}
		first := set(bytes.NewReader(drawn(t, color.Black)))
		second := set(bytes.NewReader(drawn(t, color.White)))
		if first == "" || second == "" || first == second {
			t.Errorf("keys %q and %q", first, second)
		}
		if set(nil) != "" {
			t.Error("the picture is still there")
		}
		if _, err := h.Blobs.Drain(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{first, second} {
			if _, err := h.Blobs.Size(t.Context(), key); exit.KindOf(err) != exit.NotFound {
				t.Errorf("a picture that was given up: %v", err)
			}
		}
		var n int
		if err := d.Reader.QueryRowContext(t.Context(), `select count(*) from blob_pending`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d pending blobs, error %v", n, err)
		}
	})
}

// bag is an archive in memory: a sink and the files of it.
type bag struct {
	records []any
	files   map[string][]byte
	missing []string
}

func (b *bag) Record(v any) error { b.records = append(b.records, v); return nil }

func (b *bag) Media(name string, size int64, _ time.Time, open func() (io.ReadCloser, error)) error {
	r, err := open()
	if err != nil {
		return err
	}
	data, err := io.ReadAll(r)
	if b.files == nil {
		b.files = map[string][]byte{}
	}
	b.files[name] = data
	if int64(len(data)) != size {
		err = errors.Join(err, errors.New("the size is wrong"))
	}
	return errors.Join(err, r.Close())
}

func (b *bag) Missing(name, _ string) { b.missing = append(b.missing, name) }

func (b *bag) Full() bool { return false }

func (b *bag) File(_ context.Context, name string) (io.ReadCloser, int64, error) {
	data, ok := b.files[name]
	if !ok {
		return nil, 0, errors.New("no such file")
	}
	return io.NopCloser(bytes.NewReader(data)), int64(len(data)), nil
}

// pack exports a class of an account.
func (h *house) pack(t *testing.T, id who.ID, class string) *bag {
	t.Helper()
	var b bag
	p, err := h.Export(t.Context(), exit.Task{Subject: exit.Account(id.String()), Class: class}, &b)
	if err != nil || !p.Done || p.Items != 1 {
		t.Fatalf("export %s: %+v, %v", class, p, err)
	}
	return &b
}

// unpack imports what a bag holds and gives its one outcome.
func (h *house) unpack(t *testing.T, id who.ID, class string, b *bag) exit.Outcome {
	t.Helper()
	intake, err := h.Import(t.Context(), exit.Task{Subject: exit.Account(id.String()), Class: class}, b.records, b)
	if err != nil {
		t.Fatalf("import %s: %v", class, err)
	}
	var out []exit.Outcome
	err = h.d.Update(t.Context(), func(ctx context.Context) error {
		out, err = intake(ctx)
		return err
	})
	if err != nil || len(out) != 1 {
		t.Fatalf("import %s: %+v, %v", class, out, err)
	}
	return out[0]
}

func TestTakeAlongAndBringBack(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.signUp(t, "lin")
		_, s := h.signIn(t, "lin")
		id := s.Viewer.Account
		want := account.Profile{Display: "林间", Bio: "步道\n鸟", Links: []account.ProfileLink{{Label: "网站", URL: "https://lin.example/"}}}
		settings := account.Settings{Language: ui.English, Zone: "Asia/Tokyo", Theme: ui.ThemeDark, SeenBy: relation.ByFollowers}
		picture := drawn(t, color.Black)
		err := errors.Join(
			h.SetProfile(t.Context(), s.Viewer, want), h.SetSettings(t.Context(), s.Viewer, settings),
			h.SetPicture(t.Context(), s.Viewer, account.Avatar, bytes.NewReader(picture)),
			h.SetPicture(t.Context(), s.Viewer, account.Cover, bytes.NewReader(picture)),
		)
		if err != nil {
			t.Fatal(err)
		}
		profile, chosen := h.pack(t, id, "profile"), h.pack(t, id, "settings")
		record, _ := profile.records[0].(archive.Profile)
		if record.Name != "lin" || record.Avatar != "avatar.png" || record.Cover != "header.png" || len(profile.files) != 2 {
			t.Errorf("record %+v with %d files", record, len(profile.files))
		}
		c := h.signUp(t, "again")
		for class, b := range map[string]*bag{"profile": profile, "settings": chosen} {
			if out := h.unpack(t, c.Account, class, b); out != (exit.Outcome{Result: "taken"}) {
				t.Errorf("%s the first time: %+v", class, out)
			}
			if out := h.unpack(t, c.Account, class, b); out != (exit.Outcome{Result: "duplicate"}) {
				t.Errorf("%s again: %+v", class, out)
			}
		}
		got, err := h.Profile(t.Context(), c.Account)
		if err != nil {
			t.Fatal(err)
		}
		for name, key := range map[string]string{"avatar.png": got.Avatar, "header.png": got.Cover} {
			r, err := h.Blobs.NewReader(t.Context(), key, 0, -1)
			if err != nil {
				t.Fatal(err)
			}
			data, err := io.ReadAll(r)
			if err := errors.Join(err, r.Close()); err != nil || !bytes.Equal(data, profile.files[name]) {
				t.Errorf("%s came back with other bytes, error %v", name, err)
			}
		}
		got.Avatar, got.Cover = "", ""
		if !reflect.DeepEqual(got, want) {
			t.Errorf("profile %+v, want %+v", got, want)
		}
		if got, err := h.SettingsOf(t.Context(), c.Account); err != nil || got != settings {
			t.Errorf("settings %+v, error %v, want %+v", got, err, settings)
		}
	})
}

func TestImportKeepsWhatIsThere(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.signUp(t, "lin")
		_, s := h.signIn(t, "lin")
		if err := h.SetProfile(t.Context(), s.Viewer, account.Profile{Display: "mine"}); err != nil {
			t.Fatal(err)
		}
		b := &bag{files: map[string][]byte{"avatar.png": []byte("no picture")}, records: []any{archive.Profile{
			Name: "elsewhere", DisplayName: "theirs", Bio: strings.Repeat("长", 600), Avatar: "avatar.png", Cover: "header.png",
			Links: []archive.ProfileLink{{Label: "bad", URL: "javascript:1"}, {Label: strings.Repeat("长", 60), URL: "https://example.org/"}},
		}}}
		if out := h.unpack(t, s.Viewer.Account, "profile", b); out != (exit.Outcome{Result: "taken", Missing: 2}) {
			t.Errorf("outcome %+v", out)
		}
		got, err := h.Profile(t.Context(), s.Viewer.Account)
		want := account.Profile{Display: "mine", Bio: strings.Repeat("长", 500), Links: []account.ProfileLink{{Label: strings.Repeat("长", 40), URL: "https://example.org/"}}}
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("profile %+v, error %v, want %+v", got, err, want)
		}
		settings := &bag{records: []any{archive.Settings{Locale: "xx", Theme: "neon", Zone: "Nowhere/Land", SeeFollowing: "everyone", SeeFollowers: "only-me", SeeLikes: "everyone"}}}
		if out := h.unpack(t, s.Viewer.Account, "settings", settings); out.Result != "duplicate" {
			t.Errorf("settings that say nothing: %+v", out)
		}
	})
}

// TestWatchingTravels takes along how videos are ordered and that nothing is remembered; what the account has chosen here stays.
func TestWatchingTravels(t *testing.T) {
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		from, fresh, chosen := h.signUp(t, "lin").Account, h.signUp(t, "new").Account, h.signUp(t, "old").Account
		set := func(id who.ID, order, history int64) {
			t.Helper()
			if err := d.Update(t.Context(), func(ctx context.Context) error {
				_, err := d.Exec(ctx, `insert into settings (account_id, language, zone, theme, lists_seen_by, video_order, history) values ($1, '', '', '', 'only-me', $2, $3)
					on conflict (account_id) do update set video_order = excluded.video_order, history = excluded.history`, int64(id), order, history)
				return err
			}); err != nil {
				t.Fatal(err)
			}
		}
		wants := func(id who.ID, order, history int64) {
			t.Helper()
			var o, y int64
			if err := d.Reader.QueryRowContext(t.Context(), `select video_order, history from settings where account_id = $1`, int64(id)).Scan(&o, &y); err != nil || o != order || y != history {
				t.Errorf("order %d, history %d, %v; want %d and %d", o, y, err, order, history)
			}
		}
		set(from, 2, 0)
		set(chosen, 1, 1)
		b := h.pack(t, from, "settings")
		if record, _ := b.records[0].(archive.Settings); record.More["videos"] != "latest" || record.More["history"] != "off" {
			t.Errorf("the archive says %v", record.More)
		}
		for _, id := range []who.ID{fresh, chosen} {
			if out := h.unpack(t, id, "settings", b); out.Result != "taken" {
				t.Errorf("the first time: %+v", out)
			}
			if out := h.unpack(t, id, "settings", b); out.Result != "duplicate" {
				t.Errorf("again: %+v", out)
			}
		}
		wants(fresh, 2, 0)
		wants(chosen, 1, 0) // nothing of it is remembered wherever it said so
		set(from, 0, 1)
		if record, _ := h.pack(t, from, "settings").records[0].(archive.Settings); len(record.More) != 0 {
			t.Errorf("who never chose takes along %v", record.More)
		}
	})
}
