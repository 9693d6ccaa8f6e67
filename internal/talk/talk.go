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
	"exeunt/internal/notify"
	"exeunt/internal/post"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// longestComment bounds a comment, in characters.
const longestComment = 2000

// Config is what the room is made with.
type Config struct {
	DB   *db.DB
	Desk *service.Desk
	// Notices takes what others are told of. Nil: nobody is.
	Notices  *notify.Room
	Registry *service.Registry
	Posts    *post.Room
	// Host is the install's own host, for addresses in archives; may be "".
	Host string
	// Secret keys the pseudonyms of others in archives.
	Secret []byte
}

// Room is the talk room. It is safe for concurrent use once Screen is set, which is done at start.
type Room struct {
	Config
	// Screen looks at a comment that is about to stand before others, in its transaction, and may refuse it. Nil: nothing is
	// looked at. The text has mentions as @{id}.
	Screen func(ctx context.Context, pass service.Pass, author who.ID, service string, place who.ID, text string) error
	// Filter is Screen for a comment that is brought along, which counts for no rate. Nil: nothing is looked at.
	Filter func(ctx context.Context, pass service.Pass, author who.ID, service string, place who.ID, text string) error
	// Reported takes a comment of somebody else's out of sight that was reported and not decided about, in the transaction that deletes it otherwise: who
	// decides has to read it. It says whether it did. Nil: nothing is reported.
	Reported func(ctx context.Context, pass service.Pass, v who.Viewer, c Comment) (kept bool, err error)
	// Limit counts that an account does something ("like"), in its transaction, and is TooMany beyond what it may. Nil: no limit.
	Limit func(ctx context.Context, account who.ID, what string) error
	store store
}

// New gives the talk room and has the post room show comments and likes.
func New(c Config) *Room {
	r := &Room{Config: c, store: store{c.DB}}
	c.Posts.Marks = r.marks
	c.Posts.Beneath = r.Beneath
	return r
}

// Kind tells the registry of comments: they can be liked, not commented on.
func (r *Room) Kind() service.Kind {
	return service.Kind{Name: "comment", Table: "comments", Keeper: r, Withhold: r.withhold}
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
	Withheld   bool   // taken out by who moderates
	Likes      int
	At         time.Time
	Moment     *time.Duration // of a bullet comment: where in what is played it stands; nil: it stands in a thread
	Pinned     bool           // the owner of what it is about has it stand first

	Name, Display, Avatar string // the author's
	Veiled                bool
	Blocked               bool // its author or the viewer has blocked the other
}

// Ref names the comment for other rooms.
func (c Comment) Ref() who.Ref { return who.Ref{Kind: "comment", ID: c.ID} }

// cleanComment gives the text as it is stored, or refuses it.
func cleanComment(text string) (string, error) {
	text = strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n"))
	switch {
	case post.Blank(text):
		return "", exit.Fail(exit.Invalid, "talk.error.empty")
	case !utf8.ValidString(text) || strings.ContainsRune(text, 0):
		return "", exit.Fail(exit.Invalid, "talk.error.text")
	case utf8.RuneCountInString(text) > longestComment:
		return "", exit.Fail(exit.Invalid, "talk.error.long", "Most", longestComment)
	case post.Hides(text):
		return "", exit.Fail(exit.Invalid, "talk.error.hides")
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

// Draft is a comment that is to be written; with a Parent it is an answer, with a Moment a bullet comment, which answers nothing.
type Draft struct {
	Parent who.ID
	Text   string
	Moment *time.Duration // from the beginning of what is played; nil: none
}

// Comment stores a comment of the viewer and gives its id. An answer to an answer stands beside it. Errors: Invalid with the sentence for the field, NotFound, Forbidden, Unavailable.
func (r *Room) Comment(ctx context.Context, v who.Viewer, ref who.Ref, d Draft) (who.ID, error) {
	if ref.Kind == "comment" { // it is answered where it stands
		return 0, exit.Fail(exit.NotFound, "error.not_found")
	}
	text, err := cleanComment(d.Text)
	if err == nil && d.Moment != nil {
		err = r.checkBullet(ref, d, text)
	}
	if err != nil {
		return 0, err
	}
	c := Comment{ID: r.DB.IDs.Next(), Author: v.Account, On: ref, Parent: d.Parent, Text: text, Moment: d.Moment}
	return c.ID, r.DB.Update(ctx, func(ctx context.Context) error { return r.comment(ctx, v, c) })
}

// comment is the transaction of [Room.Comment].
func (r *Room) comment(ctx context.Context, v who.Viewer, c Comment) error {
	t, err := r.thing(ctx, v, c.On)
	if err != nil {
		return err
	}
	if c.Moment != nil && t.Length > 0 && *c.Moment > t.Length+time.Second { // players end a little late
		return exit.Fail(exit.Invalid, "talk.error.moment")
	}
	c.Service, c.Place = t.Service, t.Place
	onto := []who.ID{t.Owner}
	var answered who.ID
	if c.Parent != 0 {
		above, err := r.above(ctx, v, c.On, c.Parent)
		if err != nil {
			return err
		}
		answered = above.Author
		onto = append(onto, answered)
		if above.Parent != 0 {
			c.Parent = above.Parent
		}
	}
	text, mentioned, err := r.Posts.Encode(ctx, c.Author, c.Text)
	if err != nil {
		return err
	}
	pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Onto: append(onto, mentioned...), Service: t.Service, Place: t.Place})
	if err != nil {
		return err
	}
	c.Text, c.At = text, pass.At
	if err := r.screen(ctx, pass, c); err != nil {
		return err
	}
	if err := r.store.add(ctx, pass, []Comment{c}, nil); err != nil {
		return err
	}
	if err := r.store.mention(ctx, pass, c, mentioned); err != nil {
		return err
	}
	if c.Moment != nil { // they come by the hundred: nobody is told of one, and they are not counted among the comments
		return nil
	}
	if err := r.tellComment(ctx, pass, c, t.Owner, answered, mentioned); err != nil {
		return err
	}
	return r.count(ctx, pass, c.On, "comments", 1)
}

