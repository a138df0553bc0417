package auth0test

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"slices"
	"time"
)

// encryptionKey is a key with which a tenant's data are encrypted (customer
// managed keys, https://auth0.com/docs/secure/highly-regulated-identity/customer-managed-keys).
// Nothing is encrypted with it here.
type encryptionKey struct {
	kid, kind, state, parent string
	createdAt, updatedAt     time.Time
	wrapping                 *rsa.PrivateKey // For the import of the key; nil before it was asked for.
}

// encryptionState holds the keys, oldest first, and what customers signed with.
// The tenant's mutex guards it.
type encryptionState struct {
	table[encryptionKey]
	signing []any // Custom signing keys, as JWK; nil without any.
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

func encryptionKeyRoutes() []route {
	return []route{
		{method: "GET", pattern: "/keys/encryption", handle: listEncryptionKeys},
		{method: "POST", pattern: "/keys/encryption", handle: createEncryptionKey},
		{method: "POST", pattern: "/keys/encryption/rekey", allOf: true, handle: rekey},
		{method: "GET", pattern: "/keys/encryption/{kid}", handle: readEncryptionKey},
		{method: "POST", pattern: "/keys/encryption/{kid}", handle: importEncryptionKey},
		{method: "DELETE", pattern: "/keys/encryption/{kid}", handle: deleteEncryptionKey},
		{method: "POST", pattern: "/keys/encryption/{kid}/wrapping-key", free: true, handle: createWrappingKey},
		{method: "GET", pattern: "/keys/custom-signing", handle: readCustomSigningKeys},
		{method: "PUT", pattern: "/keys/custom-signing", allOf: true, handle: setCustomSigningKeys},
		{method: "DELETE", pattern: "/keys/custom-signing", handle: deleteCustomSigningKeys},
	}
}

// keysOfTenant returns the keys, of which the first two are as old as the tenant.
func (c *call) keysOfTenant() *encryptionState {
	s := &c.t.encryption
	if s.len() == 0 {
		root := c.t.newEncryptionKey(rootKey, keyActive, "", c.now)
		c.t.newEncryptionKey(masterKey, keyActive, root.kid, c.now)
	}
	return s
}

func (t *Tenant) newEncryptionKey(kind, state, parent string, now time.Time) *encryptionKey {
	k := &encryptionKey{kid: newUUID(), kind: kind, state: state, parent: parent, createdAt: now, updatedAt: now}
	t.encryption.put(k.kid, k)
	return k
}

func (k *encryptionKey) view() map[string]any {
	return map[string]any{
		"kid": k.kid, "type": k.kind, "state": k.state, "parent_kid": orNull(k.parent),
		"created_at": stamp(k.createdAt), "updated_at": stamp(k.updatedAt),
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

func (c *call) encryptionKey() (*encryptionKey, *reply) {
	if !hasFormat("uuid", c.path("kid")) {
		return nil, badRequest("Invalid UUID format in uri.", "invalid_uri")
	}
	k := c.keysOfTenant().get(c.path("kid"))
	if k == nil {
		return nil, notFound("The key does not exist.", "")
	}
	return k, nil
}

func listEncryptionKeys(c *call) *reply {
	rows := c.keysOfTenant().all()
	slices.Reverse(rows)
	return pageOf(c, "keys", "", rows, func(k *encryptionKey) any { return k.view() })
}

// createEncryptionKey makes a key that waits for its import, or a new
// tenant-encryption-key.
func createEncryptionKey(c *call) *reply {
	s, kind := c.keysOfTenant(), c.str("type")
	if kind == customerKey && s.find(func(k *encryptionKey) bool { return k.kind == customerKey && k.state == keyPending }) != nil {
		return conflict("Encryption key has already been created.", "")
	}
	master := s.find(func(k *encryptionKey) bool { return k.kind == masterKey && k.state == keyActive })
	if kind == customerKey {
		return created(c.t.newEncryptionKey(kind, keyPending, "", c.now).view())
	}
	return created(c.t.newEncryptionKey(tenantKey, keyActive, master.kid, c.now).view())
}

func readEncryptionKey(c *call) *reply {
	k, bad := c.encryptionKey()
	if bad != nil {
		return bad
	}
	return ok(k.view())
}

// deleteEncryptionKey destroys a key of the customer; with an active one the
// hierarchy goes back under the environment's root key.
func deleteEncryptionKey(c *call) *reply {
	k, bad := c.encryptionKey()
	if bad != nil || k.kind != customerKey {
		return noContent()
	}
	active := k.state == keyActive
	k.set(keyDestroyed, c.now)
	if active {
		c.t.newHierarchy(c.now)
	}
	return noContent()
}

// newHierarchy replaces the tenant's master key by one under the active root.
func (t *Tenant) newHierarchy(now time.Time) {
	root := t.encryption.find(func(k *encryptionKey) bool { return k.kind == customerKey && k.state == keyActive })
	if root == nil {
		root = t.encryption.find(func(k *encryptionKey) bool { return k.kind == rootKey && k.state == keyActive })
	}
	for _, k := range t.encryption.all() {
		if k.kind == masterKey {
			k.set(keyDestroyed, now)
		}
	}
	t.newEncryptionKey(masterKey, keyActive, root.kid, now)
}

func rekey(c *call) *reply {
	c.keysOfTenant()
	c.t.newHierarchy(c.now)
	return noContent()
}

const (
	noWrapping = "Failed precondition. Create new encryption key without the key material first."
	noImport   = "Failed precondition. Key import not in progress or unable to find the wrapping key. Make sure you have followed all the steps to import a key."
)

// createWrappingKey makes the key under which the customer wraps his own.
func createWrappingKey(c *call) *reply {
	wrapping := newRSAKey()
	c.now = c.t.lock()
	defer c.t.mu.Unlock()
	k, bad := c.encryptionKey()
	if bad != nil {
		return bad
	}
	if k.kind != customerKey || k.state != keyPending {
		return conflict(noWrapping, "")
	}
	k.wrapping = wrapping
	der, err := x509.MarshalPKIXPublicKey(&wrapping.PublicKey)
	if err != nil {
		panic(err) // It is an RSA key.
	}
	return created(map[string]any{
		"public_key": string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), "algorithm": "CKM_RSA_AES_KEY_WRAP",
	})
}

// importEncryptionKey takes the customer's key, of 256 bits.
func importEncryptionKey(c *call) *reply {
	k, bad := c.encryptionKey()
	if bad != nil {
		return bad
	}
	if k.state != keyPending || k.wrapping == nil {
		return conflict(noImport, "")
	}
	raw, err := base64.StdEncoding.DecodeString(c.str("wrapped_key"))
	if err == nil {
		raw, err = unwrapKey(k.wrapping, raw)
	}
	if err != nil || len(raw) != 32 {
		return badRequest("The wrapped key is not valid.", "invalid_body")
	}
	k.set(keyActive, c.now)
	c.t.newHierarchy(c.now)
	return created(k.view())
}

func readCustomSigningKeys(c *call) *reply {
	if c.t.encryption.signing == nil {
		return notFound("No custom signing keys found for this tenant. Upload custom signing keys first.", "")
	}
	return ok(map[string]any{"keys": c.t.encryption.signing})
}

func setCustomSigningKeys(c *call) *reply {
	c.t.encryption.signing, _ = c.body["keys"].([]any)
	return ok(map[string]any{"keys": c.t.encryption.signing})
}

func deleteCustomSigningKeys(c *call) *reply {
	c.t.encryption.signing = nil
	return noContent()
}
