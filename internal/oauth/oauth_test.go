package oauth

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/issuer"
)

// server is an Authentication API over TLS that answers one request, and keeps
// it.
func server(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) (*Client, *http.Request) {
	t.Helper()
	var last http.Request
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		r.ParseForm()
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		last = *r
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return &Client{
		Issuer: issuer.Issuer(s.URL + "/"), ClientID: "app", ClientSecret: "hush", HTTPClient: s.Client(),
	}, &last
}

func text(status int, body string, header ...string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, r *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		io.WriteString(w, body)
	}
}

const issued = `{"access_token":"at","id_token":"it","refresh_token":"rt","token_type":"Bearer","scope":"openid","expires_in":86400,"recovery_code":"NEXT"}`

func TestGrants(t *testing.T) {
	t.Parallel()
	const otp = "http://auth0.com/oauth/grant-type/mfa-otp"
	cases := []struct {
		name string
		call func(*Client, context.Context) (*Token, error)
		want string // The form, sorted, without the client's part.
	}{
		{"client credentials", func(c *Client, ctx context.Context) (*Token, error) { return c.ClientCredentials(ctx, "https://api") },
			"audience=https://api grant_type=client_credentials"},
		{"code", func(c *Client, ctx context.Context) (*Token, error) {
			return c.AuthorizationCode(ctx, "c", "v", "https://app/callback")
		}, "code=c code_verifier=v grant_type=authorization_code redirect_uri=https://app/callback"},
		{"refresh", func(c *Client, ctx context.Context) (*Token, error) { return c.Refresh(ctx, "r") },
			"grant_type=refresh_token refresh_token=r"},
		{"password", func(c *Client, ctx context.Context) (*Token, error) {
			return c.PasswordRealm(ctx, PasswordLogin{Username: "u", Password: "p"})
		}, "grant_type=password password=p username=u"},
		{"realm", func(c *Client, ctx context.Context) (*Token, error) {
			return c.PasswordRealm(ctx, PasswordLogin{Realm: "Users", Username: "u", Password: "p", Audience: "a", Scope: "openid", IP: netip.MustParseAddr("192.0.2.7")})
		}, "audience=a grant_type=http://auth0.com/oauth/grant-type/password-realm password=p realm=Users scope=openid username=u"},
		{"otp", func(c *Client, ctx context.Context) (*Token, error) { return c.MFAOTP(ctx, "m", "123456") },
			"grant_type=" + otp + " mfa_token=m otp=123456"},
		{"oob", func(c *Client, ctx context.Context) (*Token, error) { return c.MFAOOB(ctx, "m", "o", "b") },
			"binding_code=b grant_type=http://auth0.com/oauth/grant-type/mfa-oob mfa_token=m oob_code=o"},
		{"push", func(c *Client, ctx context.Context) (*Token, error) { return c.MFAOOB(ctx, "m", "o", "") },
			"grant_type=http://auth0.com/oauth/grant-type/mfa-oob mfa_token=m oob_code=o"},
		{"recovery", func(c *Client, ctx context.Context) (*Token, error) { return c.MFARecoveryCode(ctx, "m", "r") },
			"grant_type=http://auth0.com/oauth/grant-type/mfa-recovery-code mfa_token=m recovery_code=r"},
		{"ciba", func(c *Client, ctx context.Context) (*Token, error) { return c.PollCIBA(ctx, "q") },
			"auth_req_id=q grant_type=urn:openid:params:grant-type:ciba"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, last := server(t, text(200, issued))
			token, err := tc.call(c, t.Context())
			require.NoError(t, err)
			if *token != (Token{Access: "at", ID: "it", Refresh: "rt", RecoveryCode: "NEXT", Type: "Bearer", Scope: "openid", ExpiresIn: 24 * time.Hour}) {
				t.Errorf("token = %q %q", token.Access, token.Scope)
			}
			form := last.PostForm
			if form.Get("client_id") != "app" || form.Get("client_secret") != "hush" || last.URL.Path != "/oauth/token" {
				t.Errorf("%s with %v", last.URL.Path, form)
			}
			form.Del("client_id")
			form.Del("client_secret")
			if got := plain(form.Encode()); got != tc.want {
				t.Errorf("sent %q, want %q", got, tc.want)
			}
			if tc.name == "realm" && last.Header.Get("Auth0-Forwarded-For") != "192.0.2.7" {
				t.Errorf("headers %v", last.Header)
			}
		})
	}
}

