package exit_test

import "exeunt/exit"

// houseFacts is what a platform with all kinds of classes declares: ones with a choice, a gate, a
// hold, an order, a rank, a person's own.
func houseFacts() exit.Facts {
	all := []string{"page", "circle"}
	class := func(holder string, c exit.Class) exit.ClassFact { return exit.ClassFact{Holder: holder, Class: c} }
	keepable := []exit.Manner{exit.Erase, exit.Detach}
	return exit.Facts{
		Classes: []exit.ClassFact{ // sorted by id
			class("account", exit.Class{Name: "person", Subject: exit.SubjectPerson, Rank: 3}),
			class("account", exit.Class{Name: "profile", Rank: 2, Exported: true}),
			class("blob", exit.Class{Name: "media", Rank: 1, Services: all, Outside: true}),
			class("circle", exit.Class{Name: "circles", Services: []string{"circle"}, Gate: "heir"}),
			class("circle", exit.Class{Name: "members", Services: []string{"circle"}, After: []exit.Order{{Class: "circle.circles", Why: "an owner is a member to the end"}}}),
			class("post", exit.Class{Name: "images", Services: all, Manners: keepable, After: []exit.Order{{Class: "post.posts", Why: "posts refer to images"}}, Exported: true, Imported: true}),
			class("post", exit.Class{Name: "posts", Services: all, Manners: keepable, Exported: true, Imported: true}),
			class("relation", exit.Class{Name: "follows", Exported: true}),
			class("shop", exit.Class{Name: "orders", Services: []string{"shop"}, Manners: []exit.Manner{exit.Erase, exit.Hold}}),
			class("talk", exit.Class{Name: "comments", Services: all, Manners: keepable, Exported: true}),
			class("talk", exit.Class{Name: "likes", Services: all, Exported: true}),
		},
		Hiders: []string{"service"}, Veilers: []string{"post", "relation", "talk"}, Freezers: []string{"account"},
		Binders: []string{"circle"}, Transfers: []string{"circle"}, Packer: "leave",
		Services: []string{"circle", "page", "shop"},
		Counts:   map[string]exit.Count{"post.posts": {Items: 200}},
	}
}
