package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"math/big"
	"net/http"
	"strings"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

const audience = "https://api.example.com"

var errForged = errors.New("bad signature")

// token is one of Auth0's size: 912 bytes with RS256.
func token(issuer *josetest.Issuer, alg string) string { return tokenWith(issuer, alg, nil) }

// tokenWith is that token with more claims.
func tokenWith(issuer *josetest.Issuer, alg string, more map[string]any) string {
	claims := issuer.Claims(audience)
	maps.Copy(claims, more)
	claims["sub"], claims["azp"] = "auth0|65f1c2d3e4f5a6b7c8d9e0f1", "kJ3mN5pQ7rS9tU1vW3xY5zA7bC9dE1fG"
	claims["org_id"], claims["org_name"] = "org_9ybsU1dN2dKfDkBi", "acme"
	claims["permissions"] = []string{"read:invoices", "write:invoices", "delete:invoices", "read:users", "read:log"}
	if alg == "ES256" {
		return josetest.Sign(josetest.EC(), josetest.With(josetest.Header("es"), "alg", "ES256"), claims)
	}
	return issuer.Token(josetest.Header("rs"), claims)
}

// verifiers are all candidates for an algorithm, the floor first.
func verifiers(ctx context.Context, alg string) ([]candidate, error) {
	issuer := josetest.NewIssuer()
	makers := []struct {
		name string
		make func(context.Context, *josetest.Issuer, string) (verifyFunc, error)
	}{
		{"floor: SHA-256 and signature", floor},
		{"auth0kit/tenancy", ours},
		{"golang-jwt 5.3.1, keyfunc 3.9.1, all options", golangJWT},
		{"go-jwt-middleware 2.3.1", middlewareV2},
		{"go-jwt-middleware 3.1.0", middlewareV3},
		{"go-oidc 3.21.0", goOIDC},
		{"jwx 3.4.0", jwxCache},
	}
	var candidates []candidate
	for _, m := range makers {
		verify, err := m.make(ctx, issuer, alg)
		if err != nil {
			return nil, err
		}
		candidates = append(candidates, candidate{m.name, verify, token(issuer, alg)})
	}
	return candidates, nil
}

type verifyFunc = func(ctx context.Context, token string) error

// floor checks the signature and nothing else. It knows the parts of the token
// beforehand.
func floor(_ context.Context, issuer *josetest.Issuer, alg string) (verifyFunc, error) {
	raw := token(issuer, alg)
	signed := []byte(raw[:strings.LastIndexByte(raw, '.')])
	sig, err := base64.RawURLEncoding.DecodeString(raw[len(signed)+1:])
	if err != nil {
		return nil, err
	}
	if alg == "ES256" {
		r, s, public := new(big.Int).SetBytes(sig[:32]), new(big.Int).SetBytes(sig[32:]), &josetest.EC().PublicKey
		return func(context.Context, string) error {
			digest := sha256.Sum256(signed)
			if !ecdsa.Verify(public, digest[:], r, s) {
				return errForged
			}
			return nil
		}, nil
	}
	public := &josetest.RSA(0).PublicKey
	return func(context.Context, string) error {
		digest := sha256.Sum256(signed)
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], sig)
	}, nil
}

func ours(_ context.Context, issuer *josetest.Issuer, alg string) (verifyFunc, error) {
	return tenancyVerifier(issuer, alg, -1)
}

func tenancyVerifier(issuer *josetest.Issuer, alg string, cacheSize int) (verifyFunc, error) {
	v, err := tenancy.NewVerifier(issuer.ID, audience, tenancy.VerifierConfig{
		Algorithms: []string{alg}, CacheSize: cacheSize, HTTPClient: &http.Client{Transport: issuer},
	})
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, token string) error {
		_, err := v.Verify(ctx, token)
		return err
	}, nil
}

// caches are the candidates for a token that was verified before.
func caches(context.Context) ([]candidate, error) {
	issuer := josetest.NewIssuer()
	raw := token(issuer, "RS256")
	verify, err := tenancyVerifier(issuer, "RS256", 0)
	if err != nil {
		return nil, err
	}
	known := map[[sha256.Size]byte]bool{sha256.Sum256([]byte(raw)): true}
	look := func(_ context.Context, token string) error {
		if !known[sha256.Sum256([]byte(token))] {
			return errForged
		}
		return nil
	}
	return []candidate{{"floor: SHA-256 and a map", look, raw}, {"auth0kit/tenancy", verify, raw}}, nil
}
