package security

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test/internal/keys"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/mgmtapi"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/schema"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/state"
	"github.com/auth0kit/auth0kit/management/auth0test/internal/store"
)

// encryptionKey is a key with which a tenant's data are encrypted (customer
// managed keys, https://auth0.com/docs/secure/highly-regulated-identity/customer-managed-keys).
// Nothing is encrypted with it here.
type encryptionKey struct {
	kid, kind, state, parent string
	createdAt, updatedAt     time.Time
	wrapping                 *rsa.PrivateKey // For the import of the key; nil before it was asked for.
}

// encryptionState holds the keys, oldest first.
// The tenant's mutex guards it.
type encryptionState struct{ store.Table[encryptionKey] }

func encryptionOf(t *state.Tenant) *encryptionState {
	return state.Part(t, state.Zero[encryptionState])
}

// Types and states of encryption keys.
const (
	rootKey     = "environment-root-key"
	masterKey   = "tenant-master-key"
	tenantKey   = "tenant-encryption-key"
	customerKey = "customer-provided-root-key"

	keyPending   = "pre-activation"
	keyActive    = "active"
	keyDestroyed = "destroyed"
)

var encryptionKeys = &mgmtapi.Resource[encryptionKey]{
	Path: "/keys/encryption", Part: "kid",
	Table: func(c *mgmtapi.Call) (*store.Table[encryptionKey], *mgmtapi.Reply) {
		if kid := c.Path("kid"); kid != "" && !schema.HasFormat("uuid", kid) {
			return nil, mgmtapi.BadRequest("Invalid UUID format in uri.", "invalid_uri")
		}
		return &keysOfTenant(c).Table, nil
	},
	Missing: mgmtapi.Text{Message: "The key does not exist."},
	Taken:   mgmtapi.Text{Message: "Encryption key has already been created."},
	Same: func(c *mgmtapi.Call, k *encryptionKey) bool {
		return c.Str("type") == customerKey && k.kind == customerKey && k.state == keyPending
	},
	New:  createEncryptionKey,
	View: func(_ *mgmtapi.Call, k *encryptionKey) map[string]any { return k.view() },
	Last: func(*mgmtapi.Call) bool { return true },
	Page: mgmtapi.Envelope[*encryptionKey]{Key: "keys"},
}

func EncryptionKeyRoutes() []mgmtapi.Route {
	return encryptionKeys.Routes([]mgmtapi.Route{
		{Method: "POST", Pattern: "/keys/encryption/rekey", AllOf: true, Handle: rekey},
		{Method: "POST", Pattern: "/keys/encryption/{kid}", Handle: mgmtapi.On(encryptionKeys.Find, importEncryptionKey)},
		{Method: "DELETE", Pattern: "/keys/encryption/{kid}", Handle: deleteEncryptionKey},
		{Method: "POST", Pattern: "/keys/encryption/{kid}/wrapping-key", Free: true, Handle: createWrappingKey},
		{Method: "GET", Pattern: "/keys/custom-signing", Handle: readCustomSigningKeys},
		{Method: "PUT", Pattern: "/keys/custom-signing", AllOf: true, Handle: setCustomSigningKeys},
		{Method: "DELETE", Pattern: "/keys/custom-signing", Handle: mgmtapi.Doing(mgmtapi.Any, func(_ *mgmtapi.Call, t *state.Tenant) { delete(t.Settings, customSigning) })},
	}...)
}

// createEncryptionKey makes a key that waits for its import, or a new
// tenant-encryption-key.
func createEncryptionKey(c *mgmtapi.Call) (string, *encryptionKey, *mgmtapi.Reply) {
	kind, state, parent := tenantKey, keyActive, ""
	if c.Str("type") == customerKey {
		kind, state = customerKey, keyPending
	} else {
		parent = encryptionOf(c.T).Find(func(k *encryptionKey) bool { return k.kind == masterKey && k.state == keyActive }).kid
	}
	k := newEncryptionKey(c.T, kind, state, parent, c.Now)
	return k.kid, k, nil
}

