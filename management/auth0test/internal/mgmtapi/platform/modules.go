package platform

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// actionModules are code that Actions share. Nothing runs them here.
var actionModules = mgmtapi.Document{
	NewID: func(*mgmtapi.Call) string { return store.NewUUID() }, Unique: "name",
	Initial: map[string]any{"dependencies": []any{}, "secrets": []any{}},
	Complete: func(c *mgmtapi.Call, doc map[string]any) {
		secrets, _ := doc["secrets"].([]any)
		doc["secrets"] = store.Render(secrets, func(s any) any {
			m, _ := s.(map[string]any)
			at, kept := m["updated_at"]
			if !kept {
				at = store.Stamp(c.Now)
			}
			return map[string]any{"name": m["name"], "updated_at": at}
		})
		doc["all_changes_published"] = false
	},
	Show: func(c *mgmtapi.Call, d *mgmtapi.Doc, m map[string]any) {
		delete(m, "publish")
		delete(m, "api_version")
		m["actions_using_module_total"] = len(usersOf(c.T, d.ID))
		if all := versionsOf(c.T, d.ID).All(); len(all) > 0 {
			last := all[len(all)-1].Doc
			m["latest_version_number"] = last["version_number"]
			m["latest_version"] = store.MergedCopy(last, map[string]any{"id": all[len(all)-1].ID})
		}
	},
}.Resource(mgmtapi.Resource[*mgmtapi.Doc]{
	Path: "/actions/modules", Missing: mgmtapi.Text{Message: "The action module does not exist."}, Strict: true,
	Taken: mgmtapi.Text{Message: "An action module with the same name already exists."},
	Remove: func(c *mgmtapi.Call, d *mgmtapi.Doc) *mgmtapi.Reply {
		if len(usersOf(c.T, d.ID)) > 0 {
			return mgmtapi.Fail(412, "The Actions Module cannot be deleted because it is in use by one or more actions.", "")
		}
		return nil
	},
	Page: mgmtapi.Envelope[*mgmtapi.Doc]{Key: "modules", Form: mgmtapi.Numbered},
})

// moduleVersions are what was published of a module.
var moduleVersions = mgmtapi.Document{Plain: true}.Resource(mgmtapi.Resource[*mgmtapi.Doc]{
	Path: "/actions/modules/{id}/versions", Part: "versionId", Missing: mgmtapi.Text{Message: "The action module version does not exist."},
	Table: func(c *mgmtapi.Call) (*store.Table[*mgmtapi.Doc], *mgmtapi.Reply) {
		_, bad := actionModules.Find(c)
		return versionsOf(c.T, c.Path("id")), bad
	},
	Last: func(*mgmtapi.Call) bool { return true },
	Page: mgmtapi.Envelope[*mgmtapi.Doc]{Key: "versions", Form: mgmtapi.Numbered},
})

// usersOf are the Actions that name a module.
func usersOf(t *state.Tenant, module string) []*actionRow {
	return slices.DeleteFunc(actionsOf(t).All(), func(a *actionRow) bool { return a.module(module) == nil })
}

// module is what an Action says of a module that it uses, nil when it does not.
func (a *actionRow) module(id string) map[string]any {
	for _, v := range a.modules {
		if m, _ := v.(map[string]any); m["module_id"] == id {
			return m
		}
	}
	return nil
}

func ModuleRoutes() []mgmtapi.Route {
	const one = "/actions/modules/{id}"
	return actionModules.Routes(moduleVersions.Routes([]mgmtapi.Route{
		{Method: "POST", Pattern: "/actions/modules", Handle: createModule},
		{Method: "POST", Pattern: one + "/versions", Handle: mgmtapi.On(actionModules.Find, publishModule)},
		{Method: "POST", Pattern: one + "/rollback", Handle: mgmtapi.On(actionModules.Find, rollBackModule)},
		{Method: "GET", Pattern: one + "/actions", Handle: mgmtapi.On(actionModules.Find, listModuleActions)},
	}...)...)
}

// createModule publishes the module at once where the request says so.
func createModule(c *mgmtapi.Call) *mgmtapi.Reply {
	publish := c.Yes("publish")
	made := actionModules.Create(c)
	if made.Status != 201 || !publish {
		return made
	}
	d := mgmtapi.DocumentsAt(c.T, "/actions/modules").Get(made.Body.(map[string]any)["id"].(string))
	publishModule(c, d)
	made.Body = actionModules.View(c, d)
	return made
}

func publishModule(c *mgmtapi.Call, d *mgmtapi.Doc) *mgmtapi.Reply {
	if d.Doc["all_changes_published"] == true {
		return mgmtapi.Conflict("No draft version is available to publish.", "")
	}
	d.Doc["all_changes_published"] = true
	all := versionsOf(c.T, d.ID)
	v := &mgmtapi.Doc{ID: store.NewUUID(), CreatedAt: c.Now, Doc: map[string]any{
		"module_id": d.ID, "version_number": all.Len() + 1, "code": d.Doc["code"], "secrets": d.Doc["secrets"],
		"dependencies": d.Doc["dependencies"], "created_at": store.Stamp(c.Now),
	}}
	all.Put(v.ID, v)
	return mgmtapi.OK(moduleVersions.View(c, v))
}

// rollBackModule makes a version the draft again.
func rollBackModule(c *mgmtapi.Call, d *mgmtapi.Doc) *mgmtapi.Reply {
	v := versionsOf(c.T, d.ID).Get(c.Str("module_version_id"))
	if v == nil {
		return moduleVersions.NotFound("")
	}
	if d.Doc["code"] == v.Doc["code"] && d.Doc["all_changes_published"] == true {
		return mgmtapi.Conflict("The specified version is already the current draft version.", "")
	}
	d.Doc = store.MergedCopy(d.Doc, map[string]any{
		"code": v.Doc["code"], "secrets": v.Doc["secrets"], "dependencies": v.Doc["dependencies"], "all_changes_published": false,
	})
	d.UpdatedAt = c.Now
	return mgmtapi.OK(actionModules.View(c, d))
}

func listModuleActions(c *mgmtapi.Call, d *mgmtapi.Doc) *mgmtapi.Reply {
	return mgmtapi.List(c, mgmtapi.Envelope[*actionRow]{Key: "actions", Form: mgmtapi.Omitted}, usersOf(c.T, d.ID), func(a *actionRow) any {
		m := map[string]any{"action_id": a.id, "action_name": a.name, "supported_triggers": a.triggers}
		if v := versionsOf(c.T, d.ID).Get(store.Document(a.module(d.ID)).Text("module_version_id")); v != nil {
			m["module_version_id"], m["module_version_number"] = v.ID, v.Doc["version_number"]
		}
		return m
	})
}

// versionsOf are what was published of an action module.
func versionsOf(t *state.Tenant, module string) *store.Table[*mgmtapi.Doc] {
	return mgmtapi.DocumentsAt(t, "/actions/modules/"+module)
}

// namedModules adds to what a request says of modules their names and the numbers
// of their versions.
func namedModules(t *state.Tenant, list []any) []any {
	return store.Render(list, func(v any) any {
		m := store.Document(store.Clone(v.(map[string]any)))
		if d := mgmtapi.DocumentsAt(t, "/actions/modules").Get(m.Text("module_id")); d != nil {
			m["module_name"] = d.Doc["name"]
			if v := versionsOf(t, d.ID).Get(m.Text("module_version_id")); v != nil {
				m["module_version_number"] = v.Doc["version_number"]
			}
		}
		return map[string]any(m)
	})
}
