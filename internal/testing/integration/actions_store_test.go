package integration

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/actions/sqlactions"
	"github.com/auth0kit/auth0kit/session"
	"github.com/auth0kit/auth0kit/session/sqlsession"
)

// The stores that keep logout tokens keep requests as well.
var (
	_ actions.SeenStore = (*session.Memory)(nil)
	_ actions.SeenStore = (*sqlsession.Store)(nil)
)

func openSQLActions(t testing.TB, db *sql.DB, d sqlactions.Dialect, keys ...[]byte) *sqlactions.Store {
	t.Helper()
	s, err := sqlactions.New(db, d, keys, sqlactions.Config{})
	require.NoError(t, err)
	for range 2 { // A second start is no problem.
		require.NoError(t, s.CreateSchema(t.Context()))
	}
	return s
}

func recorded(n int, user string, at time.Time) actions.Recorded {
	return actions.Recorded{
		Event: actions.Event{ID: fmt.Sprintf("evt_%04d", n), Trigger: actions.PostLogin, Time: at, User: actions.User{ID: user, Email: "ada@example.com"},
			Transaction: actions.Transaction{Protocol: "oidc-basic-profile"}},
		Result: actions.Result{IDToken: map[string]any{claims + "plan": "gold"}, Steps: []actions.StepResult{{Name: "a", Took: time.Millisecond}}},
	}
}

func TestActionsStore(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		db, ctx := p.open(t), t.Context()
		s := openSQLActions(t, db, p.dialect, sealKey)
		t.Run("counts", func(t *testing.T) { testCounts(t, s) })
		t.Run("seen", func(t *testing.T) { testSeen(t, s) })
		t.Run("history", func(t *testing.T) { testHistory(t, s, db, p) })
		_, err := s.Count(ctx, "auth0|late", "evt_late")
		require.NoError(t, err)
		var export struct {
			Logins  int
			Counted []struct {
				ID    string
				Login int
				At    time.Time
			}
		}
		var out bytes.Buffer
		require.NoError(t, s.Export(ctx, "auth0|late", &out))
		require.NoError(t, json.Unmarshal(out.Bytes(), &export))
		require.Len(t, export.Counted, 1)
		assert.Equal(t, "evt_late", export.Counted[0].ID)
		assert.WithinDuration(t, time.Now(), export.Counted[0].At, time.Minute)
		testSweep(t, s)
		count, err := s.Counted(ctx, "auth0|late", "")
		require.NoError(t, err)
		assert.Equal(t, 1, count, "the count of a user outlives its events")
	})
}

// Events are kept for 30 days, and requests for longer than a clock that is behind
// would take them.
func testSweep(t *testing.T, s *sqlactions.Store) {
	ctx, now := t.Context(), time.Now()
	require.NoError(t, s.Keep(ctx, recorded(9000, "auth0|late", now)))
	require.NoError(t, s.Seen(ctx, "swept", now, now.Add(time.Minute)))
	kept := func() (n int) {
		for _, err := range s.Recorded(ctx, now.Add(-time.Second), now.Add(time.Second)) {
			require.NoError(t, err)
			n++
		}
		return n
	}
	_, err := s.Sweep(ctx, now.Add(2*time.Minute))
	require.NoError(t, err)
	assert.Error(t, s.Seen(ctx, "swept", now, now.Add(time.Minute)), "another process is two minutes behind")
	_, err = s.Sweep(ctx, now.Add(30*24*time.Hour-time.Minute))
	require.NoError(t, err)
	assert.Equal(t, 1, kept())
	n, err := s.Sweep(ctx, now.Add(30*24*time.Hour+time.Minute))
	require.NoError(t, err)
	assert.Positive(t, n)
	assert.Zero(t, kept())
}

func testCounts(t *testing.T, s *sqlactions.Store) {
	ctx := t.Context()
	var wg sync.WaitGroup
	got := make([]int, 24)
	for i := range got { // Each event twice.
		wg.Go(func() {
			n, err := s.Count(ctx, "auth0|1", fmt.Sprint("evt_", i/2))
			assert.NoError(t, err)
			got[i] = n
		})
	}
	wg.Wait()
	for i := 0; i < len(got); i += 2 {
		assert.Equal(t, got[i], got[i+1], "an event has one number")
	}
	slices.Sort(got)
	assert.Equal(t, []int{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12}, got)
	n, err := s.Counted(ctx, "auth0|1", "evt_none")
	require.NoError(t, err)
	assert.Equal(t, 12, n)
	n, err = s.Counted(ctx, "auth0|2", "")
	require.NoError(t, err)
	assert.Zero(t, n)
	_, err = s.Count(ctx, "", "x")
	assert.Error(t, err)
	_, err = s.Count(ctx, "x", "")
	assert.Error(t, err)
}

