package channel

import "exeunt/internal/service"

// feedRoutes are the pages of the feed.
func (r *Room) feedRoutes() []service.Route { return nil }
