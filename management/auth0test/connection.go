package auth0test

import (
	"slices"
	"time"
)

// connection is a source of users.
type connection struct {
	id, name, strategy string
	doc                map[string]any // Without id, name, strategy and enabled_clients.
	clients            []string       // Client ids that may use it.
	createdAt          time.Time
}

// options are the connection's options, to change in place.
func (c *connection) options() map[string]any {
	o, _ := c.doc["options"].(map[string]any)
	if o == nil {
		o = map[string]any{}
		c.doc["options"] = o
	}
	return o
}

func (c *connection) database() bool { return c.strategy == "auth0" }

func (c *connection) passwordless() bool { return c.strategy == "email" || c.strategy == "sms" }

// takesUsers reports whether the API may create users in it.
func (c *connection) takesUsers() bool { return c.database() || c.passwordless() }

// social reports whether the users come from a social provider.
func (c *connection) social() bool {
	return !c.takesUsers() && !slices.Contains(enterpriseStrategies, c.strategy)
}

// enterpriseStrategies also have a button on the login page to switch off.
var enterpriseStrategies = []string{
	"ad", "adfs", "auth0-adldap", "google-apps", "ip", "office365", "oidc", "okta", "pingfederate", "samlp", "sharepoint", "waad",
}

// ticketStrategies have a page on which the customer sets the connection up.
var ticketStrategies = []string{"ad", "adfs", "auth0-adldap", "google-apps", "pingfederate", "samlp", "waad"}

func (t *Tenant) addConnection(name, strategy string, now time.Time) *connection {
	c := &connection{id: newID("con"), name: name, strategy: strategy, doc: map[string]any{}, createdAt: now}
	c.complete()
	t.connections.put(c.id, c)
	return c
}

// complete adds what Auth0 sets by itself where the request says nothing.
func (c *connection) complete() {
	defaults(c.doc, map[string]any{"is_domain_connection": false, "realms": []any{c.name}, "options": map[string]any{}})
	if slices.Contains(enterpriseStrategies, c.strategy) {
		defaults(c.doc, map[string]any{"show_as_button": false})
	}
	switch c.strategy {
	case "auth0":
		c.completeDatabase()
	case "email", "sms":
		defaults(c.options(), map[string]any{"brute_force_protection": true})
	case "ad":
		defaults(c.options(), map[string]any{"ips": nil, "brute_force_protection": true})
	}
}

// completeDatabase adds the options of a new database connection.
func (c *connection) completeDatabase() {
	o := c.options()
	defaults(o, map[string]any{
		"mfa":              map[string]any{"active": true, "return_enroll_settings": true},
		"strategy_version": 2,
		"authentication_methods": map[string]any{
			"password":  map[string]any{"enabled": true, "api_behavior": "required", "signup_behavior": "allow"},
			"passkey":   map[string]any{"enabled": false},
			"email_otp": map[string]any{"enabled": false},
			"phone_otp": map[string]any{"enabled": false},
		},
		"passkey_options": map[string]any{
			"challenge_ui": "both", "progressive_enrollment_enabled": true, "local_enrollment_enabled": true,
		},
		"brute_force_protection": true,
	})
	if attributes, has := o["attributes"].(map[string]any); has {
		if email, has := attributes["email"].(map[string]any); has {
			defaults(email, map[string]any{"verification_method": "link", "unique": true})
		}
	}
	password, has := o["password_options"].(map[string]any)
	if !has {
		defaults(o, map[string]any{"passwordPolicy": "good"})
		return
	}
	for part, values := range passwordOptions() {
		m, has := password[part].(map[string]any)
		if !has {
			m = map[string]any{}
			password[part] = m
		}
		defaults(m, values)
	}
}

// passwordOptions are the defaults of the flexible password policy.
func passwordOptions() map[string]map[string]any {
	return map[string]map[string]any{
		"complexity": {
			"min_length": 15, "character_types": []any{}, "character_type_rule": "all", "identical_characters": "allow",
			"sequential_characters": "allow", "max_length_exceeded": "error",
		},
		"profile_data": {"active": false, "blocked_fields": []any{
			"name", "username", "nickname", "email", "phone_number", "user_metadata.name", "user_metadata.first", "user_metadata.last",
		}},
		"history":    {"active": false, "size": 3},
		"dictionary": {"active": false, "custom": []any{}, "default": "en_100k"},
	}
}

// defaults sets the keys that are not there.
func defaults(m, values map[string]any) {
	for k, v := range values {
		if _, has := m[k]; !has {
			m[k] = v
		}
	}
}

func (t *Tenant) connectionNamed(name string) *connection {
	return t.connections.find(func(c *connection) bool { return c.name == name })
}

func (c *connection) view() map[string]any {
	m := clone(c.doc)
	m["id"], m["name"], m["strategy"] = c.id, c.name, c.strategy
	m["enabled_clients"] = render(c.clients, func(id string) any { return id })
	return m
}
