package auth0test

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// The Authentication API reads resources through the views of this file, copied
// under the mutex, so that no handler holds a document that another one changes.

// app is an application as the Authentication API needs it.
type app struct {
	id, secret, name string
	authMethod       string // token_endpoint_auth_method
	trustsIP         bool   // auth0-forwarded-for names the address of its user.
	callbacks        []string
	logoutURLs       []string
	grants           []string
	loginURI         string
	idTokenLifetime  time.Duration

	refresh struct {
		rotating               bool
		leeway, lifetime, idle time.Duration // Zero lifetimes: endless.
	}

	orgUsage  string // deny, allow or require
	orgPrompt string // no_prompt, pre_login_prompt, post_login_prompt

	backChannel []string // URLs of back-channel logout.
	initiators  []string // Nil: all.
}

// app returns an application, or nil. The caller holds the mutex.
func (t *Tenant) app(id string) *app {
	c := t.clients.get(id)
	if c == nil {
		return nil
	}
	d := document(c.doc)
	a := &app{
		id: c.id, secret: c.secret, name: d.text("name"),
		authMethod: cmp.Or(d.text("token_endpoint_auth_method"), "client_secret_post"),
		trustsIP:   d.flag("is_token_endpoint_ip_header_trusted"),
		callbacks:  d.texts("callbacks"), logoutURLs: d.texts("allowed_logout_urls"),
		grants: d.texts("grant_types"), loginURI: d.text("initiate_login_uri"),
		idTokenLifetime: cmp.Or(d.sub("jwt_configuration").seconds("lifetime_in_seconds"), idTokenLifetime),
		orgUsage:        cmp.Or(d.text("organization_usage"), "allow"),
		orgPrompt:       cmp.Or(d.text("organization_require_behavior"), "no_prompt"),
	}
	a.readRefresh(d.sub("refresh_token"))
	a.readLogout(d.sub("oidc_logout"))
	return a
}

func (a *app) readRefresh(d document) {
	a.refresh.rotating = d.text("rotation_type") == "rotating"
	a.refresh.leeway = d.seconds("leeway")
	if d.text("expiration_type") == "non-expiring" {
		return
	}
	a.refresh.lifetime = cmp.Or(d.seconds("token_lifetime"), refreshLifetime)
	a.refresh.idle = cmp.Or(d.seconds("idle_token_lifetime"), refreshIdleLifetime)
	if d.flag("infinite_token_lifetime") {
		a.refresh.lifetime = 0
	}
	if d.flag("infinite_idle_token_lifetime") {
		a.refresh.idle = 0
	}
}

// readLogout reads who tells the application of a logout: the custom mode
// without a selection means the two initiators that are always on.
func (a *app) readLogout(d document) {
	a.backChannel = d.texts("backchannel_logout_urls")
	i := d.sub("backchannel_logout_initiators")
	if i == nil || i.text("mode") == "all" {
		return
	}
	a.initiators = append([]string{"rp-logout", "idp-logout"}, i.texts("selected_initiators")...)
}

// wants reports whether the application asked to hear of such a logout.
func (a *app) wants(initiator string) bool {
	return len(a.backChannel) > 0 && (a.initiators == nil || slices.Contains(a.initiators, initiator))
}

// defaultApp is the application in whose name AccessToken issues tokens: the
// first that may log users in, else the machine client.
func (t *Tenant) defaultApp() *app {
	for _, c := range t.clients.all() {
		if a := t.app(c.id); len(a.callbacks) > 0 && slices.Contains(a.grants, grantCode) {
			return a
		}
	}
	return t.app(t.opts.ClientID)
}

// apiView is a resource server as tokens need it.
type apiView struct {
	audience    string
	scopes      []string
	rbac        bool // enforce_policies
	permissions bool // The dialect has the permissions claim.
	rfc9068     bool
	offline     bool
	lifetime    time.Duration
	key         string // The audience as grants name it.
	id          string
}

// apiView returns the API of an audience, or nil. The caller holds the mutex.
func (t *Tenant) apiView(audience, issuer string) *apiView {
	if audience == issuer+"mfa/" {
		return &apiView{audience: audience, scopes: mfaScopes, lifetime: mfaTokenLifetime}
	}
	a := t.apiOf(issuer, audience)
	if a == nil {
		return nil
	}
	d := document(a.doc)
	dialect := d.text("token_dialect")
	v := &apiView{
		audience: audienceUnder(issuer, a.identifier), key: a.identifier, id: a.id,
		rbac:        d.flag("enforce_policies"),
		permissions: strings.HasSuffix(dialect, "_authz"),
		rfc9068:     strings.HasPrefix(dialect, "rfc9068_profile"),
		offline:     d.flag("allow_offline_access"),
		lifetime:    cmp.Or(d.seconds("token_lifetime"), accessTokenLifetime),
	}
	for _, s := range a.scopes {
		v.scopes = append(v.scopes, s.Value)
	}
	return v
}

