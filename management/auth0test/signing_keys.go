package auth0test

import (
	"crypto/sha1"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"
)

func signingKeyRoutes() []route {
	return []route{
		{method: "GET", pattern: "/keys/signing", handle: listSigningKeys},
		{method: "POST", pattern: "/keys/signing/rotate", bucket: "rotate keys", allOf: true, handle: rotateSigningKey},
		{method: "GET", pattern: "/keys/signing/{kid}", handle: readSigningKey},
		{method: "PUT", pattern: "/keys/signing/{kid}/revoke", handle: revokeSigningKey},
	}
}

const noSigningKey = "Signing key not found."

// all returns the current key, the next, and the earlier ones, revoked ones too.
func (k *keyring) all() []*signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Concat([]*signingKey{k.current, k.next}, k.previous)
}

func (c *call) signingKeyView(key *signingKey) any {
	all := c.t.keys.all()
	der := key.certificate()
	sum := sha1.Sum(der)
	thumb := strings.ToUpper(hex.EncodeToString(sum[:]))
	var pairs []string
	for pair := range slices.Chunk([]byte(thumb), 2) {
		pairs = append(pairs, string(pair))
	}
	m := map[string]any{
		"kid": key.kid, "cert": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"pkcs7":   string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: pkcs7(der)})),
		"current": key == all[0], "next": key == all[1], "previous": slices.Contains(all[2:], key),
		"fingerprint": strings.Join(pairs, ":"), "thumbprint": thumb, "revoked": !key.revokedAt.IsZero(),
	}
	if !key.at.IsZero() {
		m["current_since"] = stamp(key.at)
	}
	if i := slices.Index(all, key); i >= 2 {
		next := all[0]
		if i > 2 {
			next = all[i-1]
		}
		m["current_until"] = stamp(next.at)
	}
	if !key.revokedAt.IsZero() {
		m["revoked_at"] = stamp(key.revokedAt)
	}
	return m
}

func listSigningKeys(c *call) *reply { return ok(render(c.t.keys.all(), c.signingKeyView)) }

func readSigningKey(c *call) *reply {
	for _, key := range c.t.keys.all() {
		if key.kid == c.path("kid") {
			return ok(c.signingKeyView(key))
		}
	}
	return notFound(noSigningKey, "")
}

// rotateSigningKey makes the next key the current one.
func rotateSigningKey(c *call) *reply { return created(c.signingKeyView(c.t.keys.rotate(c.now))) }

func revokeSigningKey(c *call) *reply {
	key := c.t.keys.revoke(c.path("kid"), c.now)
	if key == nil {
		return notFound(noSigningKey, "")
	}
	return ok(c.signingKeyView(key))
}

// pkcs7 wraps a certificate in a SignedData without signers (RFC 2315, 9.1).
func pkcs7(certificate []byte) []byte {
	type contentInfo struct {
		Type    asn1.ObjectIdentifier
		Content asn1.RawValue `asn1:"optional"`
	}
	set := asn1.RawValue{Class: asn1.ClassUniversal, Tag: asn1.TagSet, IsCompound: true}
	inner, err := asn1.Marshal(struct {
		Version      int
		Algorithms   asn1.RawValue
		Content      contentInfo
		Certificates asn1.RawValue
		Signers      asn1.RawValue
	}{1, set, contentInfo{Type: asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 1}},
		asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: certificate}, set})
	if err != nil {
		panic(err) // Nothing above depends on input.
	}
	der, err := asn1.Marshal(contentInfo{
		Type:    asn1.ObjectIdentifier{1, 2, 840, 113549, 1, 7, 2},
		Content: asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: 0, IsCompound: true, Bytes: inner},
	})
	if err != nil {
		panic(err)
	}
	return der
}
