package main

import (
	"strings"

	"exeunt/internal/server"
)

type circleCmd struct {
	Export circleExportCmd `cmd:"" help:"Write the whole of a circle, as its owner takes it along."`
}

type circleExportCmd struct {
	place
	Circle string `arg:"" help:"Name or id of the circle." placeholder:"NAME"`
	Out    string `required:"" help:"Folder to write to; it is made." type:"path" placeholder:"DIR"`
	Volume string `help:"Begin a further file at this size (2GiB); without it, one file." placeholder:"SIZE"`
}

func (c *circleExportCmd) Run(a *app) error {
	volume := int64(-1)
	if c.Volume != "" {
		var err error
		if volume, err = size(c.Volume); err != nil {
			return err
		}
	}
	return a.with(c.place, func(h *server.House) error {
		files, err := h.TakeCircle(a.ctx, c.Circle, c.Out, volume)
		if err != nil {
			return err
		}
		return a.print(map[string]any{"files": files}, "%s\n", strings.Join(files, "\n"))
	})
}
