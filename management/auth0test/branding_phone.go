package auth0test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// phoneResource is a provider or a template of text messages and calls.
type phoneResource struct {
	id                   string
	doc                  map[string]any
	createdAt, updatedAt time.Time
}

func phoneRoutes() []route {
	const providers, templates = "/branding/phone/providers", "/branding/phone/templates"
	return []route{
		{method: "GET", pattern: providers, handle: listPhoneProviders},
		{method: "POST", pattern: providers, handle: createPhoneProvider},
		{method: "GET", pattern: providers + "/{id}", handle: onPhone(allProviders, readPhone)},
		{method: "PATCH", pattern: providers + "/{id}", handle: onPhone(allProviders, updatePhone)},
		{method: "DELETE", pattern: providers + "/{id}", handle: onPhone(allProviders, deletePhoneProvider)},
		{method: "POST", pattern: providers + "/{id}/try", handle: onPhone(allProviders, tryPhone)},
		{method: "GET", pattern: templates, handle: listPhoneTemplates},
		{method: "POST", pattern: templates, handle: createPhoneTemplate},
		{method: "GET", pattern: templates + "/{id}", handle: onPhone(allTemplates, readPhone)},
		{method: "PATCH", pattern: templates + "/{id}", handle: onPhone(allTemplates, updatePhone)},
		{method: "DELETE", pattern: templates + "/{id}", handle: onPhone(allTemplates, deletePhoneTemplate)},
		{method: "PATCH", pattern: templates + "/{id}/reset", handle: onPhone(allTemplates, resetPhoneTemplate)},
		{method: "POST", pattern: templates + "/{id}/try", handle: onPhone(allTemplates, tryPhone)},
	}
}

func allProviders(t *Tenant) *table[phoneResource] { return &t.look.providers }
func allTemplates(t *Tenant) *table[phoneResource] { return &t.look.templates }

// onPhone is a handler that gets the resource of the path.
func onPhone(all func(*Tenant) *table[phoneResource], handle func(*call, *phoneResource) *reply) func(*call) *reply {
	return func(c *call) *reply {
		p := all(c.t).get(c.path("id"))
		if p == nil {
			return notFound("Notification Resource not found", "")
		}
		return handle(c, p)
	}
}

// tenantName is the first part of the tenant's domain.
func (t *Tenant) tenantName() string {
	name, _, _ := strings.Cut(t.opts.Domain, ".")
	return name
}

func (c *call) phoneView(p *phoneResource) map[string]any {
	m := clone(p.doc)
	delete(m, "credentials") // Nobody can read them.
	maps.Copy(m, map[string]any{
		"id": p.id, "tenant": c.t.tenantName(), "channel": "phone", "created_at": stamp(p.createdAt), "updated_at": stamp(p.updatedAt),
	})
	return m
}

// phoneList answers resources, narrowed by disabled.
func (c *call) phoneList(key string, all []map[string]any) *reply {
	if c.query.Has("disabled") {
		all = slices.DeleteFunc(all, func(m map[string]any) bool { return m["disabled"] != c.flag("disabled") })
	}
	return ok(map[string]any{key: append([]map[string]any{}, all...)})
}

func (c *call) newPhone(prefix string) *phoneResource {
	defaults(c.body, map[string]any{"disabled": false})
	return &phoneResource{id: prefix + "_" + randomID(22), doc: c.body, createdAt: c.now, updatedAt: c.now}
}

func listPhoneProviders(c *call) *reply {
	var all []map[string]any
	for _, p := range c.t.look.providers.all() {
		m := c.phoneView(p)
		m["credentials"] = nil
		all = append(all, m)
	}
	return c.phoneList("providers", all)
}

// createPhoneProvider adds the one provider that a tenant may have.
func createPhoneProvider(c *call) *reply {
	if c.t.look.providers.len() > 0 {
		return conflict("Custom phone provider conflict.", "")
	}
	p := c.newPhone("pro")
	c.t.look.providers.put(p.id, p)
	return created(c.phoneView(p))
}

func readPhone(c *call, p *phoneResource) *reply { return ok(c.phoneView(p)) }

// updatePhone replaces what the request names; the parts of a template's content
// are merged.
func updatePhone(c *call, p *phoneResource) *reply {
	next := mergedCopy(p.doc, c.body)
	old, _ := p.doc["content"].(map[string]any)
	if more := c.obj("content"); more != nil {
		next["content"] = mergedCopy(old, more)
	}
	p.doc, p.updatedAt = next, c.now
	return ok(c.phoneView(p))
}

