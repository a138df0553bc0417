package tenancy_test

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/golang-jwt/jwt/v5"
)

// row is one row of the attack matrix: tokens that must all be refused for the
// reason, by Verify and with 401 by the middleware.
type row struct {
	name   string
	reason string
	tokens []string
	policy []string // Defaults to RS256.
}

// TestMatrix has the rows that are tokens; 30 is a request and 31 a length.
func TestMatrix(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	for _, r := range append(append(forged(i), unfit(i)...), malleable(i)...) {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			v := verifier(t, i, tenancy.VerifierConfig{Algorithms: r.policy})
			x := routesOf(t, v, tenancy.FromToken, tenancy.GuardConfig{})
			if _, err := v.Verify(t.Context(), token(i, "", nil)); err != nil && r.policy == nil {
				t.Fatalf("the unchanged token is refused too: %v", err)
			}
			for _, token := range r.tokens {
				_, err := v.Verify(t.Context(), token)
				wantToken(t, err, r.reason)
				resp := ask(x.authenticated()(reached), token)
				if strings.ContainsAny(token, " \n,") { // no header can carry it
					continue
				}
				wantStatus(t, resp, http.StatusUnauthorized, `error="invalid_token"`, r.reason)
			}
		})
	}
}

// forged are rows 1 to 6, which need nothing of the issuer, and 7.
func forged(i *josetest.Issuer) []row {
	public := &josetest.RSA(0).PublicKey
	pkix, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		panic(err)
	}
	hs := func(kid string, secret []byte) string {
		return josetest.SignAs("HS256", secret, josetest.With(josetest.Header(kid), "alg", "HS256"), claims(i))
	}
	var none []string
	for _, alg := range []string{"none", "None", "nOnE", ""} {
		none = append(none, josetest.Segment(josetest.With(josetest.Header("rs"), "alg", alg))+"."+josetest.Segment(claims(i))+".")
	}
	own := func(name string, value any) string { // signed by an attacker's key, which it brings along
		return josetest.Sign(josetest.RSA(1), josetest.With(josetest.Header("rs"), name, value), claims(i))
	}
	es := josetest.With(josetest.Header("es"), "alg", "ES256")
	zero := josetest.Segment(es) + "." + josetest.Segment(claims(i)) + "." + josetest.Base64(make([]byte, 64))
	return []row{
		{name: "01 alg none", reason: "algorithm", tokens: none},
		{name: "02 HS256 keyed with the public key", reason: "algorithm", tokens: []string{
			hs("rs", pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})), hs("rs", pkix), hs("rs", public.N.Bytes()),
		}},
		{name: "03 HS256 with an empty key", reason: "algorithm", tokens: []string{hs("../../dev/null", []byte{})}},
		{name: "04 embedded key", reason: "header", tokens: []string{
			own("jwk", josetest.RSAKey("rs", &josetest.RSA(1).PublicKey)), own("jku", "https://evil.example.com/jwks.json"), own("x5c", []string{"MIIB"}),
		}},
		{name: "05 ES256 all-zero signature", reason: "signature", tokens: []string{zero}, policy: []string{"ES256"}},
		{name: "06 RS256 with the id of the EC key", reason: "key", tokens: []string{i.Token(josetest.Header("es"), claims(i))}},
		{name: "07 genuine ES256 where RS256 is the policy", reason: "algorithm", tokens: []string{josetest.Sign(josetest.EC(), es, claims(i))}},
	}
}

