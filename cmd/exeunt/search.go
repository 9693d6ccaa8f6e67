package main

import (
	"exeunt/internal/search"
	"exeunt/internal/server"
)

type searchCmd struct {
	Rebuild searchRebuildCmd `cmd:"" help:"Make the search index anew, beside a running server too. What was stopped goes on when it is called again."`
}

type searchRebuildCmd struct{ place }

func (c *searchRebuildCmd) Run(a *app) error {
	return a.with(c.place, func(h *server.House) error {
		var last search.Rebuilt
		if err := h.RebuildSearch(a.ctx, func(r search.Rebuilt) { last = r }); err != nil {
			return err
		}
		return a.print(last, "%d old entries removed, %d stored\n", last.Removed, last.Stored)
	})
}
