package leave

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"exeunt/exit"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/s3blob" // --outside s3://…
	"gocloud.dev/gcerrors"
)

// Entry is one entry of the list that is kept outside the database: what a restored backup
// would forget. It names an account by its random id and nothing else.
type Entry struct {
	Kind    string       `json:"kind"` // "erased", "closing", "undone"
	Run     string       `json:"run"`
	Subject string       `json:"subject"`
	Class   string       `json:"class,omitempty"`
	Manner  exit.Manner  `json:"manner,omitempty"`
	Name    string       `json:"name,omitempty"`  // the keyed hash of the account's name, while it is held
	Until   int64        `json:"until,omitempty"` // until when, Unix milliseconds
	Journey exit.Journey `json:"journey,omitempty"`
	Ask     *exit.Ask    `json:"ask,omitempty"`
	At      time.Time    `json:"at"`
	Receipt string       `json:"receipt,omitempty"` // in its canonical form
	Salt    string       `json:"salt,omitempty"`    // base64, of the run: with the receipt it makes the leaf
	Leaf    string       `json:"leaf,omitempty"`    // base64, of the receipt in the log
	Index   int64        `json:"index,omitempty"`   // of the leaf
	Head    string       `json:"head,omitempty"`    // the newest signed head when it was written
}

// The folders of the list. Entries of erasures are named by their leaf, so a list can be read from any leaf on.
const (
	erasedFolder  = "erased/"
	journeyFolder = "journeys/"
)

// Outside is the list outside the database: a folder, or a bucket of its own. It is in no backup
// and a restore never writes over it.
type Outside struct{ bucket *blob.Bucket }

// OpenOutside opens the list: "s3://…", or the path of a folder, which is made if it is missing.
func OpenOutside(ctx context.Context, address string) (*Outside, error) {
	if strings.Contains(address, "://") && !strings.HasPrefix(address, "file://") {
		b, err := blob.OpenBucket(ctx, address)
		if err != nil {
			return nil, fmt.Errorf("open the list outside: %w", err)
		}
		return &Outside{b}, nil
	}
	path, err := filepath.Abs(strings.TrimPrefix(address, "file://"))
	if err != nil {
		return nil, fmt.Errorf("open the list outside: %w", err)
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("open the list outside: %w", err)
	}
	b, err := fileblob.OpenBucket(path, &fileblob.Options{NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	if err != nil {
		return nil, fmt.Errorf("open the list outside: %w", err)
	}
	return &Outside{b}, nil
}

// Close closes the list.
func (o *Outside) Close() error { return o.bucket.Close() }

// Write adds an entry under its name. Writing it again changes nothing.
func (o *Outside) Write(ctx context.Context, name string, body []byte) error {
	if err := o.bucket.WriteAll(ctx, name, body, &blob.WriterOptions{ContentType: "application/json"}); err != nil {
		return fmt.Errorf("write to the list outside: %w", err)
	}
	return nil
}

// Remove takes an entry away: a journey's, when what it says has become true for good.
func (o *Outside) Remove(ctx context.Context, name string) error {
	if err := o.bucket.Delete(ctx, name); err != nil && gcerrors.Code(err) != gcerrors.NotFound {
		return fmt.Errorf("remove from the list outside: %w", err)
	}
	return nil
}

// Has reports whether there is an entry of a name.
func (o *Outside) Has(ctx context.Context, name string) (bool, error) {
	ok, err := o.bucket.Exists(ctx, name)
	if err != nil {
		return false, fmt.Errorf("look into the list outside: %w", err)
	}
	return ok, nil
}

func erasedName(index int64) string { return fmt.Sprintf("%s%015d.json", erasedFolder, index) }

func journeyName(run, kind string) string { return journeyFolder + run + "." + kind + ".json" }

// Erased reads the entries of erasures whose leaf is at from or later, in the order of the leaves.
func (o *Outside) Erased(ctx context.Context, from int64, fn func(Entry) error) error {
	return o.each(ctx, erasedFolder, erasedName(from), fn)
}

// Journeys reads the entries of closings, and of what undid them.
func (o *Outside) Journeys(ctx context.Context, fn func(Entry) error) error {
	return o.each(ctx, journeyFolder, "", fn)
}

func (o *Outside) each(ctx context.Context, folder, from string, fn func(Entry) error) error {
	list := o.bucket.List(&blob.ListOptions{Prefix: folder})
	for {
		obj, err := list.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the list outside: %w", err)
		}
		if obj.Key < from || !strings.HasSuffix(obj.Key, ".json") {
			continue
		}
		body, err := o.bucket.ReadAll(ctx, obj.Key)
		if gcerrors.Code(err) == gcerrors.NotFound {
			continue
		}
		if err != nil {
			return fmt.Errorf("read the list outside: %w", err)
		}
		var e Entry
		if err := json.Unmarshal(body, &e); err != nil {
			return fmt.Errorf("read entry %s of the list outside: %w", obj.Key, err)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}
