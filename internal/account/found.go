package account

import (
	"context"
	"strings"

	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/who"
)

// Found is an account as others find and refer to it.
type Found struct {
	Account
	Bio  string
	Open bool // the viewer may see it: there, not veiled, neither has blocked the other; or it is the viewer's
}

// doc gives what can be found of an account. Whether it lets itself be found is asked when somebody looks.
func (f Found) doc() search.Doc {
	d := search.Doc{Ref: f.ref(), Owner: f.ID, Audience: who.Public, Title: f.Shown(), Text: f.Bio, At: f.Created}
	if d.Title != f.Name {
		d.Text = f.Name + "\n" + f.Bio
	}
	return d
}

func (f Found) ref() who.Ref { return who.Ref{Kind: search.Account, ID: f.ID} }

// index tells search of an account as it is now.
func (r *Room) index(ctx context.Context, pass service.Pass, id who.ID) error {
	if r.Search == nil {
		return nil
	}
	list, err := r.store.found(ctx, 0, []who.ID{id})
	if err != nil {
		return err
	}
	for _, f := range list {
		if err := r.Search.Put(ctx, pass, f.doc()); err != nil {
			return err
		}
	}
	return nil
}

// Kind tells the registry of accounts.
func (r *Room) Kind() service.Kind {
	return service.Kind{Name: search.Account, Table: "accounts", Keeper: r}
}

// Things answers the registry for accounts.
func (r *Room) Things(ctx context.Context, v who.Viewer, ids []who.ID) ([]service.Thing, error) {
	list, err := r.store.found(ctx, v.Account, ids)
	if err != nil {
		return nil, err
	}
	out := make([]service.Thing, len(list))
	for i, f := range list {
		out[i] = service.Thing{Ref: f.ref(), Owner: f.ID, Title: f.Shown(), Excerpt: excerpt(f.Bio), Link: "/@" + f.Name, Picture: f.Avatar, See: f.Open}
	}
	return out, nil
}

// excerpt gives the first 120 characters on one line.
func excerpt(text string) string { return cut(strings.Join(strings.Fields(text), " "), 120) }

// Source gives the accounts to be found, for a new index.
func (r *Room) Source() search.Source { return source{r} }

type source struct{ room *Room }

// Kind is the kind of its refs.
func (source) Kind() string { return search.Account }

// Docs gives accounts by id.
func (s source) Docs(ctx context.Context, after who.ID, limit int) (docs []search.Doc, last who.ID, more bool, err error) {
	list, err := s.room.store.foundAbove(ctx, after, limit)
	for _, f := range list {
		docs, last = append(docs, f.doc()), f.ID
	}
	return docs, last, len(list) == limit, err
}

// Words gives names and words of accounts.
func (s source) Words(ctx context.Context, ids []who.ID) (map[who.ID]search.Words, error) {
	list, err := s.room.store.found(ctx, 0, ids)
	out := make(map[who.ID]search.Words, len(list))
	for _, f := range list {
		out[f.ID] = search.Words{Title: f.Shown(), Text: f.Bio}
	}
	return out, err
}
