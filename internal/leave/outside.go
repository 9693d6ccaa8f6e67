package leave

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
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
	Kind    string       `json:"kind"` // "erased", "closing", "undone", "slip", "certificate", "sunset", "phase-WORD"
	Run     string       `json:"run"`
	Subject string       `json:"subject,omitempty"`
	Class   string       `json:"class,omitempty"`
	Manner  exit.Manner  `json:"manner,omitempty"`
	Choice  string       `json:"choice,omitempty"` // what narrows the class: "run" for a run's own archives
	Name    string       `json:"name,omitempty"`   // the keyed hash of the account's name, while it is held
	Until   int64        `json:"until,omitempty"`  // until when, Unix milliseconds
	Journey exit.Journey `json:"journey,omitempty"`
	Ask     *exit.Ask    `json:"ask,omitempty"`
	At      time.Time    `json:"at"`
	Receipt string       `json:"receipt,omitempty"` // in its canonical form
	Salt    string       `json:"salt,omitempty"`    // base64, of the run: with the receipt it makes the leaf
	Leaf    string       `json:"leaf,omitempty"`    // base64, of the receipt in the log
	Index   int64        `json:"index,omitempty"`   // of the leaf
	Head    string       `json:"head,omitempty"`    // the newest signed head when it was written
	Policy  string       `json:"policy,omitempty"`  // hash of the policy under which it was agreed; its source is on the list
	Slip    string       `json:"slip,omitempty"`    // hash of a slip's secret
	Why     string       `json:"why,omitempty"`     // why a sunset's calendar took the place of the one before

	Certificate string  `json:"certificate,omitempty"` // the signed file
	Sealed      *sealed `json:"sealed,omitempty"`      // the run that it is about, naming nobody
}

// sealed is a run that has ended, as the list keeps it.
type sealed struct {
	Run   exit.Run          `json:"run"`
	Steps []exit.StepStatus `json:"steps"`
}

// The folders of the list. Entries of erasures are named by their leaf, so a list can be read from any leaf on.
const (
	erasedFolder  = "erased/"
	journeyFolder = "journeys/"
	policyFolder  = "policies/"
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

// ForgetHeir takes the heir out of a closing's entry: once the closing is sealed nobody needs to know.
func (o *Outside) ForgetHeir(ctx context.Context, run string) error {
	name := journeyName(run, "closing")
	there, err := o.Has(ctx, name)
	if err != nil || !there {
		return err
	}
	e, err := o.Journey(ctx, run, "closing")
	if err != nil {
		return err
	}
	if e.Ask == nil || e.Ask.Heir == "" {
		return nil
	}
	e.Ask.Heir = ""
	body, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("write entry: %w", err)
	}
	return o.Write(ctx, name, body)
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

func policyName(hash string) string { return policyFolder + hash + ".yaml" }

func journeyName(run, kind string) string { return journeyFolder + run + "." + kind + ".json" }

// Erased reads the entries of erasures whose leaf is at from or later, in the order of the leaves.
func (o *Outside) Erased(ctx context.Context, from int64, fn func(Entry) error) error {
	return o.each(ctx, erasedFolder, erasedName(from), fn)
}

// Journeys gives the runs on the list with the kinds of their entries, in the order of their ids. It reads no entry.
func (o *Outside) Journeys(ctx context.Context, fn func(run string, kinds []string) error) error {
	list := o.bucket.List(&blob.ListOptions{Prefix: journeyFolder})
	run, kinds := "", []string(nil)
	for {
		obj, err := list.Next(ctx)
		ended := errors.Is(err, io.EOF)
		if err != nil && !ended {
			return fmt.Errorf("read the list outside: %w", err)
		}
		id, kind := "", ""
		if !ended {
			name, ok := strings.CutSuffix(strings.TrimPrefix(obj.Key, journeyFolder), ".json")
			if id, kind, _ = strings.Cut(name, "."); !ok || !runForm.MatchString(id) {
				continue
			}
		}
		if id != run && run != "" {
			if err := fn(run, kinds); err != nil {
				return err
			}
			kinds = nil
		}
		if ended {
			return nil
		}
		run, kinds = id, append(kinds, kind)
	}
}

// runForm is the form of the engine's run ids.
var runForm = regexp.MustCompile(`^[a-z2-7]{26}$`)

// Journey reads one entry of a run; NotFound if there is none.
func (o *Outside) Journey(ctx context.Context, run, kind string) (Entry, error) {
	var e Entry
	body, err := o.bucket.ReadAll(ctx, journeyName(run, kind))
	if gcerrors.Code(err) == gcerrors.NotFound {
		return e, exit.Fail(exit.NotFound, "error.not_found")
	}
	if err != nil {
		return e, fmt.Errorf("read the list outside: %w", err)
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return e, fmt.Errorf("read entry %s of the list outside: %w", journeyName(run, kind), err)
	}
	return e, nil
}

// Policy reads the source of a policy; nil if it is not on the list.
func (o *Outside) Policy(ctx context.Context, hash string) ([]byte, error) {
	body, err := o.bucket.ReadAll(ctx, policyName(hash))
	if gcerrors.Code(err) == gcerrors.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read policy of the list outside: %w", err)
	}
	return body, nil
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
