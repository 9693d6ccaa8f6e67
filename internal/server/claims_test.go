package server_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"exeunt/exit"
	"exeunt/exit/exitsql"
	"exeunt/internal/blob"
	"exeunt/internal/db"
)

// column is a column of the schema, as the database tells it.
type column struct {
	table, name string
	refers      string // the table that a foreign key refers to; "" without one
}

func (c column) String() string { return c.table + "." + c.name }

// personal reports whether a column refers to an account or a person: by a foreign key, by its name, or because it is
// one of the run store's, which knows subjects as texts.
func (c column) personal() bool {
	switch c.String() {
	case "accounts.id", "people.id", "exit_runs.subject", "exit_runs.owner", "exit_steps.subject", "exit_steps.choice":
		return true
	}
	if c.refers == "accounts" || c.refers == "people" {
		return true
	}
	for _, word := range []string{"account", "author", "person", "people", "follower", "followee", "heir", "owner", "member", "user"} {
		if c.name == word || c.name == word+"_id" || strings.HasSuffix(c.name, "_"+word+"_id") {
			return true
		}
	}
	return false
}

// schema reads all columns of a database with their foreign keys.
func schema(ctx context.Context, d *db.DB) ([]column, error) {
	query := `select m.name, p.name, coalesce((select min(f."table") from pragma_foreign_key_list(m.name) f where f."from" = p.name), '')
		from sqlite_master m join pragma_table_info(m.name) p where m.type = 'table' and m.name not like 'sqlite_%' order by m.name, p.cid`
	if d.Dialect == exitsql.PostgreSQL {
		query = `select c.table_name::text, c.column_name::text, coalesce((select min(r.relname::text) from pg_constraint k
				join pg_class t on t.oid = k.conrelid join pg_class r on r.oid = k.confrelid
				join pg_attribute a on a.attrelid = t.oid and a.attnum = any (k.conkey)
				where k.contype = 'f' and t.relname = c.table_name and a.attname = c.column_name), '')
			from information_schema.columns c where c.table_schema = current_schema() order by c.table_name, c.ordinal_position`
	}
	rows, err := d.Reader.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	return db.Scan(rows, func(r db.Row) (c column, err error) { return c, r.Scan(&c.table, &c.name, &c.refers) })
}

// unclaimed compares a schema and the folders of blobs with what the holders claim, and gives a sentence for each
// difference.
func unclaimed(columns []column, folders []string, holders []exit.Holder) (out []string) {
	claimed, there := map[string]bool{}, map[string]bool{}
	for _, c := range columns {
		there[c.String()] = true
	}
	for _, h := range holders {
		for _, c := range h.Classes() {
			for _, p := range c.Places {
				class := h.Name() + "." + c.Name
				switch {
				case p.Table != "":
					name := p.Table + "." + p.Column
					claimed[name] = true
					if !there[name] {
						out = append(out, fmt.Sprintf("%s claims %s, and there is no such column", class, name))
					}
				case p.Blobs == "": // all of an account's own: says nothing of any one folder
				case !slices.Contains(folders, strings.TrimSuffix(p.Blobs, "/")):
					out = append(out, fmt.Sprintf("%s claims blobs under %s, and there is no such folder", class, p.Blobs))
				default:
					claimed[p.Blobs] = true
				}
			}
		}
	}
	for _, c := range columns {
		if c.personal() && !claimed[c.String()] {
			out = append(out, fmt.Sprintf("%s refers to an account or a person, and no class claims it", c))
		}
	}
	for _, f := range folders {
		if !claimed[f+"/"] {
			out = append(out, fmt.Sprintf("no class claims blobs under %s/", f))
		}
	}
	return out
}

// TestEveryColumnIsClaimed reads both schemas and the folders of blobs: whatever refers to an account or a person
// belongs to a class of a registered holder, and each claim is of something that is there.
func TestEveryColumnIsClaimed(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		columns, err := schema(t.Context(), in.DB)
		must(t, err, "read schema")
		personal := 0
		for _, c := range columns {
			if c.personal() {
				personal++
			}
		}
		if len(columns) < 200 || personal < 40 {
			t.Fatalf("the schema has %d columns, %d of them personal: it was not read whole", len(columns), personal)
		}
		for _, problem := range unclaimed(columns, blob.Folders(), in.Engine.Holders) {
			t.Error(problem)
		}
	})
}

// liar claims what is not there.
type liar struct{ exit.Holder }

func (liar) Classes() []exit.Class {
	return []exit.Class{{Name: "nothing", Places: []exit.Place{{Table: "posts", Column: "no_such_id"}, {Blobs: "nowhere/"}}}}
}

// TestClaimsTestFinds asks that the test above can fail: by a new table, a new folder, a holder that is gone, and a holder
// that claims what is not there.
func TestClaimsTestFinds(t *testing.T) {
	eachInstall(t, func(t *testing.T, in *install) {
		for _, planted := range []string{
			`create table planted (id integer primary key, account_id bigint not null, note text)`,
			`create table planted_more (id integer primary key, kept_by bigint references people (id), last_author_id bigint)`,
		} {
			_, err := in.DB.Writer.ExecContext(t.Context(), planted)
			must(t, err, "plant table")
		}
		columns, err := schema(t.Context(), in.DB)
		must(t, err, "read schema")
		holders := slices.DeleteFunc(slices.Clone(in.Engine.Holders), func(h exit.Holder) bool { return h.Name() == "relation" })
		found := strings.Join(unclaimed(columns, append(blob.Folders(), "sounds"), append(holders, liar{in.Queue})), "\n")
		for _, want := range []string{
			"planted.account_id refers", "planted_more.kept_by refers", "planted_more.last_author_id refers", "follows.follower_id refers", "follows.followee_id refers",
			"blocks.account_id refers", "blocks.blocked_id refers", "mutes.account_id refers", "mutes.muted_id refers", "quiets.account_id refers",
			"claims posts.no_such_id, and there is no such column", "claims blobs under nowhere/", "no class claims blobs under sounds/",
		} {
			if !strings.Contains(found, want) {
				t.Errorf("%q is not among what was found", want)
			}
		}
		if n := strings.Count(found, "\n") + 1; n != 13 {
			t.Errorf("%d things were found, want 13:\n%s", n, found)
		}
	})
}
