package jose_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/golang-jwt/jwt/v5"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	c := josetest.With(josetest.With(claims(), "org_id", "org_1"), "permissions", []string{"read:a", "write:\u00e4\n"})
	c["act"] = map[string]any{"sub": "agt_1", "n": 1}
	token, err := verifier(t, josetest.NewIssuer()).Verify(t.Context(), josetest.Sign(josetest.RSA(0), josetest.Header("rs"), c))
	if err != nil {
		t.Fatal(err)
	}
	org, errOrg := token.Text("org_id")
	perms, errPerms := token.Texts("permissions")
	act, errAct := token.Object("act")
	if err := errors.Join(errOrg, errPerms, errAct); err != nil {
		t.Fatal(err)
	}
	if token.Subject != "auth0|1" || token.Issuer != issuerID || org != "org_1" || token.ExpiresAt.Unix() != c["exp"] {
		t.Errorf("got %+v", token)
	}
	if len(perms) != 2 || perms[1] != "write:\u00e4\n" || len(act) != 1 || act["sub"] != "agt_1" {
		t.Errorf("got %q and %q", perms, act)
	}
	if err := token.Claim("ORG_ID", &org); !errors.Is(err, jose.ErrNoClaim) {
		t.Errorf("a name in another case: %v", err)
	}
	if _, err := token.Texts("org_id"); err == nil {
		t.Error("a string is read as a list")
	}
}

func TestClaimsAreStrict(t *testing.T) {
	t.Parallel()
	v := verifier(t, josetest.NewIssuer())
	base := text(claims())
	add := func(more string) string { return base[:len(base)-1] + "," + more + "}" }
	for name, c := range map[string]struct {
		payload string
		want    jose.Reason
	}{
		"sub twice":             {add(`"sub":"auth0|2"`), jose.BadClaims},
		"sub in escapes":        {add(`"\u0073ub":"auth0|2"`), jose.BadClaims},
		"SUB":                   {add(`"SUB":"auth0|2"`), jose.BadClaims},
		"long s":                {add(`"ſub":"auth0|2"`), jose.BadClaims},
		"iss twice":             {add(`"iss":"https://evil.example.com/"`), jose.BadClaims},
		"nested twice":          {add(`"act":{"sub":"a","sub":"b"}`), jose.BadClaims},
		"deep":                  {add(`"x":` + strings.Repeat("[", 40) + strings.Repeat("]", 40)), jose.BadClaims},
		"huge number":           {add(`"x":[1e999]`), jose.BadClaims},
		"many names":            {add(`"a":` + strings.Repeat(`0,"a":`, 300) + "0"), jose.Malformed},
		"two objects":           {base + base, jose.Malformed},
		"array":                 {"[" + base + "]", jose.Malformed},
		"null":                  {"null", jose.Malformed},
		"empty":                 {"", jose.Malformed},
		"bad UTF-8":             {add("\"x\":\"\xff\""), jose.Malformed},
		"byte order mark":       {"\ufeff" + base, jose.Malformed},
		"comment":               {base[:1] + "/**/" + base[1:], jose.Malformed},
		"cnf":                   {add(`"cnf":{"jkt":"x"}`), jose.Bound},
		"cnf null":              {add(`"cnf":null`), jose.Bound},
		"empty sub":             {text(josetest.With(claims(), "sub", "")), jose.BadClaims},
		"sub as number":         {text(josetest.With(claims(), "sub", 7)), jose.BadClaims},
		"no exp":                {text(josetest.With(claims(), "exp", nil)), jose.BadClaims},
		"exp as string":         {text(josetest.With(claims(), "exp", "9999999999")), jose.BadClaims},
		"exp after year 9999":   {text(josetest.With(claims(), "exp", 1e18)), jose.BadClaims},
		"negative exp":          {text(josetest.With(claims(), "exp", -1)), jose.BadClaims},
		"exp 0":                 {text(josetest.With(claims(), "exp", 0)), jose.Expired},
		"nbf as string":         {add(`"nbf":"1"`), jose.BadClaims},
		"aud with a number":     {text(josetest.With(claims(), "aud", []any{audience, 1})), jose.BadAudience},
		"aud empty":             {text(josetest.With(claims(), "aud", []any{})), jose.BadAudience},
		"aud object":            {text(josetest.With(claims(), "aud", map[string]any{audience: 1})), jose.BadAudience},
		"aud null":              {strings.Replace(base, `"aud":[`, `"aud":null,"y":[`, 1), jose.BadAudience},
		"no iss":                {text(josetest.With(claims(), "iss", nil)), jose.BadIssuer},
		"iss as array":          {text(josetest.With(claims(), "iss", []string{issuerID})), jose.BadIssuer},
		"iss without the slash": {text(josetest.With(claims(), "iss", strings.TrimSuffix(issuerID, "/"))), jose.BadIssuer},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantReason(t, verify(t, v, josetest.Sign(josetest.RSA(0), josetest.Header("rs"), c.payload)), c.want)
		})
	}
	wantGood(t, verify(t, v, josetest.Sign(josetest.RSA(0), josetest.Header("rs"), " \n"+base+"\t ")))
}

