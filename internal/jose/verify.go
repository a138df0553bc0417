package jose

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// MaxLength is the longest token that is looked at, in bytes. It is also about
// what HTTP servers take as a header.
const MaxLength = 16 << 10

const (
	defaultLeeway = 30 * time.Second
	maxLeeway     = 5 * time.Minute
)

// Issuer is who may sign: the exact value of iss, and its keys.
type Issuer struct {
	ID   string
	Keys *KeySet
}

// Policy says which tokens are taken.
type Policy struct {
	Issuers    []Issuer      // Required.
	Audience   string        // Required: one of the token's audiences.
	Others     []string      // Further audiences; the token needs one of them all.
	Bound      bool          // Takes tokens that are bound to a DPoP key (cnf.jkt); the caller must check the proof.
	Types      []string      // Required: typ without "application/", in any case. "" takes a token without typ.
	Algorithms []string      // Defaults to RS256 alone. RS, PS and ES are known; HS and none are not.
	Leeway     time.Duration // For clocks that differ. Defaults to 30 s, negative means none, 5 min is the most.
	Now        func() time.Time
}

// Verifier verifies tokens against one policy. It is safe for concurrent use.
type Verifier struct {
	p         Policy
	audiences []string // All of the policy's; tokens share it.
}

// NewVerifier checks the policy. It does no I/O.
func NewVerifier(p Policy) (*Verifier, error) {
	if len(p.Issuers) == 0 || slices.ContainsFunc(p.Issuers, func(i Issuer) bool { return i.ID == "" || i.Keys == nil }) {
		return nil, errors.New("jose: Policy.Issuers needs at least one issuer, each with ID and Keys")
	}
	if p.Audience == "" || slices.Contains(p.Others, "") {
		return nil, errors.New("jose: Policy.Audience is empty")
	}
	if len(p.Types) == 0 {
		return nil, errors.New("jose: Policy.Types is empty; say which kinds of token are taken, such as \"at+jwt\"")
	}
	if len(p.Algorithms) == 0 {
		p.Algorithms = []string{"RS256"}
	}
	for _, alg := range p.Algorithms {
		if methods[alg] == nil {
			return nil, fmt.Errorf("jose: Policy.Algorithms has %q; RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and ES512 are known", alg)
		}
	}
	if p.Leeway > maxLeeway {
		return nil, fmt.Errorf("jose: Policy.Leeway is %s; at most %s is allowed, correct the clocks instead", p.Leeway, maxLeeway)
	}
	if p.Leeway == 0 {
		p.Leeway = defaultLeeway
	}
	p.Leeway = max(p.Leeway, 0)
	if p.Now == nil {
		p.Now = time.Now
	}
	return &Verifier{p: p, audiences: append([]string{p.Audience}, p.Others...)}, nil
}

// Verify returns the token if it is good now, an *Error if it is refused, or an
// *UnavailableError if nobody can tell.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Token, error) {
	signed, parts, err := split(raw)
	if err != nil {
		return nil, err
	}
	h, err := v.header(parts[0])
	if err != nil {
		return nil, err
	}
	claims, err := parseObject(parts[1], maxMembers)
	if err != nil {
		return nil, refuse(Malformed)
	}
	issuer, err := v.issuer(claims)
	if err != nil {
		return nil, err
	}
	key, err := issuer.Keys.find(ctx, h.kid, h.alg)
	if err != nil {
		return nil, err
	}
	if err := methods[h.alg].Verify(signed, parts[2], key.Public); err != nil {
		return nil, refuse(BadSig)
	}
	t := &Token{Issuer: issuer.ID, Type: h.typ, claims: claims, key: key, keys: issuer.Keys}
	if err := v.check(t); err != nil {
		return nil, err
	}
	return t, nil
}

// split takes the compact form apart: what is signed, and the three parts
// decoded. Length goes first, so that nothing of a huge token is even copied.
func split(raw string) (signed string, parts [3][]byte, err error) {
	if len(raw) > MaxLength {
		return "", parts, refuse(TooLong)
	}
	if !isCompact(raw) {
		return "", parts, refuse(Malformed)
	}
	first, last := strings.IndexByte(raw, '.'), strings.LastIndexByte(raw, '.')
	texts := [3]string{raw[:first], raw[first+1 : last], raw[last+1:]}
	for i, text := range texts {
		if parts[i], err = encoding.DecodeString(text); err != nil {
			return "", parts, refuse(Malformed)
		}
	}
	return raw[:last], parts, nil
}

// encoding refuses stray bits in the last character and everything outside of its
// alphabet but line breaks, which it would skip and isCompact refuses.
var encoding = base64.RawURLEncoding.Strict()

func isCompact(raw string) bool {
	return strings.Count(raw, ".") == 2 && strings.IndexByte(raw, '\n') < 0 && strings.IndexByte(raw, '\r') < 0
}

type header struct{ alg, kid, typ string }

// forbidden are header parameters that change what a signature means or bring
// their own key (RFC 7515 section 4.1, RFC 7797, RFC 7516). None of them is
// understood here, so that crit cannot be satisfied either.
var forbidden = []string{"crit", "b64", "zip", "enc", "jwk", "jku", "x5c", "x5u"}

const maxHeader = 32

