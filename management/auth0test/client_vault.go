package auth0test

import (
	"encoding/json"
	"sync"
)

// vaultShape is the schema of a client's token_vault_privileged_access, which
// the description has only in part.
var vaultShape = sync.OnceValue(func() *shape {
	var s shape
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
func (c *call) checkVault() *reply {
	v, has := c.body["token_vault_privileged_access"]
	if !has {
		return nil
	}
	if bad := vaultShape().at(v, "token_vault_privileged_access"); bad != nil {
		return badRequest(bad.message("Payload"), "invalid_body")
	}
	m, _ := v.(map[string]any)
	grants, _ := m["grants"].([]any)
	if m != nil && len(grants) == 0 && c.r.Method == "POST" {
		v := violation{text: "Array is too short (0), minimum 1", path: "token_vault_privileged_access.grants"}
		return badRequest(v.message("Payload"), "invalid_body")
	}
	scopes, seen := 0, map[any]bool{}
	for _, g := range grants {
		grant := g.(map[string]any)
		if seen[grant["connection"]] {
			return badRequest("Connections in token_vault_privileged_access.grants must be unique.", "invalid_body")
		}
		seen[grant["connection"]] = true
		scopes += len(stringsOf(grant["scopes"]))
	}
	if scopes > maxVaultScopes {
		return badRequest("No more than 20 scopes are allowed in token_vault_privileged_access.grants.", "invalid_body")
	}
	return nil
}
