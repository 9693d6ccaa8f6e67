package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/blob"
	"exeunt/internal/server"
	"exeunt/internal/who"

	"golang.org/x/sync/errgroup"
)

// The channel that is erased: its videos' ids are screenVideos and more.
const (
	filesEach    = 3
	likesOfEach  = 20
	commentsEach = 5
	daysEach     = 28
)

// eraseChannel measures the erasure of a channel alone, to the seal.
func (e *env) eraseChannel(ctx context.Context, r *report, engine string) (err error) {
	n := e.size(1000, 20)
	i, err := e.newInstall(ctx, engine)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, i.drop(ctx)) }()
	e.logf("videos on %s: make a channel of %d videos", engine, n)
	var took time.Duration
	err = i.opened(ctx, func(h *server.House) error {
		if err := fillChannel(ctx, h, n); err != nil {
			return err
		}
		var err error
		took, err = closeChannel(ctx, h)
		return err
	})
	if err != nil {
		return err
	}
	rows := n * (2 + filesEach + likesOfEach + commentsEach + daysEach)
	e.logf("videos on %s: erased in %s", engine, text(took))
	r.add(fmt.Sprintf("a channel of %d videos, erased to the seal", n), engine, text(took), "", true)
	r.beside("the same: videos a second", engine, fmt.Sprintf("%.1f", float64(n)/took.Seconds()))
	r.beside("rows and files a second", engine, fmt.Sprintf("%.0f", float64(rows)/took.Seconds()))
	return nil
}

// fillChannel makes a channel with videos, their files, and what others left with them.
func fillChannel(ctx context.Context, h *server.House, n int) error {
	keys, err := putFiles(ctx, h, n)
	if err != nil {
		return err
	}
	statements := append(accounts(leaver-1, 1), accounts(others, 100)...)
	anybody := fmt.Sprintf("%d + 1 + i %% 100", others)
	video := fmt.Sprintf("%d + 1 + i %% %d", screenVideos, n)
	statements = append(statements,
		fmt.Sprintf(`insert into channels (account_id, name, bio, avatar, cover, created_at) values (%d, '频道', '', '', '', 0)`, leaver),
		`insert into topics (id, service, place_id, name, name_key, posts, state, created_at) values (1, 'channel', 0, '船', '船', 0, 'live', 0)`,
	)
	var rows, made strings.Builder
	for v, k := range keys {
		if v > 0 {
			rows.WriteByte(',')
			made.WriteByte(',')
		}
		id := screenVideos + 1 + v
		fmt.Fprintf(&rows, "(%[1]d, %[2]d, '第 %[3]d 条', '', 'public', 'zh', 'live', 'ready', '', 1000, %[3]d, %[3]d, '%[4]s', 'video/mp4', 'a.mp4', 4096, '', 60000, 1920, 1080, '', '%[5]s', 0, %[6]d)", id, leaver, v, k[0], k[2], likesOfEach)
		fmt.Fprintf(&made, "(%[1]d, %[1]d, %[2]d, 1920, 1080, 5000000, '', '', '%[3]s', 4096)", id, leaver, k[1])
	}
	statements = append(statements,
		`insert into videos (id, account_id, title, text, audience, language, state, media, fault, progress, at, created_at, original, type, file, bytes, sha256, duration, width, height, poster, thumb, downloads, likes) values `+rows.String(),
		`insert into video_renditions (id, video_id, account_id, width, height, bandwidth, codecs, playlist, key, bytes) values `+made.String(),
		fmt.Sprintf(`insert into video_topics (id, video_id, account_id, topic_id, at) select v.id, v.id, %d, 1, v.at from videos v`, leaver),
		`insert into likes (id, account_id, ref_kind, ref_id, service, place_id, created_at) `+series(n*likesOfEach)+fmt.Sprintf(` select %d + i, %d + 1 + i / %d %% 100, 'video', %s, 'channel', 0, 0 from g where true on conflict do nothing`, screenLikes, others, n, video),
		`insert into comments (id, author_id, ref_kind, ref_id, service, place_id, parent_id, text, origin, state, created_at) `+series(n*commentsEach)+fmt.Sprintf(` select %d + i, %s, 'video', %s, 'channel', 0, null, '好看', null, 'live', 0 from g`, cityComments, anybody, video),
		`insert into video_days (video_id, account_id, day, source, views, watched) `+series(n*daysEach)+fmt.Sprintf(` select %s, %d, 20000 + (i - 1) / %d, 'feed', 3, 60 from g`, video, leaver, n),
	)
	return fill(ctx, h.DB, statements...)
}

// putFiles puts small files for each of n videos.
func putFiles(ctx context.Context, h *server.House, n int) ([][filesEach]string, error) {
	keys := make([][filesEach]string, n)
	content := bytes.Repeat([]byte("film"), 1024)
	var group errgroup.Group
	group.SetLimit(8)
	for v := range n {
		group.Go(func() error {
			for f := range filesEach {
				folder, ext := blob.Videos, ".mp4"
				if f == 1 {
					folder = blob.Renditions
				}
				b, err := h.Blobs.Put(ctx, leaver, folder, ext, "video/mp4", bytes.NewReader(content))
				if err != nil {
					return err
				}
				keys[v][f] = b.Key
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return keys, h.DB.Update(ctx, func(ctx context.Context) error {
		for _, k := range keys {
			if err := h.Blobs.Keep(ctx, k[:]...); err != nil {
				return err
			}
		}
		return nil
	})
}

// closeChannel closes the channel at once, carries it out as a worker of the server does, and gives how long that took.
func closeChannel(ctx context.Context, h *server.House) (time.Duration, error) {
	ask := exit.Ask{Subject: exit.Account(who.ID(leaver).String()).Within("channel"), Journey: exit.Close, Now: true}
	plan, err := h.Engine.Preview(ctx, ask)
	if err != nil {
		return 0, err
	}
	run, _, err := h.Engine.Agree(ctx, ask, plan.Hash(), "person")
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := drainSteps(ctx, h); err != nil {
		return 0, err
	}
	took := time.Since(began)
	for n := 1; n > 0 && err == nil; {
		n, err = h.Queue.Work(ctx, 10)
	}
	if err != nil {
		return 0, err
	}
	done, _, err := h.DB.Runs.Load(ctx, run.ID)
	if err == nil && done.State != exit.RunSealed {
		err = fmt.Errorf("the run is %s, not sealed", done.State)
	}
	if err != nil {
		return 0, err
	}
	var left int64
	if err := h.DB.Reader.QueryRowContext(ctx, `select count(*) from videos where account_id = $1`, leaver).Scan(&left); err != nil {
		return 0, fmt.Errorf("look for videos: %w", err)
	}
	if left > 0 {
		return 0, fmt.Errorf("%d videos are left", left)
	}
	return took, nil
}
