package exit

import (
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Policy is what an operator promises to those who leave. It is read from a strict YAML file
// by [ParsePolicy]; a run ends under the policy under which it was agreed.
type Policy struct {
	Version   int
	Zone      *time.Location // the zone in which terms end with their day
	Close     ClosePolicy
	Hibernate HibernatePolicy
	Export    ExportPolicy
	Backups   BackupPolicy
	source    []byte
}

// ClosePolicy is what closing means.
type ClosePolicy struct {
	CoolingOff Term                // from consent to the first irreversible act
	Verify     map[string][]string // kind of account → accepted proofs, any one of them
	NameHeld   Term                // how long a name is kept free after the end; zero: not at all
	Classes    map[string]ClassPolicy
}

// ClassPolicy is the promise for one class of data.
type ClassPolicy struct {
	Manner Manner
	After  Term     // for erase and detach: counted from From
	Until  Term     // for hold: counted from From
	From   string   // the anchor; "" is the consent
	Law    string   // for hold: the source
	Choice []Manner // what the person may choose instead
}

// HibernatePolicy is what hibernating means; a zero Longest has no end.
type HibernatePolicy struct{ Longest Term }

// ExportPolicy bounds the archives that people take along.
type ExportPolicy struct {
	Volume int64 // bytes
	Keep   Term  // how long an archive can be downloaded after it was made
}

// BackupPolicy says by when copies outside the engine's reach have aged out; a certificate
// names the dates that follow from it.
type BackupPolicy struct {
	WAL     Term // write-ahead logs, archived or not
	Backups Term // backups of database and media
}

// Source gives the policy's file as it was read.
func (p *Policy) Source() []byte { return p.source }

// Hash gives the SHA-256 of the policy's file in hex.
func (p *Policy) Hash() string {
	h := sha256.Sum256(p.source)
	return hex.EncodeToString(h[:])
}

// Class gives the promise for a class ("holder.class"), else the one for "*".
func (p *Policy) Class(name string) ClassPolicy {
	if c, ok := p.Close.Classes[name]; ok {
		return c
	}
	return p.Close.Classes["*"]
}
