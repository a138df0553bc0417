package main

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"log/slog"
	"math/big"
	"net/http"
	"strings"
	"time"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v3"
	"github.com/auth0/go-jwt-middleware/v3/core"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
)

// forgetful lets the same proof be used again and again, so that what is measured
// is the check and not the making of proofs. go-jwt-middleware remembers none.
type forgetful struct{}

func (forgetful) Spend(context.Context, string, time.Time) error { return nil }

// bound is a request with a token that is bound to a key, and its proof.
type bound struct {
	token, proof string
	key          *ecdsa.PrivateKey
}

func newBound(issuer *josetest.Issuer) (*bound, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	jkt, err := jose.Thumbprint(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	b := &bound{token: tokenWith(issuer, "RS256", map[string]any{"cnf": map[string]any{"jkt": jkt}}), key: key}
	b.proof, err = jose.NewProof(key, jose.ProofRequest{Method: "GET", URL: "https://api.example.com/invoices", AccessToken: b.token}, time.Now())
	return b, err
}

// discard is a ResponseWriter that keeps the status alone.
type discard struct {
	header http.Header
	status int
}

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(status int)      { d.status = status }

// through asks a middleware for GET /invoices; a candidate's token is its proof.
func (b *bound) through(middleware func(http.Handler) http.Handler) verifyFunc {
	h := middleware(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }))
	return func(ctx context.Context, proof string) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://api.example.com/invoices", nil)
		if err != nil {
			return err
		}
		r.TLS = &tls.ConnectionState{}
		r.Header.Set("Authorization", "DPoP "+b.token)
		r.Header.Set("DPoP", proof)
		w := &discard{header: make(http.Header)}
		h.ServeHTTP(w, r)
		if w.status != http.StatusNoContent {
			return fmt.Errorf("%w: %d", errForged, w.status)
		}
		return nil
	}
}

// dpop are the candidates for a request with a DPoP proof, the floor first: the two
// bare signature checks.
func dpop(ctx context.Context) ([]candidate, error) {
	issuer := josetest.NewIssuer()
	b, err := newBound(issuer)
	if err != nil {
		return nil, err
	}
	v, err := tenancy.NewVerifier(issuer.ID, audience, tenancy.VerifierConfig{CacheSize: -1, HTTPClient: client(issuer)})
	if err != nil {
		return nil, err
	}
	guard, err := tenancy.NewGuard(v, tenancy.GuardConfig{DPoP: tenancy.DPoPRequired, Replay: forgetful{}, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	validator, err := validatorV3(issuer, "RS256")
	if err != nil {
		return nil, err
	}
	peer, err := jwtmiddleware.New(jwtmiddleware.WithValidator(validator), jwtmiddleware.WithDPoPMode(core.DPoPRequired))
	if err != nil {
		return nil, err
	}
	floor, err := b.floor(ctx, issuer)
	if err != nil {
		return nil, err
	}
	return []candidate{
		{"floor: two signatures", floor, b.proof},
		{"auth0kit/tenancy, Guard", b.through(guard.Require(tenancy.FromToken, tenancy.Authenticated())), b.proof},
		{"go-jwt-middleware 3.1.0, CheckJWT", b.through(peer.CheckJWT), b.proof},
	}, nil
}

func (b *bound) floor(_ context.Context, _ *josetest.Issuer) (verifyFunc, error) {
	signed := []byte(b.token[:strings.LastIndexByte(b.token, '.')])
	sig, err := base64.RawURLEncoding.DecodeString(b.token[len(signed)+1:])
	if err != nil {
		return nil, err
	}
	proven := []byte(b.proof[:strings.LastIndexByte(b.proof, '.')])
	proof, err := base64.RawURLEncoding.DecodeString(b.proof[len(proven)+1:])
	if err != nil {
		return nil, err
	}
	r, s, public := new(big.Int).SetBytes(proof[:32]), new(big.Int).SetBytes(proof[32:]), &josetest.RSA(0).PublicKey
	return func(context.Context, string) error {
		digest, second := sha256.Sum256(signed), sha256.Sum256(proven)
		if !ecdsa.Verify(&b.key.PublicKey, second[:], r, s) {
			return errForged
		}
		return rsa.VerifyPKCS1v15(public, crypto.SHA256, digest[:], sig)
	}, nil
}
