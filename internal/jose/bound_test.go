package jose_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
)

func TestBoundTokens(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	v := verifierOf(t, i, func(p *jose.Policy) { p.Bound = true })
	with := func(cnf any) string { return i.Token(josetest.Header("rs"), josetest.With(claims(), "cnf", cnf)) }
	token, err := v.Verify(t.Context(), with(map[string]any{"jkt": rfcThumbprint}))
	require.NoError(t, err)
	require.Equal(t, rfcThumbprint, token.Thumbprint)
	token, err = v.Verify(t.Context(), good())
	require.NoError(t, err)
	require.Empty(t, token.Thumbprint)
	for _, cnf := range []any{
		"x", 7, []string{"jkt"}, map[string]any{}, map[string]any{"jkt": ""}, map[string]any{"jkt": 7}, map[string]any{"JKT": "x"},
		map[string]any{"x5t#S256": "x"}, map[string]any{"jkt": "x", "x5t#S256": "y"}, map[string]any{"kid": "x"},
	} {
		wantReason(t, verify(t, v, with(cnf)), jose.Bound)
	}
	wantReason(t, verify(t, verifier(t, i), with(map[string]any{"jkt": rfcThumbprint})), jose.Bound)
}

func TestSeveralAudiences(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	v := verifierOf(t, i, func(p *jose.Policy) { p.Others = []string{"https://b.example.com", "https://c.example.com"} })
	for _, c := range []struct{ aud, want []string }{
		{[]string{audience}, []string{audience}},
		{[]string{"https://c.example.com", "x", audience}, []string{audience, "https://c.example.com"}},
		{[]string{"https://b.example.com"}, []string{"https://b.example.com"}},
	} {
		token, err := v.Verify(t.Context(), i.Token(josetest.Header("rs"), josetest.With(claims(), "aud", c.aud)))
		require.NoError(t, err)
		require.Equal(t, c.want, token.Audiences)
	}
	wantReason(t, verify(t, v, i.Token(josetest.Header("rs"), josetest.With(claims(), "aud", []string{"x"}))), jose.BadAudience)
	_, err := jose.NewVerifier(jose.Policy{Issuers: []jose.Issuer{{ID: i.ID, Keys: keySet(t, i, jose.KeySetConfig{})}}, Audience: audience, Others: []string{""}, Types: []string{"JWT"}})
	require.Error(t, err)
}

func TestUnverified(t *testing.T) {
	t.Parallel()
	token, err := jose.Unverified(good())
	require.NoError(t, err)
	iss, err := token.Text("iss")
	require.NoError(t, err)
	require.Equal(t, issuerID, iss)
	for _, raw := range []string{"", "a.b.c", "opaque", invented("x")[:40], josetest.Segment("{}") + "." + josetest.Segment("[]") + ".AAAA"} {
		_, err := jose.Unverified(raw)
		require.ErrorIs(t, err, jose.ErrInvalid)
	}
}
