// Package backup saves an install beside a running server and brings it back: the database as of
// one instant and the media it refers to. The signing key and the list of erasures that is kept
// outside are in no backup.
package backup

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/blob"
	"exeunt/internal/db"
)

// Manifest says what a backup holds. Files maps each file to its SHA-256 in hex; it is written last.
type Manifest struct {
	Format   int               `json:"format"`
	Made     time.Time         `json:"made"`
	Database string            `json:"database"` // "sqlite", "postgresql"
	Tables   []string          `json:"tables,omitempty"`
	Media    int               `json:"media"`
	Bytes    int64             `json:"bytes"`
	Files    map[string]string `json:"files"`
}

const (
	manifestFile = "manifest.json"
	sqliteFile   = "database.sqlite"
	mediaFolder  = "media"
)

// Save writes a backup into a folder that must not exist yet, or be empty. The database is saved
// first and the media after it, so that nothing the database refers to is missing but what was
// erased meanwhile.
func Save(ctx context.Context, d *db.DB, blobs *blob.Store, dir string, now time.Time) (Manifest, error) {
	m := Manifest{Format: 1, Made: now.UTC(), Database: d.Dialect.String(), Files: map[string]string{}}
	if err := emptyFolder(dir); err != nil {
		return m, err
	}
	if d.Dialect == exitsql.SQLite {
		if err := saveSQLite(ctx, d, dir, &m); err != nil {
			return m, fmt.Errorf("save database: %w", err)
		}
	} else if err := savePostgres(ctx, d, dir, &m); err != nil {
		return m, fmt.Errorf("save database: %w", err)
	}
	if err := saveMedia(ctx, blobs, dir, &m); err != nil {
		return m, fmt.Errorf("save media: %w", err)
	}
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return m, fmt.Errorf("write manifest: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, manifestFile), append(b, '\n'), 0o600); err != nil {
		return m, fmt.Errorf("write manifest: %w", err)
	}
	return m, nil
}

func emptyFolder(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	list, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("read folder: %w", err)
	}
	if len(list) > 0 {
		return exit.Fail(exit.Conflict, "error.folder_not_empty")
	}
	return nil
}

func saveSQLite(ctx context.Context, d *db.DB, dir string, m *Manifest) error {
	path := filepath.Join(dir, sqliteFile)
	if err := vacuumInto(ctx, d, path); err != nil {
		return err
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	sum, n, err := hashOf(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	m.Files[sqliteFile], m.Bytes = sum, m.Bytes+n
	return nil
}

// vacuumInto copies the database as of one instant. It does so on a connection for readers, which keeps no writer
// waiting; that one has to be let write for it, though it writes into the copy alone.
func vacuumInto(ctx context.Context, d *db.DB, path string) (err error) {
	conn, err := d.Reader.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	if _, err := conn.ExecContext(ctx, `pragma query_only = 0`); err != nil {
		return err
	}
	_, err = conn.ExecContext(ctx, `vacuum into $1`, path)
	if _, back := conn.ExecContext(context.WithoutCancel(ctx), `pragma query_only = 1`); back != nil {
		// Nobody may read on a connection that could write: this one leaves the pool.
		err = errors.Join(err, back, conn.Raw(func(any) error { return driver.ErrBadConn }))
	}
	return err
}

func hashOf(r io.Reader) (sum string, n int64, err error) {
	h := sha256.New()
	n, err = io.Copy(h, r)
	return hex.EncodeToString(h.Sum(nil)), n, err
}

// saveFile writes one file of the backup from r.
func saveFile(dir, name string, m *Manifest, write func(w io.Writer) error) error {
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	h := sha256.New()
	c := &counter{}
	err = write(io.MultiWriter(f, h, c))
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	m.Files[name] = hex.EncodeToString(h.Sum(nil))
	m.Bytes += c.n
	return nil
}

type counter struct{ n int64 }

func (c *counter) Write(b []byte) (int, error) { c.n += int64(len(b)); return len(b), nil }

func saveMedia(ctx context.Context, blobs *blob.Store, dir string, m *Manifest) error {
	const page = 1000
	for after := ""; ; {
		list, err := blobs.All(ctx, after, page)
		if err != nil {
			return err
		}
		for _, o := range list {
			after = o.Key
			r, err := blobs.NewReader(ctx, o.Key, 0, -1)
			if exit.KindOf(err) == exit.NotFound {
				continue // erased meanwhile
			}
			if err != nil {
				return err
			}
			err = saveFile(dir, mediaFolder+"/"+o.Key, m, func(w io.Writer) error { _, err := io.Copy(w, r); return err })
			if err = errors.Join(err, r.Close()); err != nil {
				return err
			}
			m.Media++
		}
		if len(list) < page {
			return nil
		}
	}
}

// Check reads a backup's manifest and compares each file with its hash.
func Check(dir string) (Manifest, error) {
	var m Manifest
	b, err := os.ReadFile(filepath.Join(dir, manifestFile))
	if err != nil {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	if err := json.Unmarshal(b, &m); err != nil {
		return m, fmt.Errorf("read manifest: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return m, fmt.Errorf("open backup: %w", err)
	}
	defer root.Close() //nolint:errcheck // it was only read
	for name, want := range m.Files {
		f, err := root.Open(filepath.FromSlash(name))
		if err != nil {
			return m, fmt.Errorf("open %s: %w", name, err)
		}
		sum, _, err := hashOf(f)
		if err = errors.Join(err, f.Close()); err != nil {
			return m, fmt.Errorf("read %s: %w", name, err)
		}
		if sum != want {
			return m, exit.Fail(exit.Invalid, "error.backup_damaged", "file", name)
		}
	}
	return m, nil
}

// PlaceSQLite puts a backup's SQLite database where an install expects it: before the database is
// opened. A database that is there already is never written over; nor is one placed beside the log of another,
// which SQLite would write into it. It is there whole or not at all.
func PlaceSQLite(dir, path string) error {
	for _, ending := range []string{"", "-wal", "-journal"} {
		if _, err := os.Stat(path + ending); err == nil {
			return exit.Fail(exit.Conflict, "error.database_there")
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	from, err := os.Open(filepath.Join(dir, sqliteFile))
	if err != nil {
		return fmt.Errorf("open backup: %w", err)
	}
	defer from.Close() //nolint:errcheck // it was only read
	part := path + ".part"
	to, err := os.OpenFile(part, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("place database: %w", err)
	}
	_, err = io.Copy(to, from)
	if err = errors.Join(err, to.Sync(), to.Close()); err != nil {
		return fmt.Errorf("place database: %w", errors.Join(err, os.Remove(part)))
	}
	// A link, not a rename: it never takes the place of a file that has come meanwhile.
	if err := errors.Join(os.Link(part, path), os.Remove(part)); err != nil {
		return fmt.Errorf("place database: %w", err)
	}
	return nil
}

// RestoreMedia brings a backup's media back.
func RestoreMedia(ctx context.Context, blobs *blob.Store, dir string, m Manifest) error {
	for name := range m.Files {
		key, ok := strings.CutPrefix(name, mediaFolder+"/")
		if !ok {
			continue
		}
		f, err := os.Open(filepath.Join(dir, filepath.FromSlash(name)))
		if err != nil {
			return fmt.Errorf("open media: %w", err)
		}
		err = blobs.Restore(ctx, key, blob.TypeOf(key), f)
		if err = errors.Join(err, f.Close()); err != nil {
			return fmt.Errorf("restore media: %w", err)
		}
	}
	return nil
}
