package auth0test

import "maps"

// settings are documents of which a tenant has one each, by their path.
type settings map[string]map[string]any

// initialSettings are those of a new tenant.
func initialSettings() settings {
	all := protectionSettings()
	maps.Copy(all, tenantSettings())
	return all
}

// readSettings answers a document; view, if any, gets a copy.
func readSettings(path string, view func(*call, map[string]any)) func(*call) *reply {
	return func(c *call) *reply { return ok(c.settingsView(path, view)) }
}

// updateSettings replaces what the request names; objects in merge are merged.
// apply, if any, lets the tenant behave so.
func updateSettings(path string, apply, view func(*call, map[string]any), merge ...string) func(*call) *reply {
	return func(c *call) *reply {
		doc := clone(c.t.settings[path])
		for k, v := range c.body {
			doc[k] = v
		}
		for _, k := range merge {
			old, _ := c.t.settings[path][k].(map[string]any)
			if next, is := c.body[k].(map[string]any); is && old != nil {
				merged := clone(old)
				maps.Copy(merged, next)
				doc[k] = merged
			}
		}
		if apply != nil {
			apply(c, doc)
		}
		c.t.settings[path] = doc
		return ok(c.settingsView(path, view))
	}
}

func (c *call) settingsView(path string, view func(*call, map[string]any)) map[string]any {
	doc := clone(c.t.settings[path])
	if view != nil {
		view(c, doc)
	}
	return doc
}
