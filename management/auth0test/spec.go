package auth0test

import (
	_ "embed"
	"encoding/json"
	"slices"
	"sync"
)

// spec.json is what internal/genspec keeps of Auth0's OpenAPI description: one
// operation a line, and the schemas that they name.
//
//go:generate go run ./internal/genspec -oas $AUTH0KIT_OAS -out spec.json
//go:embed spec.json
var specJSON []byte

// operation is what Auth0's description says of a request.
type operation struct {
	Method string   `json:"method"`
	Path   string   `json:"path"`
	Title  string   `json:"title"` // Of a write: what the tenant log calls it.
	Scopes []string `json:"scopes"`
	Params []param  `json:"params"`
	Body   *shape   `json:"body"`
}

type param struct {
	Name     string `json:"name"`
	In       string `json:"in"` // "query" or "path"
	Required bool   `json:"required"`
	Schema   *shape `json:"schema"`
}

type description struct {
	Operations []*operation      `json:"operations"`
	Schemas    map[string]*shape `json:"schemas"`
	byRoute    map[string]*operation
	scopes     []string
}

// spec reads the description once in the life of the process.
var spec = sync.OnceValue(func() *description {
	d := &description{byRoute: make(map[string]*operation)}
	if err := json.Unmarshal(specJSON, d); err != nil {
		panic(err)
	}
	for _, s := range d.Schemas {
		s.link(d.Schemas)
	}
	for _, op := range d.Operations {
		op.link(d.Schemas)
		d.byRoute[op.Method+" "+op.Path] = op
		d.scopes = append(d.scopes, op.Scopes...)
	}
	for route, amend := range amendments {
		amend(d.byRoute[route])
	}
	d.scopes = append(d.scopes, blacklistScope)
	slices.Sort(d.scopes)
	d.scopes = slices.Compact(d.scopes)
	return d
})

func (o *operation) link(all map[string]*shape) {
	o.Body.link(all)
	for _, p := range o.Params {
		p.Schema.link(all)
	}
}

// knownScopes are all scopes of the Management API, sorted.
func knownScopes() []string { return spec().scopes }

// lookup returns the description of a route, an empty one for a route that the
// description does not have.
func lookup(rt *route) *operation {
	if op := spec().byRoute[rt.method+" "+rt.pattern]; op != nil {
		return op
	}
	return &operation{}
}

// amendments correct the description where recorded traffic contradicts it:
// properties that it does not have yet, or describes too narrowly.
var amendments = map[string]func(*operation){
	"POST /resource-servers":       withProperties("token_lifetime_for_web"),
	"PATCH /resource-servers/{id}": withProperties("token_lifetime_for_web"),
	"POST /roles":                  withProperties("type", "owner_id"),
	"POST /organizations":          withProperties("is_app_entitlement_active"),
	"PATCH /organizations/{id}":    withProperties("is_app_entitlement_active"),
	"POST /clients":                withProperties("token_vault_privileged_access"),
	"PATCH /clients/{id}":          withProperties("token_vault_privileged_access"),
	"PATCH /tenants/settings": func(o *operation) {
		o.Body.last().Properties["flags"].last().add("universal_login", "new_universal_login_experience_enabled",
			"allow_other_legacy_grant_types", "enable_custom_domain_in_emails", "use_scope_descriptions_for_consent",
			"require_pushed_authorization_requests", "enable_legacy_logs_search_v2")
	},
}

// withProperties lets a body have more properties, of any type.
func withProperties(names ...string) func(*operation) {
	return func(o *operation) { o.Body.last().add(names...) }
}

// last follows references to their end.
func (s *shape) last() *shape {
	for s.target != nil {
		s = s.target
	}
	return s
}

// add adds properties of any type.
func (s *shape) add(names ...string) {
	for _, n := range names {
		s.Properties[n] = &shape{}
	}
}