func (v *Verifier) header(text []byte) (header, error) {
	o, err := parseObject(text, maxHeader)
	if err != nil {
		return header{}, refuse(Malformed)
	}
	if o.strict() != nil || slices.ContainsFunc(forbidden, func(name string) bool { _, ok := o.get(name); return ok }) {
		return header{}, refuse(BadHeader)
	}
	h := header{alg: o.oneOf("alg", v.p.Algorithms)}
	if h.alg == "" {
		return header{}, refuse(BadAlg)
	}
	ok := false
	if h.typ, ok = v.typ(o); !ok {
		return header{}, refuse(BadType)
	}
	if h.kid, err = o.text("kid"); err != nil || h.kid == "" {
		return header{}, refuse(UnknownKey)
	}
	return h, nil
}

// oneOf returns which of the allowed values the member is; "" if it is none.
func (o object) oneOf(name string, allowed []string) string {
	value, ok := o.get(name)
	if !ok {
		return ""
	}
	text, err := unquote(value)
	if err != nil {
		return ""
	}
	for _, a := range allowed {
		if string(text) == a {
			return a
		}
	}
	return ""
}

// typ compares as RFC 7515 section 4.1.9 says: without regard to case, and with
// "application/" understood.
func (v *Verifier) typ(o object) (string, bool) {
	var typ []byte
	if value, ok := o.get("typ"); ok {
		var err error
		if typ, err = unquote(value); err != nil {
			return "", false
		}
	}
	if prefix := "application/"; len(typ) > len(prefix) && strings.EqualFold(string(typ[:len(prefix)]), prefix) {
		typ = typ[len(prefix):]
	}
	for _, t := range v.p.Types {
		if strings.EqualFold(t, string(typ)) {
			return t, true
		}
	}
	return "", false
}

func (v *Verifier) issuer(claims object) (*Issuer, error) {
	value, ok := claims.get("iss")
	if !ok {
		return nil, refuse(BadIssuer)
	}
	iss, err := unquote(value)
	if err != nil {
		return nil, refuse(BadIssuer)
	}
	for i := range v.p.Issuers {
		if string(iss) == v.p.Issuers[i].ID {
			return &v.p.Issuers[i], nil
		}
	}
	return nil, refuse(BadIssuer)
}

// Unverified returns what a token says without verifying anything, to choose who
// verifies it or to explain a refusal. Nothing may be decided by it.
func Unverified(raw string) (*Token, error) {
	_, parts, err := split(raw)
	if err != nil {
		return nil, err
	}
	claims, err := parseObject(parts[1], maxMembers)
	if err != nil {
		return nil, refuse(Malformed)
	}
	return &Token{claims: claims}, nil
}

// check looks at the claims of a token whose signature is good.
func (v *Verifier) check(t *Token) error {
	if t.claims.strict() != nil {
		return refuse(BadClaims)
	}
	if err := v.bound(t); err != nil {
		return err
	}
	t.Audiences = v.audiences
	if missing := func(a string) bool { return !t.claims.audience(a) }; slices.ContainsFunc(v.audiences, missing) {
		t.Audiences = slices.DeleteFunc(slices.Clone(v.audiences), missing)
	}
	if len(t.Audiences) == 0 {
		return refuse(BadAudience)
	}
	sub, err := t.Text("sub")
	if err != nil || sub == "" && t.Has("sub") {
		return refuse(BadClaims)
	}
	t.Subject = sub
	return v.times(t)
}

// bound takes cnf if the policy does and it is a jkt alone: what else is in it
// would not be proved (RFC 7800 section 3.1).
func (v *Verifier) bound(t *Token) error {
	value, ok := t.claims.get("cnf")
	if !ok {
		return nil
	}
	if !v.p.Bound || value[0] != '{' {
		return refuse(Bound)
	}
	o, err := parseObject(value, 1)
	if err != nil {
		return refuse(Bound)
	}
	if t.Thumbprint, err = o.text("jkt"); err != nil || t.Thumbprint == "" {
		return refuse(Bound)
	}
	return nil
}

// audience accepts a string or an array of strings, and no array with anything
// else in it (CVE-2020-26160).
func (o object) audience(want string) bool {
	value, ok := o.get("aud")
	if !ok {
		return false
	}
	if value[0] != '[' {
		text, err := unquote(value)
		return err == nil && string(text) == want
	}
	found := false
	for s := (scanner{text: value}); s.next(']'); {
		text, err := unquote(s.value())
		if err != nil {
			return false
		}
		found = found || string(text) == want
	}
	return found
}

func (v *Verifier) times(t *Token) error {
	var err, errIat, errNbf error
	var nbf time.Time
	t.ExpiresAt, err = t.Time("exp")
	t.IssuedAt, errIat = t.Time("iat")
	nbf, errNbf = t.Time("nbf")
	if err := errors.Join(err, errIat, errNbf); err != nil || t.ExpiresAt.IsZero() {
		return refuse(BadClaims)
	}
	now := v.p.Now()
	if !now.Before(t.ExpiresAt.Add(v.p.Leeway)) {
		return refuse(Expired)
	}
	if soon := now.Add(v.p.Leeway); soon.Before(nbf) || soon.Before(t.IssuedAt) {
		return refuse(NotYet)
	}
	return nil
}

// methods are the algorithms that exist here. HMAC is missing on purpose: with
// it, a public key could be used as a secret (CVE-2015-9235).
var methods = map[string]jwt.SigningMethod{
	"RS256": jwt.SigningMethodRS256, "RS384": jwt.SigningMethodRS384, "RS512": jwt.SigningMethodRS512,
	"PS256": jwt.SigningMethodPS256, "PS384": jwt.SigningMethodPS384, "PS512": jwt.SigningMethodPS512,
	"ES256": jwt.SigningMethodES256, "ES384": jwt.SigningMethodES384, "ES512": jwt.SigningMethodES512,
}