// plain makes a form readable.
func plain(form string) string {
	return strings.NewReplacer("%3A", ":", "%2F", "/", "&", " ").Replace(form)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		want   Error
		text   string
	}{
		{"wrong password", text(403, `{"error":"invalid_grant","error_description":"Wrong email or password."}`),
			Error{Status: 403, Code: "invalid_grant", Description: "Wrong email or password."}, "oauth: token: 403 Forbidden (invalid_grant)"},
		{"mfa", text(403, `{"error":"mfa_required","error_description":"Multifactor authentication required","mfa_token":"Fe26.2**secret"}`),
			Error{Status: 403, Code: "mfa_required", Description: "Multifactor authentication required", MFAToken: "Fe26.2**secret"}, "oauth: token: 403 Forbidden (mfa_required)"},
		{"slow down", text(429, `{"error":"slow_down"}`, "Retry-After", "9"),
			Error{Status: 429, Code: "slow_down", RetryAfter: 9 * time.Second}, "oauth: token: 429 Too Many Requests (slow_down)"},
		{"a sentence for a code", text(400, `{"error":"no user ada@example.com","error_description":"ada@example.com"}`),
			Error{Status: 400, Description: "ada@example.com"}, "oauth: token: 400 Bad Request"},
		{"HTML", text(502, `<html>ada@example.com</html>`), Error{Status: 502}, "oauth: token: 502 Bad Gateway"},
		{"redirect", text(307, "", "Location", "https://elsewhere.example/"), Error{Status: 307}, "oauth: token: 307 Temporary Redirect"},
		{"not JSON", text(200, `<html>ada@example.com</html>`), Error{Status: 200, Err: errUnreadable}, "oauth: token: 200 OK: the answer is not the JSON that was expected"},
		{"no token", text(200, `{}`), Error{Status: 200, Err: errUnreadable}, "oauth: token: 200 OK: the answer is not the JSON that was expected"},
		{"too large", text(200, strings.Repeat(" ", maxBody+1)), Error{Status: 200, Err: errTooLarge}, "oauth: token: 200 OK: the answer is too large"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c, _ := server(t, tc.answer)
			_, err := c.MFAOTP(t.Context(), "m", "123456")
			e, ok := errors.AsType[*Error](err)
			tc.want.Op = "token"
			if !ok || *e != tc.want {
				t.Fatalf("err = %v", err)
			}
			for _, got := range []string{err.Error(), fmt.Sprintf("%v", err), fmt.Sprintf("%#v", err), fmt.Sprintf("%+v", fmt.Errorf("login: %w", err))} {
				if !strings.HasSuffix(got, tc.text) {
					t.Errorf("text %q, want %q", got, tc.text)
				}
			}
		})
	}
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	c, _ := server(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	_, err := c.PasswordRealm(t.Context(), PasswordLogin{Username: "ada@example.com", Password: "p"})
	if err == nil || err.Error() != "oauth: token: no answer" || !errors.Is(err, io.EOF) {
		t.Errorf("err = %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Refresh(ctx, "r"); !errors.Is(err, context.Canceled) || err.Error() != "oauth: token: no answer: canceled" {
		t.Errorf("err = %v", err)
	}
}

func TestMFA(t *testing.T) {
	t.Parallel()
	answer := func(w http.ResponseWriter, r *http.Request) {
		switch r.Method + " " + r.URL.EscapedPath() {
		case "POST /mfa/associate":
			io.WriteString(w, `{"authenticator_type":"otp","secret":"JBSWY3DP","barcode_uri":"otpauth://totp/x","recovery_codes":["R"]}`)
		case "POST /mfa/challenge":
			io.WriteString(w, `{"challenge_type":"oob","oob_code":"o","binding_method":"prompt"}`)
		case "GET /mfa/authenticators":
			io.WriteString(w, `[{"id":"sms|dev_1","authenticator_type":"oob","active":true,"oob_channel":"sms","name":"XXXX1234"}]`)
		case "DELETE /mfa/authenticators/sms%7Cdev_1":
			w.WriteHeader(204)
		default:
			w.WriteHeader(404)
		}
	}
	c, last := server(t, answer)
	body := func() string { b, _ := io.ReadAll(last.Body); return string(b) }
	ctx := t.Context()
	a, err := c.Associate(ctx, "mt", NewAuthenticator{Types: []string{"oob"}, Channels: []string{"sms"}, Phone: "+15550100"})
	if err != nil || a.Secret != "JBSWY3DP" || a.RecoveryCodes[0] != "R" {
		t.Errorf("%v, %v", a, err)
	}
	if got := body(); got != `{"authenticator_types":["oob"],"oob_channels":["sms"],"phone_number":"+15550100"}` || last.Header.Get("Authorization") != "Bearer mt" {
		t.Errorf("sent %s", got)
	}
	challenge, err := c.Challenge(ctx, "mt", "oob otp", "sms|dev_1")
	if err != nil || *challenge != (Challenge{Type: "oob", OOBCode: "o", BindingMethod: "prompt"}) {
		t.Errorf("%v, %v", challenge, err)
	}
	var sent map[string]string
	if err := json.Unmarshal([]byte(body()), &sent); err != nil || sent["authenticator_id"] != "sms|dev_1" || sent["client_secret"] != "hush" || sent["mfa_token"] != "mt" {
		t.Errorf("sent %v", sent)
	}
	list, err := c.Authenticators(ctx, "mt")
	if err != nil || len(list) != 1 || list[0] != (Authenticator{ID: "sms|dev_1", Type: "oob", Channel: "sms", Active: true, Name: "XXXX1234"}) {
		t.Errorf("%v, %v", list, err)
	}
	assert.NoError(t, c.DeleteAuthenticator(ctx, "at", "sms|dev_1"))
	if err := c.DeleteAuthenticator(ctx, "at", ""); err == nil {
		t.Error("an empty id was accepted")
	}
	for _, secret := range []any{*a, a, *challenge, NewAuthenticator{Phone: "+15550100"}, Token{Access: "at"}, PasswordLogin{Password: "JBSWY3DP"}, CIBA{ID: "JBSWY3DP"}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if out := fmt.Sprintf(verb, secret); strings.Contains(out, "JBSWY3DP") || strings.Contains(out, "5550100") || strings.Contains(out, "at") && strings.HasPrefix(out, "{") {
				t.Errorf("%s prints %s", verb, out)
			}
		}
	}
}

