package jose_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose"
	"github.com/auth0kit/auth0kit/internal/jose/josetest"
)

func TestRotatedKeyWorksAtTheFirstRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		wantGood(t, verify(t, v, good()))
		i.Publish(josetest.RSAKey("rs2", &josetest.RSA(1).PublicKey))
		wantGood(t, verify(t, v, signed("rs2", 1)))
		wantFetches(t, i, 2)
		i.Publish(josetest.RSAKey("rs3", &josetest.RSA(2).PublicKey))
		wantGood(t, verify(t, v, signed("rs3", 2)))
		wantReason(t, verify(t, v, signed("rs2", 1)), jose.UnknownKey)
	})
}

// proxy keeps the first answer, for all but those who want a new one.
type proxy struct {
	http.RoundTripper
	kept []byte
}

func (p *proxy) RoundTrip(r *http.Request) (*http.Response, error) {
	if p.kept != nil && r.Header.Get("Cache-Control") != "no-cache" {
		return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader(p.kept))}, nil
	}
	resp, err := p.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	p.kept, err = io.ReadAll(resp.Body)
	resp.Body = io.NopCloser(bytes.NewReader(p.kept))
	return resp, err
}

func TestRotationBehindACache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		keys, err := jose.NewKeySet(i.ID+".well-known/jwks.json", jose.KeySetConfig{HTTPClient: &http.Client{Transport: &proxy{RoundTripper: i}}})
		require.NoError(t, err)
		v := verifierOf(t, i, func(p *jose.Policy) { p.Issuers[0].Keys = keys })
		wantGood(t, verify(t, v, good()))
		i.Publish(josetest.RSAKey("rs2", &josetest.RSA(1).PublicKey))
		wantGood(t, verify(t, v, signed("rs2", 1)))
	})
}

// flood sends a token with an invented key each time, without waiting for the
// answer, until the test ends.
func flood(t *testing.T, v *jose.Verifier, every time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := 0; ctx.Err() == nil; n++ {
			wg.Go(func() {
				if _, err := v.Verify(ctx, invented("invented-", n)); err == nil {
					t.Error("an invented key is accepted")
				}
			})
			time.Sleep(every)
		}
	})
	return func() { cancel(); wg.Wait() }
}

func TestFloodOfUnknownKeysFetchesOncePerWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		wantGood(t, verify(t, v, good()))
		defer flood(t, v, 100*time.Millisecond)()
		for range 10 {
			time.Sleep(1500 * time.Millisecond) // no fetch begins at either end of the minute
			before := i.Fetches.Load()
			time.Sleep(time.Minute)
			if got := i.Fetches.Load() - before; got > 6 {
				t.Fatalf("%d fetches in a minute, want at most 6", got)
			}
			wantGood(t, verify(t, v, good()))
		}
	})
}

// One junk token a second, and 50 rotations: nobody with the new key is refused,
// nobody waits longer than a window, and the issuer is left in peace.
func TestRotationsUnderAFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		wantGood(t, verify(t, v, good()))
		defer flood(t, v, time.Second)()
		fetches, refused, start := i.Fetches.Load(), 0, time.Now()
		for r := range 50 {
			kid := fmt.Sprint("rotation-", r)
			i.Publish(josetest.RSAKey(kid, &josetest.RSA(r%3).PublicKey))
			var wg sync.WaitGroup
			for range 28 {
				token := signed(kid, r%3)
				wg.Go(func() {
					began := time.Now()
					if err := verify(t, v, token); err != nil {
						refused++
					}
					if waited := time.Since(began); waited > 10*time.Second {
						t.Errorf("a request waited %s", waited)
					}
				})
				time.Sleep(time.Second)
			}
			wg.Wait()
		}
		if refused > 1 {
			t.Errorf("%d of 1,400 good requests are refused", refused)
		}
		if got, minutes := i.Fetches.Load()-fetches, time.Since(start).Minutes(); float64(got) > 6*minutes+3 { // those that found their key before the flood counts
			t.Errorf("%d fetches in %.0f minutes, want at most 6 in one", got, minutes)
		}
	})
}

