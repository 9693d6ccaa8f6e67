package channel

import "exeunt/internal/service"

// leaveRoutes are the pages of who leaves.
func (r *Room) leaveRoutes() []service.Route { return nil }
