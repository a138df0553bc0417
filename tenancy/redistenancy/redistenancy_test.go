package redistenancy_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/redistenancy"
	"github.com/auth0kit/auth0kit/tenancy/tenancytest"
)

func dial(t testing.TB) rueidis.Client {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{backends.Redis(t)}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return client
}

func open(t testing.TB, client rueidis.Client, prefix string) *redistenancy.Store {
	t.Helper()
	s, err := redistenancy.New(client, redistenancy.Config{Prefix: prefix})
	require.NoError(t, err)
	return s
}

func TestStore(t *testing.T) {
	t.Parallel()
	tenancytest.Run(t, func(t *testing.T) tenancytest.Store { return open(t, dial(t), "test:"+rand.Text()) })
}

func TestPrefixesShareNothing(t *testing.T) {
	t.Parallel()
	client := dial(t)
	a, b := open(t, client, "test:"+rand.Text()), open(t, client, "test:"+rand.Text())
	require.NoError(t, a.Cut(t.Context(), "k", time.Now(), time.Now().Add(time.Hour)))
	require.NoError(t, a.Spend(t.Context(), "id", time.Now().Add(time.Hour)))
	cuts, err := b.Cuts(t.Context(), "")
	require.NoError(t, err)
	assert.Empty(t, cuts.At)
	require.NoError(t, b.Spend(t.Context(), "id", time.Now().Add(time.Hour)))
}

// What one process revokes, the Guard of another refuses.
func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	prefix := "test:" + rand.Text()
	a, err := tenancy.NewCutoff(open(t, dial(t), prefix), tenancy.CutoffConfig{})
	require.NoError(t, err)
	require.NoError(t, a.RevokeAccess(t.Context(), "auth0|1"))
	i := josetest.NewIssuer()
	const api = "https://api.example.com"
	v, err := tenancy.NewVerifier(i.ID, api, tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: i}})
	require.NoError(t, err)
	b, err := tenancy.NewCutoff(open(t, dial(t), prefix), tenancy.CutoffConfig{})
	require.NoError(t, err)
	guard, err := tenancy.NewGuard(v, tenancy.GuardConfig{Cutoff: b, Logger: slog.New(slog.DiscardHandler)})
	require.NoError(t, err)
	for sub, want := range map[string]error{"auth0|1": tenancy.ErrInvalidToken, "auth0|2": nil} {
		claims := i.Claims(api)
		claims["sub"], claims["org_id"], claims["iat"] = sub, "org_acme", time.Now().Add(-time.Minute).Unix()
		_, err = guard.Admit(t.Context(), i.Token(josetest.Header("rs"), claims), tenancy.Org{ID: "org_acme"}, tenancy.Authenticated())
		require.ErrorIs(t, err, want)
	}
}

// Redis that has lost its data gives all of what it has, whatever the cursor.
func TestLostData(t *testing.T) {
	t.Parallel()
	client, prefix := dial(t), "test:"+rand.Text()
	s := open(t, client, prefix)
	for n := range 5 {
		require.NoError(t, s.Cut(t.Context(), fmt.Sprint(n), time.Now(), time.Now().Add(time.Hour)))
	}
	read, err := s.Cuts(t.Context(), "")
	require.NoError(t, err)
	for _, key := range []string{"cuts", "order", "until", "counter"} {
		require.NoError(t, client.Do(t.Context(), client.B().Del().Key("{"+prefix+"}:"+key).Build()).Error())
	}
	cuts, err := s.Cuts(t.Context(), read.Next)
	require.NoError(t, err)
	assert.Empty(t, cuts.At)
	require.NoError(t, s.Cut(t.Context(), "new", time.Now(), time.Now().Add(time.Hour)))
	for _, after := range []string{read.Next, cuts.Next} {
		cuts, err = s.Cuts(t.Context(), after)
		require.NoError(t, err)
		assert.Contains(t, cuts.At, "new", after)
	}
}

