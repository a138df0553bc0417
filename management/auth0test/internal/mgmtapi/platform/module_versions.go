package platform

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// versionsOf are what was published of an action module.
func versionsOf(t *state.Tenant, module string) *store.Table[mgmtapi.Doc] {
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
