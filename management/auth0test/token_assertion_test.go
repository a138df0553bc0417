package auth0test_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/auth0/go-auth0/authentication"
	"github.com/auth0/go-auth0/authentication/oauth"

	"github.com/auth0kit/auth0kit/management/auth0test"
)

func TestPrivateKeyJWT(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	s.AddGrant(s.app.ID, ordersAPI, "read:orders")
	pemOf := func(kind string, der []byte, err error) string {
		if err != nil {
			t.Fatal(err)
		}
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	newKey := func() *rsa.PrivateKey {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	mine, other := newKey(), newKey()
	der, err := x509.MarshalPKIXPublicKey(&mine.PublicKey)
	credential, err := json.Marshal(object{"credential_type": "public_key", "pem": pemOf("PUBLIC KEY", der, err)})
	if err != nil {
		t.Fatal(err)
	}
	s.manage(t, "POST", "clients/"+s.app.ID+"/credentials", string(credential))
	sent := &recorder{next: s.HTTPClient().Transport}
	login := func(key *rsa.PrivateKey) error {
		api, err := authentication.New(t.Context(), auth0test.DefaultDomain, authentication.WithClientID(s.app.ID),
			authentication.WithClientAssertion(pemOf("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key), nil), "RS256"),
			authentication.WithClient(&http.Client{Transport: sent}))
		if err != nil {
			t.Fatal(err)
		}
		_, err = api.OAuth.LoginWithClientCredentials(t.Context(), oauth.LoginWithClientCredentialsRequest{Audience: ordersAPI}, oauth.IDTokenValidationOptions{})
		return err
	}
	if err := login(mine); err != nil {
		t.Error(err)
	}
	first := sent.form
	if err := login(other); !strings.Contains(refusal(err), "invalid_client") {
		t.Errorf("an assertion under another key: %v", err)
	}
	res, err := s.HTTPClient().Post(home+"oauth/token", "application/x-www-form-urlencoded", strings.NewReader(first))
	if err != nil || res.StatusCode != 401 {
		t.Errorf("a replayed assertion: %v", errors.Join(err, errors.New(res.Status)))
	}
}

// recorder keeps the last form that was sent.
type recorder struct {
	next http.RoundTripper
	form string
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Method == http.MethodPost {
		raw, err := io.ReadAll(req.Body)
		if err != nil {
			return nil, err
		}
		r.form = string(raw)
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(strings.NewReader(r.form))
	}
	return r.next.RoundTrip(req)
}

func TestForwardedAddressCountsWhereItIsTrusted(t *testing.T) {
	t.Parallel()
	s := newScene(auth0test.Options{})
	try := func(password, ip string) int {
		r, err := http.NewRequestWithContext(t.Context(), "POST", home+"oauth/token", strings.NewReader(values("grant_type", "password",
			"client_id", s.app.ID, "client_secret", s.app.Secret, "username", "ada@example.com", "password", password).Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("auth0-forwarded-for", ip)
		res, err := s.HTTPClient().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	s.manage(t, "PATCH", "clients/"+s.app.ID, `{"is_token_endpoint_ip_header_trusted":true}`)
	for range 10 {
		try("wrong", "192.0.2.1")
	}
	if a, b := try("correct horse", "192.0.2.1"), try("correct horse", "192.0.2.2"); a != 429 || b != 200 {
		t.Errorf("from the blocked address %d, from another %d", a, b)
	}
}
