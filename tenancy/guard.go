package tenancy

import (
	"errors"
	"net/url"
	"slices"
	"strings"
)

// Guard decides which requests may pass: it verifies tokens, compares
// organizations, and checks requirements. One is shared by all routes and
// transports, so that they share its caches and its Cutoff. It is safe for
// concurrent use.
type Guard struct {
	v        *Verifier
	cfg      *GuardConfig
	live     *live // nil without a Directory
	proofs   proofs
	public   *url.URL // nil: not known
	prefix   string   // what proxies strip from paths
	log      *lineLog
	byIssuer map[string]*Guard // of Join
}

// NewGuard returns a Guard of the tokens that v accepts. It does no I/O.
func NewGuard(v *Verifier, cfg GuardConfig) (*Guard, error) {
	if v == nil {
		return nil, errors.New("tenancy: NewGuard needs a Verifier; it is nil")
	}
	for _, n := range []struct {
		field string
		bad   bool
	}{{"RoleTTL", cfg.RoleTTL < 0}, {"PermissionTTL", cfg.PermissionTTL < 0}, {"MaxEntries", cfg.MaxEntries < 0}, {"OnOutage", cfg.OnOutage.stale < 0}} {
		if n.bad {
			return nil, errors.New("tenancy: GuardConfig." + n.field + " must not be negative")
		}
	}
	if slices.Contains(cfg.FirstParty, "") {
		return nil, errors.New("tenancy: GuardConfig.FirstParty has an empty client id; a token without one would be believed")
	}
	cfg.FirstParty, cfg.Always, cfg.Scopes = slices.Clone(cfg.FirstParty), slices.Clone(cfg.Always), slices.Clone(cfg.Scopes)
	g := &Guard{v: v, cfg: &cfg, log: newLineLog(cfg.Logger)}
	var err error
	if g.proofs, err = newProofs(cfg, v.now); err != nil {
		return nil, err
	}
	if g.public, g.prefix, err = publicURL(cfg.PublicURL, v.audience); err != nil {
		return nil, err
	}
	if g.public == nil && cfg.DPoP != DPoPDisabled {
		return nil, errors.New("tenancy: GuardConfig.DPoP needs PublicURL, since the audience is not a URL")
	}
	if cfg.Directory != nil {
		g.live = newLive(cfg)
	}
	return g, nil
}

// publicURL returns the resource identifier of RFC 9728, and the prefix of paths
// that the server does not see.
func publicURL(configured, audience string) (*url.URL, string, error) {
	raw := configured
	if raw == "" {
		raw = audience
	}
	u, err := url.Parse(raw)
	ok := err == nil && u.Host != "" && u.User == nil && u.RawQuery == "" && u.Fragment == "" && (u.Scheme == "https" || u.Scheme == "http")
	switch {
	case ok && configured != "":
		return u, strings.TrimSuffix(u.EscapedPath(), "/"), nil
	case ok:
		return u, "", nil
	case configured != "":
		return nil, "", errors.New("tenancy: GuardConfig.PublicURL must be the https URL of the API, without query")
	}
	return nil, "", nil
}

// Invalidate forgets what is cached about a member; without an orgID, about the user
// everywhere, and without a userID, about the whole organization. The next request
// reads it again; a request in progress may still use what it has read.
func (g *Guard) Invalidate(orgID, userID string) { g.forget(member{orgID, userID}) }

// InvalidateRole forgets the cached permissions of a role.
func (g *Guard) InvalidateRole(roleID string) {
	g.each(func(g *Guard) {
		if g.live != nil {
			g.live.permissions.invalidate(func(id string) bool { return id == roleID })
		}
	})
}

func (g *Guard) forget(m member) {
	g.each(func(g *Guard) {
		if g.live != nil {
			g.live.forget(m)
		}
	})
}

// each calls f with every guard of a joined one, or with g.
func (g *Guard) each(f func(*Guard)) {
	if g.byIssuer == nil {
		f(g)
		return
	}
	done := make(map[*Guard]bool)
	for _, one := range g.byIssuer {
		if !done[one] {
			done[one] = true
			f(one)
		}
	}
}
