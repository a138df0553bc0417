package lazy

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// one is a source with the users "right" and "broken".
type one struct{ hash passhash.Stored }

func (o one) Page(context.Context, string, int) ([]migration.Record, error) { return nil, nil }

func (o one) Get(context.Context, string) (migration.Record, error) {
	return migration.Record{}, migration.ErrNoUser
}

func (o one) Find(_ context.Context, identifier string) (migration.Record, error) {
	name, _, _ := strings.Cut(identifier, "@")
	switch name {
	case "right":
		return migration.Record{Key: name, Email: identifier, Password: o.hash}, nil
	case "broken":
		return migration.Record{Key: name, Email: identifier, Password: passhash.Stored{Value: "$2b$10$?"}}, nil
	}
	return migration.Record{}, migration.ErrNoUser
}

// In a bubble computing takes no time, so what is seen here is the wait alone:
// every refusal lasts as long as the costliest verification.
func TestRefusalsLastEquallyLong(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := auth0test.NewTenant(auth0test.Options{})
		machine := tenant.Machine()
		client, err := management.New(management.Config{
			Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: tenant.HTTPClient(),
		})
		require.NoError(t, err)
		run := migration.Run{Source: "test", Connection: auth0test.DefaultConnection}
		l, err := New(one{defaultDecoy}, client, run, Config{Duration: 300 * time.Millisecond})
		require.NoError(t, err)
		for range 500 { // However many cheap ones there are, it does not fall.
			l.timing.observe(time.Microsecond)
		}
		for _, who := range []string{"right@example.com", "broken@example.com", "nobody@example.com", "nobody"} {
			start := time.Now()
			_, err := l.Login(t.Context(), migration.Credentials{Identifier: who, Password: "wrong"})
			require.ErrorIs(t, err, ErrCredentials)
			assert.Equal(t, 300*time.Millisecond, time.Since(start), who)
		}
	})
}

func TestFloorNeverFallsBelowTheCostliestScheme(t *testing.T) {
	t.Parallel()
	tm := timing{base: 100 * time.Millisecond}
	floor := func() time.Duration { return tm.base + tm.extra }
	tm.observe(time.Hour)
	assert.Equal(t, maxFloor, floor(), "a busy machine raises it, up to a bound")
	for range 5000 {
		tm.observe(time.Millisecond)
	}
	assert.InDelta(t, 100*time.Millisecond, floor(), float64(time.Millisecond))
}

// A legacy system that raised its cost has the costly hashes in its last rows. They
// decide, before the first answer.
func TestCostliestSchemeIsFoundWhereverItIs(t *testing.T) {
	t.Parallel()
	src := &rows{}
	for i := range 2500 {
		src.all = append(src.all, migration.Record{Key: string(rune('a'+i/1000)) + strings.Repeat("x", i%1000), Password: passhash.Stored{Value: "{SSHA}gPb32x1TbLA/t6ZrHBK6nqzyvABzYWx0"}})
	}
	costly := defaultDecoy
	src.all[len(src.all)-1].Password = costly
	tenant := auth0test.NewTenant(auth0test.Options{})
	machine := tenant.Machine()
	client, err := management.New(management.Config{
		Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: tenant.HTTPClient(),
	})
	require.NoError(t, err)
	l, err := New(src, client, migration.Run{Source: "test", Connection: auth0test.DefaultConnection}, Config{})
	require.NoError(t, err)
	require.NoError(t, l.Calibrate(t.Context()))
	assert.Equal(t, costly, l.timing.decoyHash())
	pages := src.pages
	require.NoError(t, l.Calibrate(t.Context()))
	assert.Equal(t, pages, src.pages, "the second time nothing is read")

	src.err = errors.New("down")
	l, err = New(src, client, migration.Run{Source: "test", Connection: auth0test.DefaultConnection}, Config{})
	require.NoError(t, err)
	_, err = l.Login(t.Context(), migration.Credentials{Identifier: "x@example.com", Password: "p"})
	require.ErrorContains(t, err, "down")
	require.NotErrorIs(t, err, ErrCredentials)
}

// rows is a source in memory.
type rows struct {
	one
	all   []migration.Record
	pages int
	err   error
}

func (r *rows) Page(_ context.Context, after string, limit int) ([]migration.Record, error) {
	r.pages++
	i := 0
	for i < len(r.all) && r.all[i].Key <= after {
		i++
	}
	return r.all[i:min(i+limit, len(r.all))], r.err
}
