package keys

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"strings"
	"time"
)

// Sign returns a token of the current key, or a wrong one.
func (k *Keyring) Sign(header, claims map[string]any) string {
	key := k.Signer()
	h := map[string]any{"alg": "RS256", "typ": "JWT", "kid": key.Kid}
	for name, v := range header {
		if h[name] = v; v == nil {
			delete(h, name)
		}
	}
	signed := segment(h) + "." + segment(numericDates(claims))
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature(h["alg"], key, signed))
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

func signature(alg any, key *SigningKey, signed string) []byte {
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
	if key == nil || header.Alg != "RS256" {
		return nil, ErrSignature
	}
	digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	if rsa.VerifyPKCS1v15(&key.private().PublicKey, crypto.SHA256, digest[:], sig) != nil {
		return nil, ErrSignature
	}
	return claims, nil
}

func DecodeSegment(s string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
