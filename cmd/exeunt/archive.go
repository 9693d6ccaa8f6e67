package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"exeunt/archive"
	"exeunt/internal/leave"
	"exeunt/internal/server"
	"exeunt/ledger"
)

type importCmd struct {
	place
	Account string `required:"" help:"Name of the account." placeholder:"NAME"`
	Archive string `arg:"" type:"existingpath" help:"zip, tar.gz or folder."`
}

func (c *importCmd) Run(a *app) error {
	return a.with(c.place, func(h *server.House) error {
		acc, err := h.Accounts.ByName(a.ctx, c.Account)
		if err != nil {
			return err
		}
		im, err := h.Leave.ImportFrom(a.ctx, acc.ID, c.Archive)
		if err != nil {
			return err
		}
		type result struct {
			Class  string `json:"class"`
			Result string `json:"result"`
			Reason string `json:"reason,omitempty"`
			N      int64  `json:"n"`
		}
		out := struct {
			Import  string   `json:"import"`
			Kind    string   `json:"kind"`
			Records int64    `json:"records"`
			Results []result `json:"results"`
		}{im.ID.String(), im.Kind, im.Done, nil}
		var text strings.Builder
		for _, r := range im.Results {
			out.Results = append(out.Results, result{r.Class, r.Result, r.Reason, r.N})
			fmt.Fprintf(&text, "%-24s %-10s %7d  %s\n", r.Class, r.Result, r.N, r.Reason)
		}
		return a.print(out, "%s archive, %d records\n%s", im.Kind, im.Done, text.String())
	})
}

type exportCmd struct {
	place
	scope
	Account string `required:"" help:"Name of the account." placeholder:"NAME"`
	Out     string `required:"" help:"File to write." type:"path" placeholder:"FILE"`
	Volume  string `help:"Begin a further file at this size (2GiB); without it, one file." placeholder:"SIZE"`
	Since   string `help:"Nothing older." placeholder:"DATE"`
	NoMedia bool   `help:"Without images."`
}

func (c *exportCmd) Run(a *app) error {
	// Disk and hashing bound an export, not the collector: it may run more often and keep less.
	debug.SetGCPercent(40)
	return a.with(c.place, func(h *server.House) error {
		acc, err := h.Accounts.ByName(a.ctx, c.Account)
		if err != nil {
			return err
		}
		in, err := c.in(a, h, acc.ID)
		if err != nil {
			return err
		}
		p := leave.Packing{Account: acc.ID, In: in, Media: !c.NoMedia, MaxBytes: -1}
		if c.Volume != "" {
			if p.MaxBytes, err = size(c.Volume); err != nil {
				return err
			}
		}
		if c.Since != "" {
			if p.Since, err = time.ParseInLocation(time.DateOnly, c.Since, h.Policy.Zone); err != nil {
				return fmt.Errorf("read --since: %w", err)
			}
		}
		files, err := h.Leave.PackTo(a.ctx, &p, c.Out)
		if err != nil {
			return err
		}
		return a.print(map[string]any{"files": files}, "%s\n", strings.Join(files, "\n"))
	})
}

// size reads "500MiB" or "2GiB".
func size(s string) (int64, error) {
	units := []struct {
		suffix string
		bytes  int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"B", 1}}
	for _, u := range units {
		digits, ok := strings.CutSuffix(s, u.suffix)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(digits, 10, 40)
		if err != nil || n <= 0 {
			break
		}
		return n * u.bytes, nil
	}
	return 0, fmt.Errorf("a size is a number and KiB, MiB or GiB, not %q", s)
}

type verifyCmd struct {
	place
	File string `arg:"" type:"existingpath" help:"An archive, a certificate, or a signed statement of where people went."`
	Key  string `help:"The signer's public key." placeholder:"VKEY"`
}

func (c *verifyCmd) Run(a *app) error {
	first, err := beginning(c.File)
	switch {
	case err != nil:
		return err
	case strings.HasPrefix(first, "exeunt certificate "):
		return c.certificate(a)
	case strings.HasPrefix(first, "exeunt statement "):
		return c.statement(a)
	}
	r, err := archive.Verify(a.ctx, c.File)
	if err != nil {
		return err
	}
	return a.print(map[string]any{"kind": "archive", "ok": true, "report": r}, "archive: every file is there and unchanged\n%s", archiveLines(r))
}

// beginning gives the first bytes of a file, by which it is known what it is; "" for a folder.
func beginning(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || info.IsDir() {
		return "", err
	}
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("open file: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	head := make([]byte, 64)
	n, err := io.ReadFull(f, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read file: %w", err)
	}
	return string(head[:n]), nil
}

// read gives the file, which is no larger than what is signed can be.
func (c *verifyCmd) read() ([]byte, error) {
	info, err := os.Stat(c.File)
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	if info.Size() > ledger.MaxFile {
		return nil, ledger.ErrTooLarge
	}
	b, err := os.ReadFile(c.File)
	if err != nil {
		return nil, fmt.Errorf("read file: %w", err)
	}
	return b, nil
}

// statement verifies where people went.
func (c *verifyCmd) statement(a *app) error {
	b, err := c.read()
	if err != nil {
		return err
	}
	r, err := ledger.VerifyStatement(b, c.Key)
	if err != nil {
		return fmt.Errorf("the statement does not hold: %w", err)
	}
	s := r.Statement
	by := "signed by " + r.Key
	if !r.KeyVerified {
		by += "\nthe text is whole, but anybody may have signed it: compare the key with the one that the site gives, or use --key"
	}
	return a.print(map[string]any{
		"kind": "statement", "ok": true, "key": r.Key, "key_verified": r.KeyVerified, "what": s.What, "to": s.To, "at": s.At, "trial": s.Trial,
	}, "%s moved to %s\nsaid there on %s\n%s\n", s.What, s.To, s.At.Format(time.RFC3339), by)
}

func (c *verifyCmd) certificate(a *app) error {
	b, err := c.read()
	if err != nil {
		return err
	}
	r, err := ledger.Verify(b, c.Key)
	if err != nil {
		return fmt.Errorf("the certificate does not hold: %w", err)
	}
	return a.print(map[string]any{
		"kind": "certificate", "ok": true, "key": r.Key, "key_verified": r.KeyVerified, "trial": r.Certificate.Trial,
		"sums": r.Certificate.Sums, "kept": r.Kept, "findings": r.Findings, "sealed": r.Certificate.Sealed, "aged_out": r.Certificate.AgedOut, "sunset": r.Certificate.Sunset,
	}, "%s", certificateLines(r))
}