// unfit are rows 8 to 19 and 27 to 29: signed by the issuer, but not for us.
func unfit(i *josetest.Issuer) []row {
	hour := time.Now().Add(time.Hour).Unix()
	with := func(name string, value any) string { return token(i, name, value) }
	header := func(name string, value any) string {
		return i.Token(josetest.With(josetest.Header("rs"), name, value), claims(i))
	}
	idToken := josetest.With(josetest.With(josetest.With(i.Claims(audience), "scope", nil), "nonce", "n"), "at_hash", "h")
	codeFlowIDToken := josetest.With(josetest.With(i.Claims(audience), "scope", nil), "azp", nil) // neither nonce nor at_hash
	good := strings.Split(token(i, "", nil), ".")
	return []row{
		{name: "08 no exp", reason: "claims", tokens: []string{with("exp", nil)}},
		{name: "09 exp as JSON string", reason: "claims", tokens: []string{with("exp", fmt.Sprint(hour))}},
		{name: "10 nbf in an hour", reason: "not_yet", tokens: []string{with("nbf", hour)}},
		{name: "11 iat in an hour", reason: "not_yet", tokens: []string{with("iat", hour)}},
		{name: "12 audience", reason: "audience", tokens: []string{
			with("aud", "https://other.example.com"), with("aud", nil), with("aud", []string{}), with("aud", audience+"/"),
			with("aud", audience[:len(audience)-1]), with("aud", []any{1, audience}), with("aud", strings.ToUpper(audience)),
		}},
		{name: "12 issuer", reason: "issuer", tokens: []string{
			with("iss", "https://other.example.com/"), with("iss", nil), with("iss", strings.TrimSuffix(i.ID, "/")), with("iss", i.ID+"x"), with("iss", []string{i.ID}),
		}},
		{name: "13 ID token", reason: "id_token", tokens: []string{i.Token(josetest.Header("rs"), idToken), i.Token(josetest.Header("rs"), codeFlowIDToken)}},
		{name: "14 logout and DPoP tokens", reason: "type", tokens: []string{header("typ", "logout+jwt"), header("typ", "dpop+jwt"), header("typ", nil)}},
		{name: "14 logout token with typ JWT", reason: "id_token", tokens: []string{
			with("events", map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}}),
		}},
		{name: "15 cnf.jkt without proof", reason: "confirmation", tokens: []string{with("cnf", map[string]any{"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"})}},
		{name: "16 cnf.x5t#S256 without proof", reason: "confirmation", tokens: []string{with("cnf", map[string]any{"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"})}},
		{name: "17 unknown crit", reason: "header", tokens: []string{header("crit", []string{"exp2"}), header("crit", []string{})}},
		{name: "18 crit b64 false", reason: "header", tokens: []string{
			i.Token(josetest.With(josetest.With(josetest.Header("rs"), "crit", []string{"b64"}), "b64", false), claims(i)), header("b64", false),
		}},
		{name: "19 no kid", reason: "key", tokens: []string{header("kid", nil), header("kid", "")}},
		{name: "27 JSON serialization", reason: "malformed", tokens: []string{
			fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, good[0], good[1], good[2]),
			fmt.Sprintf(`{"payload":%q,"signatures":[{"protected":%q,"signature":%q}]}`, good[1], good[0], good[2]),
		}},
		{name: "28 permissions and org_id of the wrong type", reason: "claims", tokens: []string{
			with("permissions", "read:invoices"), with("permissions", []any{"read:invoices", 1}), with("permissions", map[string]any{}),
			with("org_id", []string{orgID}), with("org_id", 1), with("scope", []string{"a"}), with("sub", []string{"a"}),
		}},
		{name: "29 empty sub", reason: "claims", tokens: []string{with("sub", ""), with("sub", nil)}},
	}
}

// malleable are rows 20 to 26: one token in two readings.
func malleable(i *josetest.Issuer) []row {
	raw, err := json.Marshal(claims(i))
	if err != nil {
		panic(err)
	}
	payload := string(raw)
	add := func(more string) string {
		return i.Token(josetest.Header("rs"), payload[:len(payload)-1]+","+more+"}")
	}
	good := token(i, "", nil)
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	stray := alphabet[strings.IndexByte(alphabet, good[len(good)-1])+1]
	return []row{
		{name: "20 sub twice", reason: "claims", tokens: []string{add(`"sub":"auth0|admin"`), add(`"\u0073ub":"auth0|admin"`)}},
		{name: "21 alg twice", reason: "header", tokens: []string{i.Token(`{"alg":"none","typ":"JWT","kid":"rs","alg":"RS256"}`, claims(i))}},
		{name: "22 ORG_ID after org_id", reason: "claims", tokens: []string{add(`"ORG_ID":"org_victim"`), add(`"Permissions":["admin:all"]`), add(`"permission\u017f":["admin:all"]`)}},
		{name: "23 JSON after the payload", reason: "malformed", tokens: []string{i.Token(josetest.Header("rs"), payload+"{}"), i.Token(josetest.Header("rs"), payload+payload)}},
		{name: "24 non-canonical last character", reason: "malformed", tokens: []string{good[:len(good)-1] + string(stray)}},
		{name: "25 padding", reason: "malformed", tokens: []string{good + "=="}},
		{name: "26 newline inside the signature", reason: "malformed", tokens: []string{good[:len(good)-9] + "\n" + good[len(good)-9:], good[:len(good)-9] + "\r\n" + good[len(good)-9:]}},
	}
}

