package login

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/oauth"
)

var errUnbound = errors.New("login: Auth0 gave an access token that is not bound to a key; switch on DPoP at the API")

// newKey makes the key to which the tokens of one session are bound.
func newKey() (*ecdsa.PrivateKey, error) { return ecdsa.GenerateKey(elliptic.P256(), rand.Reader) }

// bindTo returns the application with proofs of a key at the token endpoint (RFC 9449
// section 5), and the application itself without one.
func bindTo(app *oauth.Client, key *ecdsa.PrivateKey) *oauth.Client {
	if key == nil {
		return app
	}
	return app.Proving(func(url, nonce string) (string, error) {
		return jose.NewProof(key, jose.ProofRequest{Method: http.MethodPost, URL: url, Nonce: nonce}, time.Now())
	})
}

func formatKey(key *ecdsa.PrivateKey) ([]byte, error) {
	if key == nil {
		return nil, nil
	}
	return x509.MarshalPKCS8PrivateKey(key)
}

func parseKey(der []byte) (*ecdsa.PrivateKey, error) {
	if len(der) == 0 {
		return nil, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	private, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, errors.New("login: the key of a session is of another kind")
	}
	return private, nil
}

// authorize puts the token into a request, with a proof of its key if it has one
// (RFC 9449 section 7.1).
func authorize(r *http.Request, token, nonce string, key *ecdsa.PrivateKey) error {
	if key == nil {
		r.Header.Set("Authorization", "Bearer "+token)
		return nil
	}
	proof, err := jose.NewProof(key, jose.ProofRequest{Method: r.Method, URL: r.URL.String(), AccessToken: token, Nonce: nonce}, time.Now())
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "DPoP "+token)
	r.Header.Set("DPoP", proof)
	return nil
}

// wantsNonce reports whether an API asks for the request once more, with the nonce
// that it has sent (RFC 9449 section 9).
func wantsNonce(res *http.Response) bool {
	return res.StatusCode == http.StatusUnauthorized && res.Header.Get("DPoP-Nonce") != "" &&
		strings.Contains(strings.Join(res.Header.Values("WWW-Authenticate"), ","), "use_dpop_nonce")
}
