package server

import (
	"exeunt/internal/circle"
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/relation"
	"exeunt/internal/talk"
)

// Rooms are the rooms that people write in.
type Rooms struct {
	Notices   *notify.Room
	Relations *relation.Room
	Posts     *post.Room
	Talk      *talk.Room
	Circles   *circle.Room
}

// RoomsOf gives a house's rooms to tests, which write as people do, through the rooms.
func RoomsOf(h *House) Rooms { return Rooms{h.notices, h.relations, h.posts, h.talks, h.circles} }
