package security

import (
	"cmp"
	"crypto/rsa"
	"encoding/base64"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// Types and states of encryption keys.
const (
	rootKey     = "environment-root-key"
	masterKey   = "tenant-master-key"
	tenantKey   = "tenant-encryption-key"
	customerKey = "customer-provided-root-key"

	keysPath = "/keys/encryption"

	keyPending   = "pre-activation"
	keyActive    = "active"
	keyDestroyed = "destroyed"
)

// encryptionKeys are those with which a tenant's data are encrypted (customer managed
// keys, https://auth0.com/docs/secure/highly-regulated-identity/customer-managed-keys).
// Nothing is encrypted with them here. A new one of the customer waits for its import.
var encryptionKeys = mgmtapi.Document{
	ID: "kid", NewID: func(*mgmtapi.Call) string { return store.NewUUID() },
	Complete: func(c *mgmtapi.Call, doc map[string]any) {
		doc["state"], doc["parent_kid"] = keyPending, nil
		if doc["type"] != customerKey {
			doc["type"], doc["state"], doc["parent_kid"] = tenantKey, keyActive, activeKey(c.T, masterKey).ID
		}
	},
}.Resource(mgmtapi.Resource[*mgmtapi.Doc]{
	Path: keysPath, Part: "kid",
	Table: func(c *mgmtapi.Call) (*store.Table[*mgmtapi.Doc], *mgmtapi.Reply) {
		if kid := c.Path("kid"); kid != "" && !schema.HasFormat("uuid", kid) {
			return nil, mgmtapi.BadRequest("Invalid UUID format in uri.", "invalid_uri")
		}
		return keysOfTenant(c.T, c.Now), nil
	},
	Missing: mgmtapi.Text{Message: "The key does not exist."},
	Taken:   mgmtapi.Text{Message: "Encryption key has already been created."},
	Same: func(c *mgmtapi.Call, k *mgmtapi.Doc) bool {
		return c.Str("type") == customerKey && k.Doc["type"] == customerKey && k.Doc["state"] == keyPending
	},
	Last: func(*mgmtapi.Call) bool { return true },
	Page: mgmtapi.Envelope[*mgmtapi.Doc]{Key: "keys"},
})

func EncryptionKeyRoutes() []mgmtapi.Route {
	return encryptionKeys.Routes([]mgmtapi.Route{
		{Method: "POST", Pattern: "/keys/encryption/rekey", AllOf: true, Handle: mgmtapi.Doing(mgmtapi.Any, rekey)},
		{Method: "POST", Pattern: "/keys/encryption/{kid}", Handle: mgmtapi.On(encryptionKeys.Find, importEncryptionKey)},
		{Method: "DELETE", Pattern: "/keys/encryption/{kid}", Handle: deleteEncryptionKey},
		{Method: "POST", Pattern: "/keys/encryption/{kid}/wrapping-key", Free: true, Handle: createWrappingKey},
		{Method: "GET", Pattern: "/keys/custom-signing", Handle: readCustomSigningKeys},
		{Method: "PUT", Pattern: "/keys/custom-signing", AllOf: true, Handle: setCustomSigningKeys},
		{Method: "DELETE", Pattern: "/keys/custom-signing", Handle: mgmtapi.Doing(mgmtapi.Any, func(_ *mgmtapi.Call, t *state.Tenant) { delete(t.Settings, customSigning) })},
	}...)
}

// deleteEncryptionKey destroys a key of the customer; with an active one the
// hierarchy goes back under the environment's root key.
func deleteEncryptionKey(c *mgmtapi.Call) *mgmtapi.Reply {
	k, bad := encryptionKeys.Find(c)
	if bad != nil || k.Doc["type"] != customerKey {
		return mgmtapi.NoContent()
	}
	active := k.Doc["state"] == keyActive
	setState(k, keyDestroyed, c.Now)
	delete(state.Kept[*rsa.PrivateKey](c.T), k.ID)
	if active {
		newHierarchy(c.T, c.Now)
	}
	return mgmtapi.NoContent()
}

// keysOfTenant returns the keys, of which the first two are as old as the tenant.
func keysOfTenant(t *state.Tenant, now time.Time) *store.Table[*mgmtapi.Doc] {
	s := mgmtapi.DocumentsAt(t, keysPath)
	if s.Len() == 0 {
		newEncryptionKey(t, rootKey, nil, now)
		newEncryptionKey(t, masterKey, activeKey(t, rootKey).ID, now)
	}
	return s
}

func newEncryptionKey(t *state.Tenant, kind string, parent any, now time.Time) {
	k := &mgmtapi.Doc{ID: store.NewUUID(), CreatedAt: now, UpdatedAt: now, Doc: map[string]any{"type": kind, "state": keyActive, "parent_kid": parent}}
	mgmtapi.DocumentsAt(t, keysPath).Put(k.ID, k)
}

// activeKey is the active key of a type, or nil.
func activeKey(t *state.Tenant, kind string) *mgmtapi.Doc {
	return mgmtapi.DocumentsAt(t, keysPath).Find(func(k *mgmtapi.Doc) bool { return k.Doc["type"] == kind && k.Doc["state"] == keyActive })
}

// setState changes the state of a key, unless it is destroyed.
func setState(k *mgmtapi.Doc, state string, now time.Time) {
	if k.Doc["state"] != keyDestroyed && k.Doc["state"] != state {
		k.Doc["state"], k.UpdatedAt = state, now
	}
}

// newHierarchy replaces the tenant's master key by one under the active root.
func newHierarchy(t *state.Tenant, now time.Time) {
	if master := activeKey(t, masterKey); master != nil {
		setState(master, keyDestroyed, now)
	}
	newEncryptionKey(t, masterKey, cmp.Or(activeKey(t, customerKey), activeKey(t, rootKey)).ID, now)
}

func rekey(c *mgmtapi.Call, t *state.Tenant) {
	keysOfTenant(t, c.Now)
	newHierarchy(t, c.Now)
}

// createWrappingKey makes the key under which the customer wraps his own.
func createWrappingKey(c *mgmtapi.Call) *mgmtapi.Reply {
	wrapping := keys.NewRSAKey()
	c.Now = c.T.Lock()
	defer c.T.Unlock()
	k, bad := encryptionKeys.Find(c)
	if bad != nil {
		return bad
	}
	if k.Doc["type"] != customerKey || k.Doc["state"] != keyPending {
		return mgmtapi.Conflict("Failed precondition. Create new encryption key without the key material first.", "")
	}
	state.Kept[*rsa.PrivateKey](c.T)[k.ID] = wrapping
	return mgmtapi.Created(map[string]any{"public_key": keys.PublicPEM(wrapping), "algorithm": "CKM_RSA_AES_KEY_WRAP"})
}

// importEncryptionKey takes the customer's key, of 256 bits.
func importEncryptionKey(c *mgmtapi.Call, k *mgmtapi.Doc) *mgmtapi.Reply {
	wrapping := state.Kept[*rsa.PrivateKey](c.T)[k.ID]
	if k.Doc["state"] != keyPending || wrapping == nil {
		return mgmtapi.Conflict("Failed precondition. Key import not in progress or unable to find the wrapping key. Make sure you have followed all the steps to import a key.", "")
	}
	raw, err := base64.StdEncoding.DecodeString(c.Str("wrapped_key"))
	if err == nil {
		raw, err = keys.UnwrapKey(wrapping, raw)
	}
	if err != nil || len(raw) != 32 {
		return mgmtapi.BadRequest("The wrapped key is not valid.", "invalid_body")
	}
	setState(k, keyActive, c.Now)
	newHierarchy(c.T, c.Now)
	return mgmtapi.Created(encryptionKeys.View(c, k))
}

// customSigning is the path of the customer's own signing keys, as JWK.
const customSigning = "/keys/custom-signing"

func readCustomSigningKeys(c *mgmtapi.Call) *mgmtapi.Reply {
	if c.T.Settings[customSigning] == nil {
		return mgmtapi.NotFound("No custom signing keys found for this tenant. Upload custom signing keys first.", "")
	}
	return mgmtapi.OK(c.T.Settings[customSigning])
}

func setCustomSigningKeys(c *mgmtapi.Call) *mgmtapi.Reply {
	c.T.Settings[customSigning] = map[string]any{"keys": c.Body["keys"]}
	return readCustomSigningKeys(c)
}

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
