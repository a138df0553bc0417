package tenancy_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/jose/josetest"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/tenancytest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	tenancytest.Run(t, func(*testing.T) tenancytest.Store { return tenancy.NewMemory() })
}

func ExampleCutoff() {
	cutoff, err := tenancy.NewCutoff(tenancy.NewMemory(), tenancy.CutoffConfig{})
	if err != nil {
		panic(err)
	}
	// A guard with GuardConfig.Cutoff now refuses what was issued to the user so far.
	fmt.Println(cutoff.RevokeAccess(context.Background(), "auth0|1"))
	fmt.Println(cutoff.RevokeSession(context.Background(), ""))
	// Output:
	// <nil>
	// tenancy: nothing was revoked: the id is empty
}

// countingStore counts readings and fails if it is told to.
type countingStore struct {
	*tenancy.Memory
	reads atomic.Int64
	err   atomic.Pointer[error]
}

func (s *countingStore) Cuts(ctx context.Context, after string) (tenancy.Cuts, error) {
	s.reads.Add(1)
	if err := s.err.Load(); err != nil {
		return tenancy.Cuts{}, *err
	}
	return s.Memory.Cuts(ctx, after)
}

func (s *countingStore) Cut(ctx context.Context, key string, at, until time.Time) error {
	if err := s.err.Load(); err != nil {
		return *err
	}
	return s.Memory.Cut(ctx, key, at, until)
}

func cutoffOf(t *testing.T, s tenancy.CutoffStore) *tenancy.Cutoff {
	t.Helper()
	c, err := tenancy.NewCutoff(s, tenancy.CutoffConfig{})
	require.NoError(t, err)
	return c
}

func TestCutoff(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		revoke func(context.Context, *tenancy.Cutoff) error
		ends   bool
	}{
		"subject":         {func(ctx context.Context, c *tenancy.Cutoff) error { return c.RevokeAccess(ctx, "auth0|1") }, true},
		"another subject": {func(ctx context.Context, c *tenancy.Cutoff) error { return c.RevokeAccess(ctx, "auth0|2") }, false},
		"session":         {func(ctx context.Context, c *tenancy.Cutoff) error { return c.RevokeSession(ctx, "sid_1") }, true},
		"another session": {func(ctx context.Context, c *tenancy.Cutoff) error { return c.RevokeSession(ctx, "auth0|1") }, false},
		"client":          {func(ctx context.Context, c *tenancy.Cutoff) error { return c.RevokeClient(ctx, "client") }, true},
		"another client":  {func(ctx context.Context, c *tenancy.Cutoff) error { return c.RevokeClient(ctx, "sid_1") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i, store := josetest.NewIssuer(), tenancy.NewMemory()
				here, there := cutoffOf(t, store), cutoffOf(t, store)
				own := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: here}).authenticated()(reached)
				other := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: there}).authenticated()(reached)
				issue := func() string { return changed(i, map[string]any{"sid": "sid_1"}) }
				old, want := issue(), map[bool]int{true: 401, false: 200}[c.ends]
				wantStatus(t, ask(own, old), 200)
				wantStatus(t, ask(other, old), 200)
				time.Sleep(time.Second)
				require.NoError(t, c.revoke(t.Context(), here))
				wantStatus(t, ask(own, old), want)
				time.Sleep(2 * time.Second)
				wantStatus(t, ask(other, old), want)
				wantStatus(t, ask(own, issue()), 200)
				wantStatus(t, ask(other, issue()), 200)
				time.Sleep(time.Hour) // reads in the background end
			})
		})
	}
}

// A cut is kept for as long as a token can live, and no token lives longer.
func TestLifetimes(t *testing.T) {
	t.Parallel()
	i := josetest.NewIssuer()
	x := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: cutoffOf(t, tenancy.NewMemory())})
	now := time.Now().Unix()
	for name, c := range map[string]struct {
		claims map[string]any
		good   bool
	}{
		"a day":          {map[string]any{"iat": now, "exp": now + 86400}, true},
		"a second more":  {map[string]any{"iat": now, "exp": now + 86401}, false},
		"no iat":         {map[string]any{"iat": nil}, false},
		"one far behind": {map[string]any{"iat": 1, "exp": now + 60}, false},
	} {
		_, err := x.extract(t.Context(), changed(i, c.claims))
		if c.good {
			require.NoError(t, err, name)
			continue
		}
		wantToken(t, err, "lifetime")
	}
}