// A server that takes over without the last cuts counts on from fewer: what is cut
// then reaches processes that have read further.
func TestFailover(t *testing.T) {
	t.Parallel()
	client, prefix := dial(t), "test:"+rand.Text()
	s := open(t, client, prefix)
	for n := range 5 {
		require.NoError(t, s.Cut(t.Context(), fmt.Sprint(n), time.Now(), time.Now().Add(time.Hour)))
	}
	read, err := s.Cuts(t.Context(), "")
	require.NoError(t, err)
	slot := "{" + prefix + "}:"
	require.NoError(t, client.Do(t.Context(), client.B().Hincrby().Key(slot+"counter").Field("n").Increment(-3).Build()).Error())
	require.NoError(t, client.Do(t.Context(), client.B().Zremrangebyscore().Key(slot+"order").Min("3").Max("5").Build()).Error())
	require.NoError(t, s.Cut(t.Context(), "new", time.Now(), time.Now().Add(time.Hour)))
	cuts, err := s.Cuts(t.Context(), read.Next)
	require.NoError(t, err)
	assert.Contains(t, cuts.At, "new")
	cuts, err = s.Cuts(t.Context(), cuts.Next)
	require.NoError(t, err)
	assert.Empty(t, cuts.At)
}

// Whole milliseconds are rounded up: a token of the second of the cut is refused in
// every process.
func TestCutsAreNotEarlier(t *testing.T) {
	t.Parallel()
	s, at := open(t, dial(t), "test:"+rand.Text()), time.Unix(time.Now().Unix(), 1)
	require.NoError(t, s.Cut(t.Context(), "k", at, at.Add(time.Hour)))
	cuts, err := s.Cuts(t.Context(), "")
	require.NoError(t, err)
	assert.False(t, cuts.At["k"].Before(at))
}

func TestOldCutsGo(t *testing.T) {
	t.Parallel()
	s := open(t, dial(t), "test:"+rand.Text())
	require.NoError(t, s.Cut(t.Context(), "old", time.Now().Add(-time.Hour), time.Now().Add(-time.Minute)))
	require.NoError(t, s.Cut(t.Context(), "new", time.Now(), time.Now().Add(time.Hour)))
	cuts, err := s.Cuts(t.Context(), "")
	require.NoError(t, err)
	assert.NotContains(t, cuts.At, "old")
	assert.Contains(t, cuts.At, "new")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	_, err := redistenancy.New(nil, redistenancy.Config{})
	require.ErrorContains(t, err, "client")
	_, err = redistenancy.New(dial(t), redistenancy.Config{Prefix: "a{b}"})
	require.ErrorContains(t, err, "Prefix")
}

// One proof, sent 64 times at once to two processes that share a Redis, passes once.
func TestAProofPassesOnce(t *testing.T) {
	t.Parallel()
	i, prefix := josetest.NewIssuer(), "test:"+rand.Text()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	jkt, err := jose.Thumbprint(&key.PublicKey)
	require.NoError(t, err)
	claims := i.Claims("https://api.example.com")
	claims["org_id"], claims["cnf"] = "org_acme", map[string]any{"jkt": jkt}
	token := i.Token(josetest.Header("rs"), claims)
	proof, err := jose.NewProof(key, jose.ProofRequest{Method: "GET", URL: "https://api.example.com/invoices", AccessToken: token}, time.Now())
	require.NoError(t, err)
	var processes [2]http.Handler
	for n := range processes {
		v, err := tenancy.NewVerifier(i.ID, "https://api.example.com", tenancy.VerifierConfig{HTTPClient: &http.Client{Transport: i}})
		require.NoError(t, err)
		g, err := tenancy.NewGuard(v, tenancy.GuardConfig{DPoP: tenancy.DPoPRequired, Replay: open(t, dial(t), prefix), Logger: slog.New(slog.DiscardHandler)})
		require.NoError(t, err)
		processes[n] = g.Require(tenancy.FromToken, tenancy.Authenticated())(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	}
	var passed, refused atomic.Int64
	var wg sync.WaitGroup
	for n := range 64 {
		wg.Go(func() {
			r, w := httptest.NewRequest("GET", "/invoices", nil), httptest.NewRecorder()
			r.Header.Set("Authorization", "DPoP "+token)
			r.Header.Set("DPoP", proof)
			processes[n%2].ServeHTTP(w, r)
			switch w.Code {
			case http.StatusOK:
				passed.Add(1)
			case http.StatusUnauthorized:
				refused.Add(1)
			}
		})
	}
	wg.Wait()
	assert.EqualValues(t, 1, passed.Load())
	assert.EqualValues(t, 63, refused.Load())
}
