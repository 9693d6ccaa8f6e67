package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"exeunt/internal/server"
)

// videos measures the entrance of videos with a million of them and ten million likes, a hundred players at once, and the erasure of a channel
// of a thousand videos.
func videos(ctx context.Context, e *env) (*report, error) {
	r := e.newReport()
	s := screen{accounts: e.size(100_000, 2000), channels: e.size(10_000, 100), videos: e.size(1_000_000, 2000), likes: e.size(10_000_000, 20_000), topics: e.size(2000, 20)}
	for _, engine := range engines() {
		if err := e.videosOn(ctx, r, engine, s); err != nil {
			return nil, fmt.Errorf("%s: %w", engine, err)
		}
		if err := e.eraseChannel(ctx, r, engine); err != nil {
			return nil, fmt.Errorf("%s: erase a channel: %w", engine, err)
		}
	}
	r.note("%d accounts, %d channels with %d videos of a year, %d likes, one in five of them in private and most of new videos, %d topics. %d viewers by turns follow %d channels, have %d friends, block, mute and want less of some; "+
		"half of them order by time. The server is a process of its own; requests are sent at fixed times, %d a second, timed from then, with gzip, %d times %s each. A page has 24 videos with why each is shown.",
		s.accounts, s.channels, s.videos, s.likes, s.topics, viewers, followsEach, friendsEach, readsASecond, e.rounds, text(e.slice()))
	r.note("%d players each fetch master playlist, media playlist and then segment after segment of a real video in 1080p, a range each, at %d times the speed of the film, for %s. "+
		"The channel that is erased has %d videos with three files each, likes, comments, topics and daily sums; one worker, to the sealed run.", players, playSpeed, text(e.playing()), e.size(1000, 20))
	return r, nil
}

func (e *env) videosOn(ctx context.Context, r *report, engine string, s screen) (err error) {
	i, err := e.filledScreen(ctx, engine, s)
	if err != nil {
		return err
	}
	if e.keep == "" {
		defer func() { err = errors.Join(err, i.drop(ctx)) }()
	}
	film, err := e.filmed(ctx, i)
	if err != nil {
		return err
	}
	served, err := i.serveCommunity(ctx, community{members: s.accounts})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, served.end()) }()
	if err := e.calm(ctx, engine); err != nil {
		return err
	}
	for _, v := range s.views() {
		if err := e.leafed(ctx, r, engine, v, served); err != nil {
			return fmt.Errorf("%s: %w", v.name, err)
		}
	}
	return e.played(ctx, r, engine, served, film)
}

// filledScreen gives an install with channels, videos and likes.
func (e *env) filledScreen(ctx context.Context, engine string, s screen) (*install, error) {
	i, made, err := e.keptInstall(ctx, engine, fmt.Sprintf("videos%d_%d", s.videos, s.likes))
	if err != nil || made {
		return i, err
	}
	e.logf("videos on %s: make %d videos, %d likes", engine, s.videos, s.likes)
	if err := i.opened(ctx, func(h *server.House) error { return s.settle(ctx, h.DB) }); err != nil {
		return nil, err
	}
	e.logf("videos on %s: made", engine)
	return i, os.WriteFile(filepath.Join(i.data, "made"), nil, 0o600)
}

// opened runs fn with the install put together.
func (i *install) opened(ctx context.Context, fn func(h *server.House) error) error {
	h, err := i.open(ctx)
	if err != nil {
		return err
	}
	return errors.Join(fn(h), h.Close())
}

// views are the pages that are measured.
func (s screen) views() []view {
	// Viewers with even numbers have the entrance ranked, the others by time.
	page := func(name, path string, odd int) view {
		return view{name: name, requests: func(c *circlesServer) (list [][]byte) {
			for n := odd; n < viewers; n += 2 {
				list = append(list, c.get(path, c.cookies[n]))
			}
			return list
		}}
	}
	return []view{
		page("feed: following, ranked", "/channels?tab=following", 0),
		page("feed: friends liked, ranked", "/channels?tab=friends", 0),
		page("feed: recommended, ranked", "/channels?tab=recommended", 0),
		page("feed: following, newest first", "/channels?tab=following", 1),
		page("feed: recommended, newest first", "/channels?tab=recommended", 1),
		{name: "feed: a guest's", requests: func(c *circlesServer) [][]byte { return [][]byte{c.get("/channels", "")} }},
		{name: "a video's page", requests: func(c *circlesServer) (list [][]byte) {
			for n := range 10 * viewers {
				if (s.videos-n)%followersOnly == 0 || s.blocks(n%viewers, s.videos-n) {
					continue
				}
				list = append(list, c.get(fmt.Sprintf("/videos/%d?from=feed", screenVideos+s.videos-n), c.cookies[n%viewers]))
			}
			return list
		}},
	}
}

// leafed measures one page.
func (e *env) leafed(ctx context.Context, r *report, engine string, v view, s *circlesServer) error {
	t := &target{address: s.address, requests: v.requests(s)}
	if _, err := atFixedTimes(ctx, t, readsASecond, e.slice()/2); err != nil { // warms caches up
		return err
	}
	var took []time.Duration
	for range e.rounds {
		more, err := atFixedTimes(ctx, t, readsASecond, e.slice())
		if err != nil {
			return err
		}
		took = append(took, more...)
	}
	p99 := percentile(took, 99)
	e.logf("videos on %s: %s: median %s, p99 %s", engine, v.name, text(median(took)), text(p99))
	r.add(v.name+": 99th percentile (median)", engine, text(p99)+" ("+text(median(took))+")", "< 50 ms", p99 < 50*time.Millisecond)
	if e.scale < 1 || p99 < 50*time.Millisecond {
		return nil
	}
	top, err := s.watch(ctx, s.profile, func() error {
		_, err := atFixedTimes(ctx, t, readsASecond, e.slice())
		return err
	})
	r.profiles = append(r.profiles, profile{v.name + " on " + engine, top})
	return err
}
