package state

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// The Authentication API reads resources through the views of this file, copied
// under the mutex, so that no handler holds a document that another one changes.

// App is an application as the Authentication API needs it.
type App struct {
	ID, Secret, Name string
	AuthMethod       string // token_endpoint_auth_method
	TrustsIP         bool   // auth0-forwarded-for names the address of its user.
	Callbacks        []string
	LogoutURLs       []string
	Grants           []string
	webOrigins       []string
	loginURI         string
	IDTokenLifetime  time.Duration
	IDTokenAlg       string
	RequirePoP       bool          // Tokens are bound to a key (RFC 9449), or not given.
	RequirePAR       bool          // Also where the tenant's flag says so.
	PARLifetime      time.Duration // Of a pushed request.
	DefaultOrg       string        // Of client_credentials.
	ThirdParty       bool          // Not the tenant's own.
	Spared           bool          // As Client says.

	Refresh struct {
		Rotating               bool
		Leeway, Lifetime, Idle time.Duration // Zero lifetimes: endless.
	}

	OrgUsage  string // deny, allow or require
	OrgPrompt string // no_prompt, pre_login_prompt, post_login_prompt

	backChannel []string // URLs of back-channel logout.
	initiators  []string // Nil: all.
}

// App returns an application, or nil. The caller holds the mutex.
func (t *Tenant) App(id string) *App {
	c := t.Clients.Get(id)
	if c == nil {
		return nil
	}
	d := store.Document(c.Doc)
	a := &App{
		ID: c.ID, Secret: c.Secret, Name: d.Text("name"),
		AuthMethod: cmp.Or(d.Text("token_endpoint_auth_method"), "client_secret_post"),
		TrustsIP:   d.Flag("is_token_endpoint_ip_header_trusted"),
		Callbacks:  d.Texts("callbacks"), LogoutURLs: d.Texts("allowed_logout_urls"), webOrigins: d.Texts("web_origins"),
		Grants: d.Texts("grant_types"), loginURI: d.Text("initiate_login_uri"),
		IDTokenLifetime: cmp.Or(d.Sub("jwt_configuration").Seconds("lifetime_in_seconds"), idTokenLifetime),
		IDTokenAlg:      cmp.Or(d.Sub("jwt_configuration").Text("alg"), "RS256"),
		RequirePoP:      d.Flag("require_proof_of_possession"),
		RequirePAR:      d.Flag("require_pushed_authorization_requests") || t.TenantFlag("require_pushed_authorization_requests"),
		PARLifetime:     cmp.Or(d.Seconds("par_request_expiry"), parLifetime),
		ThirdParty:      d["is_first_party"] == false, Spared: c.Spared,
		OrgUsage:  cmp.Or(d.Text("organization_usage"), "deny"),
		OrgPrompt: cmp.Or(d.Text("organization_require_behavior"), "no_prompt"),
	}
	a.readRefresh(d.Sub("refresh_token"))
	a.readLogout(d.Sub("oidc_backchannel_logout"))
	if logout := d.Sub("oidc_logout"); logout != nil {
		a.readLogout(logout)
	}
	if org := d.Sub("default_organization"); slices.Contains(org.Texts("flows"), "client_credentials") {
		a.DefaultOrg = org.Text("organization_id")
	}
	return a
}

// LoginRoute is where a login at the application starts, or at the tenant where the
// application has no such place; "" without either. The caller holds the mutex.
func (t *Tenant) LoginRoute(a *App) string {
	route, _ := t.TenantSetting("default_redirection_uri").(string)
	return cmp.Or(a.loginURI, route)
}

// Public reports an application that cannot keep a secret.
func (a *App) Public() bool { return a.AuthMethod == "none" }

// parLifetime is how long a pushed request waits where nothing else is configured.
const parLifetime = 30 * time.Second

func (a *App) readRefresh(d store.Document) {
	a.Refresh.Rotating = d.Text("rotation_type") == "rotating"
	a.Refresh.Leeway = d.Seconds("leeway")
	if d.Text("expiration_type") == "non-expiring" {
		return
	}
	a.Refresh.Lifetime = cmp.Or(d.Seconds("token_lifetime"), refreshLifetime)
	a.Refresh.Idle = cmp.Or(d.Seconds("idle_token_lifetime"), refreshIdleLifetime)
	if d.Flag("infinite_token_lifetime") {
		a.Refresh.Lifetime = 0
	}
	if d.Flag("infinite_idle_token_lifetime") {
		a.Refresh.Idle = 0
	}
}

// readLogout reads who tells the application of a logout: the custom mode
// without a selection means the two initiators that are always on.
func (a *App) readLogout(d store.Document) {
	a.backChannel = d.Texts("backchannel_logout_urls")
	i := d.Sub("backchannel_logout_initiators")
	if i == nil || i.Text("mode") == "all" {
		return
	}
	a.initiators = append([]string{"rp-logout", "idp-logout"}, i.Texts("selected_initiators")...)
}

// wants reports whether the application asked to hear of such a logout.
func (a *App) wants(initiator string) bool {
	return len(a.backChannel) > 0 && (a.initiators == nil || slices.Contains(a.initiators, initiator))
}

// APIView is a resource server as tokens need it.
type APIView struct {
	Audience    string
	Scopes      []string
	Rbac        bool // enforce_policies
	Permissions bool // The dialect has the permissions claim.
	Rfc9068     bool
	Offline     bool
	Lifetime    time.Duration
	ForWeb      time.Duration // Lifetime of tokens that the browser brings.
	Alg, Secret string        // Of signatures; the secret is for HS256.
	PoP         struct {
		DPoP                 bool // Tokens are bound to a key, if a proof comes along.
		Required, PublicOnly bool
	}
	SkipConsent     bool   // First parties need no consent.
	Users, Machines string // Policies: allow_all, deny_all, require_client_grant.

	Key string // The audience as grants name it.
	id  string
}