// A token that comes while a fetch is under way waits for the next one: the keys
// may have changed since that one began.
func TestFetchFromBeforeTheRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		wantGood(t, verify(t, v, good()))
		slow := make(chan struct{})
		i.Hold(slow)
		go func() { wantReason(t, verify(t, v, invented("junk")), jose.UnknownKey) }()
		synctest.Wait()
		time.Sleep(time.Millisecond)
		i.Publish(josetest.RSAKey("rs2", &josetest.RSA(1).PublicKey))
		go close(slow)
		wantGood(t, verify(t, v, signed("rs2", 1)))
	})
}

// Whose context ends first is told to come back, and not that the token is bad.
func TestImpatientRequestIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		wantGood(t, verify(t, v, good()))
		wantReason(t, verify(t, v, invented("junk")), jose.UnknownKey)
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := v.Verify(ctx, signed("rs2", 1))
		if e := wantUnavailable(t, err); e.RetryAfter != 8*time.Second {
			t.Errorf("RetryAfter is %s, want what is left of the window", e.RetryAfter)
		}
		wantReason(t, verify(t, v, invented("junk")), jose.UnknownKey) // at once
	})
}

func TestVerifiersOfAnIssuerShareItsKeys(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	client := &http.Client{Transport: i}
	for range 3 {
		keys, err := jose.NewKeySet(i.ID+".well-known/jwks.json", jose.KeySetConfig{HTTPClient: client})
		require.NoError(t, err)
		wantGood(t, verify(t, verifierOf(t, i, func(p *jose.Policy) { p.Issuers[0].Keys = keys }), good()))
	}
	wantFetches(t, i, 1)
}

// Those who come after the first fetch has begun share the second.
func TestConcurrentFloodSharesFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		i.Delay(300 * time.Millisecond)
		v := verifier(t, i)
		var wg sync.WaitGroup
		for n := range 500 {
			wg.Go(func() {
				wantReason(t, verify(t, v, invented("invented-", n)), jose.UnknownKey)
			})
		}
		wg.Wait()
		wantFetches(t, i, 2)
	})
}

func TestBadSignatureNeverFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		wantGood(t, verify(t, v, good()))
		forged := signed("rs", 1)
		for range 500 {
			wantReason(t, verify(t, v, forged), jose.BadSig)
			time.Sleep(100 * time.Millisecond)
		}
		wantFetches(t, i, 1)
	})
}

func TestKnownKeyOfAnotherAlgorithmNeverFetches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		wantGood(t, verify(t, v, good()))
		mixed := signed("es", 0)
		for range 100 {
			wantReason(t, verify(t, v, mixed), jose.UnknownKey)
			time.Sleep(time.Second)
		}
		wantFetches(t, i, 1)
	})
}

func TestForeignIssuerNeverFetches(t *testing.T) {
	i := josetest.NewIssuer()
	v := verifier(t, i)
	wantReason(t, verify(t, v, josetest.Sign(josetest.RSA(0), josetest.Header("rs"), josetest.With(claims(), "iss", "https://evil.example.com/"))), jose.BadIssuer)
	wantFetches(t, i, 0)
}

func TestStaleKeysServeWhileTheIssuerIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		token := josetest.Sign(josetest.RSA(0), josetest.Header("rs"), josetest.With(claims(), "exp", time.Now().Add(48*time.Hour).Unix()))
		wantGood(t, verify(t, v, token))
		i.Answer(http.StatusServiceUnavailable, nil)
		for range 24*6 - 1 {
			time.Sleep(10 * time.Minute)
			wantGood(t, verify(t, v, token))
		}
		time.Sleep(10 * time.Minute)
		if e := wantUnavailable(t, verify(t, v, token)); e.RetryAfter > 5*time.Second {
			t.Fatalf("RetryAfter is %s, want a window at most", e.RetryAfter)
		}
		i.Answer(http.StatusOK, nil)
		wantUnavailable(t, verify(t, v, token)) // the window is closed
		time.Sleep(5 * time.Second)
		wantGood(t, verify(t, v, token))
	})
}

