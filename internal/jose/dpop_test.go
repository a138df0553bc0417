package jose_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/require"
)

// The proofs of RFC 9449 for a token request (section 4.1) and a refresh (section 5),
// and its thumbprint.
const (
	rfcTokenProof   = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
	rfcRefreshProof = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjY1Mjk2fQ.pAqut2IRDm_De6PR93SYmGBPXpwrAk90e8cP2hjiaG5QsGSuKDYW7_X620BxqhvYC8ynrrvZLTk41mSRroapUA"
	rfcThumbprint   = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
)

func proofKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	return key
}

func TestProofOfTheRFC(t *testing.T) {
	t.Parallel()
	for raw, issued := range map[string]time.Time{rfcTokenProof: time.Unix(1562262616, 0), rfcRefreshProof: time.Unix(1562265296, 0)} {
		policy := jose.ProofPolicy{Now: func() time.Time { return issued }}
		proof, err := policy.Check(raw, jose.ProofRequest{Method: "POST", URL: "https://server.example.com/token"})
		require.NoError(t, err)
		require.Equal(t, &jose.Proof{Thumbprint: rfcThumbprint, ID: "-BwC3ESc6acc2lTc", IssuedAt: issued}, proof)
	}
}

// TestThumbprintOfTheRFC is RFC 7638 section 3.1.
func TestThumbprintOfTheRFC(t *testing.T) {
	t.Parallel()
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	modulus, err := base64.RawURLEncoding.DecodeString(n)
	require.NoError(t, err)
	got, err := jose.Thumbprint(rsaKey(modulus))
	require.NoError(t, err)
	require.Equal(t, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs", got)
}

func TestNewProof(t *testing.T) {
	t.Parallel()
	key := proofKey(t)
	want, err := jose.Thumbprint(&key.PublicKey)
	require.NoError(t, err)
	r := jose.ProofRequest{Method: "GET", URL: "HTTPS://API.example.com:443/a%20b?x=1#y", AccessToken: "at", Nonce: "n"}
	raw, err := jose.NewProof(key, r, time.Now())
	require.NoError(t, err)
	again, err := jose.NewProof(key, r, time.Now())
	require.NoError(t, err)
	proof, err := jose.ProofPolicy{}.Check(raw, jose.ProofRequest{Method: "GET", URL: "https://api.example.com/a%20b?other", AccessToken: "at"})
	require.NoError(t, err)
	second, err := jose.ProofPolicy{}.Check(again, r)
	require.NoError(t, err)
	require.Equal(t, want, proof.Thumbprint)
	require.Equal(t, "n", proof.Nonce)
	require.NotEqual(t, proof.ID, second.ID, "each proof is used once")

	other, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	require.NoError(t, err)
	for name, make := range map[string]func() (string, error){
		"P-384":     func() (string, error) { return jose.NewProof(other, r, time.Now()) },
		"no key":    func() (string, error) { return jose.NewProof(nil, r, time.Now()) },
		"no method": func() (string, error) { return jose.NewProof(key, jose.ProofRequest{URL: r.URL}, time.Now()) },
		"a path": func() (string, error) {
			return jose.NewProof(key, jose.ProofRequest{Method: "GET", URL: "/token"}, time.Now())
		},
		"with a user": func() (string, error) {
			return jose.NewProof(key, jose.ProofRequest{Method: "GET", URL: "https://a:b@c/"}, time.Now())
		},
	} {
		_, err := make()
		require.Error(t, err, name)
	}
}

// TestHostileProofs changes one thing of a good proof at a time.
func TestHostileProofs(t *testing.T) {
	t.Parallel()
	key := proofKey(t)
	now := time.Unix(1_800_000_000, 0)
	type doc = map[string]any
	jwkOf := func(k *ecdsa.PrivateKey) doc {
		b, err := k.PublicKey.Bytes()
		require.NoError(t, err)
		e := base64.RawURLEncoding.EncodeToString
		return doc{"kty": "EC", "crv": "P-256", "x": e(b[1:33]), "y": e(b[33:])}
	}
	good := func() (doc, doc) {
		return doc{"typ": "dpop+jwt", "alg": "ES256", "jwk": jwkOf(key)},
			doc{"jti": "1", "htm": "POST", "htu": "https://api.example.com/a", "iat": now.Unix(), "ath": "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"}
	}
	request := jose.ProofRequest{Method: "POST", URL: "https://api.example.com/a", AccessToken: "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"} // RFC 9449 figure 12
	policy := jose.ProofPolicy{Now: func() time.Time { return now }}
	sign := func(h, c doc) string { return signProof(t, key, h, c) }
	h, c := good()
	_, err := policy.Check(sign(h, c), request)
	require.NoError(t, err)

	for name, hostile := range map[string]struct {
		change func(h, c doc) string
		want   jose.Reason
	}{
		"typ JWT":            {func(h, c doc) string { h["typ"] = "JWT"; return sign(h, c) }, jose.BadType},
		"no typ":             {func(h, c doc) string { delete(h, "typ"); return sign(h, c) }, jose.BadType},
		"alg none":           {func(h, c doc) string { h["alg"] = "none"; return sign(h, c) }, jose.BadAlg},
		"alg HS256":          {func(h, c doc) string { h["alg"] = "HS256"; return sign(h, c) }, jose.BadAlg},
		"alg not taken":      {func(h, c doc) string { h["alg"] = "RS256"; return sign(h, c) }, jose.BadAlg},
		"no jwk":             {func(h, c doc) string { delete(h, "jwk"); return sign(h, c) }, jose.BadHeader},
		"jwk a string":       {func(h, c doc) string { h["jwk"] = "x"; return sign(h, c) }, jose.BadHeader},
		"private key":        {func(h, c doc) string { h["jwk"].(doc)["d"] = "AA"; return sign(h, c) }, jose.BadHeader},
		"symmetric key":      {func(h, c doc) string { h["jwk"] = doc{"kty": "oct", "k": "AAAA"}; return sign(h, c) }, jose.BadHeader},
		"X beside x":         {func(h, c doc) string { h["jwk"].(doc)["X"] = h["jwk"].(doc)["x"]; return sign(h, c) }, jose.BadHeader},
		"off the curve":      {func(h, c doc) string { h["jwk"].(doc)["y"] = h["jwk"].(doc)["x"]; return sign(h, c) }, jose.BadHeader},
		"key for encryption": {func(h, c doc) string { h["jwk"].(doc)["use"] = "enc"; return sign(h, c) }, jose.BadHeader},
		"key for ES384":      {func(h, c doc) string { h["jwk"].(doc)["alg"] = "ES384"; return sign(h, c) }, jose.BadHeader},
		"another's key":      {func(h, c doc) string { h["jwk"] = jwkOf(proofKey(t)); return sign(h, c) }, jose.BadSig},
		"crit":               {func(h, c doc) string { h["crit"] = []string{"x"}; return sign(h, c) }, jose.BadHeader},
		"jku":                {func(h, c doc) string { h["jku"] = "https://evil.example.com"; return sign(h, c) }, jose.BadHeader},
		"no jti":             {func(h, c doc) string { delete(c, "jti"); return sign(h, c) }, jose.BadClaims},
		"empty jti":          {func(h, c doc) string { c["jti"] = ""; return sign(h, c) }, jose.BadClaims},
		"jti a number":       {func(h, c doc) string { c["jti"] = 1; return sign(h, c) }, jose.BadClaims},
		"long jti":           {func(h, c doc) string { c["jti"] = strings.Repeat("a", 257); return sign(h, c) }, jose.BadClaims},
		"no htm":             {func(h, c doc) string { delete(c, "htm"); return sign(h, c) }, jose.WrongRequest},
		"htm GET":            {func(h, c doc) string { c["htm"] = "GET"; return sign(h, c) }, jose.WrongRequest},
		"htm post":           {func(h, c doc) string { c["htm"] = "post"; return sign(h, c) }, jose.WrongRequest},
		"no htu":             {func(h, c doc) string { delete(c, "htu"); return sign(h, c) }, jose.WrongRequest},
		"htu another host":   {func(h, c doc) string { c["htu"] = "https://api.example.com.evil/a"; return sign(h, c) }, jose.WrongRequest},
		"htu another path":   {func(h, c doc) string { c["htu"] = "https://api.example.com/A"; return sign(h, c) }, jose.WrongRequest},
		"htu http":           {func(h, c doc) string { c["htu"] = "http://api.example.com/a"; return sign(h, c) }, jose.WrongRequest},
		"htu another port":   {func(h, c doc) string { c["htu"] = "https://api.example.com:444/a"; return sign(h, c) }, jose.WrongRequest},
		"htu with a user":    {func(h, c doc) string { c["htu"] = "https://x@api.example.com/a"; return sign(h, c) }, jose.WrongRequest},
		"no iat":             {func(h, c doc) string { delete(c, "iat"); return sign(h, c) }, jose.BadClaims},
		"iat a string":       {func(h, c doc) string { c["iat"] = "1"; return sign(h, c) }, jose.BadClaims},
		"old":                {func(h, c doc) string { c["iat"] = now.Add(-5 * time.Minute).Unix(); return sign(h, c) }, jose.Expired},
		"of the future":      {func(h, c doc) string { c["iat"] = now.Add(31 * time.Second).Unix(); return sign(h, c) }, jose.NotYet},
		"no ath":             {func(h, c doc) string { delete(c, "ath"); return sign(h, c) }, jose.WrongToken},
		"ath of another":     {func(h, c doc) string { c["ath"] = "AAAA"; return sign(h, c) }, jose.WrongToken},
		"claims of one proof, signature of another": {func(h, c doc) string {
			first := strings.Split(sign(h, c), ".")
			c["jti"] = "2"
			return first[0] + "." + strings.Split(sign(h, c), ".")[1] + "." + first[2]
		}, jose.BadSig},
		"two proofs": {func(h, c doc) string { return sign(h, c) + ", " + sign(h, c) }, jose.Malformed},
		"not a JWS":  {func(doc, doc) string { return "a.b" }, jose.Malformed},
		"empty":      {func(doc, doc) string { return "" }, jose.Malformed},
		"huge":       {func(h, c doc) string { c["x"] = strings.Repeat("a", jose.MaxLength); return sign(h, c) }, jose.TooLong},
	} {
		h, c := good()
		_, err := policy.Check(hostile.change(h, c), request)
		refused, ok := errors.AsType[*jose.Error](err)
		require.Truef(t, ok, "%s: %v", name, err)
		require.Equal(t, hostile.want, refused.Reason, name)
	}
	t.Run("a proof with a token's hash where no token is sent", func(t *testing.T) {
		h, c := good()
		_, err := policy.Check(sign(h, c), jose.ProofRequest{Method: "POST", URL: "https://api.example.com/a"})
		require.ErrorIs(t, err, jose.ErrInvalid)
	})
}

// TestProofByRSA reads another algorithm where the policy names it.
func TestProofByRSA(t *testing.T) {
	t.Parallel()
	key := josetest.RSA(0)
	e := base64.RawURLEncoding.EncodeToString
	n := key.N.Bytes()
	for name, c := range map[string]struct {
		n  []byte
		ok bool
	}{"minimal": {n, true}, "with a leading zero": {append([]byte{0}, n...), false}} {
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{"jti": "1", "htm": "GET", "htu": "http://a", "iat": time.Now().Unix()})
		token.Header["typ"], token.Header["jwk"] = "dpop+jwt", map[string]any{"kty": "RSA", "n": e(c.n), "e": "AQAB"}
		raw, err := token.SignedString(key)
		require.NoError(t, err)
		_, err = jose.ProofPolicy{Algorithms: []string{"RS256"}}.Check(raw, jose.ProofRequest{Method: "GET", URL: "http://a:80/"})
		require.Equal(t, c.ok, err == nil, "%s: %v", name, err)
	}
}