// screen looks at a comment that is about to stand before others. Bullet comments have a rate of their own.
func (r *Room) screen(ctx context.Context, pass service.Pass, c Comment) error {
	if c.Moment == nil {
		if r.Screen == nil {
			return nil
		}
		return r.Screen(ctx, pass, c.Author, c.Service, c.Place, c.Text)
	}
	if r.Limit != nil {
		if err := r.Limit(ctx, c.Author, "bullet"); err != nil {
			return err
		}
	}
	if r.Filter == nil {
		return nil
	}
	return r.Filter(ctx, pass, c.Author, c.Service, c.Place, c.Text)
}

// above gives the comment that is answered.
func (r *Room) above(ctx context.Context, v who.Viewer, ref who.Ref, id who.ID) (Comment, error) {
	list, err := r.store.byIDs(ctx, v.Account, []who.ID{id})
	if err != nil {
		return Comment{}, err
	}
	if len(list) == 0 || list[0].On != ref || list[0].Gone || list[0].Withheld || list[0].Moment != nil || !sees(v, list[0], false) {
		return Comment{}, exit.Fail(exit.NotFound, "talk.error.no_comment")
	}
	return list[0], nil
}

// count adds to a counter of a thing whose kind has it.
func (r *Room) count(ctx context.Context, pass service.Pass, ref who.Ref, column string, n int) error {
	kinds := r.counted()
	if column == string(likes) {
		kinds = r.liked()
	}
	for _, k := range kinds {
		if k.Name == ref.Kind {
			return r.store.count(ctx, pass, k, column, []who.ID{ref.ID}, n)
		}
	}
	return nil
}

// Delete takes a comment out: its author may, and the owner of what it is about. Where living
// answers hang on it a tombstone stays. What the owner takes out while a report of it waits goes out of sight alone. NotFound for what the viewer may not delete.
func (r *Room) Delete(ctx context.Context, v who.Viewer, id who.ID) (on who.Ref, err error) {
	err = r.DB.Update(ctx, func(ctx context.Context) error {
		c, _, err := r.removable(ctx, v, id)
		if err != nil {
			return err
		}
		on = c.On
		pass, err := r.Desk.Enter(ctx, service.Write{By: v.Account, Service: c.Service, Place: c.Place, Removal: true})
		if err != nil {
			return err
		}
		if c.Author != v.Account && r.Reported != nil {
			if kept, err := r.Reported(ctx, pass, v, c); err != nil || kept {
				return err
			}
		}
		if err := r.forget(ctx, pass, c); err != nil {
			return err
		}
		return r.store.remove(ctx, pass, c.ID, r.counted())
	})
	return on, err
}

// removable gives a comment that the viewer may delete, and what it is about; NotFound for any other.
func (r *Room) removable(ctx context.Context, v who.Viewer, id who.ID) (Comment, service.Thing, error) {
	list, err := r.store.byIDs(ctx, v.Account, []who.ID{id})
	if err != nil {
		return Comment{}, service.Thing{}, err
	}
	if len(list) == 0 || list[0].Gone {
		return Comment{}, service.Thing{}, exit.Fail(exit.NotFound, "talk.error.no_comment")
	}
	c := list[0]
	things, err := r.Registry.Things(ctx, v, []who.Ref{c.On})
	if err != nil {
		return Comment{}, service.Thing{}, err
	}
	if !removes(v, c, things[c.On].Owner) {
		return Comment{}, service.Thing{}, exit.Fail(exit.NotFound, "talk.error.no_comment")
	}
	return c, things[c.On], nil
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

// liked gives the kinds of things that count their likes: comments, too.
func (r *Room) liked() []service.Kind { return append(r.counted(), r.Kind()) }

// withhold takes comments out of everybody's sight but their authors' and the moderators', or lets them be seen again. It
// is the registry's [service.Kind.Withhold].
func (r *Room) withhold(ctx context.Context, pass service.Pass, ids []who.ID, on bool) error {
	from, to, n := withheld, live, 1
	if on {
		from, to, n = live, withheld, -1
	}
	return r.store.turn(ctx, pass, ids, from, to, n, r.counted())
}
