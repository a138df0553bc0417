package apps

import (
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

const scimPath = "/connections/{id}/scim-configuration"

// scim holds how users are provisioned into a connection, by the connection's
// id. Nobody provisions any here.
var scim = mgmtapi.Document{
	ID: "connection_id", Plain: true, NewID: func(c *mgmtapi.Call) string { return c.Path("id") },
	Complete: func(_ *mgmtapi.Call, doc map[string]any) {
		store.Defaults(doc, map[string]any{"user_id_attribute": "externalId", "mapping": scimMapping()})
	},
	Show: func(c *mgmtapi.Call, d *mgmtapi.Doc, m map[string]any) {
		if con := c.T.Connections.Get(d.ID); con != nil {
			m["connection_name"], m["strategy"] = con.Name, con.Strategy
		}
		m["tenant_name"], _, _ = strings.Cut(c.T.Options.Domain, ".")
		m["created_at"], m["updated_on"] = store.Stamp(d.CreatedAt), store.Stamp(d.UpdatedAt)
	},
}.Resource(mgmtapi.Resource[*mgmtapi.Doc]{
	Path: scimPath, Single: true, Missing: mgmtapi.Text{Message: "Not Found"},
	Table: mgmtapi.Under(scimConnection, func(p provisioned) *store.Table[*mgmtapi.Doc] { return mgmtapi.DocumentsAt(p.t, scimPath) }),
})

// scimTokens are those with which a directory provisions; two at most.
var scimTokens = mgmtapi.Document{
	ID: "token_id", Plain: true, NewID: func(*mgmtapi.Call) string { return store.NewID("tok") },
	Check: func(c *mgmtapi.Call, _ *mgmtapi.Doc) *mgmtapi.Reply {
		if mgmtapi.DocumentsAt(c.T, scimPath+c.Path("id")).Len() >= 2 {
			return mgmtapi.Conflict("Maximum of 2 tokens already issued for this connection", "")
		}
		return nil
	},
	Show: func(_ *mgmtapi.Call, d *mgmtapi.Doc, m map[string]any) {
		m["created_at"] = store.Stamp(d.CreatedAt)
		if s, is := m["token_lifetime"].(float64); is {
			m["valid_until"] = store.Stamp(d.CreatedAt.Add(time.Duration(s) * time.Second))
		}
		delete(m, "token_lifetime")
	},
}.Resource(mgmtapi.Resource[*mgmtapi.Doc]{
	Path: scimPath + "/tokens", Part: "tokenId", Page: mgmtapi.Envelope[*mgmtapi.Doc]{Form: mgmtapi.Whole},
	Table: mgmtapi.Under(scimConnection, func(p provisioned) *store.Table[*mgmtapi.Doc] { return mgmtapi.DocumentsAt(p.t, scimPath+p.id) }),
	Told: func(_ *mgmtapi.Call, d *mgmtapi.Doc) map[string]any {
		return map[string]any{
			"token_id": d.ID, "token": d.ID + "." + store.RandomHex(64), "scopes": d.Doc["scopes"], "created_at": store.Stamp(d.CreatedAt),
		}
	},
})

// provisioned is a connection that SCIM can provision.
type provisioned struct {
	t  *state.Tenant
	id string
}

func scimConnection(c *mgmtapi.Call) (provisioned, *mgmtapi.Reply) {
	con := c.T.Connections.Get(c.Path("id"))
	switch {
	case con == nil:
		return provisioned{}, mgmtapi.NotFound("The connection does not exist", "inexistent_connection")
	case !slices.Contains([]string{"okta", "oidc", "samlp", "waad"}, con.Strategy):
		return provisioned{}, mgmtapi.NotFound("This connection type does not support SCIM. Please see our documentation for the currently supported connection types: https://auth0.com/docs/authenticate/protocols/scim/configure-inbound-scim.", "")
	}
	return provisioned{c.T, con.ID}, nil
}

func scimRoutes() []mgmtapi.Route {
	return append(scim.Routes(scimTokens.Routes()...),
		mgmtapi.Route{Method: "GET", Pattern: scimPath + "/default-mapping", Handle: mgmtapi.On(scimConnection, func(*mgmtapi.Call, provisioned) *mgmtapi.Reply {
			return mgmtapi.OK(map[string]any{"mapping": scimMapping()})
		})},
		mgmtapi.Route{Method: "GET", Pattern: "/connections-scim-configurations", Handle: func(c *mgmtapi.Call) *mgmtapi.Reply {
			page := mgmtapi.Envelope[*mgmtapi.Doc]{Key: "scim_configurations", Form: mgmtapi.Cursor, Mark: func(d *mgmtapi.Doc) store.Mark {
				return store.Mark{At: d.CreatedAt, ID: d.ID}
			}}
			return mgmtapi.List(c, page, mgmtapi.DocumentsAt(c.T, scimPath).All(), func(d *mgmtapi.Doc) any { return scim.View(c, d) })
		}})
}

// scimMapping is the default one, as recorded.
func scimMapping() []any { return schema.Data[[]any]("scim mapping") }
