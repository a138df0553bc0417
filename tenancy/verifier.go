package tenancy

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/issuer"
	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/lru"
)

// VerifierConfig holds a Verifier's optional settings. The zero value uses the
// defaults.
type VerifierConfig struct {
	OtherIssuers []string // The custom domains of the same tenant, "login.example.com".
	// OtherAudiences are the identifiers of further APIs whose tokens are accepted.
	// With a Directory, a role counts for those of them that the token is for.
	OtherAudiences []string
	Algorithms     []string         // Defaults to RS256 alone. Auth0 can also be set to PS256 and ES256.
	Leeway         time.Duration    // Allowed difference of clocks, at most 5 min. Defaults to 30 s; negative means none.
	MaxStale       time.Duration    // How long keys stay in use while the issuer cannot be reached. Defaults to 24 h.
	CacheSize      int              // Verified tokens kept, of 2 to 4 kB each. Defaults to 4,096; negative means none.
	HTTPClient     *http.Client     // For the keys. Defaults to a client of its own.
	Now            func() time.Time // Defaults to time.Now.
}

const defaultCacheSize = 4096

// Verifier verifies access tokens of one tenant for one API. It is safe for
// concurrent use.
type Verifier struct {
	tokens   *jose.Verifier
	issuers  []string
	audience string
	cache    *lru.Cache[[sha256.Size]byte, *Token] // nil: none
	now      func() time.Time
}

// NewVerifier returns a verifier of the tokens that issuer gives for audience, the
// identifier of the API. issuer is the domain of the tenant, "tenant.eu.auth0.com"
// or "https://tenant.eu.auth0.com/"; plain http is accepted for loopback only. It
// does no I/O: the keys, at .well-known/jwks.json of the issuer, are read with the
// first token.
func NewVerifier(issuer, audience string, cfg VerifierConfig) (*Verifier, error) {
	for _, a := range append([]string{audience}, cfg.OtherAudiences...) {
		if a == "" || strings.ContainsFunc(a, func(r rune) bool { return r < ' ' || r == '"' || r == '\\' || r >= 0x7f }) {
			return nil, errors.New("tenancy: audience, and each of VerifierConfig.OtherAudiences, must be the identifier of an API, in plain ASCII")
		}
	}
	policy := jose.Policy{
		Audience: audience, Others: slices.Clone(cfg.OtherAudiences), Bound: true, Algorithms: slices.Clone(cfg.Algorithms), Leeway: cfg.Leeway, Now: cfg.Now,
		Types: []string{"at+jwt", "JWT"}, // RFC 9068's profile and Auth0's own
	}
	var issuers []string
	for n, id := range append([]string{issuer}, cfg.OtherIssuers...) {
		field := "issuer"
		if n > 0 {
			field = "VerifierConfig.OtherIssuers"
		}
		i, err := newIssuer(field, id, cfg)
		if err != nil {
			return nil, err
		}
		policy.Issuers, issuers = append(policy.Issuers, i), append(issuers, i.ID)
	}
	tokens, err := jose.NewVerifier(policy)
	if err != nil {
		return nil, errors.New("tenancy: VerifierConfig." + strings.TrimPrefix(err.Error(), "jose: Policy."))
	}
	v := &Verifier{tokens: tokens, issuers: issuers, audience: audience, now: cfg.Now}
	if v.now == nil {
		v.now = time.Now
	}
	if cfg.CacheSize == 0 {
		cfg.CacheSize = defaultCacheSize
	}
	if cfg.CacheSize > 0 {
		v.cache = lru.New[[sha256.Size]byte, *Token](cfg.CacheSize)
	}
	return v, nil
}

func newIssuer(field, id string, cfg VerifierConfig) (jose.Issuer, error) {
	tenant, err := issuer.Parse("tenancy: "+field, id)
	if err != nil {
		return jose.Issuer{}, err
	}
	keys, err := jose.NewKeySet(tenant.Join(".well-known/jwks.json"), jose.KeySetConfig{HTTPClient: cfg.HTTPClient, MaxStale: cfg.MaxStale})
	if err != nil {
		return jose.Issuer{}, errors.New("tenancy: VerifierConfig." + strings.TrimPrefix(err.Error(), "jose: "))
	}
	return jose.Issuer{ID: string(tenant), Keys: keys}, nil
}

// Verify returns the token if it is valid now, a *TokenError (ErrInvalidToken) if
// it is refused, or an *UnavailableError (ErrUnavailable) if the keys that would
// decide cannot be read. A token that is bound to a key is refused, because
// possession is not proved here; a Guard with DPoP takes it.
//
// Verified tokens are cached by their SHA-256; a cached token must not have
// expired, and its issuer must still publish its key.
func (v *Verifier) Verify(ctx context.Context, token string) (*Token, error) {
	t, err := v.verifyBound(ctx, token)
	if err == nil && t.tenant.token.Thumbprint != "" {
		return nil, &TokenError{Reason: string(jose.Bound)}
	}
	return t, err
}

// verifyBound is Verify, but also takes tokens that are bound to a key.
func (v *Verifier) verifyBound(ctx context.Context, token string) (*Token, error) {
	if len(token) > jose.MaxLength {
		return nil, &TokenError{Reason: string(jose.TooLong)}
	}
	if v.cache == nil {
		return v.verify(ctx, token)
	}
	key := sha256.Sum256([]byte(token))
	if t, ok := v.cache.Get(key); ok {
		err := v.recheck(ctx, t)
		if err == nil || errors.Is(err, jose.ErrUnavailable) {
			return t.unless(err), fromJose(err)
		}
		v.cache.Drop(key)
	}
	t, err := v.verify(ctx, token)
	if err == nil && v.now().Before(t.ExpiresAt) {
		v.cache.Put(key, t)
	}
	return t, err
}

func (t *Token) unless(err error) *Token {
	if err != nil {
		return nil
	}
	return t
}

// recheck looks at what can have changed since a token was verified.
func (v *Verifier) recheck(ctx context.Context, t *Token) error {
	if !v.now().Before(t.ExpiresAt) {
		return &TokenError{Reason: string(jose.Expired)}
	}
	return t.tenant.token.Current(ctx)
}

func (v *Verifier) verify(ctx context.Context, token string) (*Token, error) {
	verified, err := v.tokens.Verify(ctx, token)
	if e, ok := errors.AsType[*jose.Error](err); ok && e.Reason == jose.BadAudience { // after the signature
		if t, err := jose.Unverified(token); err == nil && isIDToken(t) {
			return nil, &TokenError{Reason: "id_token"}
		}
	}
	if err != nil {
		return nil, fromJose(err)
	}
	return newToken(verified, v.now)
}
