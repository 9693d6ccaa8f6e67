package moderate

import (
	"fmt"
	"net/http"

	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// rulesView is what a place lets through.
type rulesView struct {
	tabs   []ui.PageTab
	at     string
	circle bool
	wrong  string
	word   ui.Field
	does   ui.RadioCards
	words  []wordView
	looks  []lookView
	older  string
	days   ui.Field
	posts  ui.Field
	links  ui.Checkbox
	images ui.Checkbox
}

type wordView struct{ word, does, remove string }

type lookView struct{ look, remove string }

// usualPosts is what the form offers where nothing is limited yet.
const usualPosts = 3

var doesWords = ui.Keys("moderate.does.", "refuse", "hold")

func (r *Room) getRules(w http.ResponseWriter, req *http.Request) error {
	return r.showRules(w, req, http.StatusOK, "")
}

func (r *Room) showRules(w http.ResponseWriter, req *http.Request, status int, wrong string) error {
	ctx := req.Context()
	p, err := at(req)
	if err != nil {
		return err
	}
	f, err := r.frame(ctx, p, ui.T(ctx, "moderate.title"))
	if err != nil {
		return err
	}
	rules, err := r.Rules(ctx, service.ViewerOf(ctx), p, queryID(req, "before"), pageSize)
	if err != nil {
		return err
	}
	view := rulesView{
		tabs: tabs(ctx, p, "rules"), at: p.path() + "/rules", circle: p.ID != 0, wrong: wrong,
		word: ui.Field{Name: "word", Label: ui.T(ctx, "moderate.word"), Hint: ui.T(ctx, "moderate.word_hint"), Value: req.PostFormValue("word"), MaxLength: longestWord, Required: true},
		does: ui.RadioCards{Name: "does", Legend: ui.T(ctx, "moderate.does"), Inline: true},
	}
	for _, does := range []string{Refuse, Hold} {
		view.does.Options = append(view.does.Options, ui.Option{Value: does, Label: ui.T(ctx, doesWords[does]), Selected: does == Refuse})
	}
	for _, x := range rules.Words {
		view.words = append(view.words, wordView{x.Word, ui.T(ctx, doesWords[x.Does]), view.at + "/words/" + x.ID.String() + "/remove"})
	}
	for _, x := range rules.Looks {
		view.looks = append(view.looks, lookView{x.Look, view.at + "/images/" + x.ID.String() + "/remove"})
	}
	if n := len(rules.Looks); n == pageSize {
		view.older = view.at + "?before=" + rules.Looks[n-1].ID.String()
	}
	l := rules.Limits
	if l == (Limits{}) {
		l.Posts = usualPosts
	}
	view.days = ui.Field{Name: "days", Label: ui.T(ctx, "moderate.limits.days"), Hint: ui.T(ctx, "moderate.limits.days_hint"), Type: "number", Min: "0", Max: "90", Value: fmt.Sprint(l.Days), Required: true}
	view.posts = ui.Field{Name: "posts", Label: ui.T(ctx, "moderate.limits.posts"), Type: "number", Min: "0", Max: "100", Value: fmt.Sprint(l.Posts), Required: true}
	view.links = ui.Checkbox{Name: "links", Label: ui.T(ctx, "moderate.limits.links"), Checked: l.Links}
	view.images = ui.Checkbox{Name: "images", Label: ui.T(ctx, "moderate.limits.images"), Checked: l.Images}
	return ui.Render(w, req, status, rulesPage(f, view))
}

// ruled answers a form of the rules page.
func (r *Room) ruled(w http.ResponseWriter, req *http.Request, p Place, err error) error {
	if err == nil {
		return service.Done(w, req, p.path()+"/rules", "moderate.done.rules")
	}
	wrong, err := sentenceOf(req.Context(), err)
	if err != nil {
		return err
	}
	return r.showRules(w, req, http.StatusUnprocessableEntity, wrong)
}

func (r *Room) postWord(w http.ResponseWriter, req *http.Request) error {
	p, err := at(req)
	if err != nil {
		return err
	}
	return r.ruled(w, req, p, r.AddWord(req.Context(), service.ViewerOf(req.Context()), p, req.PostFormValue("word"), req.PostFormValue("does")))
}

func (r *Room) postWordGone(w http.ResponseWriter, req *http.Request) error {
	p, err := at(req)
	if err != nil {
		return err
	}
	id, err := pathID(req, "word")
	if err != nil {
		return err
	}
	return r.ruled(w, req, p, r.RemoveWord(req.Context(), service.ViewerOf(req.Context()), p, id))
}

func (r *Room) postLookGone(w http.ResponseWriter, req *http.Request) error {
	p, err := at(req)
	if err != nil {
		return err
	}
	id, err := pathID(req, "look")
	if err != nil {
		return err
	}
	return r.ruled(w, req, p, r.RemoveLook(req.Context(), service.ViewerOf(req.Context()), p, id))
}

func (r *Room) postLimits(w http.ResponseWriter, req *http.Request) error {
	p, err := at(req)
	if err != nil {
		return err
	}
	l := Limits{Days: number(req, "days"), Posts: number(req, "posts"), Links: req.PostFormValue("links") != "", Images: req.PostFormValue("images") != ""}
	return r.ruled(w, req, p, r.SetLimits(req.Context(), service.ViewerOf(req.Context()), p, l))
}

// accountView is the page on which something is laid on an account.
type accountView struct {
	action  string
	person  ui.PersonView
	wrong   string
	holds   []holdView
	earlier []deedView
	what    ui.RadioCards
	days    ui.Select
	rule    ui.Select
	words   ui.TextArea
}

var orderHints = ui.Keys("moderate.order.hint.", "mute", "kick", "ban", "limit", "suspend")

func (r *Room) getAccount(w http.ResponseWriter, req *http.Request) error {
	return r.showAccount(w, req, http.StatusOK, "")
}

func (r *Room) showAccount(w http.ResponseWriter, req *http.Request, status int, wrong string) error {
	ctx := req.Context()
	v := service.ViewerOf(ctx)
	p, err := at(req)
	if err != nil {
		return err
	}
	id, err := pathID(req, "account")
	if err != nil {
		return err
	}
	f, err := r.frame(ctx, p, "")
	if err != nil {
		return err
	}
	if err := r.concerns(ctx, v, p, id); err != nil {
		return err
	}
	earlier, err := r.Earlier(ctx, v, p, id, 10)
	if err != nil {
		return err
	}
	d, err := r.drawer(ctx, v, append([]Act{{About: id}}, earlier...), nil)
	if err != nil {
		return err
	}
	if d.people[id].id == 0 {
		return errNone()
	}
	d.where = p
	view := accountView{action: req.URL.Path, person: d.people[id].view(), wrong: wrong, days: daysSelect(ctx, "7"), rule: ruleSelect(ctx, req.PostFormValue("rule")), words: wordsArea(ctx, req.PostFormValue("words"))}
	if err := r.holds(req, p, id, &view); err != nil {
		return err
	}
	for _, a := range earlier {
		deed := d.draw(ctx, a)
		deed.about = nil
		view.earlier = append(view.earlier, deed)
	}
	view.what = ui.RadioCards{Name: "what", Legend: ui.T(ctx, "moderate.order")}
	chosen := req.FormValue("what")
	if !fits(chosen, p) {
		chosen = orders(p)[0]
	}
	for _, what := range orders(p) {
		view.what.Options = append(view.what.Options, ui.Option{Value: what, Label: ui.T(ctx, alsoWords[what]), Hint: ui.T(ctx, orderHints[what]), Selected: what == chosen})
	}
	f.Title = ui.T(ctx, "moderate.account", "Name", view.person.Name)
	f.Back = &ui.Link{Text: ui.T(ctx, "moderate.title"), Href: p.path()}
	return ui.Render(w, req, status, accountPage(f, view))
}

// holds fills in what holds against the account in a place.
func (r *Room) holds(req *http.Request, p Place, id who.ID, view *accountView) error {
	ctx := req.Context()
	list, err := r.store.sanctionsOf(ctx, id, 100)
	for _, x := range list {
		if x.Place == p {
			view.holds = append(view.holds, holdView{sentence: ui.T(ctx, actWords[x.What]), rule: ruleWord(ctx, x.Rule), until: untilWord(ctx, x.Until)})
		}
	}
	return err
}

func (r *Room) postAccount(w http.ResponseWriter, req *http.Request) error {
	ctx := req.Context()
	p, err := at(req)
	if err != nil {
		return err
	}
	id, err := pathID(req, "account")
	if err != nil {
		return err
	}
	o := Order{What: req.PostFormValue("what"), Rule: req.PostFormValue("rule"), Words: req.PostFormValue("words"), Days: number(req, "days")}
	if err := r.Lay(ctx, service.ViewerOf(ctx), p, id, o); err != nil {
		wrong, err := sentenceOf(ctx, err)
		if err != nil {
			return err
		}
		return r.showAccount(w, req, http.StatusUnprocessableEntity, wrong)
	}
	return service.Done(w, req, p.path()+"/sanctions", "moderate.done.laid")
}
