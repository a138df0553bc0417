package platform

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// shownCredentials are what Auth0 returns of a provider's credentials.
var shownCredentials = []string{"api_user", "region", "smtp_host", "smtp_port", "smtp_user", "domain", "tenantId", "clientId"}

var emailProvider = mgmtapi.Document{
	Plain: true, NewID: func(*mgmtapi.Call) string { return "" }, Initial: map[string]any{"enabled": true},
	// A change keeps what of the credentials it does not name, unless it is to
	// another provider.
	MergedIf: func(c *mgmtapi.Call, old map[string]any) bool { return !c.Has("name") || c.Body["name"] == old["name"] },
	Merged:   []string{"credentials"},
	Show: func(_ *mgmtapi.Call, _ *mgmtapi.Doc, m map[string]any) {
		secret, _ := m["credentials"].(map[string]any)
		shown := map[string]any{}
		for _, k := range shownCredentials {
			if v, has := secret[k]; has {
				shown[k] = v
			}
		}
		m["credentials"] = shown
		delete(m, "id")
	},
}.Resource(mgmtapi.Resource[mgmtapi.Doc]{
	Path: "/emails/provider", Single: true,
	Missing: mgmtapi.Text{Message: "There is not a configured email provider", Code: "inexistent_email_provider"},
	Taken:   mgmtapi.Text{Message: "An email provider is already configured: {id}", Code: "email_provider_conflict"},
	Same:    func(c *mgmtapi.Call, _ *mgmtapi.Doc) bool { return c.R.Method == "POST" },
	Named:   func(d *mgmtapi.Doc) string { return store.Document(d.Doc).Text("name") },
})

var emailTemplates = mgmtapi.Document{
	ID: "template", Plain: true, NewID: func(c *mgmtapi.Call) string { return c.Str("template") }, Unique: "template",
}.Resource(mgmtapi.Resource[mgmtapi.Doc]{
	Path: "/email-templates", Part: "templateName", Created: 200,
	Missing: mgmtapi.Text{Message: "The template does not exist.", Code: "inexistent_email_template"},
	Taken:   mgmtapi.Text{Message: "Template {id} already exists."},
	Named:   func(d *mgmtapi.Doc) string { return d.ID },
})

func EmailRoutes() []mgmtapi.Route { return emailProvider.Routes(emailTemplates.Routes()...) }
