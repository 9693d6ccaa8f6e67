package channel

import "exeunt/internal/service"

// batchRoutes are the pages on which many videos are brought at once.
func (r *Room) batchRoutes() []service.Route { return nil }
