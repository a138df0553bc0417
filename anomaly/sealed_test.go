package anomaly_test

import (
	"bytes"
	_ "embed"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/anomaly"
)

//go:embed testdata/profile-1
var formerProfile []byte // what the release before keys wrote of three logins of home

func home(at time.Time) anomaly.Attempt { return login(at, "81.2.69.10", oslo, "her cookie", firefox) }

func detectorOver(t *testing.T, store anomaly.Store, keys ...[]byte) *anomaly.Detector {
	t.Helper()
	d, err := anomaly.New(store, keys, anomaly.Config{})
	require.NoError(t, err)
	return d
}

// A copy of the store must not say what to show: of equal profiles no two blobs have
// a byte string in common, and none opens for another user or another key.
func TestStoredBlobsAreSealed(t *testing.T) {
	t.Parallel()
	store, ctx := anomaly.NewMemory(0), t.Context()
	d := detectorOver(t, store, keys...)
	bob := home(start)
	bob.UserID = "auth0|bob"
	require.NoError(t, d.Learn(ctx, home(start), anomaly.Proved))
	require.NoError(t, d.Learn(ctx, bob, anomaly.Proved))
	require.NoError(t, d.Merge(ctx))
	one, version, err := store.Load(ctx, "auth0|ada", nil)
	require.NoError(t, err)
	other, _, err := store.Load(ctx, "auth0|bob", nil)
	require.NoError(t, err)
	const header = 1 + 5
	for i := header; i+4 <= len(one); i++ {
		assert.False(t, bytes.Contains(other, one[i:i+4]), "equal bytes at %d tell equal habits", i)
	}
	sketch, _, err := store.Load(ctx, "", nil)
	require.NoError(t, err)
	assert.Less(t, bytes.Count(sketch, []byte{0, 0, 0, 0}), 4, "the sketch has its zeros in the clear")

	require.NoError(t, store.Save(ctx, "auth0|ada", other, version))
	_, err = d.Assess(ctx, home(start.Add(time.Hour)))
	require.ErrorIs(t, err, anomaly.ErrDamaged, "of another user")
	_, err = detectorOver(t, store, []byte("another key of thirty-two bytes.")).Assess(ctx, bob)
	require.ErrorIs(t, err, anomaly.ErrKey)
	require.ErrorIs(t, detectorOver(t, store, []byte("another key of thirty-two bytes.")).Merge(ctx), anomaly.ErrKey)
}

// The first key writes and all read, so a key is changed without losing anybody.
func TestKeysRotate(t *testing.T) {
	t.Parallel()
	store, ctx, next := anomaly.NewMemory(0), t.Context(), []byte("another key of thirty-two bytes.")
	require.NoError(t, detectorOver(t, store, keys...).Learn(ctx, home(start), anomaly.Proved))
	both := detectorOver(t, store, next, keys[0])
	a, err := both.Assess(ctx, home(start.Add(time.Hour)))
	require.NoError(t, err)
	assert.False(t, a.FirstLogin)
	require.NoError(t, both.Learn(ctx, home(start.Add(time.Hour)), anomaly.Proved))
	a, err = detectorOver(t, store, next).Assess(ctx, home(start.Add(2*time.Hour)))
	require.NoError(t, err, "the first key has sealed it again")
	assert.Zero(t, a.Findings[anomaly.NewDevice-1].Kind)
	_, err = detectorOver(t, store, keys...).Assess(ctx, home(start.Add(2*time.Hour)))
	require.ErrorIs(t, err, anomaly.ErrKey)
}

// Profiles of the release before are read, and sealed when they are saved.
func TestFormerFormat(t *testing.T) {
	t.Parallel()
	store, ctx := anomaly.NewMemory(0), t.Context()
	require.NoError(t, store.Save(ctx, "auth0|ada", formerProfile, 0))
	d, next := detectorOver(t, store, keys...), home(start.AddDate(0, 0, 3))
	a, err := d.Assess(ctx, next)
	require.NoError(t, err)
	assert.False(t, a.FirstLogin)
	assert.Zero(t, a.Findings[anomaly.NewDevice-1].Kind)
	require.NoError(t, d.Learn(ctx, next, anomaly.Proved))
	blob, _, err := store.Load(ctx, "auth0|ada", nil)
	require.NoError(t, err)
	assert.NotEqual(t, formerProfile[0], blob[0])

	require.NoError(t, store.Save(ctx, "auth0|bob", append([]byte{blob[0] + 1}, blob[1:]...), 0))
	next.UserID = "auth0|bob"
	_, err = d.Assess(ctx, next)
	require.ErrorIs(t, err, anomaly.ErrNewer)
}

// After a takeover nothing that was learned counts, until the user has proved who
// they are; a login that only went on does not end it.
func TestDistrust(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	d, now := newDetector(t, anomaly.Config{}), start
	for range 5 {
		require.NoError(t, d.Learn(ctx, home(now), anomaly.Proved))
		now = now.AddDate(0, 0, 1)
	}
	require.NoError(t, d.Distrust(ctx, "auth0|ada"))
	a, err := d.Assess(ctx, home(now))
	require.NoError(t, err)
	assert.True(t, a.Distrusted && a.FirstLogin && a.RequiresVerification, "%+v", a)
	require.NoError(t, d.Learn(ctx, home(now), anomaly.Untrusted))
	a, err = d.Assess(ctx, home(now))
	require.NoError(t, err)
	assert.True(t, a.Distrusted && a.FirstLogin && a.Held == 1, "%+v", a)
	require.NoError(t, d.Unlock(ctx, "auth0|ada", now.Add(time.Hour)))
	a, err = d.Assess(ctx, home(now.Add(59*time.Minute)))
	require.NoError(t, err)
	assert.True(t, a.Distrusted && a.Unlocked)
	require.NoError(t, d.Learn(ctx, home(now), anomaly.Proved))
	a, err = d.Assess(ctx, home(now.Add(time.Hour)))
	require.NoError(t, err)
	assert.False(t, a.Distrusted || a.Unlocked || a.FirstLogin, "%+v", a)
	assert.Equal(t, "NO", string(a.Country[:]))
	assert.Equal(t, "Firefox/Windows", string(bytes.Trim(a.Agent[:], "\x00")))

	require.NoError(t, d.Distrust(ctx, "auth0|nobody"), "who has no history may have had a takeover too")
	require.ErrorIs(t, d.Distrust(ctx, ""), anomaly.ErrInvalid)
	require.ErrorIs(t, d.Unlock(ctx, "auth0|ada", time.Date(1969, 1, 1, 0, 0, 0, 0, time.UTC)), anomaly.ErrInvalid)
}

func TestBlindness(t *testing.T) {
	t.Parallel()
	d := newDetector(t, anomaly.Config{})
	for address, blind := range map[string]bool{"81.2.69.10": false, "10.0.0.1": true, "127.0.0.1": true, "fe80::1": true, "2001:db8::1": false} {
		l := home(start)
		l.IP, l.Place = netip.MustParseAddr(address), nil
		a, err := d.Assess(t.Context(), l)
		require.NoError(t, err)
		assert.Equal(t, blind, a.NoAddress, address)
		assert.True(t, a.NoPlace, address)
	}
}