// userView is a user as tokens and actions need it.
type userView struct {
	id, connection, email, username, phone string
	name, nickname, given, family, picture string
	emailVerified, phoneVerified, blocked  bool
	createdAt, updatedAt                   time.Time
	loginsCount                            int
	appMetadata, userMetadata              map[string]any
}

// userView returns a user, or nil. The caller holds the mutex.
func (t *Tenant) userView(id string) *userView {
	u := t.users.get(id)
	if u == nil {
		return nil
	}
	return &userView{
		id: u.id, connection: u.connection(), email: u.email, username: u.username, phone: u.phone,
		name: u.shownName(), nickname: u.shownNickname(), given: u.given, family: u.family, picture: u.shownPicture(),
		emailVerified: u.emailVerified, phoneVerified: u.phoneVerified, blocked: u.blocked,
		createdAt: u.createdAt, updatedAt: u.updatedAt, loginsCount: u.loginsCount,
		appMetadata: clone(u.appMetadata), userMetadata: clone(u.userMetadata),
	}
}

// orgView is an organization as tokens need it.
type orgView struct {
	id, name, displayName string
	named                 bool // Tokens carry the name.
}

func (t *Tenant) orgView(id string) *orgView {
	o := t.orgs.get(id)
	if o == nil {
		return nil
	}
	return &orgView{id: o.id, name: o.name, displayName: cmp.Or(document(o.doc).text("display_name"), o.name), named: t.authState.orgNames}
}

// orgNamed finds an organization by id, or by name where the tenant allows that.
func (t *Tenant) orgNamed(s string) *orgView {
	if o := t.orgView(s); o != nil || !t.authState.orgNames {
		return o
	}
	if o := t.orgs.find(func(o *organization) bool { return strings.EqualFold(o.name, s) }); o != nil {
		return t.orgView(o.id)
	}
	return nil
}

func (t *Tenant) isMember(orgID, userID string) bool {
	o := t.orgs.get(orgID)
	return o != nil && o.members.get(userID) != nil
}

// rolesOf returns the ids of the roles that count for a login, also those of
// groups: of the member in an organization, else of the user.
func (t *Tenant) rolesOf(userID string, org *orgView) []string {
	if org != nil {
		o := t.orgs.get(org.id)
		return union(o.rolesIn(userID), t.inheritedRoles(o, userID))
	}
	if u := t.users.get(userID); u != nil {
		return union(u.roles, t.tenantGroupRoles(userID))
	}
	return nil
}

// permissionsOf returns what a user may do at an API: by the roles of the member
// in an organization, else by the user's own roles and permissions.
func (t *Tenant) permissionsOf(u *userView, org *orgView, api *apiView) []string {
	stored := t.users.get(u.id)
	if stored == nil {
		return nil
	}
	var held []permission
	if org == nil {
		held = slices.Clone(stored.permissions)
	}
	for _, id := range t.rolesOf(u.id, org) {
		if r := t.roles.get(id); r != nil {
			held = append(held, r.permissions...)
		}
	}
	var out []string
	for _, p := range held {
		if p.apiID == api.id && !slices.Contains(out, p.name) {
			out = append(out, p.name)
		}
	}
	return out
}

// machineGrant returns what an application may have of an API, and the
// organization that it asked for.
func (t *Tenant) machineGrant(q *tokenRequest, api *apiView) (scopes []string, org *orgView, bad *oauthError) {
	g := t.grants.find(func(g *clientGrant) bool { return g.clientID == q.app.id && g.audience == api.key })
	if g == nil {
		return nil, nil, accessDenied(`Client is not authorized to access "` + api.audience + `". You need to create a "client-grant" associated to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants`)
	}
	usage, asked := document(g.doc).text("organization_usage"), q.get("organization")
	switch {
	case asked == "" && usage == "require":
		return nil, nil, invalidRequest("An organization is required")
	case asked == "":
		return g.scopes, nil, nil
	case usage == "" || usage == "deny":
		return nil, nil, invalidRequest("organization is not allowed for this client-grant")
	}
	org = t.orgNamed(asked)
	if org == nil || !document(g.doc).flag("allow_any_organization") && !slices.Contains(t.orgs.get(org.id).grants, g.id) {
		return nil, nil, accessDenied("Client is not authorized to access the organization " + asked)
	}
	return g.scopes, org, nil
}

// document is a JSON object of a resource: seeded from Go or read from JSON.
type document map[string]any

func (d document) text(name string) string { s, _ := d[name].(string); return s }
func (d document) flag(name string) bool   { b, _ := d[name].(bool); return b }

func (d document) texts(name string) []string {
	if list, ok := d[name].([]string); ok {
		return slices.Clone(list)
	}
	return stringsOf(d[name])
}

func (d document) sub(name string) document {
	m, _ := d[name].(map[string]any)
	return m
}

func (d document) seconds(name string) time.Duration {
	switch n := d[name].(type) {
	case float64:
		return time.Duration(n * float64(time.Second))
	case int:
		return time.Duration(n) * time.Second
	}
	return 0
}
