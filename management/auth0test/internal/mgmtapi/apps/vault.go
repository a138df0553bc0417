package apps

import (
	"encoding/json"
	"sync"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// vaultShape is the schema of a client's token_vault_privileged_access, which
// the description has only in part.
var vaultShape = sync.OnceValue(func() *schema.Shape {
	var s schema.Shape
	if err := json.Unmarshal([]byte(vaultSchema), &s); err != nil {
		panic(err)
	}
	return &s
})

const vaultSchema = `{
	"type": ["object", "null"], "additionalProperties": false, "required": ["credentials", "ip_allowlist", "grants"],
	"properties": {
		"credentials": {"type": "array", "minItems": 1, "maxItems": 2, "items": {"type": "object"}},
		"ip_allowlist": {"type": "array", "minItems": 1, "maxItems": 10, "items": {"type": "string", "anyOf": [
			{"format": "ipv4"}, {"format": "cidr"}, {"format": "ipv6"}, {"format": "ipv6_cidr"}
		]}},
		"grants": {"type": "array", "maxItems": 5, "items": {
			"type": "object", "additionalProperties": false, "required": ["connection", "scopes"],
			"properties": {
				"connection": {"type": "string", "minLength": 1},
				"scopes": {"type": "array", "items": {"type": "string"}}
			}
		}}
	}
}`

// maxVaultScopes bounds the scopes of all grants together.
const maxVaultScopes = 20

// checkVault checks token_vault_privileged_access, whose grants may be empty
// only in an update.
func checkVault(c *mgmtapi.Call) *mgmtapi.Reply {
	v, has := c.Body["token_vault_privileged_access"]
	if !has {
		return nil
	}
	if bad := vaultShape().At(v, "token_vault_privileged_access"); bad != nil {
		return mgmtapi.BadRequest(bad.Message("Payload"), "invalid_body")
	}
	m, _ := v.(map[string]any)
	grants, _ := m["grants"].([]any)
	if m != nil && len(grants) == 0 && c.R.Method == "POST" {
		v := schema.Violation{Text: "Array is too short (0), minimum 1", Path: "token_vault_privileged_access.grants"}
		return mgmtapi.BadRequest(v.Message("Payload"), "invalid_body")
	}
	scopes, seen := 0, map[any]bool{}
	for _, g := range grants {
		grant := g.(map[string]any)
		if seen[grant["connection"]] {
			return mgmtapi.BadRequest("Connections in token_vault_privileged_access.grants must be unique.", "invalid_body")
		}
		seen[grant["connection"]] = true
		scopes += len(store.StringsOf(grant["scopes"]))
	}
	if scopes > maxVaultScopes {
		return mgmtapi.BadRequest("No more than 20 scopes are allowed in token_vault_privileged_access.grants.", "invalid_body")
	}
	return nil
}
