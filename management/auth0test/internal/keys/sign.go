package keys

import (
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"
)

// Sign returns a token of the current key, or a wrong one.
func (k *Keyring) Sign(header, claims map[string]any) string { return k.SignUnder("", header, claims) }

// SignUnder is Sign, but for HS256, which takes the secret of an application or
// of an API, and names no key.
func (k *Keyring) SignUnder(secret string, header, claims map[string]any) string {
	key := k.Signer()
	h := map[string]any{"alg": "RS256", "typ": "JWT", "kid": key.Kid}
	for name, v := range header {
		if h[name] = v; v == nil {
			delete(h, name)
		}
	}
	if secret != "" && h["alg"] == "HS256" {
		delete(h, "kid")
	}
	signed := segment(h) + "." + segment(numericDates(claims))
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature(h["alg"], secret, key, signed))
}

// numericDates writes times as JWT does (RFC 7519, section 2).
func numericDates(claims map[string]any) map[string]any {
	out := make(map[string]any, len(claims))
	for k, v := range claims {
		if at, isTime := v.(time.Time); isTime {
			v = at.Unix()
		}
		out[k] = v
	}
	return out
}

func signature(alg any, secret string, key *SigningKey, signed string) []byte {
	switch alg {
	case "none":
		return nil
	case "HS256":
		mac := hmac.New(sha256.New, []byte(cmp.Or(secret, PublicPEM(key.private()))))
		mac.Write([]byte(signed))
		return mac.Sum(nil)
	}
	hash, digest := digestOf(alg, signed)
	var sig []byte
	var err error
	if alg == "PS256" {
		sig, err = rsa.SignPSS(rand.Reader, key.private(), hash, digest, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	} else {
		sig, err = rsa.SignPKCS1v15(nil, key.private(), hash, digest)
	}
	if err != nil {
		panic(err)
	}
	return sig
}

func digestOf(alg any, signed string) (crypto.Hash, []byte) {
	if alg == "RS512" {
		sum := sha512.Sum512([]byte(signed))
		return crypto.SHA512, sum[:]
	}
	sum := sha256.Sum256([]byte(signed))
	return crypto.SHA256, sum[:]
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
	ErrSignature = errors.New("auth0test: bad signature")
	ErrExpired   = errors.New("auth0test: expired token")
)

// Verify returns the claims of a token that a published key signed.
func (k *Keyring) Verify(token string) (map[string]any, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, errToken
	}
	var header struct{ Alg, Kid string }
	var claims map[string]any
	if DecodeSegment(parts[0], &header) != nil || DecodeSegment(parts[1], &claims) != nil || claims == nil {
		return nil, errToken
	}
	sig, err := base64.RawURLEncoding.DecodeString(parts[2])
	if err != nil {
		return nil, errToken
	}
	key := k.Find(header.Kid)
	if key == nil || !Verifies(&key.private().PublicKey, header.Alg, parts[0]+"."+parts[1], sig) {
		return nil, ErrSignature
	}
	return claims, nil
}

// Verifies reports whether a signature is the key's, by an algorithm of RSA that
// Auth0 has.
func Verifies(key *rsa.PublicKey, alg, signed string, sig []byte) bool {
	hash, digest := digestOf(alg, signed)
	switch alg {
	case "RS256", "RS512":
		return rsa.VerifyPKCS1v15(key, hash, digest, sig) == nil
	case "PS256":
		return rsa.VerifyPSS(key, hash, digest, sig, nil) == nil
	}
	return false
}

func DecodeSegment(s string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}

// Bearer is who calls the Management API.
type Bearer struct {
	Subject string
	Client  string
	Scopes  []string
	Claims  map[string]any
	Kid     string // Of a token in the cache.
	Expires time.Time
}

func (b *Bearer) May(scope string) bool { return slices.Contains(b.Scopes, scope) }

// KeyID is the key id of a verified token.
func KeyID(token string) string {
	var header struct{ Kid string }
	if head, _, _ := strings.Cut(token, "."); DecodeSegment(head, &header) != nil {
		return ""
	}
	return header.Kid
}

func NewBearer(claims map[string]any) *Bearer {
	b := &Bearer{Claims: claims}
	exp, _ := claims["exp"].(float64)
	b.Expires = time.Unix(int64(exp), 0)
	b.Subject, _ = claims["sub"].(string)
	b.Client, _ = claims["azp"].(string)
	scope, _ := claims["scope"].(string)
	b.Scopes = strings.Fields(scope)
	return b
}

func HasAudience(aud any, want string) bool {
	if list, isList := aud.([]any); isList {
		return slices.Contains(list, any(want))
	}
	return aud == want
}
