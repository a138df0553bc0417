package platform

import (
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func SettingsRoutes() []mgmtapi.Route {
	return mgmtapi.Routes(
		mgmtapi.Setting{Path: state.TenantPath, Apply: applyTenant, View: wholeTenantView, Told: updatedTenantView, Merged: []string{"flags"}},
		mgmtapi.Setting{Path: state.BrandingPath, Apply: dropNulls, Merged: []string{"colors"}},
		mgmtapi.Setting{Path: state.PromptsPath, Apply: dropNulls})
}

// wholeTenantView names what was never set, too.
func wholeTenantView(c *mgmtapi.Call, doc map[string]any) {
	tenantView(c, doc)
	store.Defaults(doc, map[string]any{
		"session_lifetime": c.T.Auth.Sessions.Lifetime.Hours(), "idle_session_lifetime": c.T.Auth.Sessions.Idle.Hours(),
	})
	store.Defaults(doc, schema.Doc("tenant settings that are not set"))
}

// tenantView shows what the tenant does now: it may have been told otherwise.
func tenantView(c *mgmtapi.Call, doc map[string]any) {
	store.Put(doc, "default_audience", c.T.Auth.DefaultAudience)
	if c.T.Auth.OrgNames {
		doc["allow_organization_name_in_authentication_api"] = true
	}
}

// updatedTenantView is the answer to a change, which shows two flags more and
// what the login page is like.
func updatedTenantView(c *mgmtapi.Call, doc map[string]any) {
	tenantView(c, doc)
	login, _ := doc["universal_login"].(map[string]any)
	doc["universal_login"] = store.MergedCopy(login, map[string]any{"is_custom_theme_set": themesOf(c.T).Len() > 0})
	flags, _ := doc["flags"].(map[string]any)
	doc["flags"] = store.MergedCopy(map[string]any{
		"cannot_change_enforce_client_authentication_on_passwordless_start": true,
		"enforce_client_authentication_on_passwordless_start":               true,
	}, flags)
}

// dropNulls removes what a request set to null.
func dropNulls(_ *mgmtapi.Call, doc map[string]any) {
	for k, v := range doc {
		if v == nil {
			delete(doc, k)
		}
	}
}

// applyTenant takes times in minutes for hours, and lets logins go so.
func applyTenant(c *mgmtapi.Call, doc map[string]any) {
	for k, v := range doc {
		if name, found := strings.CutSuffix(k, "_in_minutes"); found {
			minutes, _ := v.(float64)
			doc[name] = minutes / 60
			delete(doc, k)
		}
	}
	dropNulls(c, doc)
	st := &c.T.Auth
	if c.Has("default_audience") {
		st.DefaultAudience = c.Str("default_audience")
		delete(doc, "default_audience")
	}
	if c.Has("allow_organization_name_in_authentication_api") {
		st.OrgNames = c.Yes("allow_organization_name_in_authentication_api")
	}
	for name, lifetime := range map[string]*time.Duration{"session_lifetime": &st.Sessions.Lifetime, "idle_session_lifetime": &st.Sessions.Idle} {
		if hours, is := doc[name].(float64); is && hours > 0 {
			*lifetime = time.Duration(hours * float64(time.Hour))
		}
	}
}

// shownCredentials are what Auth0 returns of a provider's credentials.
var shownCredentials = []string{"api_user", "region", "smtp_host", "smtp_port", "smtp_user", "domain", "tenantId", "clientId"}

var emailProvider = mgmtapi.Document{
	Plain: true, NewID: func(*mgmtapi.Call) string { return "" }, Initial: map[string]any{"enabled": true},
	// A change keeps what of the credentials it does not name, unless it is to
	// another provider.
	MergedIf: func(c *mgmtapi.Call, old map[string]any) bool { return !c.Has("name") || c.Body["name"] == old["name"] },
	Merged:   []string{"credentials"},
	Show: func(_ *mgmtapi.Call, _ *mgmtapi.Doc, m map[string]any) {
		m["credentials"] = store.Pick(store.Document(m).Sub("credentials"), shownCredentials...)
		delete(m, "id")
	},
}.Resource(mgmtapi.Resource[*mgmtapi.Doc]{
	Path: "/emails/provider", Single: true,
	Missing: mgmtapi.Text{Message: "There is not a configured email provider", Code: "inexistent_email_provider"},
	Taken:   mgmtapi.Text{Message: "An email provider is already configured: {id}", Code: "email_provider_conflict"},
	Same:    func(c *mgmtapi.Call, _ *mgmtapi.Doc) bool { return c.R.Method == "POST" },
	Named:   func(d *mgmtapi.Doc) string { return store.Document(d.Doc).Text("name") },
})

var emailTemplates = mgmtapi.Document{
	ID: "template", Plain: true, NewID: func(c *mgmtapi.Call) string { return c.Str("template") }, Unique: "template",
}.Resource(mgmtapi.Resource[*mgmtapi.Doc]{
	Path: "/email-templates", Part: "templateName", Created: 200,
	Missing: mgmtapi.Text{Message: "The template does not exist.", Code: "inexistent_email_template"},
	Taken:   mgmtapi.Text{Message: "Template {id} already exists."},
	Named:   func(d *mgmtapi.Doc) string { return d.ID },
})

func EmailRoutes() []mgmtapi.Route { return emailProvider.Routes(emailTemplates.Routes()...) }
