package account

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"time"

	"exeunt/exit"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// The addresses of what a person binds to themselves, and of who looks at it.
const (
	proofsPath         = "/settings/proofs"
	unbindPath         = proofsPath + "/unbind"
	operatorProofsPath = "/operator/proofs"
	proofRulesPath     = operatorProofsPath + "/rules"
)

func (r *Room) boundRoutes() []service.Route {
	return []service.Route{
		{Pattern: "GET " + proofsPath, Access: service.Member, Handle: r.getProofs},
		{Pattern: "POST " + proofsPath, Access: service.Member, Handle: r.postProofs, Upload: true},
		{Pattern: "POST " + unbindPath, Access: service.Member, Handle: r.postUnbind},
		{Pattern: "GET " + operatorProofsPath, Access: service.Operator, Handle: r.getProofRequests},
		{Pattern: "POST " + proofRulesPath, Access: service.Operator, Handle: r.postProofRules},
		{Pattern: "POST " + operatorProofsPath + "/{id}", Access: service.Operator, Handle: r.postDecide},
		{Pattern: "GET " + operatorProofsPath + "/{id}/photo", Access: service.Operator, Handle: r.getProofPhoto},
	}
}

var (
	proofWords  = ui.Keys("account.proof.", "phone", "name")
	proofAbouts = ui.Keys("account.proof_about.", "phone", "name")
	proofStates = ui.Keys("account.proof_state.", "asked", "bound", "refused", "lapsed")
	wantedWords = ui.Keys("account.wanted.", "no", "offered", "newcomers")
	wantedHints = ui.Keys("account.wanted_hint.", "no", "offered", "newcomers")
)

// proofForm is what was typed.
type proofForm struct {
	Kind                   Proof
	Number, Name, Document string
}

func (r *Room) getProofs(w http.ResponseWriter, req *http.Request) error {
	return r.showProofs(w, req, proofForm{}, nil)
}

func (r *Room) showProofs(w http.ResponseWriter, req *http.Request, form proofForm, p problems) error {
	ctx := req.Context()
	rules, err := r.ProofRules(ctx)
	if err != nil {
		return err
	}
	states, err := r.ProofsOf(ctx, service.ViewerOf(ctx).Account)
	if err != nil {
		return err
	}
	view := proofsView{Notice: p[""]}
	for _, kind := range proofKinds {
		rule, state := rules[kind], states[kind]
		wanted := rule.Wanted == WhoLikes || rule.Wanted == OfNewcomers
		if !wanted && state.ID == 0 {
			continue
		}
		x := proofView{
			Kind: string(kind), Name: ui.T(ctx, proofWords[string(kind)]), About: ui.T(ctx, proofAbouts[string(kind)]), Why: rule.Why, State: string(state.State),
			Reason: state.Reason, Asked: state.Asked, Decided: state.Decided, Lifts: state.lifts,
		}
		if state.State != "" {
			x.Says = ui.T(ctx, proofStates[string(state.State)])
		}
		if wanted && state.State != Bound && state.State != Asked {
			x.Fields = proofFields(req, kind, form, p)
			if kind == RealName {
				x.Photo = &ui.FileInput{Name: "photo", Label: ui.T(ctx, "account.field.photo"), Hint: ui.T(ctx, "account.field.photo_hint"), Accept: "image/jpeg,image/png,image/webp", Error: p["photo"]}
			}
		}
		view.Proofs = append(view.Proofs, x)
	}
	return page(w, req, p.status(), ui.T(ctx, "account.proofs.title"), settingsLink(req), proofsBody(view))
}

func proofFields(req *http.Request, kind Proof, form proofForm, p problems) []ui.Field {
	ctx := req.Context()
	if kind == Phone {
		return []ui.Field{{
			Name: "number", Label: ui.T(ctx, "account.field.number"), Hint: ui.T(ctx, "account.field.number_hint"), Value: form.Number, Error: p["number"],
			Type: "tel", Autocomplete: "tel", MaxLength: 30, Required: true,
		}}
	}
	return []ui.Field{
		{Name: "real_name", Label: ui.T(ctx, "account.field.real_name"), Value: form.Name, Error: p["real_name"], Autocomplete: "name", MaxLength: longestDisplay, Required: true},
		{Name: "document", Label: ui.T(ctx, "account.field.document"), Hint: ui.T(ctx, "account.field.document_hint"), Value: form.Document, Error: p["document"], Autocomplete: "off", MaxLength: longestWhy},
	}
}

// proofFields are the fields of proofs by their errors.
var proofErrors = map[string]string{"account.error.number": "number", "account.error.real_name": "real_name", "account.error.document": "document", "media.": "photo"}