func TestUnknownKeyWhileTheIssuerIsDownIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		wantGood(t, verify(t, v, good()))
		i.Answer(0, errors.New("dial tcp: lookup tenant.example.com: no such host"))
		for range 100 {
			wantUnavailable(t, verify(t, v, invented("rs2")))
		}
		wantFetches(t, i, 2)
		wantGood(t, verify(t, v, good()))
	})
}

func TestColdStartWithoutIssuerIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		i.Answer(http.StatusBadGateway, nil)
		v := verifier(t, i)
		token := good()
		for range 100 {
			wantUnavailable(t, verify(t, v, token))
		}
		wantFetches(t, i, 1)
		i.Answer(http.StatusOK, nil)
		time.Sleep(5 * time.Second)
		wantGood(t, verify(t, v, good()))
	})
}

func TestSlowIssuerDelaysNobodyWithAKnownKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		wantGood(t, verify(t, v, good()))
		i.Delay(time.Hour)
		time.Sleep(5 * time.Minute)
		start := time.Now()
		wantGood(t, verify(t, v, good()))
		if waited := time.Since(start); waited > time.Second {
			t.Fatalf("the first request waited %s", waited)
		}
		time.Sleep(10 * time.Second) // the fetch has failed by now
		start = time.Now()
		for range 10 {
			wantGood(t, verify(t, v, good()))
		}
		if waited := time.Since(start); waited > 0 {
			t.Fatalf("later requests waited %s", waited)
		}
		time.Sleep(10 * time.Second) // let the last fetch end with the bubble
	})
}

func TestSteadyTrafficNeverWaitsForARefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		token := good()
		wantGood(t, verify(t, v, token))
		i.Delay(3 * time.Second)
		start := time.Now()
		for range 1000 {
			time.Sleep(time.Second)
			wantGood(t, verify(t, v, token))
		}
		if waited := time.Since(start) - 1000*time.Second; waited > 0 {
			t.Fatalf("requests waited %s", waited)
		}
		if got := i.Fetches.Load(); got < 4 || got > 6 {
			t.Fatalf("%d fetches in 1000 s, want one in about 4 min", got)
		}
	})
}

func TestRevokedKeyDiesWithinRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		token, err := v.Verify(t.Context(), good())
		wantGood(t, err)
		i.Publish(josetest.RSAKey("rs2", &josetest.RSA(1).PublicKey))
		time.Sleep(5 * time.Minute)
		wantReason(t, verify(t, v, good()), jose.UnknownKey)
		wantReason(t, token.Current(t.Context()), jose.UnknownKey)
	})
}

func TestReplacedKeyUnderTheSameIDIsNotCurrent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		v := verifier(t, i)
		token, err := v.Verify(t.Context(), good())
		wantGood(t, err)
		time.Sleep(5 * time.Minute)
		if err := token.Current(t.Context()); err != nil {
			t.Fatalf("the same key after a refresh: %v", err)
		}
		i.Publish(josetest.RSAKey("rs", &josetest.RSA(1).PublicKey))
		time.Sleep(5 * time.Minute)
		wantReason(t, token.Current(t.Context()), jose.UnknownKey)
		wantReason(t, verify(t, v, good()), jose.BadSig)
	})
}

func TestCancelledWaiterCancelsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		i.Delay(time.Second)
		v := verifier(t, i)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := v.Verify(ctx, good())
			wantUnavailable(t, err)
			if !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want the cause too", err)
			}
		})
		synctest.Wait() // the first request has started the fetch
		token := good()
		for range 63 {
			wg.Go(func() { wantGood(t, verify(t, v, token)) })
		}
		synctest.Wait()
		cancel()
		wg.Wait()
		wantFetches(t, i, 1)
	})
}

