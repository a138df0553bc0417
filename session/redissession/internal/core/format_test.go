package core

import (
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/session/driver"
)

// firstFormat is sample() as releases without a version byte have written it.
const firstFormat = "4c000001a20d6d5a7b000001a20da448fb000001a20ddb377b00000000000000030000000000000000000000ac45d8471af1e7c713b172967e3d52c4ec0b186e959ccdb28c78936e71d5339dbe4141414141414141414141414141414141414141414141414141000761757468307c31000001a20d6d5a7b000001a20d6d5a7b0000000000000000000000000000000001000001a20d6d5a7b000370776400037369640002756100033a3a31000102"

func TestBody(t *testing.T) {
	t.Parallel()
	value, err := encode(new(sample()))
	require.NoError(t, err)
	assert.Equal(t, firstFormat, hex.EncodeToString(value), "a changed layout needs another version")

	for name, c := range map[string]struct {
		stored string
		ok     bool
	}{
		"previous": {string(value), true}, "current": {string(rune(version)) + string(value), true},
		"next": {string(rune(version+1)) + string(value), false}, "zero": {"\x00" + string(value), false},
		"version alone": {string(rune(version)), false}, "nothing": {"", false},
	} {
		got, ok := body([]byte(c.stored))
		assert.Equal(t, c.ok, ok, name)
		if ok {
			assert.Equal(t, value, got, name)
		}
	}
}

// stand is a store and a session of sample in it.
func stand(t *testing.T, o Options) (*Store, rueidis.Client, driver.Record) {
	t.Helper()
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{backends.Redis(t)}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	o.Prefix = "test:" + rand.Text()
	s, err := New(Rueidis(client), o)
	require.NoError(t, err)
	r := sample()
	r.Key = driver.Key{Tag: driver.Tag(r.UserID), Hash: [hashSize]byte{1}}
	_, err = s.Create(t.Context(), r, driver.Limit{Now: r.CreatedAt, Max: 9})
	require.NoError(t, err)
	return s, client, r
}

func stored(t *testing.T, s *Store, c rueidis.Client, k driver.Key) string {
	t.Helper()
	v, err := c.Do(t.Context(), c.B().Get().Key(s.shard(k.Tag).session(k)).Build()).ToString()
	require.NoError(t, err)
	return v
}

func TestWriterIsTold(t *testing.T) {
	t.Parallel()
	for previous, front := range map[bool]string{true: "", false: string(rune(version))} {
		s, client, r := stand(t, Options{WritePrevious: previous})
		states := map[string]string{}
		states["L"] = stored(t, s, client, r.Key)
		next := r
		next.Key.Hash, next.Version = [hashSize]byte{2}, r.Version+1
		require.NoError(t, s.Replace(t.Context(), r.Key, next, driver.Grace{Now: r.CreatedAt, Until: r.CreatedAt.Add(time.Minute)}))
		states["A"] = stored(t, s, client, r.Key)
		_, err := s.Delete(t.Context(), driver.Selector{Key: &next.Key, Now: r.CreatedAt})
		require.NoError(t, err)
		states["R"] = stored(t, s, client, next.Key)
		for state, value := range states {
			assert.Equal(t, front+state, value[:len(front)+1], "previous %v", previous)
		}
	}
}

// A session of a later release is neither live nor revoked: nobody is signed out,
// and a revocation that cannot end it says so.
func TestLaterFormatIsUnknown(t *testing.T) {
	t.Parallel()
	s, client, r := stand(t, Options{})
	key := s.shard(r.Key.Tag).session(r.Key)
	later := string(rune(version+1)) + "whatever"
	require.NoError(t, client.Do(t.Context(), client.B().Set().Key(key).Value(later).Build()).Error())

	_, err := s.Load(t.Context(), r.Key, driver.Touch{Now: r.CreatedAt})
	require.ErrorIs(t, err, errRecord)
	require.ErrorIs(t, s.Replace(t.Context(), r.Key, r, driver.Grace{Now: r.CreatedAt}), errRecord)
	_, err = s.List(t.Context(), r.UserID, r.CreatedAt)
	require.ErrorIs(t, err, errRecord)
	for _, sel := range []driver.Selector{{Key: &r.Key}, {UserID: r.UserID}, {UserID: r.UserID, ID: r.ID}, {SID: r.SID}} {
		sel.Now = r.CreatedAt
		_, err = s.Delete(t.Context(), sel)
		require.ErrorIs(t, err, errRecord)
	}
	assert.Equal(t, later, stored(t, s, client, r.Key))
}
