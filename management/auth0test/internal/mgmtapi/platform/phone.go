package platform

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// phoneResource is a provider or a template of text messages and calls.
type phoneResource struct {
	id                   string
	doc                  map[string]any
	createdAt, updatedAt time.Time
}

func PhoneRoutes() []mgmtapi.Route {
	const providers, templates = "/branding/phone/providers", "/branding/phone/templates"
	return []mgmtapi.Route{
		{Method: "GET", Pattern: providers, Handle: listPhoneProviders},
		{Method: "POST", Pattern: providers, Handle: createPhoneProvider},
		{Method: "GET", Pattern: providers + "/{id}", Handle: onPhone(allProviders, readPhone)},
		{Method: "PATCH", Pattern: providers + "/{id}", Handle: onPhone(allProviders, updatePhone)},
		{Method: "DELETE", Pattern: providers + "/{id}", Handle: onPhone(allProviders, deletePhoneProvider)},
		{Method: "POST", Pattern: providers + "/{id}/try", Handle: onPhone(allProviders, tryPhone)},
		{Method: "GET", Pattern: templates, Handle: listPhoneTemplates},
		{Method: "POST", Pattern: templates, Handle: createPhoneTemplate},
		{Method: "GET", Pattern: templates + "/{id}", Handle: onPhone(allTemplates, readPhone)},
		{Method: "PATCH", Pattern: templates + "/{id}", Handle: onPhone(allTemplates, updatePhone)},
		{Method: "DELETE", Pattern: templates + "/{id}", Handle: onPhone(allTemplates, deletePhoneTemplate)},
		{Method: "PATCH", Pattern: templates + "/{id}/reset", Handle: onPhone(allTemplates, resetPhoneTemplate)},
		{Method: "POST", Pattern: templates + "/{id}/try", Handle: onPhone(allTemplates, tryPhone)},
	}
}

func allProviders(t *state.Tenant) *store.Table[phoneResource] { return &lookOf(t).providers }

func allTemplates(t *state.Tenant) *store.Table[phoneResource] { return &lookOf(t).templates }

// onPhone is a handler that gets the resource of the path.
func onPhone(all func(*state.Tenant) *store.Table[phoneResource], handle func(*mgmtapi.Call, *phoneResource) *mgmtapi.Reply) func(*mgmtapi.Call) *mgmtapi.Reply {
	return func(c *mgmtapi.Call) *mgmtapi.Reply {
		p := all(c.T).Get(c.Path("id"))
		if p == nil {
			return mgmtapi.NotFound("Notification Resource not found", "")
		}
		return handle(c, p)
	}
}

// tenantName is the first part of the tenant's domain.
func tenantName(t *state.Tenant) string {
	name, _, _ := strings.Cut(t.Options.Domain, ".")
	return name
}

func phoneView(c *mgmtapi.Call, p *phoneResource) map[string]any {
	m := store.Clone(p.doc)
	delete(m, "credentials") // Nobody can read them.
	maps.Copy(m, map[string]any{
		"id": p.id, "tenant": tenantName(c.T), "channel": "phone", "created_at": store.Stamp(p.createdAt), "updated_at": store.Stamp(p.updatedAt),
	})
	return m
}

// phoneList answers resources, narrowed by disabled.
func phoneList(c *mgmtapi.Call, key string, all []map[string]any) *mgmtapi.Reply {
	if c.Query.Has("disabled") {
		all = slices.DeleteFunc(all, func(m map[string]any) bool { return m["disabled"] != c.Flag("disabled") })
	}
	return mgmtapi.OK(map[string]any{key: append([]map[string]any{}, all...)})
}

func newPhone(c *mgmtapi.Call, prefix string) *phoneResource {
	store.Defaults(c.Body, map[string]any{"disabled": false})
	return &phoneResource{id: prefix + "_" + store.RandomID(22), doc: c.Body, createdAt: c.Now, updatedAt: c.Now}
}

func listPhoneProviders(c *mgmtapi.Call) *mgmtapi.Reply {
	var all []map[string]any
	for _, p := range lookOf(c.T).providers.All() {
		m := phoneView(c, p)
		m["credentials"] = nil
		all = append(all, m)
	}
	return phoneList(c, "providers", all)
}