// deleteEncryptionKey destroys a key of the customer; with an active one the
// hierarchy goes back under the environment's root key.
func deleteEncryptionKey(c *mgmtapi.Call) *mgmtapi.Reply {
	k, bad := encryptionKeys.Find(c)
	if bad != nil || k.kind != customerKey {
		return mgmtapi.NoContent()
	}
	active := k.state == keyActive
	k.set(keyDestroyed, c.Now)
	if active {
		newHierarchy(c.T, c.Now)
	}
	return mgmtapi.NoContent()
}

// keysOfTenant returns the keys, of which the first two are as old as the tenant.
func keysOfTenant(c *mgmtapi.Call) *encryptionState {
	s := encryptionOf(c.T)
	if s.Len() == 0 {
		root := newEncryptionKey(c.T, rootKey, keyActive, "", c.Now)
		newEncryptionKey(c.T, masterKey, keyActive, root.kid, c.Now)
	}
	return s
}

func newEncryptionKey(t *state.Tenant, kind, state, parent string, now time.Time) *encryptionKey {
	k := &encryptionKey{kid: store.NewUUID(), kind: kind, state: state, parent: parent, createdAt: now, updatedAt: now}
	encryptionOf(t).Put(k.kid, k)
	return k
}

func (k *encryptionKey) view() map[string]any {
	return map[string]any{
		"kid": k.kid, "type": k.kind, "state": k.state, "parent_kid": store.OrNull(k.parent),
		"created_at": store.Stamp(k.createdAt), "updated_at": store.Stamp(k.updatedAt),
	}
}

// set changes the state of a key; a destroyed one has nothing left.
func (k *encryptionKey) set(state string, now time.Time) {
	if k.state == keyDestroyed || k.state == state {
		return
	}
	k.state, k.updatedAt = state, now
	if state == keyDestroyed {
		k.wrapping = nil
	}
}

// newHierarchy replaces the tenant's master key by one under the active root.
func newHierarchy(t *state.Tenant, now time.Time) {
	root := encryptionOf(t).Find(func(k *encryptionKey) bool { return k.kind == customerKey && k.state == keyActive })
	if root == nil {
		root = encryptionOf(t).Find(func(k *encryptionKey) bool { return k.kind == rootKey && k.state == keyActive })
	}
	for _, k := range encryptionOf(t).All() {
		if k.kind == masterKey {
			k.set(keyDestroyed, now)
		}
	}
	newEncryptionKey(t, masterKey, keyActive, root.kid, now)
}

func rekey(c *mgmtapi.Call) *mgmtapi.Reply {
	keysOfTenant(c)
	newHierarchy(c.T, c.Now)
	return mgmtapi.NoContent()
}

const (
	noWrapping = "Failed precondition. Create new encryption key without the key material first."
	noImport   = "Failed precondition. Key import not in progress or unable to find the wrapping key. Make sure you have followed all the steps to import a key."
)

// createWrappingKey makes the key under which the customer wraps his own.
func createWrappingKey(c *mgmtapi.Call) *mgmtapi.Reply {
	wrapping := keys.NewRSAKey()
	c.Now = c.T.Lock()
	defer c.T.Unlock()
	k, bad := encryptionKeys.Find(c)
	if bad != nil {
		return bad
	}
	if k.kind != customerKey || k.state != keyPending {
		return mgmtapi.Conflict(noWrapping, "")
	}
	k.wrapping = wrapping
	der, err := x509.MarshalPKIXPublicKey(&wrapping.PublicKey)
	if err != nil {
		panic(err) // It is an RSA key.
	}
	return mgmtapi.Created(map[string]any{
		"public_key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "algorithm": "CKM_RSA_AES_KEY_WRAP",
	})
}

// importEncryptionKey takes the customer's key, of 256 bits.
func importEncryptionKey(c *mgmtapi.Call, k *encryptionKey) *mgmtapi.Reply {
	if k.state != keyPending || k.wrapping == nil {
		return mgmtapi.Conflict(noImport, "")
	}
	raw, err := base64.StdEncoding.DecodeString(c.Str("wrapped_key"))
	if err == nil {
		raw, err = keys.UnwrapKey(k.wrapping, raw)
	}
	if err != nil || len(raw) != 32 {
		return mgmtapi.BadRequest("The wrapped key is not valid.", "invalid_body")
	}
	k.set(keyActive, c.Now)
	newHierarchy(c.T, c.Now)
	return mgmtapi.Created(k.view())
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
