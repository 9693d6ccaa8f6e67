package channel

import "exeunt/internal/service"

// watchRoutes are the pages on which a video is watched.
func (r *Room) watchRoutes() []service.Route { return nil }
