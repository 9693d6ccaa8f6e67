package channel

import "exeunt/internal/service"

// coreRoutes are the pages on which a channel is opened, shown and arranged.
func (r *Room) coreRoutes() []service.Route { return nil }
