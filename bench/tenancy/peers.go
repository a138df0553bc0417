package main

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	jwksv2 "github.com/auth0/go-jwt-middleware/v2/jwks"
	validatorv2 "github.com/auth0/go-jwt-middleware/v2/validator"
	jwksv3 "github.com/auth0/go-jwt-middleware/v3/jwks"
	validatorv3 "github.com/auth0/go-jwt-middleware/v3/validator"
	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/golang-jwt/jwt/v5"
	"github.com/lestrrat-go/httprc/v3"
	"github.com/lestrrat-go/jwx/v3/jwk"
	jwxjwt "github.com/lestrrat-go/jwx/v3/jwt"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
)

const leeway = 30 * time.Second

func jwksURL(issuer *josetest.Issuer) string { return issuer.ID + ".well-known/jwks.json" }

func client(issuer *josetest.Issuer) *http.Client { return &http.Client{Transport: issuer} }

// claims is what the peers read beside the registered claims.
type claims struct {
	OrgID       string   `json:"org_id"`
	Permissions []string `json:"permissions"`
}

// Validate is what go-jwt-middleware asks of custom claims.
func (*claims) Validate(context.Context) error { return nil }

type registered struct {
	claims
	jwt.RegisteredClaims
}

// Validate hides that of claims, which has another signature than golang-jwt's.
func (*registered) Validate() error { return nil }

func golangJWT(ctx context.Context, issuer *josetest.Issuer, alg string) (verifyFunc, error) {
	storage, err := jwkset.NewStorageFromHTTP(jwksURL(issuer), jwkset.HTTPClientStorageOptions{Client: client(issuer), Ctx: ctx})
	if err != nil {
		return nil, err
	}
	keys, err := keyfunc.New(keyfunc.Options{Ctx: ctx, Storage: storage})
	if err != nil {
		return nil, err
	}
	parser := jwt.NewParser(jwt.WithValidMethods([]string{alg}), jwt.WithIssuer(issuer.ID), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(), jwt.WithLeeway(leeway))
	return func(_ context.Context, token string) error {
		_, err := parser.ParseWithClaims(token, &registered{}, keys.Keyfunc)
		return err
	}, nil
}

func middlewareV2(_ context.Context, issuer *josetest.Issuer, alg string) (verifyFunc, error) {
	id, err := url.Parse(issuer.ID)
	if err != nil {
		return nil, err
	}
	keys, err := url.Parse(jwksURL(issuer))
	if err != nil {
		return nil, err
	}
	provider := jwksv2.NewCachingProvider(id, 5*time.Minute, jwksv2.WithCustomJWKSURI(keys), jwksv2.WithCustomClient(client(issuer)))
	v, err := validatorv2.New(provider.KeyFunc, validatorv2.SignatureAlgorithm(alg), issuer.ID, []string{audience},
		validatorv2.WithAllowedClockSkew(leeway), validatorv2.WithCustomClaims(func() validatorv2.CustomClaims { return &claims{} }))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, token string) error {
		_, err := v.ValidateToken(ctx, token)
		return err
	}, nil
}

func middlewareV3(_ context.Context, issuer *josetest.Issuer, alg string) (verifyFunc, error) {
	v, err := validatorV3(issuer, alg)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, token string) error {
		_, err := v.ValidateToken(ctx, token)
		return err
	}, nil
}

func validatorV3(issuer *josetest.Issuer, alg string) (*validatorv3.Validator, error) {
	id, err := url.Parse(issuer.ID)
	if err != nil {
		return nil, err
	}
	keys, err := url.Parse(jwksURL(issuer))
	if err != nil {
		return nil, err
	}
	provider, err := jwksv3.NewCachingProvider(jwksv3.WithIssuerURL(id), jwksv3.WithCustomJWKSURI(keys), jwksv3.WithCustomClient(client(issuer)))
	if err != nil {
		return nil, err
	}
	return validatorv3.New(validatorv3.WithKeyFunc(provider.KeyFunc), validatorv3.WithAlgorithm(validatorv3.SignatureAlgorithm(alg)),
		validatorv3.WithIssuer(issuer.ID), validatorv3.WithAudience(audience), validatorv3.WithAllowedClockSkew(leeway),
		validatorv3.WithCustomClaims(func() *claims { return &claims{} }))
}

func goOIDC(ctx context.Context, issuer *josetest.Issuer, alg string) (verifyFunc, error) {
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(ctx, client(issuer)), jwksURL(issuer))
	v := oidc.NewVerifier(issuer.ID, keys, &oidc.Config{ClientID: audience, SupportedSigningAlgs: []string{alg}})
	return func(ctx context.Context, token string) error {
		t, err := v.Verify(ctx, token)
		if err != nil {
			return err
		}
		var c claims
		return t.Claims(&c)
	}, nil
}

func jwxCache(ctx context.Context, issuer *josetest.Issuer, _ string) (verifyFunc, error) {
	cache, err := jwk.NewCache(ctx, httprc.NewClient())
	if err != nil {
		return nil, err
	}
	if err := cache.Register(ctx, jwksURL(issuer), jwk.WithHTTPClient(client(issuer))); err != nil {
		return nil, err
	}
	keys, err := cache.CachedSet(jwksURL(issuer))
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, token string) error {
		t, err := jwxjwt.ParseString(token, jwxjwt.WithKeySet(keys), jwxjwt.WithIssuer(issuer.ID), jwxjwt.WithAudience(audience),
			jwxjwt.WithRequiredClaim("exp"), jwxjwt.WithAcceptableSkew(leeway))
		if err != nil {
			return err
		}
		var orgID string
		var permissions []any
		if err := t.Get("org_id", &orgID); err != nil {
			return err
		}
		return t.Get("permissions", &permissions)
	}, nil
}
