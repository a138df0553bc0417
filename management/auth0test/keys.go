package auth0test

import (
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"sync"
	"time"
)

// rsaPool holds the RSA keys of this process. Tenants share them, under key ids
// of their own, so that only the first tenant pays for making them.
var rsaPool struct {
	mu   sync.Mutex
	keys []*rsa.PrivateKey
}

func pooledKey(n int) *rsa.PrivateKey {
	rsaPool.mu.Lock()
	defer rsaPool.mu.Unlock()
	for len(rsaPool.keys) <= n {
		k, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err) // The system has no randomness.
		}
		rsaPool.keys = append(rsaPool.keys, k)
	}
	return rsaPool.keys[n]
}

// signingKey is a key of a tenant; the RSA key behind it is made when needed.
type signingKey struct {
	kid     string
	n       int // Its place in the pool.
	revoked bool
}

func (k *signingKey) private() *rsa.PrivateKey { return pooledKey(k.n) }

// keyring holds the signing keys of a tenant: current, next and earlier ones.
type keyring struct {
	mu            sync.Mutex
	current, next *signingKey
	previous      []*signingKey
	made          int
}

func (k *keyring) start() {
	k.current, k.next = k.make(), k.make()
}

func (k *keyring) make() *signingKey {
	key := &signingKey{kid: randomID(21), n: k.made}
	k.made++
	return key
}

// RotateKeys makes the next signing key the current one. Tokens of the previous
// key stay valid until it is revoked.
func (t *Tenant) RotateKeys() {
	t.keys.mu.Lock()
	defer t.keys.mu.Unlock()
	t.keys.previous = append(t.keys.previous, t.keys.current)
	t.keys.current, t.keys.next = t.keys.next, t.keys.make()
}

func (k *keyring) signer() *signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current
}

// find returns a key that is not revoked.
func (k *keyring) find(kid string) *signingKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range append([]*signingKey{k.current, k.next}, k.previous...) {
		if key.kid == kid && !key.revoked {
			return key
		}
	}
	return nil
}

// Sign returns a token with these claims under the tenant's current key, also
// one that is wrong. Header entries replace alg (RS256), typ (JWT) and kid; nil
// removes one. Of the algorithms it knows RS256, "none" (no signature), and
// HS256 under the public key as PEM, the classic confusion; any other alg gets
// an RS256 signature.
func (t *Tenant) Sign(header, claims map[string]any) string {
	key := t.keys.signer()
	h := map[string]any{"alg": "RS256", "typ": "JWT", "kid": key.kid}
	for name, v := range header {
		if h[name] = v; v == nil {
			delete(h, name)
		}
	}
	signed := segment(h) + "." + segment(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature(h["alg"], key, signed))
}

func signature(alg any, key *signingKey, signed string) []byte {
	switch alg {
	case "none":
		return nil
	case "HS256":
		der, err := x509.MarshalPKIXPublicKey(&key.private().PublicKey)
		if err != nil {
			panic(err)
		}
		mac := hmac.New(sha256.New, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
		mac.Write([]byte(signed))
		return mac.Sum(nil)
	}
	digest := sha256.Sum256([]byte(signed))
	sig, err := rsa.SignPKCS1v15(nil, key.private(), crypto.SHA256, digest[:])
	if err != nil {
		panic(err)
	}
	return sig
}

func segment(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// Why verify refuses a token.
var (
	errToken     = errors.New("auth0test: not a token of this tenant")
	errSignature = errors.New("auth0test: bad signature")
	errExpired   = errors.New("auth0test: expired token")
)

// verify returns the claims of a token that this tenant signed and that has not
// expired. Issuer and audience are the caller's business.
func (t *Tenant) verify(token string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errToken
	}
	var header struct{ Alg, Kid string }
	var claims map[string]any
	if decodeSegment(parts[0], &header) != nil || decodeSegment(parts[1], &claims) != nil || claims == nil {
		return nil, errToken
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, errToken
	}
	key := t.keys.find(header.Kid)
	if key == nil || header.Alg != "RS256" {
		return nil, errSignature
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&key.private().PublicKey, crypto.SHA256, digest[:], sig) != nil {
		return nil, errSignature
	}
	exp, _ := claims["exp"].(float64)
	if !t.now().Before(time.Unix(int64(exp), 0)) {
		return nil, errExpired
	}
	return claims, nil
}

func decodeSegment(s string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
