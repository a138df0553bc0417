package state

import (
	"net/url"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// AllowsOrigin reports whether pages of an origin may read what the tenant
// answers to a client; "" asks for any client. The caller holds the mutex.
//
// Auth0's description of clients says of allowed_origins: URLs that may make
// requests from JavaScript, by default all callbacks, with wildcards for
// subdomains, without regard to query and fragment.
func (t *Tenant) AllowsOrigin(clientID, origin string) bool {
	allows := func(c *Client) bool {
		d := store.Document(c.Doc)
		return hasOrigin(d.Texts("allowed_origins"), origin) || hasOrigin(d.Texts("callbacks"), origin)
	}
	if c := t.Clients.Get(clientID); c != nil {
		return allows(c)
	}
	return t.Clients.Find(allows) != nil
}

// HasWebOrigin reports whether web messages may go to the origin of a URL, by
// web_origins.
func (a *App) HasWebOrigin(target string) bool { return hasOrigin(a.webOrigins, target) }

func hasOrigin(allowed []string, target string) bool {
	got, err := url.Parse(target)
	return err == nil && got.Host != "" && slices.ContainsFunc(allowed, func(raw string) bool {
		u, err := url.Parse(raw)
		return err == nil && SameOrigin(u, got)
	})
}

// SameOrigin reports whether a URL has the origin of an allowed one, whose host
// may begin with "*." for one level of subdomains.
func SameOrigin(allowed, got *url.URL) bool {
	if allowed.Scheme != got.Scheme {
		return false
	}
	if parent, wild := strings.CutPrefix(allowed.Host, "*."); wild {
		label, rest, _ := strings.Cut(got.Host, ".")
		return label != "" && rest == parent
	}
	return allowed.Host == got.Host
}