func signProof(t testing.TB, key *ecdsa.PrivateKey, header, claims map[string]any) string {
	t.Helper()
	h, err := json.Marshal(header)
	require.NoError(t, err)
	c, err := json.Marshal(claims)
	require.NoError(t, err)
	e := base64.RawURLEncoding.EncodeToString
	signed := e(h) + "." + e(c)
	sig, err := jwt.SigningMethodES256.Sign(signed, key)
	require.NoError(t, err)
	return signed + "." + e(sig)
}

func FuzzProof(f *testing.F) {
	f.Add(rfcTokenProof)
	policy := jose.ProofPolicy{Now: func() time.Time { return time.Unix(1562262616, 0) }}
	r := jose.ProofRequest{Method: "POST", URL: "https://server.example.com/token"}
	f.Fuzz(func(t *testing.T, raw string) {
		proof, err := policy.Check(raw, r)
		if (err == nil) != (proof != nil) {
			t.Fatal("both or neither")
		}
		if err == nil && (proof.ID == "" || len(proof.Thumbprint) != 43) {
			t.Fatalf("%+v", proof)
		}
		if err != nil && !errors.Is(err, jose.ErrInvalid) {
			t.Fatal(err)
		}
	})
}

func rsaKey(modulus []byte) *rsa.PublicKey {
	return &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: 65537}
}
