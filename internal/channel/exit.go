package channel

import (
	"exeunt/exit"
	"exeunt/exit/exitsql"
)

// The holder's classes.
const (
	classVideos     = "videos"
	classRenditions = "renditions"
	classHistory    = "history"
	classChannel    = "channel"
)

// Holder keeps channels, videos and what belongs to them.
type Holder struct {
	exitsql.Tables
	room *Room
}

// Holder gives the room's holder.
func (r *Room) Holder() *Holder {
	table := func(name string) exitsql.Table {
		return exitsql.Table{Name: name, Owner: "account_id", Key: "id", OwnerID: exitsql.IntegerID, DB: r.DB.Reader}
	}
	return &Holder{room: r, Tables: exitsql.Tables{classRenditions: {table("video_renditions")}, classHistory: {table("video_history")}}}
}

// Name is the holder's name.
func (h *Holder) Name() string { return Name }

// Classes declares what the room keeps.
func (h *Holder) Classes() []exit.Class {
	in := []string{Name}
	return []exit.Class{
		{Name: classRenditions, Services: in, Places: []exit.Place{{Table: "video_renditions", Column: "account_id"}}},
		{Name: classHistory, Services: in, Places: []exit.Place{{Table: "video_history", Column: "account_id"}}},
	}
}
