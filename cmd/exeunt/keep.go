package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"exeunt/archive"
	"exeunt/exit/exitsql"
	"exeunt/internal/backup"
	"exeunt/internal/residue"
	"exeunt/internal/server"
	"exeunt/ledger"
)

type residueCmd struct {
	place
	Account string `help:"Id of an account." placeholder:"ID" xor:"what" required:""`
	Text    string `help:"A text that somebody wrote." name:"text" placeholder:"STRING" xor:"what" required:""`
}

// errResidue makes the exit status tell that something was found.
var errResidue = errors.New("something is left")

func (c *residueCmd) Run(a *app) error {
	return a.with(c.place, func(h *server.House) error {
		r, err := residue.Search(a.ctx, h.DB, h.Blobs, c.Account+c.Text)
		if err != nil {
			return err
		}
		var text strings.Builder
		for _, f := range r.Finds {
			fmt.Fprintf(&text, "%8d  %s\n", f.Count, f.Where)
		}
		err = a.print(map[string]any{"found": r.Total(), "finds": r.Finds, "columns": r.Columns, "blobs": r.Blobs},
			"%s%d found in %d columns and %d blobs\n", text.String(), r.Total(), r.Columns, r.Blobs)
		if err == nil && r.Total() > 0 {
			err = errResidue
		}
		return err
	})
}

type backupCmd struct {
	place
	Out string `required:"" help:"Folder to write; it must be empty." type:"path" placeholder:"DIR"`
}

func (c *backupCmd) Run(a *app) error {
	return a.with(c.place, func(h *server.House) error {
		now, err := h.DB.Now(a.ctx)
		if err != nil {
			return err
		}
		m, err := backup.Save(a.ctx, h.DB, h.Blobs, c.Out, now)
		if err != nil {
			return err
		}
		return a.print(map[string]any{"out": c.Out, "files": len(m.Files), "media": m.Media, "bytes": m.Bytes}, "%s: %d files, %d of them media, %d bytes\n", c.Out, len(m.Files), m.Media, m.Bytes)
	})
}

type restoreCmd struct {
	place
	From  string `required:"" help:"Folder of a backup." type:"existingdir" placeholder:"DIR"`
	Media string `help:"Folder or s3://… for media; without it, what the install remembers." placeholder:"URL"`
}

func (c *restoreCmd) Run(a *app) error {
	m, err := backup.Check(c.From)
	if err != nil {
		return err
	}
	sqlite := exitsql.SQLite.String()
	if (m.Database == sqlite) != (c.Database == "") {
		return fmt.Errorf("the backup is of %s: give --%s", m.Database, map[bool]string{true: "data", false: "database"}[m.Database == sqlite])
	}
	if m.Database == sqlite {
		if err := backup.PlaceSQLite(c.From, filepath.Join(c.Data, "exeunt.sqlite")); err != nil {
			return err
		}
	} else if err := c.fill(a, m); err != nil {
		return err
	}
	o := a.options(c.place)
	o.Media = c.Media
	h, err := server.Open(a.ctx, o)
	if err != nil {
		return err
	}
	return errors.Join(c.finish(a, h, m), h.Close())
}

// fill restores PostgreSQL in an opening of its own: what the house reads when it opens is in the backup.
func (c *restoreCmd) fill(a *app, m backup.Manifest) error {
	return a.with(c.place, func(h *server.House) error { return backup.RestorePostgres(a.ctx, h.DB, c.From, m) })
}

func (c *restoreCmd) finish(a *app, h *server.House, m backup.Manifest) error {
	if err := backup.RestoreMedia(a.ctx, h.Blobs, c.From, m); err != nil {
		return err
	}
	done, err := h.Leave.Replay(a.ctx)
	if err != nil {
		return fmt.Errorf("replay the list outside the database: %w", err)
	}
	return a.print(map[string]any{"media": m.Media, "erasures": done.Erasures, "items": done.Items, "closings": done.Closings, "undone": done.Undone, "sunsets": done.Sunsets, "certificates": done.Certificates},
		"restored %d media files; replayed %d erasures (%d items), %d closings, %d calendars of sunsets, %d returns and withdrawals; brought %d certificates back\n",
		m.Media, done.Erasures, done.Items, done.Closings, done.Sunsets, done.Undone, done.Certificates)
}

