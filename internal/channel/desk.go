package channel

import "exeunt/internal/service"

// deskRoutes are the creator's desk and the channel's podcast.
func (r *Room) deskRoutes() []service.Route { return nil }
