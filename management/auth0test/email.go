package auth0test

import "maps"

func emailRoutes() []route {
	return []route{
		{method: "GET", pattern: "/emails/provider", handle: readEmailProvider},
		{method: "POST", pattern: "/emails/provider", handle: createEmailProvider},
		{method: "PATCH", pattern: "/emails/provider", handle: updateEmailProvider},
		{method: "DELETE", pattern: "/emails/provider", handle: deleteEmailProvider},
		{method: "POST", pattern: "/email-templates", handle: createEmailTemplate},
		{method: "GET", pattern: "/email-templates/{templateName}", handle: readEmailTemplate},
		{method: "PATCH", pattern: "/email-templates/{templateName}", handle: updateEmailTemplate},
		{method: "PUT", pattern: "/email-templates/{templateName}", handle: replaceEmailTemplate},
	}
}

const (
	noEmailProvider = "There is not a configured email provider"
	noTemplate      = "The template does not exist."
)

// shownCredentials are what Auth0 returns of a provider's credentials.
var shownCredentials = []string{"api_user", "region", "smtp_host", "smtp_port", "smtp_user", "domain", "tenantId", "clientId"}

func (c *call) emailProviderView() map[string]any {
	m := clone(c.t.emailProvider)
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

func readEmailProvider(c *call) *reply {
	if c.t.emailProvider == nil {
		return notFound(noEmailProvider, "inexistent_email_provider")
	}
	return ok(c.fields(c.emailProviderView()))
}

func createEmailProvider(c *call) *reply {
	if have := c.t.emailProvider; have != nil {
		name, _ := have["name"].(string)
		return conflict("An email provider is already configured: "+name, "email_provider_conflict")
	}
	c.t.emailProvider = c.body
	defaults(c.t.emailProvider, map[string]any{"enabled": true})
	return created(c.emailProviderView())
}

// updateEmailProvider keeps what of the credentials the request does not name,
// unless it is of another provider.
func updateEmailProvider(c *call) *reply {
	if c.t.emailProvider == nil {
		return notFound(noEmailProvider, "inexistent_email_provider")
	}
	next := clone(c.t.emailProvider)
	old, _ := next["credentials"].(map[string]any)
	same := !c.has("name") || c.body["name"] == next["name"]
	maps.Copy(next, c.body)
	if more := c.obj("credentials"); more != nil && same {
		merged := clone(orEmpty(old))
		maps.Copy(merged, more)
		next["credentials"] = merged
	}
	c.t.emailProvider = next
	return ok(c.emailProviderView())
}

func deleteEmailProvider(c *call) *reply {
	c.t.emailProvider = nil
	return noContent()
}

func createEmailTemplate(c *call) *reply {
	name := c.str("template")
	if c.t.emailTemplates[name] != nil {
		return conflict("Template "+name+" already exists.", "")
	}
	c.keepTemplate(name, c.body)
	return ok(c.body)
}

func (c *call) keepTemplate(name string, doc map[string]any) {
	if c.t.emailTemplates == nil {
		c.t.emailTemplates = make(map[string]map[string]any)
	}
	c.t.emailTemplates[name] = doc
}

func readEmailTemplate(c *call) *reply {
	doc := c.t.emailTemplates[c.path("templateName")]
	if doc == nil {
		return notFound(noTemplate, "inexistent_email_template")
	}
	return ok(doc)
}

func updateEmailTemplate(c *call) *reply {
	doc := c.t.emailTemplates[c.path("templateName")]
	if doc == nil {
		return notFound(noTemplate, "inexistent_email_template")
	}
	next := clone(doc)
	maps.Copy(next, c.body)
	c.keepTemplate(c.path("templateName"), next)
	return ok(next)
}

func replaceEmailTemplate(c *call) *reply {
	if c.t.emailTemplates[c.path("templateName")] == nil {
		return notFound(noTemplate, "inexistent_email_template")
	}
	c.keepTemplate(c.path("templateName"), c.body)
	return ok(c.body)
}