func TestCIBA(t *testing.T) {
	t.Parallel()
	c, last := server(t, text(200, `{"auth_req_id":"q","expires_in":300}`))
	r, err := c.StartCIBA(t.Context(), CIBARequest{UserID: "auth0|1", Message: "Pay 10 EUR", Audience: "a", TTL: time.Minute})
	if err != nil || *r != (CIBA{ID: "q", ExpiresIn: 5 * time.Minute, Interval: 5 * time.Second}) {
		t.Errorf("%v, %v", r, err)
	}
	form := last.PostForm
	var hint map[string]string
	require.NoError(t, json.Unmarshal([]byte(form.Get("login_hint")), &hint))
	if hint["format"] != "iss_sub" || hint["iss"] != string(c.Issuer) || hint["sub"] != "auth0|1" ||
		form.Get("binding_message") != "Pay 10 EUR" || form.Get("scope") != "openid" || form.Get("requested_expiry") != "60" || last.URL.Path != "/bc-authorize" {
		t.Errorf("sent %v", form)
	}
	if _, err := c.StartCIBA(t.Context(), CIBARequest{}); err == nil {
		t.Error("a request without a user was sent")
	}
	pending, _ := server(t, text(400, `{"error":"authorization_pending","error_description":"Authorization pending: please repeat the request in a few seconds."}`))
	_, err = pending.PollCIBA(t.Context(), "q")
	if e, ok := errors.AsType[*Error](err); !ok || e.Code != "authorization_pending" {
		t.Errorf("err = %v", err)
	}
}

func TestRevoke(t *testing.T) {
	t.Parallel()
	c, last := server(t, text(200, "")) // Auth0 answers with an empty body.
	require.NoError(t, c.Revoke(t.Context(), "rt"))
	if last.URL.Path != "/oauth/revoke" || last.PostForm.Get("token") != "rt" || last.PostForm.Get("client_id") != "app" {
		t.Errorf("%s with %v", last.URL.Path, last.PostForm)
	}
}

