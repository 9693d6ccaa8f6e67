package upload

import (
	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/blob"
)

// Holder keeps uploads and their pieces.
type Holder struct{ exitsql.Ending }

// Holder gives the room's holder.
func (r *Room) Holder() *Holder {
	table := func(name, bytes string, also ...string) exitsql.Table {
		return exitsql.Table{Name: name, Owner: "account_id", Key: "id", Bytes: bytes, OwnerID: exitsql.IntegerID, DB: r.DB.Reader, Also: also}
	}
	tables := exitsql.Tables{"uploads": {
		table("upload_pieces", "bytes", blob.DoomSQL("{rows} r", "r.key", "r.account_id")),
		table("upload_items", "octet_length(name)"),
		table("uploads", ""),
	}}
	return &Holder{exitsql.Ending{Tables: tables, All: tables}}
}

// Name is the holder's name.
func (h *Holder) Name() string { return "upload" }

// Classes declares what the room keeps: what is half a file, and is sent again by whoever wants it.
func (h *Holder) Classes() []exit.Class {
	return []exit.Class{{
		Name: "uploads", Services: []string{"channel"}, EndsWith: []string{"channel"},
		Places: []exit.Place{{Table: "uploads", Column: "account_id"}, {Table: "upload_pieces", Column: "account_id"}, {Table: "upload_items", Column: "account_id"}, {Blobs: blob.Uploads + "/"}},
	}}
}

var (
	_ exit.Holder  = (*Holder)(nil)
	_ exit.Counter = (*Holder)(nil)
	_ exit.Ender   = (*Holder)(nil)
)