func TestHeaderIsStrict(t *testing.T) {
	t.Parallel()
	v := verifier(t, josetest.NewIssuer())
	for name, c := range map[string]struct {
		header any
		want   jose.Reason
	}{
		"crit":          {josetest.With(josetest.Header("rs"), "crit", []string{"x"}), jose.BadHeader},
		"crit empty":    {josetest.With(josetest.Header("rs"), "crit", []string{}), jose.BadHeader},
		"b64":           {josetest.With(josetest.Header("rs"), "b64", false), jose.BadHeader},
		"jwk":           {josetest.With(josetest.Header("rs"), "jwk", josetest.RSAKey("rs", &josetest.RSA(1).PublicKey)), jose.BadHeader},
		"jku":           {josetest.With(josetest.Header("rs"), "jku", "https://evil.example.com/"), jose.BadHeader},
		"x5c":           {josetest.With(josetest.Header("rs"), "x5c", []string{"AA"}), jose.BadHeader},
		"zip":           {josetest.With(josetest.Header("rs"), "zip", "DEF"), jose.BadHeader},
		"alg twice":     {`{"alg":"none","typ":"JWT","kid":"rs","alg":"RS256"}`, jose.BadHeader},
		"Alg":           {`{"alg":"RS256","typ":"JWT","kid":"rs","Alg":"none"}`, jose.BadHeader},
		"none":          {josetest.With(josetest.Header("rs"), "alg", "none"), jose.BadAlg},
		"alg as array":  {josetest.With(josetest.Header("rs"), "alg", []string{"RS256"}), jose.BadAlg},
		"alg in space":  {josetest.With(josetest.Header("rs"), "alg", " RS256"), jose.BadAlg},
		"no alg":        {josetest.With(josetest.Header("rs"), "alg", nil), jose.BadAlg},
		"no typ":        {josetest.With(josetest.Header("rs"), "typ", nil), jose.BadType},
		"typ as number": {josetest.With(josetest.Header("rs"), "typ", 1), jose.BadType},
		"logout":        {josetest.With(josetest.Header("rs"), "typ", "logout+jwt"), jose.BadType},
		"dpop":          {josetest.With(josetest.Header("rs"), "typ", "application/dpop+jwt"), jose.BadType},
		"no kid":        {josetest.With(josetest.Header("rs"), "kid", nil), jose.UnknownKey},
		"kid as array":  {josetest.With(josetest.Header("rs"), "kid", []string{"rs"}), jose.UnknownKey},
		"not an object": {"[]", jose.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantReason(t, verify(t, v, josetest.Sign(josetest.RSA(0), c.header, claims())), c.want)
		})
	}
	for _, typ := range []string{"JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"} {
		wantGood(t, verify(t, v, josetest.Sign(josetest.RSA(0), josetest.With(josetest.Header("rs"), "typ", typ), claims())))
	}
}

func TestTimesHaveALeeway(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := verifier(t, josetest.NewIssuer())
		exact := verifierOf(t, josetest.NewIssuer(), func(p *jose.Policy) { p.Leeway = -1 })
		now := time.Now().Unix()
		for name, c := range map[string]struct {
			claim             string
			at                int64
			lenient, strictly jose.Reason
		}{
			"exp":             {"exp", now, "", jose.Expired},
			"exp 29 s ago":    {"exp", now - 29, "", jose.Expired},
			"exp 30 s ago":    {"exp", now - 30, jose.Expired, jose.Expired},
			"exp in a second": {"exp", now + 1, "", ""},
			"nbf now":         {"nbf", now, "", ""},
			"nbf in 30 s":     {"nbf", now + 30, "", jose.NotYet},
			"nbf in 31 s":     {"nbf", now + 31, jose.NotYet, jose.NotYet},
			"iat in 30 s":     {"iat", now + 30, "", jose.NotYet},
			"iat in 31 s":     {"iat", now + 31, jose.NotYet, jose.NotYet},
		} {
			token := josetest.Sign(josetest.RSA(0), josetest.Header("rs"), josetest.With(claims(), c.claim, c.at))
			check := func(v *jose.Verifier, want jose.Reason) {
				t.Log(name)
				if err := verify(t, v, token); want == "" {
					wantGood(t, err)
				} else {
					wantReason(t, err, want)
				}
			}
			check(v, c.lenient)
			check(exact, c.strictly)
		}
	})
}

func TestForgeryIsReportedBeforeExpiry(t *testing.T) {
	t.Parallel()
	old := josetest.With(claims(), "exp", 1000)
	wantReason(t, verify(t, verifier(t, josetest.NewIssuer()), josetest.Sign(josetest.RSA(1), josetest.Header("rs"), old)), jose.BadSig)
}

