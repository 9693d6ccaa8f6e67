// Package talk is the room of what people say to one another's things: comments, likes and favourites
// on anything that the registry knows.
package talk

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"exeunt/exit"
	"exeunt/internal/db"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// longestComment bounds a comment, in characters.
const longestComment = 2000

// Config is what the room is made with.
type Config struct {
	DB       *db.DB
	Desk     *service.Desk
	Registry *service.Registry
	Posts    *post.Room
	// Host is the install's own host, for addresses in archives; may be "".
	Host string
	// Secret keys the pseudonyms of others in archives.
	Secret []byte
}

// Room is the talk room. It is safe for concurrent use.
type Room struct {
	Config
	store store
}

// New gives the talk room and has the post room show comments and likes.
func New(c Config) *Room {
	r := &Room{Config: c, store: store{c.DB}}
	c.Posts.Marks = r.marks
	c.Posts.Beneath = r.beneath
	return r
}

// Kind tells the registry of comments: they can be liked, and their likes are counted when they are shown.
func (r *Room) Kind() service.Kind {
	return service.Kind{Name: "comment", Table: "comments", Keeper: r}
}

// Comment is a comment with what is needed to show it.
type Comment struct {
	ID, Author who.ID // Author 0: a member who left, or a tombstone
	On         who.Ref
	Service    string
	Place      who.ID
	Parent     who.ID // 0: not an answer
	Text       string // mentions as @{id}
	Gone       bool   // a tombstone: it stands because of its answers
	At         time.Time

	Name, Display, Avatar string // the author's
	Veiled                bool
}

// Ref names the comment for other rooms.
func (c Comment) Ref() who.Ref { return who.Ref{Kind: "comment", ID: c.ID} }

// cleanComment gives the text as it is stored, or refuses it.
func cleanComment(text string) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch {
	case text == "":
		return "", exit.Fail(exit.Invalid, "talk.error.empty")
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", exit.Fail(exit.Invalid, "talk.error.text")
	case utf8.RuneCountInString(text) > longestComment:
		return "", exit.Fail(exit.Invalid, "talk.error.long", "Most", longestComment)
	}
	return text, nil
}

// thing gives what is talked about, if the viewer may talk about it.
func (r *Room) thing(ctx context.Context, v who.Viewer, ref who.Ref) (service.Thing, error) {
	t, err := r.Registry.Thing(ctx, v, ref)
	if err == nil && !t.Talk {
		err = exit.Fail(exit.Forbidden, "talk.error.closed")
	}
	return t, err
}

// Say stores a comment of the viewer, as an answer if parent is not 0. An answer to an answer stands
// beside it. Errors: Invalid with the sentence for the field, NotFound, Forbidden, Unavailable.
func (r *Room) Say(ctx context.Context, v who.Viewer, ref who.Ref, parent who.ID, text string) (who.ID, error) {
	text, err := cleanComment(text)
	if err != nil {
		return 0, err
	}
	id := r.DB.IDs.Next()
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		t, err := r.thing(ctx, v, ref)
		if err != nil {
			return err
		}
		c := Comment{ID: id, Author: v.Account, On: ref, Service: t.Service, Place: t.Place, Parent: parent}
		onto := []who.ID{t.Owner}
		if parent != 0 {
			above, err := r.above(ctx, ref, parent)
			if err != nil {
				return err
			}
			onto = append(onto, above.Author)
			if c.Parent = above.ID; above.Parent != 0 {
				c.Parent = above.Parent
			}
		}
		encoded, mentioned, err := r.Posts.Encode(ctx, text)
		if err != nil {
			return err
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: append(onto, mentioned...), Service: t.Service, Place: t.Place})
		if err != nil {
			return err
		}
		c.Text, c.At = encoded, pass.At
		if err := r.store.add(ctx, pass, []Comment{c}, nil); err != nil {
			return err
		}
		if err := r.store.mention(ctx, pass, c, mentioned); err != nil {
			return err
		}
		return r.count(ctx, pass, ref, "comments", 1)
	})
	return id, err
}

