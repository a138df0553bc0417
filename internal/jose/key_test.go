package jose_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"math/big"
	"testing"

	"github.com/auth0kit/auth0kit/internal/jose"
)

// Each key is published under the id "rs" beside one that is good, and a token
// that it signed must be refused.
func TestUnusableKeysAreLeftOut(t *testing.T) {
	t.Parallel()
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	full := rsaJWK("rs", &rsaKeys()[0].PublicKey)
	for name, jwk := range map[string]map[string]any{
		"use enc":            with(full, "use", "enc"),
		"key_ops sign":       with(full, "key_ops", []string{"sign"}),
		"alg RS512":          with(full, "alg", "RS512"),
		"alg RSA-OAEP":       with(full, "alg", "RSA-OAEP"),
		"no kid":             with(full, "kid", nil),
		"kid as number":      with(full, "kid", 7),
		"1024 bits":          rsaJWK("rs", &short.PublicKey),
		"exponent 1":         with(full, "e", b64([]byte{1})),
		"even exponent":      with(full, "e", b64([]byte{1, 0, 0})),
		"exponent of 5 B":    with(full, "e", b64([]byte{1, 0, 0, 0, 1})),
		"no exponent":        with(full, "e", nil),
		"even modulus":       with(full, "n", b64(new(big.Int).Lsh(big.NewInt(1), 2047).Bytes())),
		"16,000 bits":        with(full, "n", b64(new(big.Int).SetBit(big.NewInt(1), 15999, 1).Bytes())),
		"kty oct":            {"kty": "oct", "kid": "rs", "alg": "HS256", "k": "AAAA"},
		"kty unknown":        with(full, "kty", "LATTICE"),
		"ec with rsa kid":    ecJWK("rs", &ecKey().PublicKey),
		"modulus not base64": with(full, "n", "***"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer()
			i.publish(jwk, rsaJWK("good", &rsaKeys()[1].PublicKey))
			v := i.verifier(t)
			key := rsaKeys()[0]
			if name == "1024 bits" {
				key = short
			}
			wantReason(t, verify(t, v, sign(key, header("rs"), claims())), jose.UnknownKey)
			wantGood(t, verify(t, v, signed("good", 1)))
		})
	}
}

func TestAmbiguousKeysAreLeftOut(t *testing.T) {
	t.Parallel()
	i := newIssuer()
	i.publish(rsaJWK("rs", &rsaKeys()[0].PublicKey), rsaJWK("rs", &rsaKeys()[1].PublicKey), rsaJWK("good", &rsaKeys()[2].PublicKey))
	v := i.verifier(t)
	wantReason(t, verify(t, v, signed("rs", 0)), jose.UnknownKey)
	wantReason(t, verify(t, v, signed("rs", 1)), jose.UnknownKey)
	wantGood(t, verify(t, v, signed("good", 2)))
}

func TestECPointsOffTheCurveAreLeftOut(t *testing.T) {
	t.Parallel()
	jwk := ecJWK("es", &ecKey().PublicKey)
	for name, bad := range map[string]map[string]any{
		"off the curve": with(jwk, "x", jwk["y"]),
		"wrong curve":   with(jwk, "crv", "P-384"),
		"unknown curve": with(jwk, "crv", "secp256k1"),
		"short":         with(jwk, "x", "AA"),
		"wrong alg":     with(jwk, "alg", "ES384"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer()
			i.publish(bad, rsaJWK("rs", &rsaKeys()[0].PublicKey))
			v := i.verifier(t, func(p *jose.Policy) { p.Algorithms = []string{"RS256", "ES256"} })
			wantReason(t, verify(t, v, sign(ecKey(), with(header("es"), "alg", "ES256"), claims())), jose.UnknownKey)
		})
	}
}

func TestEveryAlgorithm(t *testing.T) {
	t.Parallel()
	curves := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}
	names := map[string]string{"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"} {
		t.Run(alg, func(t *testing.T) {
			t.Parallel()
			i := newIssuer()
			h := with(with(header("k"), "alg", alg), "typ", "at+jwt")
			var token string
			if curve, ok := curves[alg]; ok {
				key := must(ecdsa.GenerateKey(curve, rand.Reader))
				point := must(key.PublicKey.Bytes())
				size := len(point) / 2
				i.publish(map[string]any{"kty": "EC", "crv": names[alg], "kid": "k", "x": b64(point[1 : 1+size]), "y": b64(point[1+size:])})
				token = signAs(alg, key, h, claims())
			} else {
				i.publish(with(rsaJWK("k", &rsaKeys()[0].PublicKey), "alg", nil))
				token = signAs(alg, rsaKeys()[0], h, claims())
			}
			wantGood(t, verify(t, i.verifier(t, func(p *jose.Policy) { p.Algorithms = []string{alg} }), token))
			if alg != "RS256" {
				wantReason(t, verify(t, i.verifier(t), token), jose.BadAlg)
			}
		})
	}
}

func FuzzKeys(f *testing.F) {
	f.Add(must(json.Marshal(rsaJWK("rs", &rsaKeys()[0].PublicKey))))
	f.Add(must(json.Marshal(ecJWK("rs", &ecKey().PublicKey))))
	f.Add([]byte(`{"kty":"RSA","kid":"rs","n":"","e":"AQAB"}`))
	token := good()
	f.Fuzz(func(t *testing.T, jwk []byte) {
		i := newIssuer()
		i.raw = append(append([]byte(`{"keys":[`), jwk...), "]}"...)
		if _, err := i.verifier(t).Verify(t.Context(), token); err != nil {
			return
		}
		var k struct{ Kty, Kid, N string }
		if err := json.Unmarshal(jwk, &k); err == nil && (k.Kty != "RSA" || k.Kid != "rs") {
			t.Fatalf("a token of rs is accepted with the key %s", jwk)
		}
	})
}
