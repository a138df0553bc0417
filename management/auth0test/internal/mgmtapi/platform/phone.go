package platform

import (
	"cmp"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

const phoneProvidersPath, phoneTemplatesPath = "/branding/phone/providers", "/branding/phone/templates"

// The provider of text messages and calls, of which a tenant may have one, and
// the templates, one of each type.
var (
	phoneProviders = mgmtapi.Document{
		Prefix: "pro", Initial: map[string]any{"disabled": false}, Show: func(c *mgmtapi.Call, d *mgmtapi.Doc, m map[string]any) {
			showPhone(c, d, m)
			if delete(m, "credentials"); c.Path("id") == "" && c.R.Method == "GET" { // Nobody can read them.
				m["credentials"] = nil
			}
		},
	}.Resource(phone(phoneProvidersPath, "providers", "Custom phone provider conflict.", func(c *mgmtapi.Call, _ *mgmtapi.Doc) bool {
		return c.R.Method == "POST"
	}))
	phoneTemplates = mgmtapi.Document{
		NewID: func(c *mgmtapi.Call) string {
			store.Defaults(c.Body, map[string]any{"type": "otp_verify", "content": phoneContent(c.Str("type"), "")})
			return "tem_" + store.RandomID(22)
		},
		Initial: map[string]any{"disabled": false}, Show: showPhone, Merged: []string{"content"},
	}.Resource(phone(phoneTemplatesPath, "templates", "Phone template already configured for tenant", func(c *mgmtapi.Call, d *mgmtapi.Doc) bool {
		return c.Has("type") && d.Doc["type"] == c.Body["type"]
	}))
)

func phone(path, key, taken string, same func(*mgmtapi.Call, *mgmtapi.Doc) bool) mgmtapi.Resource[mgmtapi.Doc] {
	return mgmtapi.Resource[mgmtapi.Doc]{
		Path: path, Missing: mgmtapi.Text{Message: "Notification Resource not found"}, Strict: true,
		Taken: mgmtapi.Text{Message: taken}, Same: same,
		Where: func(c *mgmtapi.Call, d *mgmtapi.Doc) bool {
			return !c.Query.Has("disabled") || d.Doc["disabled"] == c.Flag("disabled")
		},
		Page: mgmtapi.Envelope[*mgmtapi.Doc]{Key: key, Form: mgmtapi.Object},
	}
}

func PhoneRoutes() []mgmtapi.Route {
	return append(phoneProviders.Routes(mgmtapi.Route{Method: "POST", Pattern: phoneProvidersPath + "/{id}/try", Handle: mgmtapi.On(phoneProviders.Find, tryPhone)}),
		phoneTemplates.Routes([]mgmtapi.Route{
			{Method: "GET", Pattern: phoneTemplatesPath, Handle: listPhoneTemplates},
			{Method: "PATCH", Pattern: phoneTemplatesPath + "/{id}/reset", Handle: mgmtapi.On(phoneTemplates.Find, resetPhoneTemplate)},
			{Method: "POST", Pattern: phoneTemplatesPath + "/{id}/try", Handle: mgmtapi.On(phoneTemplates.Find, tryPhone)},
		}...)...)
}

func showPhone(c *mgmtapi.Call, _ *mgmtapi.Doc, m map[string]any) {
	m["tenant"], m["channel"] = tenantName(c.T), "phone"
}

// listPhoneTemplates lists the tenant's templates, and Auth0's, which have no id,
// for the other types.
func listPhoneTemplates(c *mgmtapi.Call) *mgmtapi.Reply {
	rows := mgmtapi.DocumentsAt(c.T, phoneTemplatesPath).All()
	own := len(rows)
	for _, kind := range schema.SortedKeys(schema.Doc("phone texts")) {
		if !slices.ContainsFunc(rows[:own], func(d *mgmtapi.Doc) bool { return d.Doc["type"] == kind }) {
			rows = append(rows, &mgmtapi.Doc{CreatedAt: c.Now, UpdatedAt: c.Now, Doc: map[string]any{
				"type": kind, "disabled": false, "content": phoneContent(kind, ""),
			}})
		}
	}
	rows = slices.DeleteFunc(rows, func(d *mgmtapi.Doc) bool { return !phoneTemplates.Where(c, d) })
	return mgmtapi.OK(map[string]any{"templates": store.Render(rows, func(d *mgmtapi.Doc) any {
		m := phoneTemplates.View(c, d)
		if d.ID == "" {
			delete(m, "id")
		}
		return m
	})})
}

// resetPhoneTemplate gives a template Auth0's texts again.
func resetPhoneTemplate(c *mgmtapi.Call, p *mgmtapi.Doc) *mgmtapi.Reply {
	doc := store.Document(p.Doc)
	p.Doc, p.UpdatedAt = store.MergedCopy(p.Doc, map[string]any{"content": phoneContent(doc.Text("type"), doc.Sub("content").Text("from"))}), c.Now
	return mgmtapi.OK(phoneTemplates.View(c, p))
}

// tenantName is the first part of the tenant's domain.
func tenantName(t *state.Tenant) string {
	name, _, _ := strings.Cut(t.Options.Domain, ".")
	return name
}

// tryPhone sends a test message.
func tryPhone(c *mgmtapi.Call, p *mgmtapi.Doc) *mgmtapi.Reply {
	if c.Str("to") == "" {
		return mgmtapi.Lacks("to")
	}
	kind, _ := p.Doc["type"].(string)
	channel := "sms"
	if c.Str("delivery_method") == "voice" {
		channel = "voice"
	}
	c.T.Post(state.Message{Channel: channel, To: c.Str("to"), Kind: cmp.Or(kind, "test")})
	return mgmtapi.Accepted(map[string]any{"code": 202, "message": "Test notification successfully sent for processing"})
}

func phoneContent(kind, from string) map[string]any {
	return map[string]any{"syntax": "liquid", "from": from, "body": schema.Doc("phone texts")[cmp.Or(kind, "otp_verify")]}
}