func TestUselessAnswersKeepTheOldKeys(t *testing.T) {
	for name, body := range map[string]string{
		"html": "<html>", "empty": "", "no keys": `{"keys":[]}`, "null": "null", "huge": fmt.Sprintf("%2000000s", "{}"),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				i := josetest.NewIssuer()
				v := verifier(t, i)
				wantGood(t, verify(t, v, good()))
				i.PublishRaw([]byte(body))
				time.Sleep(time.Hour)
				wantGood(t, verify(t, v, good()))
				wantUnavailable(t, verify(t, v, signed("rs2", 1)))
			})
		})
	}
}

func TestNewKeySetRefusesWhatItCannotTrust(t *testing.T) {
	for _, bad := range []string{"", "tenant.example.com", "http://tenant.example.com/jwks.json", "ftp://x/y", "http://127.0.0.1.evil.com/"} {
		if _, err := jose.NewKeySet(bad, jose.KeySetConfig{}); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	for _, ok := range []string{"https://tenant.example.com/jwks.json", "http://127.0.0.1:3000/jwks.json", "http://localhost/"} {
		if _, err := jose.NewKeySet(ok, jose.KeySetConfig{}); err != nil {
			t.Errorf("%q: %v", ok, err)
		}
	}
	if _, err := jose.NewKeySet("https://x/", jose.KeySetConfig{Refresh: time.Hour, MaxStale: time.Minute}); err == nil {
		t.Error("MaxStale below Refresh is accepted")
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	client := &http.Client{Transport: redirect{i}}
	keys, err := jose.NewKeySet(i.ID+".well-known/jwks.json", jose.KeySetConfig{HTTPClient: client})
	require.NoError(t, err)
	v := verifierOf(t, i, func(p *jose.Policy) { p.Issuers[0].Keys = keys })
	wantUnavailable(t, verify(t, v, good()))
	wantFetches(t, i, 0)
	if client.CheckRedirect != nil {
		t.Error("the caller's client was changed")
	}
}

// redirect sends every request for keys to plain http, where they would be.
type redirect struct{ next http.RoundTripper }

func (r redirect) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.URL.Scheme == "http" {
		return r.next.RoundTrip(req)
	}
	return &http.Response{StatusCode: http.StatusFound, Header: http.Header{"Location": {"http://elsewhere.example.com/"}}, Body: http.NoBody, Request: req}, nil
}

// Readers see one set of keys or the next, and nothing is refused for long.
func TestRotationsUnderConcurrency(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	keys := keySet(t, i, jose.KeySetConfig{Window: time.Millisecond, Refresh: 2 * time.Millisecond})
	v := verifierOf(t, i, func(p *jose.Policy) { p.Issuers[0].Keys = keys })
	tokens := []string{signed("a", 0), signed("b", 1), signed("c", 2)}
	all := []map[string]any{josetest.RSAKey("a", &josetest.RSA(0).PublicKey), josetest.RSAKey("b", &josetest.RSA(1).PublicKey), josetest.RSAKey("c", &josetest.RSA(2).PublicKey)}
	stop := make(chan struct{})
	var publisher, readers sync.WaitGroup
	publisher.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(time.Millisecond):
				i.Publish(all[n%3], all[(n+1)%3])
			}
		}
	})
	for g := range 32 {
		readers.Go(func() {
			for n := range 30 {
				token, err := v.Verify(t.Context(), tokens[(g+n)%3])
				if err == nil {
					err = token.Current(t.Context())
				}
				if err != nil && !errors.Is(err, jose.ErrInvalid) {
					t.Errorf("got %v", err)
				}
			}
		})
	}
	readers.Wait()
	close(stop)
	publisher.Wait()
	i.Publish(all...)
	deadline := time.Now().Add(10 * time.Second)
	for _, token := range tokens {
		for verify(t, v, token) != nil {
			if time.Now().After(deadline) {
				t.Fatal("a good token is still refused")
			}
			time.Sleep(time.Millisecond)
		}
	}
}
