package channel

import (
	"net/http"
	"slices"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/upload"
	"exeunt/internal/who"
)

// batchPath is where many videos are brought at once.
const batchPath = "/channels/batch"

// batchRoutes are the pages on which many videos are brought at once.
func (r *Room) batchRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + batchPath, Access: service.Member, Handle: r.getBatch},
		{Pattern: "GET " + batchPath + "/{id}", Access: service.Member, Handle: r.getBatchReport},
	}
}

// batchAudiences are those for whom a batch can be published.
var batchAudiences = []string{"only", "public", "unlisted", "followers"}

var batchWords = ui.Keys("channel_batch.audience.", "only", "public", "unlisted", "followers")

// batchView is the page from which a zip is uploaded.
type batchView struct {
	Audiences []ui.PageTab
	Field     upload.FieldView
	Past      []ui.Link
}

func (r *Room) getBatch(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	me := service.ViewerOf(ctx)
	if _, err := r.mine(ctx, me); exit.KindOf(err) == exit.NotFound {
		return service.Done(w, req, openPath, "")
	} else if err != nil {
		return err
	}
	audience := req.FormValue("for")
	if !slices.Contains(batchAudiences, audience) {
		audience = batchAudiences[0]
	}
	var v batchView
	for _, a := range batchAudiences {
		v.Audiences = append(v.Audiences, ui.PageTab{Label: ui.T(ctx, batchWords[a]), Href: batchPath + "?for=" + a, Count: -1, Active: a == audience})
	}
	var err error
	v.Field, err = r.Uploads.Field(ctx, me.Account, upload.FieldView{What: KindBatch, Detail: audience, Label: ui.T(ctx, "channel_batch.file"), Accept: ".zip", Folder: batchLimits.Entries, Back: batchPath})
	if err != nil {
		return err
	}
	past, err := r.Uploads.Past(ctx, me.Account, KindBatch)
	if err != nil {
		return err
	}
	for _, u := range past {
		v.Past = append(v.Past, ui.Link{Text: u.Name, Href: batchPath + "/" + u.ID.String()})
	}
	return page(w, req, http.StatusOK, ui.T(ctx, "channel_batch.title"), &ui.Link{Text: ui.T(ctx, "channel_batch.back"), Href: newPath}, batchPage(v))
}

// batchReportView is a batch as it goes on, and its report.
type batchReportView struct {
	Progress ui.ProgressView
	Table    *ui.TableView
}

// batchStates are the words for what became of an item.
var batchStates = ui.Keys("channel_batch.state.", "waiting", "taken", "duplicate", "skipped")

// batchReasons are the sentences for why.
var batchReasons = ui.Keys("channel_batch.", "skip.too_large", "skip.encrypted", "skip.unsafe", "skip.damaged", "skip.quota", "skip.drafts", "skip.refused", "skip.too_many", "skip.none",
	"skip.alone", "skip.kind", "skip.second", "skip.others", "note.beside", "note.words", "note.draft", "note.narrower", "note.unpublished")

func (r *Room) getBatchReport(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	me := service.ViewerOf(ctx)
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	u, err := r.Uploads.Find(ctx, me.Account, id)
	if err != nil {
		return err
	}
	if u.What != KindBatch || u.State != upload.Done && u.State != upload.Taken {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	items, err := r.Uploads.Items(ctx, id, 0, mostItems)
	if err != nil {
		return err
	}
	v := batchReportView{Progress: ui.ProgressView{
		ID: "batch", Title: u.Name, Doing: ui.T(ctx, "channel_batch.reading"), Total: int64(len(items)), Unit: ui.T(ctx, "channel_batch.unit"),
		Meanwhile: ui.T(ctx, "channel_batch.meanwhile"), Live: batchPath + "/" + id.String(),
	}}
	if len(items) > 0 {
		v.Progress.Doing = ui.T(ctx, "channel_batch.taking")
		v.Table = &ui.TableView{Caption: ui.T(ctx, "channel_batch.report"), Columns: []ui.Column{
			{Title: ui.T(ctx, "channel_batch.column.name")}, {Title: ui.T(ctx, "channel_batch.column.state")}, {Title: ui.T(ctx, "channel_batch.column.why")},
		}}
	}
	for _, i := range items {
		if i.State != upload.ItemWaiting {
			v.Progress.Done++
		}
		name := ui.Cell{Text: i.Name}
		if i.Ref != "" {
			name.Href = "/videos/" + i.Ref + "/edit"
		}
		why := ""
		if key, ok := batchReasons[i.Reason[min(len(i.Reason), len("channel_batch.")):]]; ok {
			why = ui.T(ctx, key)
		}
		v.Table.Rows = append(v.Table.Rows, []ui.Cell{name, {Text: ui.T(ctx, batchStates[string(i.State)])}, {Text: why}})
	}
	if u.State == upload.Taken {
		v.Progress.Finished, v.Progress.Doing = true, ui.T(ctx, "channel_batch.done")
	}
	f := service.Frame(ctx, ui.T(ctx, "channel_batch.title"))
	f.Active, f.Back, f.NoIndex, f.WriteHref = Service.Path, &ui.Link{Text: ui.T(ctx, "channel_batch.title"), Href: batchPath}, true, ""
	if !v.Progress.Finished {
		f.Refresh = 5 * time.Second
	}
	return ui.Render(w, req, http.StatusOK, ui.PageWith(f, batchReportPage(v)))
}