// createPhoneProvider adds the one provider that a tenant may have.
func createPhoneProvider(c *mgmtapi.Call) *mgmtapi.Reply {
	if lookOf(c.T).providers.Len() > 0 {
		return mgmtapi.Conflict("Custom phone provider conflict.", "")
	}
	p := newPhone(c, "pro")
	lookOf(c.T).providers.Put(p.id, p)
	return mgmtapi.Created(phoneView(c, p))
}

func readPhone(c *mgmtapi.Call, p *phoneResource) *mgmtapi.Reply { return mgmtapi.OK(phoneView(c, p)) }

// updatePhone replaces what the request names; the parts of a template's content
// are merged.
func updatePhone(c *mgmtapi.Call, p *phoneResource) *mgmtapi.Reply {
	next := store.MergedCopy(p.doc, c.Body)
	old, _ := p.doc["content"].(map[string]any)
	if more := c.Obj("content"); more != nil {
		next["content"] = store.MergedCopy(old, more)
	}
	p.doc, p.updatedAt = next, c.Now
	return mgmtapi.OK(phoneView(c, p))
}

func deletePhoneProvider(c *mgmtapi.Call, p *phoneResource) *mgmtapi.Reply {
	lookOf(c.T).providers.Delete(p.id)
	return mgmtapi.NoContent()
}

func deletePhoneTemplate(c *mgmtapi.Call, p *phoneResource) *mgmtapi.Reply {
	lookOf(c.T).templates.Delete(p.id)
	return mgmtapi.NoContent()
}

// tryPhone sends a test message.
func tryPhone(c *mgmtapi.Call, p *phoneResource) *mgmtapi.Reply {
	if c.Str("to") == "" {
		return mgmtapi.BadRequest("Payload validation error: 'Missing required property: to'.", "invalid_body")
	}
	kind, _ := p.doc["type"].(string)
	channel := "sms"
	if c.Str("delivery_method") == "voice" {
		channel = "voice"
	}
	c.T.Post(state.Message{Channel: channel, To: c.Str("to"), Kind: cmp.Or(kind, "test")})
	return mgmtapi.Accepted(map[string]any{"code": 202, "message": "Test notification successfully sent for processing"})
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
func listPhoneTemplates(c *mgmtapi.Call) *mgmtapi.Reply {
	var all []map[string]any
	own := map[string]bool{}
	for _, p := range lookOf(c.T).templates.All() {
		kind, _ := p.doc["type"].(string)
		own[kind] = true
		all = append(all, phoneView(c, p))
	}
	for _, kind := range schema.SortedKeys(phoneTexts) {
		if !own[kind] {
			all = append(all, map[string]any{
				"tenant": tenantName(c.T), "channel": "phone", "type": kind, "disabled": false, "content": phoneContent(kind, ""),
				"created_at": store.Stamp(c.Now), "updated_at": store.Stamp(c.Now),
			})
		}
	}
	return phoneList(c, "templates", all)
}

func createPhoneTemplate(c *mgmtapi.Call) *mgmtapi.Reply {
	kind := c.Str("type")
	if lookOf(c.T).templates.Find(func(p *phoneResource) bool { return p.doc["type"] == kind }) != nil {
		return mgmtapi.Conflict("Phone template already configured for tenant", "")
	}
	p := newPhone(c, "tem")
	store.Defaults(p.doc, map[string]any{"type": "otp_verify", "content": phoneContent(kind, "")})
	lookOf(c.T).templates.Put(p.id, p)
	return mgmtapi.Created(phoneView(c, p))
}

// resetPhoneTemplate gives a template Auth0's texts again.
func resetPhoneTemplate(c *mgmtapi.Call, p *phoneResource) *mgmtapi.Reply {
	kind, _ := p.doc["type"].(string)
	content, _ := p.doc["content"].(map[string]any)
	from, _ := content["from"].(string)
	p.doc, p.updatedAt = store.MergedCopy(p.doc, map[string]any{"content": phoneContent(kind, from)}), c.Now
	return mgmtapi.OK(phoneView(c, p))
}