// The value that is read is org_id's, exactly.
func TestMatrix22ExactNames(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{})
	c := josetest.With(claims(i), "org_id", nil)
	c["ORG_ID"] = "org_victim"
	if _, err := x.extract(t.Context(), i.Token(josetest.Header("rs"), c)); err != tenancy.ErrNoTenant {
		t.Errorf("got %v, want ErrNoTenant: ORG_ID is not org_id", err)
	}
}

func TestMatrix30TwoAuthorizationHeaders(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{}).authenticated()(reached)
	good := token(i, "", nil)
	wantStatus(t, ask(h, good, good), http.StatusBadRequest, `error="invalid_request"`)
	wantStatus(t, ask(h, good), http.StatusOK)
}

func TestMatrix31EightMegabytesOfDots(t *testing.T) {
	i := josetest.NewIssuer()
	v := verifier(t, i, tenancy.VerifierConfig{})
	dots := strings.Repeat(".", 8<<20)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start := time.Now()
	_, err := v.Verify(t.Context(), dots)
	took := time.Since(start)
	runtime.ReadMemStats(&after)
	wantToken(t, err, "too_long")
	if bytes := after.TotalAlloc - before.TotalAlloc; bytes > 1<<16 {
		t.Errorf("%d bytes allocated, want next to none", bytes)
	}
	if took > 100*time.Millisecond {
		t.Errorf("took %s", took)
	}
}

