package auth0test

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

// Sign returns a token with these claims under the tenant's current key, also
// one that is wrong. Header entries replace alg (RS256), typ (JWT) and kid; nil
// removes one. Claims are taken as they are, but a time.Time becomes seconds. Of
// the algorithms it knows RS256, "none" (no signature), and HS256 under the
// public key as PEM, the classic confusion; any other alg gets an RS256
// signature.
func (t *Tenant) Sign(header, claims map[string]any) string {
	key := t.keys.signer()
	h := map[string]any{"alg": "RS256", "typ": "JWT", "kid": key.kid}
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
	claims, err := t.verifySignature(token)
	if err != nil {
		return nil, err
	}
	exp, _ := claims["exp"].(float64)
	if !t.now().Before(time.Unix(int64(exp), 0)) {
		return nil, errExpired
	}
	return claims, nil
}

// verifySignature is verify for tokens that may have expired, such as the hint
// of a logout.
func (t *Tenant) verifySignature(token string) (map[string]any, error) {
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
	return claims, nil
}

func decodeSegment(s string, v any) error {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return err
	}
	return json.Unmarshal(b, v)
}
