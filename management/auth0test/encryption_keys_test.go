package auth0test_test

import (
	"crypto/aes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/pem"
	"testing"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

// wrapKWP is AES key wrap with padding (RFC 5649, section 4.1).
func wrapKWP(t *testing.T, kek, key []byte) []byte {
	t.Helper()
	block, err := aes.NewCipher(kek)
	if err != nil {
		t.Fatal(err)
	}
	data := make([]byte, 8+(len(key)+7)/8*8)
	copy(data[8:], key)
	buf := make([]byte, 16)
	binary.BigEndian.PutUint32(buf, 0xA65959A6)
	binary.BigEndian.PutUint32(buf[4:], uint32(len(key)))
	n := len(data)/8 - 1
	for step := 1; step <= 6*n; step++ {
		part := data[8*((step-1)%n+1):][:8]
		copy(buf[8:], part)
		block.Encrypt(buf, buf)
		binary.BigEndian.PutUint64(buf, binary.BigEndian.Uint64(buf)^uint64(step))
		copy(part, buf[8:])
	}
	copy(data, buf[:8])
	return data
}

func TestEncryptionKeys(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	g.want("GET", "/keys/encryption?include_totals=true", "", 200, `"total":2`)
	key := g.object("POST", "/keys/encryption", `{"type":"customer-provided-root-key"}`, 201)
	g.want("POST", "/keys/encryption", `{"type":"customer-provided-root-key"}`, 409, "already been created")
	g.want("POST", "/keys/encryption", `{"type":"tenant-encryption-key"}`, 201, `"state":"active"`)
	path := "/keys/encryption/" + key["kid"].(string)
	g.want("POST", path, `{"wrapped_key":"AAAA"}`, 409, "Key import not in progress")
	wrapping := g.object("POST", path+"/wrapping-key", "", 201)
	block, _ := pem.Decode([]byte(wrapping["public_key"].(string)))
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	kek, secret := make([]byte, 32), make([]byte, 32)
	rand.Read(kek)
	rand.Read(secret)
	first, err := rsa.EncryptOAEP(sha256.New(), rand.Reader, public.(*rsa.PublicKey), kek, nil)
	if err != nil {
		t.Fatal(err)
	}
	imported := func(wrapped []byte) string {
		return `{"wrapped_key":"` + base64.StdEncoding.EncodeToString(append(append([]byte(nil), first...), wrapped...)) + `"}`
	}
	good := wrapKWP(t, kek, secret)
	damaged := append([]byte(nil), good...)
	damaged[5] ^= 1
	for name, wrapped := range map[string][]byte{"nothing": nil, "damaged": damaged, "short": wrapKWP(t, kek, secret[:20]), "cut": good[:39]} {
		t.Log(name)
		g.want("POST", path, imported(wrapped), 400, "not valid")
	}
	g.want("POST", path, imported(good), 201, `"state":"active"`)
	g.want("POST", path+"/wrapping-key", "", 409, "Failed precondition")
	g.want("GET", "/keys/encryption?per_page=1", "", 200, `"type":"tenant-master-key"`) // Under the new root.
	g.want("POST", "/keys/encryption/rekey", "", 204, "")
	g.want("DELETE", path, "", 204, "")
	g.want("DELETE", path, "", 204, "")
	g.want("GET", path, "", 200, `"state":"destroyed"`)
	g.want("GET", "/keys/encryption/nothing", "", 400, "Invalid UUID format in uri.")
	g.want("GET", "/keys/encryption/00000000-0000-0000-0000-000000000000", "", 404, "The key does not exist.")
}

func TestCustomSigningKeys(t *testing.T) {
	t.Parallel()
	g := newAPI(t, auth0test.NewTenant(auth0test.Options{}))
	g.want("GET", "/keys/custom-signing", "", 404, "No custom signing keys found")
	g.want("PUT", "/keys/custom-signing", `{"keys":[]}`, 400, "invalid_body")
	g.want("PUT", "/keys/custom-signing", `{"keys":[{"kty":"RSA","kid":"k","n":"AQ","e":"AQAB"}]}`, 200, `"kid":"k"`)
	g.want("GET", "/keys/custom-signing", "", 200, `{"keys":[{"e":"AQAB","kid":"k","kty":"RSA","n":"AQ"}]}`)
	g.want("DELETE", "/keys/custom-signing", "", 204, "")
	g.want("GET", "/keys/custom-signing", "", 404, "")
}