// The CVEs of other verifiers, by number: tokens of the shape that they took. The
// four of 2026 are one family, algorithms that the token chooses, and share their
// cases.
func TestCVE(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	hs := josetest.With(josetest.Header("rs"), "alg", "HS256")
	modulus := josetest.RSA(0).N.Bytes()
	expired := josetest.With(claims(i), "exp", time.Now().Add(-time.Hour).Unix())
	good := token(i, "", nil)
	for name, c := range map[string]struct{ token, reason string }{
		"CVE-2015-9235 HS256 with the public key":         {josetest.SignAs("HS256", modulus, hs, claims(i)), "algorithm"},
		"CVE-2016-10555 algorithm of the attacker":        {josetest.SignAs("HS512", modulus, josetest.With(hs, "alg", "HS512"), claims(i)), "algorithm"},
		"CVE-2018-0114 embedded jwk":                      {josetest.Sign(josetest.RSA(1), josetest.With(josetest.Header("rs"), "jwk", josetest.RSAKey("rs", &josetest.RSA(1).PublicKey)), claims(i)), "header"},
		"CVE-2020-15084 no algorithms configured":         {josetest.SignAs("none", jwt.UnsafeAllowNoneSignatureType, josetest.With(josetest.Header("rs"), "alg", "none"), claims(i)), "algorithm"},
		"CVE-2020-26160 aud with non-strings":             {i.Token(josetest.Header("rs"), josetest.With(claims(i), "aud", []any{nil, audience})), "audience"},
		"CVE-2020-26160 aud empty":                        {i.Token(josetest.Header("rs"), josetest.With(claims(i), "aud", []string{})), "audience"},
		"CVE-2022-29217 key type confusion":               {josetest.SignAs("HS256", pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: x509.MarshalPKCS1PublicKey(&josetest.RSA(0).PublicKey)}), hs, claims(i)), "algorithm"},
		"CVE-2024-51744 expired and forged is forged":     {josetest.Sign(josetest.RSA(1), josetest.Header("rs"), expired), "signature"},
		"CVE-2025-30204 a header of dots":                 {strings.Repeat(".", 16<<10), "malformed"},
		"CVE-2025-27144 a header of dots":                 {"Bearer" + strings.Repeat(".", 64<<10), "too_long"},
		"CVE-2024-28122 JWE bomb":                         {strings.Join([]string{josetest.Segment(`{"alg":"dir","enc":"A128GCM","zip":"DEF"}`), "", "AAAA", "AAAA", "AAAA"}, "."), "malformed"},
		"CVE-2023-49290 p2c of a JWE":                     {strings.Join([]string{josetest.Segment(`{"alg":"PBES2-HS256+A128KW","p2c":2147483647,"enc":"A128GCM"}`), "AA", "AA", "AA", "AA"}, "."), "malformed"},
		"CVE-2023-49290 p2c of a JWS":                     {josetest.Segment(`{"alg":"PBES2-HS256+A128KW","p2c":2147483647,"kid":"rs","typ":"JWT"}`) + ".e30.AA", "algorithm"},
		"CVE-2025-59420 unknown crit":                     {i.Token(josetest.With(josetest.Header("rs"), "crit", []string{"bork"}), claims(i)), "header"},
		"CVE-2026-35042 unknown crit, known parameter":    {i.Token(josetest.With(josetest.With(josetest.Header("rs"), "crit", []string{"x"}), "x", 1), claims(i)), "header"},
		"CVE-2026-34950 whitespace in front":              {" " + good, "malformed"},
		"CVE-2026-34950 whitespace in front of alg":       {i.Token(josetest.With(josetest.Header("rs"), "alg", " RS256"), claims(i)), "algorithm"},
		"CVE-2026-22817 -23552 -23993 -27804 PS256":       {josetest.SignAs("PS256", josetest.RSA(0), josetest.With(josetest.Header("rs"), "alg", "PS256"), claims(i)), "algorithm"},
		"CVE-2026-22817 -23552 -23993 -27804 unknown alg": {i.Token(josetest.With(josetest.Header("rs"), "alg", "FOO"), claims(i)), "algorithm"},
		"CVE-2026-22817 -23552 -23993 -27804 no alg":      {i.Token(josetest.With(josetest.Header("rs"), "alg", nil), claims(i)), "algorithm"},
		"CVE-2026-22817 -23552 -23993 -27804 RS512":       {josetest.SignAs("RS512", josetest.RSA(0), josetest.With(josetest.Header("rs"), "alg", "RS512"), claims(i)), "algorithm"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := verifier(t, i, tenancy.VerifierConfig{}).Verify(t.Context(), c.token)
			wantToken(t, err, c.reason)
		})
	}
	t.Run("CVE-2022-21449 zero ECDSA", func(t *testing.T) {
		t.Parallel()
		head := josetest.Segment(josetest.With(josetest.Header("es"), "alg", "ES256")) + "." + josetest.Segment(claims(i)) + "."
		v := verifier(t, i, tenancy.VerifierConfig{Algorithms: []string{"ES256"}})
		n := josetest.EC().Params().N.Bytes()
		for _, sig := range [][]byte{make([]byte, 64), bytes.Repeat(n, 2), nil, make([]byte, 63)} {
			_, err := v.Verify(t.Context(), head+josetest.Base64(sig))
			wantToken(t, err, "signature")
		}
	})
	t.Run("CVE-2026-22817 -23552 -23993 -27804 key with alg RS256, policy with both", func(t *testing.T) {
		t.Parallel()
		v := verifier(t, i, tenancy.VerifierConfig{Algorithms: []string{"RS256", "PS256"}})
		_, err := v.Verify(t.Context(), josetest.SignAs("PS256", josetest.RSA(0), josetest.With(josetest.Header("rs"), "alg", "PS256"), claims(i)))
		wantToken(t, err, "key")
	})
}
