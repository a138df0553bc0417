package oauth

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/issuer"
)

// TestProving: each request to the token endpoint has a proof, a nonce that Auth0 asks
// for is sent once, and an endless wish for others ends.
func TestProving(t *testing.T) {
	t.Parallel()
	var proofs []string
	greedy := false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proofs = append(proofs, r.Header.Get("DPoP"))
		w.Header().Set("DPoP-Nonce", "n1")
		if greedy || r.Header.Get("DPoP") == "POST." {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"error":"use_dpop_nonce"}`)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "t", "token_type": "DPoP"})
	}))
	t.Cleanup(server.Close)
	plain := &Client{Issuer: issuer.Issuer(server.URL + "/"), ClientID: "app", ClientSecret: "secret"}
	proving := plain.Proving(func(at, nonce string) (string, error) {
		assert.Equal(t, server.URL+"/oauth/token", at)
		return "POST." + nonce, nil
	})
	token, err := proving.Refresh(t.Context(), "r")
	require.NoError(t, err)
	assert.Equal(t, "DPoP", token.Type)
	assert.Equal(t, []string{"POST.", "POST.n1"}, proofs)
	greedy = true
	_, err = proving.Refresh(t.Context(), "r")
	require.Error(t, err)
	assert.Len(t, proofs, 4)
	greedy = false
	_, err = plain.Refresh(t.Context(), "r")
	require.NoError(t, err)
	assert.Empty(t, proofs[4], "without a key there is no proof")
}

// TestPush: what is pushed is answered with a reference; anything else is an error.
func TestPush(t *testing.T) {
	t.Parallel()
	answer, sent := `{"request_uri":"urn:x","expires_in":30}`, url.Values{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/oauth/par", r.URL.Path)
		assert.NoError(t, r.ParseForm())
		sent = r.PostForm
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(server.Close)
	c := &Client{Issuer: issuer.Issuer(server.URL + "/"), ClientID: "app", ClientSecret: "secret"}
	request := url.Values{"scope": {"openid"}}
	uri, err := c.Push(t.Context(), request)
	require.NoError(t, err)
	assert.Equal(t, "urn:x", uri)
	assert.Equal(t, url.Values{"scope": {"openid"}, "client_id": {"app"}, "client_secret": {"secret"}}, sent)
	assert.Len(t, request, 1, "the caller's values stay as they are")
	answer = `{}`
	_, err = c.Push(t.Context(), request)
	assert.Error(t, err)
}