func (r *Room) postProofs(w http.ResponseWriter, req *http.Request) error {
	req.Body = http.MaxBytesReader(w, req.Body, mostPicture+1<<20)
	if err := req.ParseMultipartForm(1 << 20); err != nil && !errors.Is(err, http.ErrNotMultipart) { //nolint:gosec // the line above bounds it
		return badForm(err)
	}
	if req.MultipartForm != nil {
		defer req.MultipartForm.RemoveAll() //nolint:errcheck // temporary files; the system clears what is left
	}
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	form := proofForm{Kind: Proof(req.PostForm.Get("kind")), Number: req.PostForm.Get("number"), Name: req.PostForm.Get("real_name"), Document: req.PostForm.Get("document")}
	var err error
	switch form.Kind {
	case Phone:
		err = r.BindPhone(ctx, v, form.Number)
	case RealName:
		f, _, e := req.FormFile("photo")
		if e != nil {
			err = r.BindName(ctx, v, form.Name, form.Document, nil)
			break
		}
		err = errors.Join(r.BindName(ctx, v, form.Name, form.Document, f), f.Close())
	default:
		return exit.Fail(exit.Invalid, "account.error.choice")
	}
	if err != nil {
		p, err := explain(ctx, err, proofErrors)
		if err != nil {
			return err
		}
		return r.showProofs(w, req, form, p)
	}
	return service.Done(w, req, proofsPath, "account.done.asked")
}

func (r *Room) postUnbind(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	kind := Proof(req.PostForm.Get("kind"))
	if kind != Phone && kind != RealName {
		return exit.Fail(exit.Invalid, "account.error.choice")
	}
	if err := r.Unbind(req.Context(), service.ViewerOf(req.Context()), kind); err != nil {
		return err
	}
	return service.Done(w, req, proofsPath, "account.done.unbound")
}

func (r *Room) getProofRequests(w http.ResponseWriter, req *http.Request) error {
	rules, err := r.ProofRules(req.Context())
	if err != nil {
		return err
	}
	return r.showProofRequests(w, req, rules, nil)
}

func (r *Room) showProofRequests(w http.ResponseWriter, req *http.Request, rules ProofRules, p problems) error {
	ctx := req.Context()
	after, _ := who.ParseID(req.URL.Query().Get("after"))
	list, err := r.ProofRequests(ctx, after, operatorPage+1)
	if err != nil {
		return err
	}
	view := requestsView{Notice: p[""]}
	if len(list) > operatorPage {
		list = list[:operatorPage]
		view.Older = operatorProofsPath + "?after=" + list[operatorPage-1].ID.String()
	}
	for _, x := range list {
		at := operatorProofsPath + "/" + x.ID.String()
		one := requestView{
			Action: at, Kind: ui.T(ctx, proofWords[string(x.Kind)]), Account: x.Account, Material: x.Material, Asked: x.Asked, Twice: x.Twice,
			Reason: ui.Field{Name: "reason", Label: ui.T(ctx, "account.field.reason"), Hint: ui.T(ctx, "account.field.reason_hint"), Autocomplete: "off", MaxLength: longestReason},
		}
		if x.Photo {
			one.Photo = at + "/photo"
		}
		view.List = append(view.List, one)
	}
	for _, kind := range proofKinds {
		name, rule := string(kind), rules[kind]
		if rule.Wanted == "" {
			rule.Wanted = OfNobody
		}
		cards := ui.RadioCards{Name: "wanted_" + name, Legend: ui.T(ctx, proofWords[name])}
		for _, wanted := range []Wanted{OfNobody, WhoLikes, OfNewcomers} {
			cards.Options = append(cards.Options, ui.Option{Value: string(wanted), Label: ui.T(ctx, wantedWords[string(wanted)]), Hint: ui.T(ctx, wantedHints[string(wanted)]), Selected: rule.Wanted == wanted})
		}
		view.Rules = append(view.Rules, ruleView{Wanted: cards, Why: ui.TextArea{Name: "why_" + name, Label: ui.T(ctx, "account.field.why"), Hint: ui.T(ctx, "account.field.why_hint"), Value: rule.Why, Rows: 2, MaxLength: longestWhy}})
	}
	return page(w, req, p.status(), ui.T(ctx, "account.requests.title"), deskLink(req), requestsBody(view))
}

func (r *Room) postProofRules(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	rules := ProofRules{}
	for _, kind := range proofKinds {
		rules[kind] = ProofRule{Wanted: Wanted(req.PostForm.Get("wanted_" + string(kind))), Why: req.PostForm.Get("why_" + string(kind))}
	}
	if err := r.SetProofRules(ctx, rules); err != nil {
		p, err := explain(ctx, err, nil)
		if err != nil {
			return err
		}
		return r.showProofRequests(w, req, rules, p)
	}
	return service.Done(w, req, operatorProofsPath, "account.done.saved")
}

func (r *Room) postDecide(w http.ResponseWriter, req *http.Request) error {
	if err := req.ParseForm(); err != nil {
		return badForm(err)
	}
	ctx := req.Context()
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	yes := req.PostForm.Get("act") == "approve"
	if err := r.Decide(ctx, id, yes, strings.TrimSpace(req.PostForm.Get("reason"))); err != nil {
		p, err := explain(ctx, err, nil)
		if err != nil {
			return err
		}
		rules, err := r.ProofRules(ctx)
		if err != nil {
			return err
		}
		return r.showProofRequests(w, req, rules, p)
	}
	return service.Done(w, req, operatorProofsPath, "account.done.decided")
}

func (r *Room) getProofPhoto(w http.ResponseWriter, req *http.Request) error {
	id, ok := who.ParseID(req.PathValue("id"))
	if !ok {
		return exit.Fail(exit.NotFound, "error.not_found")
	}
	b, err := r.ProofPhoto(req.Context(), id)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", http.DetectContentType(b)) // one that we encoded ourselves
	h.Set("Cache-Control", "no-store")
	http.ServeContent(w, req, "", time.Time{}, bytes.NewReader(b))
	return nil
}
