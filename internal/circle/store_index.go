package circle

import (
	"context"
	"fmt"
	"strings"

	"exeunt/internal/db"
	"exeunt/internal/search"
	"exeunt/internal/service"
	"exeunt/internal/ui"
	"exeunt/internal/who"
)

// listed is the condition on circles that others can find.
const listed = `c.state = 'open' and c.withheld_at is null and c.found = 1 and c.join_mode <> 'invitation' and c.name <> ''`

const docQuery = `select c.id, c.name, c.intro, c.category, c.preview, c.created_at, coalesce(o.account_id, 0)
	from circles c left join circle_members o on o.circle_id = c.id and o.role = 'owner' where ` + listed

// categoryWords are the names of the categories, by which circles are found in every language.
var categoryWords = ui.Keys("circle.category.", "life", "outdoors", "reading", "study", "work", "tech", "arts", "games", "food", "family", "local", "other")

func scanDoc(r db.Row) (d search.Doc, err error) {
	var id, created, owner int64
	var category, preview, intro string
	err = r.Scan(&id, &d.Title, &intro, &category, &preview, &created, &owner)
	var text []string
	if Preview(preview) != PreviewNothing {
		text = append(text, intro)
	}
	if key := categoryWords[category]; key != "" {
		for _, l := range ui.Langs() {
			text = append(text, l.T(key))
		}
	}
	d.Ref, d.Owner, d.Service, d.Place = who.Ref{Kind: Name, ID: who.ID(id)}, who.ID(owner), Name, who.ID(id)
	d.Audience, d.Text, d.At = who.Public, strings.Join(text, "\n"), db.Time(created)
	return d, err
}

// doc gives a circle as it is found; the zero Doc if it is not.
func (s store) doc(ctx context.Context, id who.ID) (search.Doc, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, docQuery+` and c.id = $1`, int64(id))
	if err != nil {
		return search.Doc{}, fmt.Errorf("read circle for search: %w", err)
	}
	list, err := db.Scan(rows, scanDoc)
	if err != nil || len(list) == 0 {
		return search.Doc{}, err
	}
	return list[0], nil
}

// docs gives those circles above an id that are found; in a transaction their rows are kept from changing.
func (s store) docs(ctx context.Context, after who.ID, limit int) ([]search.Doc, error) {
	rows, err := s.db.Q(ctx).QueryContext(ctx, docQuery+` and c.id > $1 order by c.id limit $2`, int64(after), limit)
	if err != nil {
		return nil, fmt.Errorf("read circles for search: %w", err)
	}
	list, err := db.Scan(rows, scanDoc)
	if err != nil {
		return nil, fmt.Errorf("read circles for search: %w", err)
	}
	return list, nil
}

// memberIDs gives the members of a circle above an account, or its staff alone, in the order of their ids.
func (s store) memberIDs(ctx context.Context, circle who.ID, staff bool, after who.ID, limit int) ([]who.ID, error) {
	which := ""
	if staff {
		which = ` and m.role <> 'member'`
	}
	return s.idList(ctx, `select m.account_id from circle_members m where m.circle_id = $1 and m.state = 'active'`+which+` and `+
		service.Visible("m.account_id", "'circle'", "m.circle_id")+` and m.account_id > $3 order by m.account_id limit $2`, int64(circle), limit, int64(after))
}