// above gives the comment that is answered.
func (r *Room) above(ctx context.Context, ref who.Ref, id who.ID) (Comment, error) {
	list, err := r.store.byIDs(ctx, []who.ID{id})
	if err != nil {
		return Comment{}, err
	}
	if len(list) == 0 || list[0].On != ref || list[0].Gone || list[0].Veiled {
		return Comment{}, exit.Fail(exit.NotFound, "talk.error.no_comment")
	}
	return list[0], nil
}

// count adds to a counter of a thing whose kind is counted.
func (r *Room) count(ctx context.Context, pass service.Pass, ref who.Ref, column string, n int) error {
	k, ok := r.Registry.Kind(ref.Kind)
	if !ok || !k.Counted {
		return nil
	}
	return r.store.count(ctx, pass, k.Table, column, []who.ID{ref.ID}, n)
}

// Delete takes a comment out: its author may, and the owner of what it is about. Where living
// answers hang on it a tombstone stays. NotFound for what the viewer may not delete.
func (r *Room) Delete(ctx context.Context, v who.Viewer, id who.ID) (on who.Ref, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		list, err := r.store.byIDs(ctx, []who.ID{id})
		if err != nil {
			return err
		}
		if len(list) == 0 || list[0].Gone {
			return exit.Fail(exit.NotFound, "talk.error.no_comment")
		}
		c := list[0]
		on = c.On
		things, err := r.Registry.Things(ctx, v, []who.Ref{c.On})
		if err != nil {
			return err
		}
		if !removes(v, c, things[c.On].Owner) {
			return exit.Fail(exit.NotFound, "talk.error.no_comment")
		}
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: c.Service, Place: c.Place})
		if err != nil {
			return err
		}
		return r.store.remove(ctx, pass, c.ID, r.counted())
	})
	return on, err
}

// counted gives the kinds of things that count their likes and comments.
func (r *Room) counted() []service.Kind {
	var out []service.Kind
	for _, k := range r.Registry.Kinds {
		if k.Counted {
			out = append(out, k)
		}
	}
	return out
}

// Like has the viewer like a thing, or takes the like back. A repeat changes nothing.
func (r *Room) Like(ctx context.Context, v who.Viewer, ref who.Ref, on bool) error {
	return r.mark(ctx, v, ref, likes, on)
}

// Save keeps a thing for the viewer to find again, or lets go of it. A repeat changes nothing.
func (r *Room) Save(ctx context.Context, v who.Viewer, ref who.Ref, on bool) error {
	return r.mark(ctx, v, ref, favourites, on)
}

// list is one of the two tables of marks.
type list string

const (
	likes      list = "likes"
	favourites list = "favourites"
)

func (r *Room) mark(ctx context.Context, v who.Viewer, ref who.Ref, l list, on bool) error {
	return r.DB.Update(ctx, func(ctx context.Context) error {
		write := service.Write{By: v.Account}
		if on {
			t, err := r.thing(ctx, v, ref)
			if err != nil {
				return err
			}
			write.Service, write.Place, write.Onto = t.Service, t.Place, []who.ID{t.Owner}
		} else {
			had, err := r.store.marked(ctx, v.Account, l, ref)
			if err != nil {
				return notChanged(err)
			}
			write.Service, write.Place = had.service, had.place
		}
		pass, err := r.Desk.Enter(ctx, write)
		if err != nil {
			return err
		}
		n := -1
		if on {
			n = 1
			err = r.store.addMark(ctx, pass, l, markRow{r.DB.IDs.Next(), v.Account, ref, write.Service, write.Place, pass.At})
		} else {
			err = r.store.removeMark(ctx, pass, l, v.Account, ref)
		}
		if err != nil || l != likes {
			return notChanged(err)
		}
		return r.count(ctx, pass, ref, "likes", n)
	})
}
