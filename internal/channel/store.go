package channel

import (
	"context"
	"fmt"
	"time"

	"exeunt/internal/db"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// store holds the SQL of channels and videos.
type store struct{ db *db.DB }

// columns are those of a video with its channel's; $1 is the viewer. Facts for access.go are read along.
var columns = `p.id, p.account_id, p.title, p.text, p.audience, p.language, p.state, p.media, p.fault, p.progress, p.at, coalesce(p.due_at, 0), p.created_at,
	coalesce(p.edited_at, 0), coalesce(p.deleted_at, 0), p.deleted_as, coalesce(p.origin, ''), p.original, p.type, p.plays, p.file, p.bytes, p.sha256, p.look,
	p.duration, p.width, p.height, p.poster, p.thumb, p.downloads, p.likes, p.comments, p.views, p.hot,
	case when p.audience like 'circle:%' and exists (select 1 from circle_members m where m.account_id = $1 and m.state = 'active' and p.audience = 'circle:' || m.circle_id) then 1 else 0 end,
	` + channelColumns("p.account_id")

// channelColumns are those of a channel and of its account; $1 is the viewer.
func channelColumns(account string) string {
	return `c.account_id, c.name, c.bio, c.avatar, c.cover, c.badge, c.downloads, c.category, c.explicit, c.created_at, a.name, a.kind,
	case when ` + service.Visible(account, "'channel'", "'0'") + ` then 0 else 1 end,
	case when exists (select 1 from follows w where w.follower_id = $1 and w.followee_id = ` + account + `) then 1 else 0 end,
	case when ` + account + ` = $1 or ` + service.Unblocked("$1", account) + ` then 0 else 1 end`
}

const withChannel = ` join channels c on c.account_id = p.account_id join accounts a on a.id = p.account_id `

// channelFields gives where a row's channel columns are scanned to, and what turns them into the channel.
func channelFields() (fields []any, channel func() Channel) {
	var c Channel
	var account, downloads, explicit, created, veiled, followed, blocked int64
	var kind string
	fields = []any{&account, &c.Name, &c.Bio, &c.Avatar, &c.Cover, &c.Badge, &downloads, &c.Category, &explicit, &created, &c.Handle, &kind, &veiled, &followed, &blocked}
	return fields, func() Channel {
		c.Account, c.Downloads, c.Created, c.Organisation = who.ID(account), downloads == 1, db.Time(created), kind == "organisation"
		c.Explicit, c.Veiled, c.Followed, c.Blocked = explicit == 1, veiled == 1, followed == 1, blocked == 1
		return c
	}
}

func scanChannel(r db.Row) (Channel, error) {
	fields, channel := channelFields()
	err := r.Scan(fields...)
	return channel(), err
}

func scanVideo(r db.Row) (Video, error) {
	var x Video
	var at, due, created, edited, deleted, plays, duration, downloads, member int64
	fields, channel := channelFields()
	err := r.Scan(append([]any{
		(*int64)(&x.ID), (*int64)(&x.Owner), &x.Title, &x.Text, (*string)(&x.Audience), &x.Language, (*string)(&x.State), (*string)(&x.Media), &x.Fault, &x.Progress,
		&at, &due, &created, &edited, &deleted, &x.DeletedAs, &x.Origin, &x.Original, &x.Type, &plays, &x.File, &x.Bytes, &x.SHA256, &x.Look,
		&duration, &x.Width, &x.Height, &x.Poster, &x.Thumb, &downloads, &x.Likes, &x.Comments, &x.Views, &x.Hot, &member,
	}, fields...)...)
	x.At, x.Due, x.Created, x.Edited, x.Deleted = db.Time(at), db.TimeIf(due), db.Time(created), db.TimeIf(edited), db.TimeIf(deleted)
	x.Plays = plays == 1
	x.Duration, x.Downloads, x.Member, x.Channel = time.Duration(duration)*time.Millisecond, downloads == 1, member == 1, channel()
	return x, err
}

func (s store) videos(ctx context.Context, what, query string, args ...any) ([]Video, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	list, err := db.Scan(rows, scanVideo)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return list, nil
}

// byIDs gives those of the videos that exist.
func (s store) byIDs(ctx context.Context, viewer who.ID, ids []who.ID) ([]Video, error) {
	list, args := service.In(2, ids)
	return s.videos(ctx, "read videos", `select `+columns+` from videos p`+withChannel+`where p.id in (`+list+`)`, append([]any{int64(viewer)}, args...)...)
}

// channels gives those of the accounts' channels that exist.
func (s store) channels(ctx context.Context, viewer who.ID, accounts []who.ID) ([]Channel, error) {
	list, args := service.In(2, accounts)
	rows, err := s.db.Q(ctx).QueryContext(ctx, `select `+channelColumns("c.account_id")+` from channels c join accounts a on a.id = c.account_id
		where c.account_id in (`+list+`)`, append([]any{int64(viewer)}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("read channels: %w", err)
	}
	out, err := db.Scan(rows, scanChannel)
	if err != nil {
		return nil, fmt.Errorf("read channels: %w", err)
	}
	return out, nil
}
