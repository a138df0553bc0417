package schema

import (
	_ "embed"
	"encoding/json"
	"slices"
	"sync"
)

// spec.json is what internal/genspec keeps of Auth0's OpenAPI description: one
// operation a line, and the schemas that they name.
//
//go:generate go run ./genspec -oas $AUTH0KIT_OAS -out spec.json
//go:embed spec.json
var specJSON []byte

// Operation is what Auth0's description says of a request.
type Operation struct {
	Method string   `json:"method"`
	Path   string   `json:"path"`
	Title  string   `json:"title"` // Of a write: what the tenant log calls it.
	Scopes []string `json:"scopes"`
	Params []Param  `json:"params"`
	Body   *Shape   `json:"body"`
}

type Param struct {
	Name     string `json:"name"`
	In       string `json:"in"` // "query" or "path"
	Required bool   `json:"required"`
	Schema   *Shape `json:"schema"`
}

// Takes reports whether the operation has a parameter.
func (o *Operation) Takes(name string) bool {
	return slices.ContainsFunc(o.Params, func(p Param) bool { return p.Name == name })
}

type description struct {
	Operations []*Operation      `json:"operations"`
	Schemas    map[string]*Shape `json:"schemas"`
	byRoute    map[string]*Operation
	scopes     []string
}

// spec reads the description once in the life of the process.
var spec = sync.OnceValue(func() *description {
	d := &description{byRoute: make(map[string]*Operation)}
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
	d.scopes = append(d.scopes, BlacklistScope)
	slices.Sort(d.scopes)
	d.scopes = slices.Compact(d.scopes)
	return d
})

func (o *Operation) link(all map[string]*Shape) {
	o.Body.link(all)
	for _, p := range o.Params {
		p.Schema.link(all)
	}
}

// BlacklistScope is the scope of operations that the description has no longer.
const BlacklistScope = "blacklist:tokens"

// KnownScopes are all scopes of the Management API, sorted.
func KnownScopes() []string { return spec().scopes }

// Lookup returns the description of a route, an empty one for a route that the
// description does not have.
func Lookup(method, pattern string) *Operation {
	if op := spec().byRoute[method+" "+pattern]; op != nil {
		return op
	}
	return &Operation{}
}

// Operations are all operations of the description.
func Operations() []*Operation { return spec().Operations }

// amendments correct the description where recorded traffic contradicts it:
// properties that it does not have yet, or describes too narrowly.
var amendments = map[string]func(*Operation){
	"POST /resource-servers":       withProperties("token_lifetime_for_web"),
	"PATCH /resource-servers/{id}": withProperties("token_lifetime_for_web"),
	"PATCH /attack-protection/suspicious-ip-throttling": func(o *Operation) { // As GET shows it.
		o.Body.last().Properties["stage"].last().add("pre-custom-token-exchange")
	},
	"POST /roles":               withProperties("type", "owner_id"),
	"POST /organizations":       withProperties("is_app_entitlement_active"),
	"PATCH /organizations/{id}": withProperties("is_app_entitlement_active"),
	"POST /clients":             clientBody,
	"PATCH /clients/{id}":       clientBody,
	"PATCH /users/{id}":         func(o *Operation) { o.Body.last().Additional = new(additional) }, // As POST.
	"PATCH /tenants/settings": func(o *Operation) {
		o.Body.last().add("universal_login") // As GET shows it.
		o.Body.last().Properties["flags"].last().add("universal_login", "new_universal_login_experience_enabled",
			"allow_other_legacy_grant_types", "enable_custom_domain_in_emails", "use_scope_descriptions_for_consent",
			"require_pushed_authorization_requests", "enable_legacy_logs_search_v2")
	},
}

// withProperties lets a body have more properties, of any type.
func withProperties(names ...string) func(*Operation) {
	return func(o *Operation) { o.Body.last().add(names...) }
}

// clientBody has values of metadata as the text of the description says them.
func clientBody(o *Operation) {
	body := o.Body.last()
	body.add("token_vault_privileged_access", "identity_assertion_authorization_grant")
	body.Properties["client_metadata"].last().Additional = &additional{allowed: true, shape: &Shape{Type: kinds{"string", "null"}, MaxLength: new(255)}}
}

// last follows references to their end.
func (s *Shape) last() *Shape {
	for s.Target != nil {
		s = s.Target
	}
	return s
}

// add adds properties of any type.
func (s *Shape) add(names ...string) {
	for _, n := range names {
		s.Properties[n] = &Shape{}
	}
}

// Has reports whether the description has a route.
func Has(method, pattern string) bool { return spec().byRoute[method+" "+pattern] != nil }
