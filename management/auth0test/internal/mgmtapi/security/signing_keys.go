package security

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func SigningKeyRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/keys/signing", Handle: mgmtapi.Telling(mgmtapi.Any, listSigningKeys)},
		{Method: "POST", Pattern: "/keys/signing/rotate", Bucket: "rotate keys", AllOf: true, Handle: func(c *mgmtapi.Call) *mgmtapi.Reply {
			return mgmtapi.Created(signingKeyView(c, c.T.Keys.Rotate(c.Now)))
		}},
		{Method: "GET", Pattern: "/keys/signing/{kid}", Handle: mgmtapi.Telling(signingKey, signingKeyView)},
		{Method: "PUT", Pattern: "/keys/signing/{kid}/revoke", Handle: revokeSigningKey},
	}
}

// signingKey finds the key of the path.
func signingKey(c *mgmtapi.Call) (*keys.SigningKey, *mgmtapi.Reply) {
	for _, key := range all(&c.T.Keys) {
		if key.Kid == c.Path("kid") {
			return key, nil
		}
	}
	return nil, noSigningKey()
}

// all returns the current key, the next, and the earlier ones, revoked ones too.
func all(k *keys.Keyring) []*keys.SigningKey {
	k.Mu.Lock()
	defer k.Mu.Unlock()
	return slices.Concat([]*keys.SigningKey{k.Current, k.Next}, k.Previous)
}

func signingKeyView(c *mgmtapi.Call, key *keys.SigningKey) any {
	all := all(&c.T.Keys)
	m := key.Described()
	m["current"], m["next"], m["previous"] = key == all[0], key == all[1], slices.Contains(all[2:], key)
	m["revoked"] = !key.RevokedAt.IsZero()
	store.PutTime(m, "current_since", key.At)
	store.PutTime(m, "revoked_at", key.RevokedAt)
	if i := slices.Index(all, key); i >= 2 {
		next := all[0]
		if i > 2 {
			next = all[i-1]
		}
		m["current_until"] = store.Stamp(next.At)
	}
	return m
}

func listSigningKeys(c *mgmtapi.Call, t *state.Tenant) []any {
	return store.Render(all(&t.Keys), func(key *keys.SigningKey) any { return signingKeyView(c, key) })
}

func revokeSigningKey(c *mgmtapi.Call) *mgmtapi.Reply {
	key := c.T.Keys.Revoke(c.Path("kid"), c.Now)
	if key == nil {
		return noSigningKey()
	}
	return mgmtapi.OK(signingKeyView(c, key))
}

func noSigningKey() *mgmtapi.Reply { return mgmtapi.NotFound("Signing key not found.", "") }
