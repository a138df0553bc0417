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
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
)

// Each key is published under the id "rs" beside one that is good, and a token
// that it signed must be refused.
func TestUnusableKeysAreLeftOut(t *testing.T) {
	t.Parallel()
	short := must(rsa.GenerateKey(rand.Reader, 1024))
	full := josetest.RSAKey("rs", &josetest.RSA(0).PublicKey)
	for name, jwk := range map[string]map[string]any{
		"use enc":            josetest.With(full, "use", "enc"),
		"key_ops sign":       josetest.With(full, "key_ops", []string{"sign"}),
		"alg RS512":          josetest.With(full, "alg", "RS512"),
		"alg RSA-OAEP":       josetest.With(full, "alg", "RSA-OAEP"),
		"no kid":             josetest.With(full, "kid", nil),
		"kid as number":      josetest.With(full, "kid", 7),
		"1024 bits":          josetest.RSAKey("rs", &short.PublicKey),
		"exponent 1":         josetest.With(full, "e", josetest.Base64([]byte{1})),
		"even exponent":      josetest.With(full, "e", josetest.Base64([]byte{1, 0, 0})),
		"exponent of 5 B":    josetest.With(full, "e", josetest.Base64([]byte{1, 0, 0, 0, 1})),
		"no exponent":        josetest.With(full, "e", nil),
		"even modulus":       josetest.With(full, "n", josetest.Base64(new(big.Int).Lsh(big.NewInt(1), 2047).Bytes())),
		"16,000 bits":        josetest.With(full, "n", josetest.Base64(new(big.Int).SetBit(big.NewInt(1), 15999, 1).Bytes())),
		"kty oct":            {"kty": "oct", "kid": "rs", "alg": "HS256", "k": "AAAA"},
		"kty unknown":        josetest.With(full, "kty", "LATTICE"),
		"ec with rsa kid":    josetest.ECKey("rs", &josetest.EC().PublicKey),
		"modulus not base64": josetest.With(full, "n", "***"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := josetest.NewIssuer()
			i.Publish(jwk, josetest.RSAKey("good", &josetest.RSA(1).PublicKey))
			v := verifier(t, i)
			key := josetest.RSA(0)
			if name == "1024 bits" {
				key = short
			}
			wantReason(t, verify(t, v, josetest.Sign(key, josetest.Header("rs"), claims())), jose.UnknownKey)
			wantGood(t, verify(t, v, signed("good", 1)))
		})
	}
}

func TestAmbiguousKeysAreLeftOut(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	i.Publish(josetest.RSAKey("rs", &josetest.RSA(0).PublicKey), josetest.RSAKey("rs", &josetest.RSA(1).PublicKey), josetest.RSAKey("good", &josetest.RSA(2).PublicKey))
	v := verifier(t, i)
	wantReason(t, verify(t, v, signed("rs", 0)), jose.UnknownKey)
	wantReason(t, verify(t, v, signed("rs", 1)), jose.UnknownKey)
	wantGood(t, verify(t, v, signed("good", 2)))
}

func TestECPointsOffTheCurveAreLeftOut(t *testing.T) {
	t.Parallel()
	jwk := josetest.ECKey("es", &josetest.EC().PublicKey)
	for name, bad := range map[string]map[string]any{
		"off the curve": josetest.With(jwk, "x", jwk["y"]),
		"wrong curve":   josetest.With(jwk, "crv", "P-384"),
		"unknown curve": josetest.With(jwk, "crv", "secp256k1"),
		"short":         josetest.With(jwk, "x", "AA"),
		"wrong alg":     josetest.With(jwk, "alg", "ES384"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := josetest.NewIssuer()
			i.Publish(bad, josetest.RSAKey("rs", &josetest.RSA(0).PublicKey))
			v := verifier(t, i, "RS256", "ES256")
			wantReason(t, verify(t, v, josetest.Sign(josetest.EC(), josetest.With(josetest.Header("es"), "alg", "ES256"), claims())), jose.UnknownKey)
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
			i := josetest.NewIssuer()
			h := josetest.With(josetest.With(josetest.Header("k"), "alg", alg), "typ", "at+jwt")
			var token string
			if curve, ok := curves[alg]; ok {
				key := must(ecdsa.GenerateKey(curve, rand.Reader))
				point := must(key.PublicKey.Bytes())
				size := len(point) / 2
				i.Publish(map[string]any{"kty": "EC", "crv": names[alg], "kid": "k", "x": josetest.Base64(point[1 : 1+size]), "y": josetest.Base64(point[1+size:])})
				token = josetest.SignAs(alg, key, h, claims())
			} else {
				i.Publish(josetest.With(josetest.RSAKey("k", &josetest.RSA(0).PublicKey), "alg", nil))
				token = josetest.SignAs(alg, josetest.RSA(0), h, claims())
			}
			wantGood(t, verify(t, verifier(t, i, alg), token))
			if alg != "RS256" {
				wantReason(t, verify(t, verifier(t, i), token), jose.BadAlg)
			}
		})
	}
}

func FuzzKeys(f *testing.F) {
	f.Add(must(json.Marshal(josetest.RSAKey("rs", &josetest.RSA(0).PublicKey))))
	f.Add(must(json.Marshal(josetest.ECKey("rs", &josetest.EC().PublicKey))))
	f.Add([]byte(`{"kty":"RSA","kid":"rs","n":"","e":"AQAB"}`))
	token := good()
	f.Fuzz(func(t *testing.T, jwk []byte) {
		i := josetest.NewIssuer()
		i.PublishRaw(append(append([]byte(`{"keys":[`), jwk...), "]}"...))
		if _, err := verifier(t, i).Verify(t.Context(), token); err != nil {
			return
		}
		var k struct{ Kty, Kid, N string }
		if err := json.Unmarshal(jwk, &k); err == nil && (k.Kty != "RSA" || k.Kid != "rs") {
			t.Fatalf("a token of rs is accepted with the key %s", jwk)
		}
	})
}