// APIView returns the API of an audience, or nil. The caller holds the mutex.
func (t *Tenant) APIView(audience, issuer string) *APIView {
	if audience == issuer+"mfa/" {
		return &APIView{Audience: audience, Scopes: mfaScopes, Lifetime: MFATokenLifetime}
	}
	a := t.APIOf(issuer, audience)
	if a == nil {
		return nil
	}
	d := store.Document(a.Doc)
	dialect := d.Text("token_dialect")
	v := &APIView{
		Audience: AudienceUnder(issuer, a.Identifier), Key: a.Identifier, id: a.ID,
		Rbac:        d.Flag("enforce_policies"),
		Permissions: strings.HasSuffix(dialect, "_authz"),
		Rfc9068:     strings.HasPrefix(dialect, "rfc9068_profile"),
		Offline:     d.Flag("allow_offline_access"),
		SkipConsent: d.Flag("skip_consent_for_verifiable_first_party_clients"),
		Lifetime:    cmp.Or(d.Seconds("token_lifetime"), AccessTokenLifetime),
		ForWeb:      cmp.Or(d.Seconds("token_lifetime_for_web"), webTokenLifetime),
		Alg:         cmp.Or(d.Text("signing_alg"), "RS256"), Secret: cmp.Or(d.Text("signing_secret"), a.Secret),
	}
	pop, subjects := d.Sub("proof_of_possession"), d.Sub("subject_type_authorization")
	v.PoP.DPoP, v.PoP.Required = pop.Text("mechanism") == "dpop", pop.Flag("required")
	v.PoP.PublicOnly = pop.Text("required_for") == "public_clients"
	v.Users = cmp.Or(subjects.Sub("user").Text("policy"), "allow_all")
	v.Machines = cmp.Or(subjects.Sub("client").Text("policy"), "require_client_grant")
	for _, s := range a.Scopes {
		v.Scopes = append(v.Scopes, s.Value)
	}
	return v
}

// UserView returns a copy of a user with what Auth0 shows by default, for tokens and
// Actions; nil without one. The caller holds the mutex.
func (t *Tenant) UserView(id string) *User {
	u := t.Users.Get(id)
	if u == nil {
		return nil
	}
	v := *u
	v.Name, v.Nickname, v.Picture = u.ShownName(), u.ShownNickname(), u.ShownPicture()
	v.AppMetadata, v.UserMetadata = store.Clone(u.AppMetadata), store.Clone(u.UserMetadata)
	return &v
}

// OrgView is an organization as tokens need it.
type OrgView struct {
	ID, Name, DisplayName string
	Named                 bool // Tokens carry the name.
}

func (t *Tenant) OrgView(id string) *OrgView {
	o := t.Orgs.Get(id)
	if o == nil {
		return nil
	}
	return &OrgView{ID: o.ID, Name: o.Name, DisplayName: cmp.Or(store.Document(o.Doc).Text("display_name"), o.Name), Named: t.Auth.OrgNames}
}

// OrgNamed finds an organization by id, or by name where the tenant allows that.
func (t *Tenant) OrgNamed(s string) *OrgView {
	if o := t.OrgView(s); o != nil || !t.Auth.OrgNames {
		return o
	}
	if o := t.Orgs.Find(func(o *Organization) bool { return strings.EqualFold(o.Name, s) }); o != nil {
		return t.OrgView(o.ID)
	}
	return nil
}

func (t *Tenant) IsMember(orgID, userID string) bool {
	o := t.Orgs.Get(orgID)
	return o != nil && o.Members.Get(userID) != nil
}

// RolesOf returns the ids of the roles that count for a login, also those of
// groups: of the member in an organization, else of the user.
func (t *Tenant) RolesOf(userID string, org *OrgView) []string {
	if org != nil {
		o := t.Orgs.Get(org.ID)
		return store.Union(o.RolesIn(userID), t.InheritedRoles(o, userID))
	}
	if u := t.Users.Get(userID); u != nil {
		return store.Union(u.Roles, t.TenantGroupRoles(userID))
	}
	return nil
}

// RolesByID are the roles behind ids, in their order.
func (t *Tenant) RolesByID(ids []string) (roles []*Role) {
	for _, id := range ids {
		if r := t.Roles.Get(id); r != nil {
			roles = append(roles, r)
		}
	}
	return roles
}

// PermissionsOf returns what a user may do at an API: by the roles of the member
// in an organization, else by the user's own roles and permissions.
func (t *Tenant) PermissionsOf(u *User, org *OrgView, api *APIView) []string {
	stored := t.Users.Get(u.ID)
	if stored == nil {
		return nil
	}
	var held []Permission
	if org == nil {
		held = slices.Clone(stored.Permissions)
	}
	for _, r := range t.RolesByID(t.RolesOf(u.ID, org)) {
		held = append(held, r.Permissions...)
	}
	var out []string
	for _, p := range held {
		if p.APIID == api.id && !slices.Contains(out, p.Name) {
			out = append(out, p.Name)
		}
	}
	return out
}

// Verify returns the claims of a token that this tenant signed and that has not
// expired. Issuer and audience are the caller's business.
func (t *Tenant) Verify(token string) (map[string]any, error) {
	claims, err := t.Keys.Verify(token)
	if err != nil {
		return nil, err
	}
	exp, _ := claims["exp"].(float64)
	if !t.Now().Before(time.Unix(int64(exp), 0)) {
		return nil, keys.ErrExpired
	}
	return claims, nil
}

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
