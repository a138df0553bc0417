package mgmtapi

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func ViewOrganization(_ *Call, o *state.Organization) map[string]any {
	m := store.Clone(o.Doc)
	m["id"], m["name"] = o.ID, o.Name
	return m
}

const NoRole = "The role does not exist."

// BriefRole is a role in the lists of users and members.
func BriefRole(_ *Call, r *state.Role) map[string]any {
	return map[string]any{"id": r.ID, "name": r.Name, "description": r.Description}
}

const NoGrant = "The grant does not exist."

// ViewGrant shows a client grant.
func ViewGrant(c *Call, g *state.ClientGrant) map[string]any {
	m := store.Clone(g.Doc)
	m["id"], m["client_id"], m["audience"] = g.ID, g.ClientID, state.AudienceUnder(c.Issuer(), g.Audience)
	m["scope"] = store.AnyList(g.Scopes)
	return m
}

// Organizations is the envelope of lists of organizations.
var Organizations = Envelope[*state.Organization]{Key: "organizations", Beyond: BeyondOther, Mark: func(o *state.Organization) store.Mark {
	return store.Mark{At: o.CreatedAt, ID: o.ID}
}}
