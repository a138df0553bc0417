package apps

import (
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// maxVaultScopes bounds the scopes of all grants together.
const maxVaultScopes = 20

// checkVault checks the grants of token_vault_privileged_access.
func checkVault(c *mgmtapi.Call) *mgmtapi.Reply {
	grants := store.Objects(c.Obj("token_vault_privileged_access")["grants"])
	scopes, seen := 0, map[any]bool{}
	for _, grant := range grants {
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