// Steady traffic reads the store about once in a second, and nobody waits.
func TestCutoffReadsSeldom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, store := josetest.NewIssuer(), &countingStore{Memory: tenancy.NewMemory()}
		h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: cutoffOf(t, store)}).authenticated()(reached)
		token := token(i, "", nil)
		for n := range 1000 {
			if n%100 == 0 { // new cuts cost no second reading
				require.NoError(t, store.Cut(t.Context(), fmt.Sprint("s::other", n), time.Now(), time.Now().Add(time.Hour)))
			}
			wantStatus(t, ask(h, token), 200)
			time.Sleep(10 * time.Millisecond)
		}
		assert.InDelta(t, 10, store.reads.Load(), 2)
	})
}

func TestCutoffWithoutItsStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, store := josetest.NewIssuer(), &countingStore{Memory: tenancy.NewMemory()}
		c := cutoffOf(t, store)
		h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: c}).authenticated()(reached)
		good := token(i, "", nil)
		wantStatus(t, ask(h, good), 200)
		away := errors.New("away")
		store.err.Store(&away)
		time.Sleep(1500 * time.Millisecond)
		wantStatus(t, ask(h, good), 200) // what is known is fresh enough
		time.Sleep(time.Second)
		wantStatus(t, ask(h, good), http.StatusServiceUnavailable)
		require.ErrorIs(t, c.RevokeAccess(t.Context(), "auth0|2"), tenancy.ErrUnavailable)
		store.err.Store(nil)
		time.Sleep(time.Second)
		wantStatus(t, ask(h, good), 200)
		wantStatus(t, ask(h, token(i, "sub", "auth0|1")), 200)
	})
}

// What was read less than Every ago stays good when one reading fails.
func TestOneFailedReadingOfCuts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, store := josetest.NewIssuer(), &countingStore{Memory: tenancy.NewMemory()}
		h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: cutoffOf(t, store)}).authenticated()(reached)
		good := token(i, "", nil)
		wantStatus(t, ask(h, good), 200)
		time.Sleep(1200 * time.Millisecond)
		away := errors.New("away")
		store.err.Store(&away)
		wantStatus(t, ask(h, good), 200) // begins a reading in the background
		synctest.Wait()                  // which has failed
		wantStatus(t, ask(h, good), 200)
		store.err.Store(nil)
		time.Sleep(600 * time.Millisecond)
		wantStatus(t, ask(h, good), 200)
		time.Sleep(time.Hour)
	})
}

// A token that lives as long as cuts are kept, and is taken for the leeway of clocks
// after that, stays revoked to its end.
func TestCutsOutliveTokens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i, store := josetest.NewIssuer(), tenancy.NewMemory()
		here := cutoffOf(t, store)
		h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: here}).authenticated()(reached)
		now := time.Now().Unix()
		day := changed(i, map[string]any{"iat": now, "exp": now + 86400})
		wantStatus(t, ask(h, day), 200)
		time.Sleep(time.Second)
		require.NoError(t, here.RevokeAccess(t.Context(), "auth0|1"))
		wantStatus(t, ask(h, day), 401)
		time.Sleep(24*time.Hour + 15*time.Second)
		require.NoError(t, here.RevokeAccess(t.Context(), "auth0|2"))
		wantStatus(t, ask(h, day), 401, "revoked")
		other := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: cutoffOf(t, store)}).authenticated()(reached)
		wantStatus(t, ask(other, day), 401, "revoked")
		time.Sleep(time.Hour)
	})
}

// hangingStore answers when ctx ends, as a network that loses packets.
type hangingStore struct{ *tenancy.Memory }

func (hangingStore) Cuts(ctx context.Context, _ string) (tenancy.Cuts, error) {
	<-ctx.Done()
	return tenancy.Cuts{}, ctx.Err()
}

// A store that hangs holds nobody longer than Every.
func TestHangingStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := josetest.NewIssuer()
		h := extractor(t, i, tenancy.FromToken, tenancy.GuardConfig{Cutoff: cutoffOf(t, hangingStore{tenancy.NewMemory()})}).authenticated()(reached)
		good, start := token(i, "", nil), time.Now()
		wantStatus(t, ask(h, good), http.StatusServiceUnavailable)
		assert.LessOrEqual(t, time.Since(start), 2*time.Second)
		time.Sleep(time.Hour)
	})
}
