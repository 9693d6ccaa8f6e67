package ledger_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"exeunt/ledger"

	"golang.org/x/mod/sumdb/note"
)

func TestLoadOrCreateKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "ledger")
	made, err := ledger.LoadOrCreateKey(path, "exeunt.example")
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 || made.Name() != "exeunt.example" {
		t.Errorf("mode %v, name %s", info.Mode(), made.Name())
	}
	loaded, err := ledger.LoadOrCreateKey(path, "another-name")
	must(t, err)
	if loaded.Verifier() != made.Verifier() {
		t.Errorf("loaded %s, made %s", loaded.Verifier(), made.Verifier())
	}
	if _, err := note.NewVerifier(made.Verifier()); err != nil {
		t.Errorf("the verifier key is not in note form: %v", err)
	}
	list, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(list) != 1 {
		t.Errorf("%d files beside the key, want none", len(list)-1)
	}
}

func TestManyProcessesMakeOneKey(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger")
	var wg sync.WaitGroup
	keys, errs := make([]*ledger.Key, 16), make([]error, 16)
	for i := range keys {
		wg.Go(func() { keys[i], errs[i] = ledger.LoadOrCreateKey(path, "exeunt.example") })
	}
	wg.Wait()
	for i := range keys {
		must(t, errs[i])
		if keys[i].Verifier() != keys[0].Verifier() {
			t.Fatalf("two keys: %s and %s", keys[i].Verifier(), keys[0].Verifier())
		}
	}
}

func TestKeyFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "good")
	_, err := ledger.LoadOrCreateKey(good, "exeunt.example")
	must(t, err)
	text, err := os.ReadFile(good)
	must(t, err)
	write := func(name, body string, mode fs.FileMode) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(body), mode))
		must(t, os.Chmod(path, mode))
		return path
	}
	for name, x := range map[string]struct {
		path string
		want error
	}{
		"readable by others": {write("open", string(text), 0o644), fs.ErrPermission},
		"empty":              {write("empty", "", 0o600), ledger.ErrFormat},
		"cut":                {write("cut", string(text[:len(text)/2]), 0o600), ledger.ErrFormat},
		"huge":               {write("huge", strings.Repeat(string(text), 100), 0o600), ledger.ErrTooLarge},
		"folder":             {dir, ledger.ErrFormat},
	} {
		_, err := ledger.LoadOrCreateKey(x.path, "exeunt.example")
		if !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
		if err != nil && strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%s: the error tells the key", name)
		}
	}
	if after, err := os.ReadFile(good); err != nil || string(after) != string(text) {
		t.Errorf("the good key was changed (%v)", err)
	}
}

func TestKeyTellsNoSecret(t *testing.T) {
	key, err := ledger.NewKey("exeunt.example")
	must(t, err)
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if s := fmt.Sprintf(form, key); s != key.Verifier() {
			t.Errorf("%s prints %q", form, s)
		}
	}
	for _, name := range []string{"", "two words", "a+b", "名"} {
		if _, err := ledger.NewKey(name); err == nil {
			t.Errorf("a key named %q was made", name)
		}
	}
}
