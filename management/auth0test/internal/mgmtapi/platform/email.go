package platform

import (
	"maps"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func EmailRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/emails/provider", Handle: readEmailProvider},
		{Method: "POST", Pattern: "/emails/provider", Handle: createEmailProvider},
		{Method: "PATCH", Pattern: "/emails/provider", Handle: updateEmailProvider},
		{Method: "DELETE", Pattern: "/emails/provider", Handle: deleteEmailProvider},
		{Method: "POST", Pattern: "/email-templates", Handle: createEmailTemplate},
		{Method: "GET", Pattern: "/email-templates/{templateName}", Handle: readEmailTemplate},
		{Method: "PATCH", Pattern: "/email-templates/{templateName}", Handle: updateEmailTemplate},
		{Method: "PUT", Pattern: "/email-templates/{templateName}", Handle: replaceEmailTemplate},
	}
}

const (
	noEmailProvider = "There is not a configured email provider"
	noTemplate      = "The template does not exist."
)

// shownCredentials are what Auth0 returns of a provider's credentials.
var shownCredentials = []string{"api_user", "region", "smtp_host", "smtp_port", "smtp_user", "domain", "tenantId", "clientId"}

func emailProviderView(c *mgmtapi.Call) map[string]any {
	m := store.Clone(mailOf(c.T).emailProvider)
	secret, _ := m["credentials"].(map[string]any)
	shown := map[string]any{}
	for _, k := range shownCredentials {
		if v, has := secret[k]; has {
			shown[k] = v
		}
	}
	m["credentials"] = shown
	return m
}

func readEmailProvider(c *mgmtapi.Call) *mgmtapi.Reply {
	if mailOf(c.T).emailProvider == nil {
		return mgmtapi.NotFound(noEmailProvider, "inexistent_email_provider")
	}
	return mgmtapi.OK(c.Fields(emailProviderView(c)))
}

func createEmailProvider(c *mgmtapi.Call) *mgmtapi.Reply {
	if have := mailOf(c.T).emailProvider; have != nil {
		name, _ := have["name"].(string)
		return mgmtapi.Conflict("An email provider is already configured: "+name, "email_provider_conflict")
	}
	mailOf(c.T).emailProvider = c.Body
	store.Defaults(mailOf(c.T).emailProvider, map[string]any{"enabled": true})
	return mgmtapi.Created(emailProviderView(c))
}

// updateEmailProvider keeps what of the credentials the request does not name,
// unless it is of another provider.
func updateEmailProvider(c *mgmtapi.Call) *mgmtapi.Reply {
	if mailOf(c.T).emailProvider == nil {
		return mgmtapi.NotFound(noEmailProvider, "inexistent_email_provider")
	}
	next := store.Clone(mailOf(c.T).emailProvider)
	old, _ := next["credentials"].(map[string]any)
	same := !c.Has("name") || c.Body["name"] == next["name"]
	maps.Copy(next, c.Body)
	if more := c.Obj("credentials"); more != nil && same {
		merged := store.Clone(store.OrEmpty(old))
		maps.Copy(merged, more)
		next["credentials"] = merged
	}
	mailOf(c.T).emailProvider = next
	return mgmtapi.OK(emailProviderView(c))
}

func deleteEmailProvider(c *mgmtapi.Call) *mgmtapi.Reply {
	mailOf(c.T).emailProvider = nil
	return mgmtapi.NoContent()
}

func createEmailTemplate(c *mgmtapi.Call) *mgmtapi.Reply {
	name := c.Str("template")
	if mailOf(c.T).emailTemplates[name] != nil {
		return mgmtapi.Conflict("Template "+name+" already exists.", "")
	}
	keepTemplate(c, name, c.Body)
	return mgmtapi.OK(c.Body)
}

func keepTemplate(c *mgmtapi.Call, name string, doc map[string]any) {
	if mailOf(c.T).emailTemplates == nil {
		mailOf(c.T).emailTemplates = make(map[string]map[string]any)
	}
	mailOf(c.T).emailTemplates[name] = doc
}

func readEmailTemplate(c *mgmtapi.Call) *mgmtapi.Reply {
	doc := mailOf(c.T).emailTemplates[c.Path("templateName")]
	if doc == nil {
		return mgmtapi.NotFound(noTemplate, "inexistent_email_template")
	}
	return mgmtapi.OK(doc)
}

func updateEmailTemplate(c *mgmtapi.Call) *mgmtapi.Reply {
	doc := mailOf(c.T).emailTemplates[c.Path("templateName")]
	if doc == nil {
		return mgmtapi.NotFound(noTemplate, "inexistent_email_template")
	}
	next := store.Clone(doc)
	maps.Copy(next, c.Body)
	keepTemplate(c, c.Path("templateName"), next)
	return mgmtapi.OK(next)
}

func replaceEmailTemplate(c *mgmtapi.Call) *mgmtapi.Reply {
	if mailOf(c.T).emailTemplates[c.Path("templateName")] == nil {
		return mgmtapi.NotFound(noTemplate, "inexistent_email_template")
	}
	keepTemplate(c, c.Path("templateName"), c.Body)
	return mgmtapi.OK(c.Body)
}

// mailState is what the tenant sends mail with.
type mailState struct {
	emailProvider  map[string]any
	emailTemplates map[string]map[string]any
}

func mailOf(t *state.Tenant) *mailState { return state.Part(t, state.Zero[mailState]) }
