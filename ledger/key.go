package ledger

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// A Key signs tree heads and certificates (Ed25519). It is a [note.Signer] and
// prints as its public half, never as its secret.
type Key struct {
	signer   note.Signer
	verifier note.Verifier
	skey     string
	vkey     string
}

var _ note.Signer = (*Key)(nil)

// NewKey makes a key from the system's randomness. The name says whose it is
// (a host name, for instance); it must have no spaces and no plus sign.
func NewKey(name string) (*Key, error) {
	if err := checkToken("key name", name, true); err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	skey, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, fmt.Errorf("make a signing key: %w", err)
	}
	return ParseKey(skey)
}

// ParseKey reads a private key in the form of [note.GenerateKey]
// ("PRIVATE+KEY+name+hash+key"). Its errors never quote the key.
func ParseKey(skey string) (*Key, error) {
	skey = strings.TrimSpace(skey)
	signer, err := note.NewSigner(skey)
	if err != nil {
		return nil, fmt.Errorf("%w: not a private key in note form", ErrFormat)
	}
	if err := checkToken("key name", signer.Name(), true); err != nil {
		return nil, err
	}
	// note.NewSigner has checked the five parts and the length of the seed.
	parts := strings.SplitN(skey, "+", 5)
	raw, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil {
		return nil, fmt.Errorf("%w: not a private key in note form", ErrFormat)
	}
	public, ok := ed25519.NewKeyFromSeed(raw[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: not an Ed25519 key", ErrFormat)
	}
	vkey, err := note.NewEd25519VerifierKey(signer.Name(), public)
	if err != nil {
		return nil, fmt.Errorf("derive the public key: %w", err)
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return nil, fmt.Errorf("derive the public key: %w", err)
	}
	return &Key{signer: signer, verifier: verifier, skey: skey, vkey: vkey}, nil
}

// Name returns the key's name; it is also the origin of the heads it signs.
func (k *Key) Name() string { return k.signer.Name() }

// KeyHash returns the short hash that a note's signature line carries.
func (k *Key) KeyHash() uint32 { return k.signer.KeyHash() }

// Sign signs msg. [Sign] and [Log] call it through package note.
func (k *Key) Sign(msg []byte) ([]byte, error) { return k.signer.Sign(msg) }

// Verifier returns the public key in note form ("name+hash+key"): what an
// operator publishes and `exeunt verify --key` takes.
func (k *Key) Verifier() string { return k.vkey }

// NoteVerifier returns the public key as package note uses it.
func (k *Key) NoteVerifier() note.Verifier { return k.verifier }

// String returns the public key, so that printing a Key tells no secret.
func (k *Key) String() string { return k.vkey }

// GoString returns the public key, so that %#v tells no secret either.
func (k *Key) GoString() string { return k.vkey }

const maxKeyFile = 4096

// LoadOrCreateKey reads the private key in the file path; when there is none
// it makes one named name and writes it there, readable by its owner alone.
// The file appears whole or not at all; of several processes that start at
// once, one creates it and all return the same key. A file that others may
// read is refused.
func LoadOrCreateKey(path, name string) (*Key, error) {
	key, err := loadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	key, err = NewKey(name)
	if err != nil {
		return nil, err
	}
	err = createKey(path, key)
	if errors.Is(err, fs.ErrExist) {
		return loadKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("create the signing key: %w", err)
	}
	return key, nil
}

func loadKey(path string) (*Key, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("open the signing key: %w", err)
	}
	data, err := readKey(f)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("read the signing key %s: %w", path, err)
	}
	key, err := ParseKey(string(data))
	if err != nil {
		return nil, fmt.Errorf("read the signing key %s: %w", path, err)
	}
	return key, nil
}

func readKey(f *os.File) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%w: not a regular file", ErrFormat)
	}
	// Windows has no such bits; access lists rule there.
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: others may read or write it (mode %04o); chmod 600 it", fs.ErrPermission, info.Mode().Perm())
	}
	data, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxKeyFile {
		return nil, fmt.Errorf("%w: a key file has at most %d bytes", ErrTooLarge, maxKeyFile)
	}
	return data, nil
}

// createKey writes a temporary file and links it to its name: unlike a rename
// a link never replaces a key that another process made in between.
func createKey(path string, key *Key) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(tmp.Name())) }()
	_, err = tmp.WriteString(key.skey + "\n")
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the new name survive a power cut.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
