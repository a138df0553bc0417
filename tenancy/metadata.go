package tenancy

import (
	"encoding/json"
	"net/http"
	"slices"
)

const wellKnown = "/.well-known/oauth-protected-resource"

// metadata is RFC 9728 section 2.
type metadata struct {
	Resource   string   `json:"resource"`
	Servers    []string `json:"authorization_servers"`
	Scopes     []string `json:"scopes_supported,omitempty"`
	Methods    []string `json:"bearer_methods_supported"`
	Name       string   `json:"resource_name,omitempty"`
	Algorithms []string `json:"dpop_signing_alg_values_supported,omitempty"`
	Bound      bool     `json:"dpop_bound_access_tokens_required,omitempty"`
}

// Metadata returns the handler of the protected resource metadata of RFC 9728, which
// tells clients which issuer to ask for tokens, and the pattern to serve it at, at
// the root of the public host: http.Handle(guard.Metadata()). Challenges name its
// URL. When neither PublicURL nor the audience is a URL there is none, and the
// handler answers 404.
func (g *Guard) Metadata() (pattern string, h http.Handler) {
	if g.public == nil {
		return "GET " + wellKnown, http.NotFoundHandler()
	}
	m := metadata{
		Resource: g.public.String(), Scopes: g.cfg.Scopes, Methods: []string{"header"}, Name: g.cfg.Name,
		Bound: g.proofs.mode == DPoPRequired,
	}
	g.each(func(g *Guard) { m.Servers = append(m.Servers, g.v.issuers...) })
	slices.Sort(m.Servers)
	if g.proofs.mode != DPoPDisabled {
		m.Algorithms = proofAlgorithms
	}
	body, err := json.Marshal(m)
	if err != nil { // strings
		return "GET " + wellKnown, http.NotFoundHandler()
	}
	return "GET " + wellKnown + g.resourcePath(), http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=3600")
		w.Header().Set("Access-Control-Allow-Origin", "*") // it is public
		_, _ = w.Write(body)                               // the client has gone away
	})
}

// resourcePath is the path that goes behind the well-known one (RFC 9728 section
// 3.1).
func (g *Guard) resourcePath() string {
	if p := g.public.EscapedPath(); p != "/" {
		return p
	}
	return ""
}

func (g *Guard) metadataURL() string {
	if g.public == nil {
		return ""
	}
	return g.public.Scheme + "://" + g.public.Host + wellKnown + g.resourcePath()
}