func deletePhoneProvider(c *call, p *phoneResource) *reply {
	c.t.look.providers.delete(p.id)
	return noContent()
}

func deletePhoneTemplate(c *call, p *phoneResource) *reply {
	c.t.look.templates.delete(p.id)
	return noContent()
}

// tryPhone sends a test message.
func tryPhone(c *call, p *phoneResource) *reply {
	if c.str("to") == "" {
		return badRequest("Payload validation error: 'Missing required property: to'.", "invalid_body")
	}
	kind, _ := p.doc["type"].(string)
	channel := "sms"
	if c.str("delivery_method") == "voice" {
		channel = "voice"
	}
	c.t.post(Message{Channel: channel, To: c.str("to"), Kind: cmp.Or(kind, "test")})
	return accepted(map[string]any{"code": 202, "message": "Test notification successfully sent for processing"})
}

// phoneTexts are the texts of Auth0's own templates, by their type.
var phoneTexts = map[string]struct{ text, voice string }{
	"otp_verify": {
		"{{ code | escape }} is your verification code for {{ friendly_name | escape }}",
		"Hello. Your verification code for {{ friendly_name | escape }} is {{ pause }} {{ code | escape }}. I repeat, your verification code is {{ pause }} {{ code | escape }}",
	},
	"otp_enroll": {
		"{{ code | escape }} is your verification code for {{ friendly_name | escape }}. Please enter this code to verify your enrollment.",
		"Hello. Your verification code for {{ friendly_name | escape }} is {{ pause }} {{ code | escape }}. I repeat, your verification code is {{ pause }} {{ code | escape }}",
	},
	"change_password": {
		"{{ code | escape }} is your password change code for {{ friendly_name | escape }}",
		"Hello. Your password change code for {{ friendly_name | escape }} is {{ pause }} {{ code | escape }}. I repeat, your password change code is {{ pause }} {{ code | escape }}",
	},
	"blocked_account": {suspiciousText, suspiciousText},
}

const suspiciousText = "We detected suspicious activity on your account from the ip {{user.source_ip}}{% if user.city %} from {{user.city}}, " +
	"{{user.country}}{% elsif user.country %} from {{user.country}}{% endif %}. Logins from this IP have been blocked on your account. " +
	"If this is your IP, please reset your password to unblock your account. Otherwise, disregard this message."

func phoneContent(kind, from string) map[string]any {
	texts := phoneTexts[kind]
	return map[string]any{"syntax": "liquid", "from": from, "body": map[string]any{"text": texts.text, "voice": texts.voice}}
}

// listPhoneTemplates lists the tenant's templates, and Auth0's, which have no id,
// for the other types.
func listPhoneTemplates(c *call) *reply {
	var all []map[string]any
	own := map[string]bool{}
	for _, p := range c.t.look.templates.all() {
		kind, _ := p.doc["type"].(string)
		own[kind] = true
		all = append(all, c.phoneView(p))
	}
	for _, kind := range sortedKeys(phoneTexts) {
		if !own[kind] {
			all = append(all, map[string]any{
				"tenant": c.t.tenantName(), "channel": "phone", "type": kind, "disabled": false, "content": phoneContent(kind, ""),
				"created_at": stamp(c.now), "updated_at": stamp(c.now),
			})
		}
	}
	return c.phoneList("templates", all)
}

func createPhoneTemplate(c *call) *reply {
	kind := c.str("type")
	if c.t.look.templates.find(func(p *phoneResource) bool { return p.doc["type"] == kind }) != nil {
		return conflict("Phone template already configured for tenant", "")
	}
	p := c.newPhone("tem")
	defaults(p.doc, map[string]any{"type": "otp_verify", "content": phoneContent(kind, "")})
	c.t.look.templates.put(p.id, p)
	return created(c.phoneView(p))
}

// resetPhoneTemplate gives a template Auth0's texts again.
func resetPhoneTemplate(c *call, p *phoneResource) *reply {
	kind, _ := p.doc["type"].(string)
	content, _ := p.doc["content"].(map[string]any)
	from, _ := content["from"].(string)
	p.doc, p.updatedAt = mergedCopy(p.doc, map[string]any{"content": phoneContent(kind, from)}), c.now
	return ok(c.phoneView(p))
}
