package security

import (
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

func SigningKeyRoutes() []mgmtapi.Route {
	return []mgmtapi.Route{
		{Method: "GET", Pattern: "/keys/signing", Handle: listSigningKeys},
		{Method: "POST", Pattern: "/keys/signing/rotate", Bucket: "rotate keys", AllOf: true, Handle: rotateSigningKey},
		{Method: "GET", Pattern: "/keys/signing/{kid}", Handle: readSigningKey},
		{Method: "PUT", Pattern: "/keys/signing/{kid}/revoke", Handle: revokeSigningKey},
	}
}

const noSigningKey = "Signing key not found."

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
	if !key.At.IsZero() {
		m["current_since"] = store.Stamp(key.At)
	}
	if i := slices.Index(all, key); i >= 2 {
		next := all[0]
		if i > 2 {
			next = all[i-1]
		}
		m["current_until"] = store.Stamp(next.At)
	}
	if !key.RevokedAt.IsZero() {
		m["revoked_at"] = store.Stamp(key.RevokedAt)
	}
	return m
}

func listSigningKeys(c *mgmtapi.Call) *mgmtapi.Reply {
	return mgmtapi.OK(store.Render(all(&c.T.Keys), func(a0 *keys.SigningKey) any { return signingKeyView(c, a0) }))
}

func readSigningKey(c *mgmtapi.Call) *mgmtapi.Reply {
	for _, key := range all(&c.T.Keys) {
		if key.Kid == c.Path("kid") {
			return mgmtapi.OK(signingKeyView(c, key))
		}
	}
	return mgmtapi.NotFound(noSigningKey, "")
}

// rotateSigningKey makes the next key the current one.
func rotateSigningKey(c *mgmtapi.Call) *mgmtapi.Reply {
	return mgmtapi.Created(signingKeyView(c, c.T.Keys.Rotate(c.Now)))
}

func revokeSigningKey(c *mgmtapi.Call) *mgmtapi.Reply {
	key := c.T.Keys.Revoke(c.Path("kid"), c.Now)
	if key == nil {
		return mgmtapi.NotFound(noSigningKey, "")
	}
	return mgmtapi.OK(signingKeyView(c, key))
}
