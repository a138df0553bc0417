package auth0test

import (
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"strings"
	"time"
)

// clientKey is a credential of a client: a public key or a certificate.
type clientKey struct {
	id        string
	doc       map[string]any
	public    *rsa.PublicKey // Of a public_key for RSA.
	createdAt time.Time
	updatedAt time.Time
}

func (k *clientKey) view() map[string]any {
	m := clone(k.doc)
	m["id"], m["created_at"], m["updated_at"] = k.id, stamp(k.createdAt), stamp(k.updatedAt)
	return m
}

// newClientKey reads a credential of a request; the PEM itself is not kept.
func newClientKey(m map[string]any, now time.Time) (*clientKey, *reply) {
	k := &clientKey{id: "cred_" + randomID(22), doc: clone(m), createdAt: now, updatedAt: now}
	delete(k.doc, "pem")
	raw, _ := m["pem"].(string)
	block, _ := pem.Decode([]byte(raw))
	if raw == "" || block == nil {
		if m["credential_type"] == "cert_subject_dn" && m["subject_dn"] != nil {
			return k, nil
		}
		return nil, badRequest("The credential's PEM is not valid.", "invalid_body")
	}
	var err error
	if m["credential_type"] == "public_key" {
		err = k.readKey(block.Bytes)
	} else {
		err = k.readCertificate(block.Bytes)
	}
	if err != nil {
		return nil, badRequest("The credential's PEM is not valid.", "invalid_body")
	}
	if m["credential_type"] == "public_key" {
		defaults(k.doc, map[string]any{"alg": "RS256"})
	}
	return k, nil
}

// readKey sets kid to the key's thumbprint (RFC 7638).
func (k *clientKey) readKey(der []byte) error {
	parsed, err := x509.ParsePKIXPublicKey(der)
	if err != nil {
		cert, certErr := x509.ParseCertificate(der)
		if certErr != nil {
			return err
		}
		parsed = cert.PublicKey
	}
	thumbprint := sha256.Sum256(der)
	if key, is := parsed.(*rsa.PublicKey); is {
		k.public = key
		b64 := base64.RawURLEncoding.EncodeToString
		canonical, _ := json.Marshal(map[string]string{ // Sorted keys, as the RFC asks.
			"e": b64(big.NewInt(int64(key.E)).Bytes()), "kty": "RSA", "n": b64(key.N.Bytes()),
		})
		thumbprint = sha256.Sum256(canonical)
	}
	defaults(k.doc, map[string]any{"kid": base64.RawURLEncoding.EncodeToString(thumbprint[:])})
	return nil
}

func (k *clientKey) readCertificate(der []byte) error {
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	if k.doc["credential_type"] == "cert_subject_dn" {
		var parts []string
		for _, name := range strings.Split(cert.Subject.ToRDNSequence().String(), ",") {
			parts = append([]string{name}, parts...)
		}
		k.doc["subject_dn"] = strings.Join(parts, "\n")
		return nil
	}
	sum := sha256.Sum256(der)
	k.doc["thumbprint_sha256"] = base64.RawURLEncoding.EncodeToString(sum[:])
	k.doc["expires_at"] = stamp(cert.NotAfter)
	return nil
}

// credentialLists are the places of a client's document that hold credentials.
func credentialLists(doc map[string]any) []map[string]any {
	var out []map[string]any
	add := func(v any) {
		if m, is := v.(map[string]any); is && m["credentials"] != nil {
			out = append(out, m)
		}
	}
	methods, _ := doc["client_authentication_methods"].(map[string]any)
	for _, name := range sortedKeys(methods) {
		add(methods[name])
	}
	add(doc["signed_request_object"])
	add(doc["token_vault_privileged_access"])
	return out
}

// takeCredentials makes keys of the credentials that a new client brings along.
func (cl *client) takeCredentials(now time.Time) *reply {
	for _, holder := range credentialLists(cl.doc) {
		items, _ := holder["credentials"].([]any)
		shown := []any{}
		for _, item := range items {
			m, _ := item.(map[string]any)
			k, bad := newClientKey(m, now)
			if bad != nil {
				return bad
			}
			cl.keys.put(k.id, k)
			shown = append(shown, k.view())
		}
		holder["credentials"] = shown
	}
	return nil
}

// hideCredentials leaves only the ids: the answer to the creation alone shows
// more.
func (cl *client) hideCredentials() {
	doc := map[string]any{}
	for k, v := range cl.doc {
		doc[k] = deepCopy(v)
	}
	for _, holder := range credentialLists(doc) {
		items, _ := holder["credentials"].([]any)
		for i, item := range items {
			m, _ := item.(map[string]any)
			items[i] = map[string]any{"id": m["id"]}
		}
	}
	cl.doc = doc
}

// deepCopy copies a JSON value.
func deepCopy(v any) any {
	switch v := v.(type) {
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, x := range v {
			m[k] = deepCopy(x)
		}
		return m
	case []any:
		out := make([]any, len(v))
		for i, x := range v {
			out[i] = deepCopy(x)
		}
		return out
	}
	return v
}

func listCredentials(c *call) *reply {
	cl, bad := c.client("client_id")
	if bad != nil {
		return bad
	}
	return ok(render(cl.keys.all(), func(k *clientKey) any { return k.view() }))
}

func createCredential(c *call) *reply {
	cl, bad := c.client("client_id")
	if bad != nil {
		return bad
	}
	k, bad := newClientKey(c.body, c.now)
	if bad != nil {
		return bad
	}
	cl.keys.put(k.id, k)
	return created(k.view())
}

func (c *call) credential() (*client, *clientKey, *reply) {
	cl, bad := c.client("client_id")
	if bad != nil {
		return nil, nil, bad
	}
	k := cl.keys.get(c.path("credential_id"))
	if k == nil {
		return nil, nil, notFound("The credential does not exist.", "")
	}
	return cl, k, nil
}

func readCredential(c *call) *reply {
	_, k, bad := c.credential()
	if bad != nil {
		return bad
	}
	return ok(k.view())
}

func updateCredential(c *call) *reply {
	_, k, bad := c.credential()
	if bad != nil {
		return bad
	}
	if at, err := time.Parse(time.RFC3339, c.str("expires_at")); err == nil {
		k.doc["expires_at"] = stamp(at)
	} else {
		delete(k.doc, "expires_at")
	}
	k.updatedAt = c.now
	return ok(k.view())
}

func deleteCredential(c *call) *reply {
	cl, bad := c.client("client_id")
	if bad != nil {
		return bad
	}
	cl.keys.delete(c.path("credential_id"))
	return noContent()
}
