package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"exeunt/internal/clock"
	"exeunt/internal/db"
	"exeunt/internal/failpoint"
	"exeunt/internal/who"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	_ "gocloud.dev/blob/s3blob" // addresses that begin with s3:
)

// Object is a file as the folder or the bucket lists it.
type Object struct {
	Key      string
	Size     int64 // bytes
	Modified time.Time
}

// Open opens a store: a folder, by its path or as "file:///path" (made if it is not there), or a bucket, "s3://BUCKET?region=…".
// What gocloud.dev's s3blob takes in an address can stand there; "prefix=NAME/" shares a bucket. Credentials come from the
// environment, never from the address.
func Open(ctx context.Context, address string, d *db.DB, c clock.Clock, services ...string) (*Store, error) {
	s := &Store{DB: d, Clock: c, Services: services, doomed: make(chan who.ID, 64)}
	var err error
	if strings.HasPrefix(address, "s3://") {
		err = s.openS3(ctx, address)
	} else {
		err = s.openFolder(address)
	}
	if err != nil {
		return nil, fmt.Errorf("open media: %w", err)
	}
	return s, nil
}

func (s *Store) openS3(ctx context.Context, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return errors.New("the address cannot be read") // the parser would repeat it
	}
	q := u.Query()
	s.prefix = q.Get("prefix")
	if s.prefix != "" && !strings.HasSuffix(s.prefix, "/") {
		s.prefix += "/"
	}
	q.Del("prefix")
	u.RawQuery = q.Encode()
	s.bucket, err = blob.OpenBucket(ctx, u.String())
	return err
}

func (s *Store) openFolder(address string) (err error) {
	if strings.HasPrefix(address, "file://") {
		u, err := url.Parse(address)
		if err != nil || u.Host != "" && u.Host != "localhost" {
			return errors.New("the address of the folder cannot be read: write file:///path or the path itself")
		}
		address = u.Path
	}
	if s.root, err = filepath.Abs(address); err != nil {
		return err
	}
	if err := os.MkdirAll(s.root, 0o700); err != nil {
		return err
	}
	s.bucket, err = fileblob.OpenBucket(s.root, &fileblob.Options{DirFileMode: 0o700, NoTempDir: true, Metadata: fileblob.MetadataDontWrite})
	return err
}

// sync makes sure that a file outlives a power failure before the database refers to it.
func (s *Store) sync(key string) error {
	if s.root == "" {
		return nil
	}
	name := filepath.Join(s.root, filepath.FromSlash(key))
	for _, name := range []string{name, filepath.Dir(name)} {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("sync: %w", err)
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return fmt.Errorf("sync: %w", err)
		}
	}
	return nil
}

// remove deletes an object, and in a folder the empty folders that it leaves: their names are ids of accounts.
// A missing one counts as deleted.
func (s *Store) remove(ctx context.Context, key string) error {
	if err := s.bucket.Delete(ctx, s.prefix+key); err != nil && !missing(err) {
		return fmt.Errorf("delete blob: %w", err)
	}
	failpoint.Hit()
	if s.root == "" {
		return nil
	}
	// A folder that is not empty refuses; so does one that another has removed. Both are as they should be.
	for dir := path.Dir(key); dir != "." && os.Remove(filepath.Join(s.root, filepath.FromSlash(dir))) == nil; {
		dir = path.Dir(dir)
	}
	return nil
}

// All lists the blobs of all accounts in the order of their keys, those after a key, at most limit; none means that there
// are no more. What is still being written is passed over.
func (s *Store) All(ctx context.Context, after string, limit int) ([]Object, error) {
	for {
		found, err := s.List(ctx, "", after, limit)
		if err != nil || len(found) == 0 {
			return nil, err
		}
		after = found[len(found)-1].Key
		whole := slices.DeleteFunc(found, func(o Object) bool { _, ok := ParseKey(o.Key); return !ok })
		if len(whole) > 0 {
			return whole, nil
		}
	}
}

// clearUnfinished removes what a process that died while it put a blob left beside the key in a folder. A bucket drops what
// was not wholly sent.
func (s *Store) clearUnfinished(key string) error {
	if s.root == "" {
		return nil
	}
	name := filepath.Join(s.root, filepath.FromSlash(key))
	entries, err := os.ReadDir(filepath.Dir(name))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look for unfinished blobs: %w", err)
	}
	for _, e := range entries {
		// As fileblob names them: the key, a number and ".tmp".
		if !strings.HasPrefix(e.Name(), filepath.Base(name)+".") || filepath.Ext(e.Name()) != ".tmp" {
			continue
		}
		if err := os.Remove(filepath.Join(filepath.Dir(name), e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove unfinished blob: %w", err)
		}
	}
	return nil
}

// Prefix gives the prefix of all of an account's keys.
func Prefix(account who.ID) string { return account.String() + "/" }

// List lists the objects whose keys begin with a prefix, in the order of their keys, those after a key, at most limit.
// It tells what is there, not what the database knows.
func (s *Store) List(ctx context.Context, prefix, after string, limit int) ([]Object, error) {
	var out []Object
	var err error
	if s.root != "" {
		out, err = s.listFolder(ctx, prefix, after, limit)
	} else {
		out, err = s.listS3(ctx, prefix, after, limit)
	}
	if err != nil {
		return nil, fmt.Errorf("list blobs: %w", err)
	}
	failpoint.Hit()
	return out, nil
}

func (s *Store) listS3(ctx context.Context, prefix, after string, limit int) ([]Object, error) {
	page, _, err := s.bucket.ListPage(ctx, blob.FirstPageToken, limit, &blob.ListOptions{
		Prefix: s.prefix + prefix,
		BeforeList: func(as func(any) bool) error {
			var in *s3.ListObjectsV2Input
			if !as(&in) {
				return errors.New("the bucket's client is of an unknown kind")
			}
			// The token of a page goes before StartAfter where a page takes several requests.
			if start := s.prefix + after; after != "" && in.ContinuationToken == nil {
				in.StartAfter = &start
			}
			return nil
		},
	})
	if errors.Is(err, io.EOF) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	out := make([]Object, len(page))
	for i, o := range page {
		out[i] = Object{Key: strings.TrimPrefix(o.Key, s.prefix), Size: o.Size, Modified: o.ModTime}
	}
	return out, nil
}

// errEnough ends a walk.
var errEnough = errors.New("enough")

// listFolder walks the tree. Keys hold nothing that sorts before "/" but the dot of a file's name, so the order of the walk
// is the order of the keys, and a folder wholly before the key after which the list begins is not entered.
func (s *Store) listFolder(ctx context.Context, prefix, after string, limit int) (out []Object, err error) {
	start := s.root
	if dir, _ := path.Split(prefix); dir != "" {
		start = filepath.Join(s.root, filepath.FromSlash(dir))
	}
	err = filepath.WalkDir(start, func(name string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // somebody removed it meanwhile
		}
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(s.root, name)
		if err != nil {
			return err
		}
		key := filepath.ToSlash(rel)
		if e.IsDir() {
			if dir := key + "/"; key != "." && dir < after && !strings.HasPrefix(after, dir) {
				return fs.SkipDir
			}
			return nil
		}
		if key <= after || !strings.HasPrefix(key, prefix) {
			return nil
		}
		if len(out) == limit {
			return errEnough
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		out = append(out, Object{Key: key, Size: info.Size(), Modified: info.ModTime().UTC()})
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}
