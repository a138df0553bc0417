package mgmtapi

import (
	"maps"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// ReadSettings answers a document; view, if any, gets a copy.
func ReadSettings(path string, view func(*Call, map[string]any)) func(*Call) *Reply {
	return func(c *Call) *Reply { return OK(c.SettingsView(path, view)) }
}

// UpdateSettings replaces what the request names; objects in merge are merged.
// apply, if any, lets the tenant behave so.
func UpdateSettings(path string, apply, view func(*Call, map[string]any), merge ...string) func(*Call) *Reply {
	return func(c *Call) *Reply {
		doc := store.Clone(c.T.Settings[path])
		for k, v := range c.Body {
			doc[k] = v
		}
		for _, k := range merge {
			old, _ := c.T.Settings[path][k].(map[string]any)
			if next, is := c.Body[k].(map[string]any); is && old != nil {
				merged := store.Clone(old)
				maps.Copy(merged, next)
				doc[k] = merged
			}
		}
		if apply != nil {
			apply(c, doc)
		}
		c.T.Settings[path] = doc
		return OK(c.SettingsView(path, view))
	}
}

func (c *Call) SettingsView(path string, view func(*Call, map[string]any)) map[string]any {
	doc := store.Clone(c.T.Settings[path])
	if view != nil {
		view(c, doc)
	}
	return doc
}
