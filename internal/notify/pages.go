package notify

import "exeunt/internal/service"

// Routes gives the room's pages.
func (r *Room) Routes() []service.Route { return nil }