func archiveLines(r archive.Report) string {
	var b strings.Builder
	if r.Manifest != nil {
		for _, c := range r.Manifest.Classes {
			fmt.Fprintf(&b, "  %-24s %d\n", c.Class, c.Count)
		}
		if r.Manifest.MissingCount > 0 {
			fmt.Fprintf(&b, "  %d files were missing when it was made; the manifest names each with its reason\n", r.Manifest.MissingCount)
		}
	}
	return b.String()
}

// findings are the sentences about steps that were not done as they should have been.
var findings = map[ledger.FindingCode]string{
	ledger.BeforeCoolingOff: "was done before cooling-off had ended",
	ledger.Early:            "was done before its day",
	ledger.Late:             "was done later than promised",
	ledger.AfterIssue:       "is dated after the certificate itself",
	ledger.MovedEarlier:     "came earlier than it was published at first",
	ledger.BeforeErasure:    "was done before the calendar said that all is erased",
}

func certificateLines(r ledger.Report) string {
	c := r.Certificate
	var b strings.Builder
	fmt.Fprintf(&b, "certificate: signature, tree head and %d receipts hold\n", len(c.Receipts))
	if r.KeyVerified {
		fmt.Fprintf(&b, "signed by %s\n", r.Key)
	} else {
		fmt.Fprintf(&b, "signed by %s\n  the key itself is not verified: give --key with the key that the operator publishes\n", r.Key)
	}
	if c.Trial {
		b.WriteString("made on a trial install, whose clock can be moved: it proves nothing about real time\n")
	}
	fmt.Fprintf(&b, "%s, agreed %s, sealed %s\n", c.Journey, c.Agreed, c.Sealed.Format("2006-01-02"))
	b.WriteString(sunsetLines(c))
	for _, e := range c.Receipts {
		fmt.Fprintf(&b, "  %s  %-24s %8d items %12d bytes\n", e.Receipt.Done.Format("2006-01-02"), e.Receipt.Holder+"."+e.Receipt.Class, e.Receipt.Items, e.Receipt.Bytes)
	}
	for _, k := range r.Kept {
		fmt.Fprintf(&b, "  kept until %s: %s %s (%s)\n", k.Until, k.Class, k.Reason, k.Law)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(&b, "  %s %s\n", f.Step, findings[f.Code])
	}
	fmt.Fprintf(&b, "gone from write-ahead logs by %s, from backups by %s\n", c.AgedOut.WAL, c.AgedOut.Backups)
	return b.String()
}

// sunsetLines say what was published of an ending and what came of it; "" where nothing has ended. Instants are those of the calendar's zone.
func sunsetLines(c ledger.Certificate) string {
	s := c.Sunset
	if s == nil {
		return ""
	}
	zone, err := time.LoadLocation(c.Zone)
	if err != nil {
		zone = time.UTC
	}
	at := func(t time.Time) string { return t.In(zone).Format("2006-01-02 15:04:05") }
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s has ended, by a calendar in %s published in %d versions\n", s.Notice, s.Ends, zone, len(s.Versions))
	for _, v := range s.Versions {
		fmt.Fprintf(&b, "  version %d  %s  %s  %s\n", v.Version, at(v.Published), v.File, v.Reason)
	}
	fmt.Fprintf(&b, "  %-12s %-20s %-20s %s\n", "phase", "first published", "last published", "began")
	for _, p := range s.Phases {
		fmt.Fprintf(&b, "  %-12s %-20s %-20s %s\n", p.Word, at(p.First), at(p.Last), at(p.Real))
	}
	if s.Override != "" {
		fmt.Fprintf(&b, "  published against a rule or a forecast, for this reason: %s\n", s.Override)
	}
	a := s.Archives
	fmt.Fprintf(&b, "  archives made without being asked for: %d (%d bytes), %d fetched, %d not", a.Made, a.Bytes, a.Fetched, a.Unfetched)
	if a.Skipped > 0 {
		fmt.Fprintf(&b, ", %d given up", a.Skipped)
	}
	if a.KeptUntil != "" {
		fmt.Fprintf(&b, "; kept until %s", a.KeptUntil)
	}
	b.WriteByte('\n')
	return b.String()
}
