package security

import (
	"crypto/sha1"
	"encoding/asn1"
	"encoding/hex"
	"encoding/pem"
	"slices"
	"strings"

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
	der := key.Certificate()
	sum := sha1.Sum(der)
	thumb := strings.ToUpper(hex.EncodeToString(sum[:]))
	var pairs []string
	for pair := range slices.Chunk([]byte(thumb), 2) {
		pairs = append(pairs, string(pair))
	}
	m := map[string]any{
		"kid": key.Kid, "cert": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		"pkcs7":   string(pem.EncodeToMemory(&pem.Block{Type: "PKCS7", Bytes: pkcs7(der)})),
		"current": key == all[0], "next": key == all[1], "previous": slices.Contains(all[2:], key),
		"fingerprint": strings.Join(pairs, ":"), "thumbprint": thumb, "revoked": !key.RevokedAt.IsZero(),
	}
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