func TestEncodingIsStrict(t *testing.T) {
	t.Parallel()
	v := verifier(t, josetest.NewIssuer())
	token := good()
	parts := strings.Split(token, ".")
	for name, bad := range map[string]string{
		"padding":         token + "==",
		"line break":      token[:len(token)-5] + "\n" + token[len(token)-5:],
		"space before":    " " + token,
		"space after":     token + " ",
		"NUL":             token + "\x00",
		"two parts":       parts[0] + "." + parts[1],
		"four parts":      token + ".",
		"JWE":             token + "." + parts[0] + "." + parts[1],
		"standard base64": strings.Replace(token, "-", "+", 1) + "+",
		"stray bits":      token[:len(token)-1] + stray(token[len(token)-1]),
		"JSON":            fmt.Sprintf(`{"protected":%q,"payload":%q,"signature":%q}`, parts[0], parts[1], parts[2]),
		"empty":           "",
		"dots":            "..",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantReason(t, verify(t, v, bad), jose.Malformed)
		})
	}
	wantReason(t, verify(t, v, strings.Repeat(".", 8<<20)), jose.TooLong)
	wantReason(t, verify(t, v, parts[0]+"."+parts[1]+"."), jose.BadSig)
}

// stray returns another character that decodes to the same bytes where it ends a
// signature of 256 bytes: its last four bits do not count.
func stray(last byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return alphabet[strings.IndexByte(alphabet, last)+1:][:1]
}

func TestHugeTokensCostNothing(t *testing.T) {
	v := verifier(t, josetest.NewIssuer())
	dots := strings.Repeat(".", 8<<20)
	ctx := t.Context()
	if n := testing.AllocsPerRun(10, func() {
		if _, err := v.Verify(ctx, dots); err == nil {
			t.Error("dots are accepted")
		}
	}); n > 1 {
		t.Errorf("%v allocations, want only the error", n)
	}
}

func TestNewVerifierNamesTheField(t *testing.T) {
	t.Parallel()
	keys := keySet(t, josetest.NewIssuer(), jose.KeySetConfig{})
	ok := jose.Policy{Issuers: []jose.Issuer{{ID: issuerID, Keys: keys}}, Audience: audience, Types: []string{"JWT"}}
	for field, change := range map[string]func(*jose.Policy){
		"Issuers":    func(p *jose.Policy) { p.Issuers = nil },
		"Audience":   func(p *jose.Policy) { p.Audience = "" },
		"Types":      func(p *jose.Policy) { p.Types = nil },
		"Algorithms": func(p *jose.Policy) { p.Algorithms = []string{"RS256", "HS256"} },
		"Leeway":     func(p *jose.Policy) { p.Leeway = time.Hour },
	} {
		p := ok
		change(&p)
		if _, err := jose.NewVerifier(p); err == nil || !strings.Contains(err.Error(), "Policy."+field) {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

// FuzzVerify signs any header and payload with the issuer's key: what is
// accepted, golang-jwt with all its options must accept too.
func FuzzVerify(f *testing.F) {
	es := josetest.With(josetest.Header("es"), "alg", "ES256") // signing with RSA would take most of the time
	h, c := string(must(json.Marshal(es))), text(claims())
	f.Add(h, c)
	f.Add(h, strings.Replace(c, `"sub":`, `"SUB":"x","sub":`, 1))
	f.Add(`{"alg":"ES256","typ":"JWT","kid":"es","crit":["x"]}`, c)
	f.Add(h, strings.Replace(c, `"exp":`, `"nbf":1e3,"exp":`, 1))
	f.Add(h, `{"iss":"https://tenant.example.com/","aud":"https://api.example.com","exp":99999999999.5,"x":[{"a":[1,-0.5e-3]},null,true]}`)
	v := verifier(f, josetest.NewIssuer(), "ES256")
	reference := jwt.NewParser(jwt.WithValidMethods([]string{"ES256"}), jwt.WithIssuer(issuerID), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithStrictDecoding(), jwt.WithLeeway(30*time.Second))
	key := func(*jwt.Token) (any, error) { return &josetest.EC().PublicKey, nil }
	f.Fuzz(func(t *testing.T, header, payload string) {
		raw := josetest.Sign(josetest.EC(), header, payload)
		token, err := v.Verify(t.Context(), raw)
		if err != nil {
			return
		}
		theirs, err := reference.Parse(raw, key)
		if err != nil {
			t.Fatalf("golang-jwt refuses %s . %s: %v", header, payload, err)
		}
		if sub, err := theirs.Claims.GetSubject(); err != nil || sub != token.Subject {
			t.Fatalf("the subject is %q here and %q (%v) there", token.Subject, sub, err)
		}
	})
}