func testSeen(t *testing.T, s *sqlactions.Store) {
	ctx, now := t.Context(), time.Now()
	var wg sync.WaitGroup
	var mu sync.Mutex
	first := 0
	for range 8 {
		wg.Go(func() {
			if s.Seen(ctx, "m1", now, now.Add(time.Minute)) == nil {
				mu.Lock()
				first++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, 1, first)
	assert.Error(t, s.Seen(ctx, "m1", now.Add(59*time.Second), now.Add(2*time.Minute)))
	assert.NoError(t, s.Seen(ctx, "m1", now.Add(61*time.Second), now.Add(2*time.Minute)))
	assert.NoError(t, s.Seen(ctx, "m2", now, now.Add(time.Minute)))
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	assert.Error(t, s.Seen(ctx, "m3", now, now.Add(time.Minute)), "who cannot tell refuses")
}

func testHistory(t *testing.T, s *sqlactions.Store, db *sql.DB, p product) {
	ctx, start := t.Context(), time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	const events = 450 // More than two pages, many at the same second.
	for i := range events {
		user := "auth0|odd"
		if i%2 == 0 {
			user = "auth0|even"
		}
		require.NoError(t, s.Keep(ctx, recorded(i, user, start.Add(time.Duration(i/50)*time.Second))))
	}
	require.NoError(t, s.Keep(ctx, recorded(7, "auth0|odd", start)), "kept once")
	assert.Error(t, s.Keep(ctx, actions.Recorded{}))
	list := func(s *sqlactions.Store, from, to time.Time) (out []string, err error) {
		for r, err := range s.Recorded(ctx, from, to) {
			if err != nil {
				return out, err
			}
			out = append(out, r.Event.ID)
		}
		return out, nil
	}
	all, err := list(s, start, start.Add(time.Hour))
	require.NoError(t, err)
	assert.Len(t, all, events)
	assert.True(t, slices.IsSorted(all))
	some, err := list(s, start.Add(time.Second), start.Add(2*time.Second))
	require.NoError(t, err)
	assert.Equal(t, all[50:100], some)
	for r := range s.Recorded(ctx, start, start.Add(time.Hour)) {
		want := recorded(0, "auth0|even", start)
		assert.Equal(t, want.Event, r.Event)
		assert.Equal(t, want.Result.IDToken, r.Result.IDToken)
		break
	}

	var raw []byte
	require.NoError(t, db.QueryRowContext(ctx, "SELECT data FROM auth0kit_actions_history WHERE id = 'evt_0001'").Scan(&raw))
	assert.NotContains(t, string(raw), "ada@example.com")
	other := openSQLActions(t, db, p.dialect, []byte("fedcba9876543210fedcba9876543210"))
	_, err = list(other, start, start.Add(time.Hour))
	assert.Error(t, err, "another key")
	rotated := openSQLActions(t, db, p.dialect, []byte("fedcba9876543210fedcba9876543210"), sealKey)
	got, err := list(rotated, start, start.Add(time.Second))
	require.NoError(t, err)
	assert.Len(t, got, 50)

	var out bytes.Buffer
	require.NoError(t, s.Export(ctx, "auth0|even", &out))
	var export struct {
		Logins int
		Events []actions.Recorded
	}
	require.NoError(t, json.Unmarshal(out.Bytes(), &export))
	assert.Len(t, export.Events, events/2)
	require.NoError(t, s.Forget(ctx, "auth0|even"))
	require.NoError(t, s.Forget(ctx, "auth0|even"))
	assert.Error(t, s.Forget(ctx, ""))
	got, err = list(s, start, start.Add(time.Hour))
	require.NoError(t, err)
	assert.Len(t, got, events/2, "of the other user nothing is gone")
	mustExec(t, db, "UPDATE auth0kit_actions_history SET user_id = 'auth0|thief' WHERE id = 'evt_0001'")
	_, err = list(s, start, start.Add(time.Hour))
	assert.ErrorContains(t, err, "evt_0001", "a row that was moved does not open")
}
