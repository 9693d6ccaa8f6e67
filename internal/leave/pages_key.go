package leave

import (
	"net/http"

	"exeunt/internal/service"
	"exeunt/internal/ui"
)

// getKey tells everybody by which public key certificates and statements are verified. It stays when all else has ended.
func (l *Room) getKey(w http.ResponseWriter, r *http.Request) error {
	return ui.Render(w, r, http.StatusOK, keyPage(service.Frame(r.Context(), ui.T(r.Context(), "key.title")), l.Key.Verifier()))
}