// Secrets do not follow a redirect, also where a client would.
func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	reached := false
	elsewhere := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached = true }))
	defer elsewhere.Close()
	c, _ := server(t, text(308, "", "Location", elsewhere.URL))
	if _, err := c.Refresh(t.Context(), "rt"); err == nil || reached {
		t.Errorf("err = %v, reached %v", err, reached)
	}
}

func TestAssertion(t *testing.T) {
	t.Parallel()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	verify := map[string]func(digest, signature []byte) bool{
		"RS256": func(digest, signature []byte) bool {
			return rsa.VerifyPKCS1v15(&rsaKey.PublicKey, crypto.SHA256, digest, signature) == nil
		},
		"ES256": func(digest, signature []byte) bool {
			return len(signature) == 64 && ecdsa.Verify(&ecKey.PublicKey, digest, new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:]))
		},
	}
	for alg, key := range map[string]crypto.Signer{"RS256": rsaKey, "ES256": ecKey} {
		for range 20 { // ECDSA signatures vary in length before they are padded.
			assertion, err := Assertion(key, "app", "https://tenant.eu.auth0.com/", now)
			require.NoError(t, err)
			parts := strings.Split(assertion, ".")
			var header, claims map[string]any
			decode(t, parts[0], &header)
			decode(t, parts[1], &claims)
			digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
			signature, err := base64.RawURLEncoding.DecodeString(parts[2])
			if err != nil || !verify[alg](digest[:], signature) {
				t.Errorf("%s: bad signature", alg)
			}
			if header["alg"] != alg || claims["iss"] != "app" || claims["sub"] != "app" || claims["aud"] != "https://tenant.eu.auth0.com/" ||
				claims["exp"] != float64(now.Unix()+60) || claims["iat"] != float64(now.Unix()) || len(claims["jti"].(string)) < 20 {
				t.Errorf("header %v, claims %v", header, claims)
			}
		}
	}
}

func decode(t *testing.T, part string, v any) {
	t.Helper()
	b, err := base64.RawURLEncoding.DecodeString(part)
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(b, v))
}

func TestAlgorithmRefuses(t *testing.T) {
	t.Parallel()
	_, edwards, _ := ed25519.GenerateKey(rand.Reader)
	p384, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	for _, key := range []crypto.Signer{edwards, p384, broken{}} {
		if alg, err := Algorithm(key); err == nil {
			t.Errorf("%T is %s", key, alg)
		}
	}
	c := &Client{Issuer: "https://tenant.eu.auth0.com/", ClientID: "app", PrivateKey: edwards}
	if _, err := c.ClientCredentials(t.Context(), "a"); err == nil || !strings.Contains(err.Error(), "RSA or ECDSA") {
		t.Errorf("err = %v", err)
	}
}

type broken struct{ crypto.Signer }

func (broken) Public() crypto.PublicKey { return nil }

// An answer of any kind is an error or a token, never a panic or both.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{issued, `{"error":"mfa_required","mfa_token":"x"}`, `{"error":1}`, `[]`, `{"expires_in":1e308,"access_token":"a"}`, "\x00"} {
		f.Add(200, seed)
		f.Add(403, seed)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 599 {
			t.Skip()
		}
		c := &Client{Issuer: "https://tenant.eu.auth0.com/", HTTPClient: &http.Client{Transport: fixed{status, body}}}
		token, err := c.Refresh(t.Context(), "r")
		if (token == nil) == (err == nil) {
			t.Fatalf("%v and %v", token, err)
		}
		if err != nil && (len(err.Error()) > 200 || strings.ContainsAny(err.Error(), "\n{\x00")) {
			t.Errorf("text %q", err.Error())
		}
	})
}

type fixed struct {
	status int
	body   string
}

func (f fixed) RoundTrip(req *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: f.status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(f.body)), Request: req}, nil
}

func TestSecondsAreBounded(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]time.Duration{"1e308": 365 * 24 * time.Hour, "-5": 0, "1.5": 1500 * time.Millisecond} {
		c, _ := server(t, text(200, `{"access_token":"a","expires_in":`+given+`}`))
		token, err := c.Refresh(t.Context(), "r")
		require.NoError(t, err)
		require.Equal(t, want, token.ExpiresIn)
	}
}
