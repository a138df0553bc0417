package core

import (
	"context"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/session/driver"
)

// stand is a store and two sessions of the user of sample in it.
func stand(t *testing.T) (s *Store, c rueidis.Client, broken, good driver.Record) {
	t.Helper()
	c, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{backends.Redis(t)}})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	s, err = New(Rueidis(c), Options{Prefix: "test:" + rand.Text()})
	require.NoError(t, err)
	records := []driver.Record{sample(), sample()}
	for i := range records {
		r := &records[i]
		r.ID, r.Key = rand.Text(), keyOf(r, byte(i+1))
		_, err = s.Create(t.Context(), *r, driver.Limit{Now: r.CreatedAt, Bound: r.CreatedAt, Max: 9})
		require.NoError(t, err)
	}
	return s, c, records[0], records[1]
}

func keyOf(r *driver.Record, hash byte) driver.Key {
	k := driver.KeyOf(r.UserID, r.SID)
	k.Hash = [hashSize]byte{hash}
	return k
}

// TestUnreadable: a value that is cut, changed or of another version is a dead
// session, and its user's other sessions live and end as usual.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	s, c, broken, good := stand(t)
	key := s.shard(broken.Key).session(broken.Key)
	whole, err := c.Do(t.Context(), c.B().Get().Key(key).Build()).ToString()
	require.NoError(t, err)
	values := map[string]string{
		"empty": "", "version alone": whole[:1], "later": string(rune(version+1)) + whole[1:], "first": whole[1:],
		"other state": whole[:1] + "Q" + whole[2:], "text": "whatever", "longer than it is": whole[:1+atLength] + "\xff\xff\xff\xff" + whole[1+atLength+4:],
		"a method too many": strings.Replace(whole, "\x01\x00\x00\x01", "\xff\x00\x00\x01", 1),
	}
	for _, n := range []int{2, 10, 60, headerSize - 1, headerSize, headerSize + 1, headerSize + 20, len(whole) - 5} {
		values["cut at "+string(rune('a'+n%26))+rand.Text()[:4]] = whole[:n]
	}
	now := broken.CreatedAt
	for name, value := range values {
		if value == whole {
			t.Fatal(name, "is whole")
		}
		require.NoError(t, c.Do(t.Context(), c.B().Set().Key(key).Value(value).Build()).Error())
		_, err := s.Load(t.Context(), broken.Key, driver.Touch{Now: now, IfBefore: now.Add(time.Second), IdleAt: now.Add(time.Hour)})
		if len(value) < len(whole)-4 || len(value) == len(whole) {
			assert.ErrorIs(t, err, driver.ErrRevoked, name)
		}
		list, err := s.List(t.Context(), broken.UserID, now)
		assert.NoError(t, err, name)
		assert.NotEmpty(t, list, name)
		for _, sel := range []driver.Selector{
			{Form: driver.SelectKey, Key: broken.Key}, {Form: driver.SelectOne, UserID: broken.UserID, ID: broken.ID},
		} {
			sel.Now = now
			_, err = s.Delete(t.Context(), sel)
			assert.NoError(t, err, name)
		}
		_, err = s.Load(t.Context(), good.Key, driver.Touch{Now: now})
		assert.NoError(t, err, name)
	}
	ended, err := s.Delete(t.Context(), driver.Selector{Form: driver.SelectUser, UserID: broken.UserID, Now: now, MarkUntil: now.Add(time.Hour)})
	require.NoError(t, err)
	assert.Contains(t, ended, good.Ended())
	_, err = s.Load(t.Context(), good.Key, driver.Touch{Now: now})
	assert.ErrorIs(t, err, driver.ErrRevoked)
}

// TestMissingMarks: what a session is compared with may be lost, and the session
// with it; it never comes back.
func TestMissingMarks(t *testing.T) {
	t.Parallel()
	for _, lost := range []string{":g", ":m:", ":e:"} {
		s, c, r, _ := stand(t)
		p, now := s.shard(r.Key), r.CreatedAt
		load := func() error {
			_, err := s.Load(t.Context(), r.Key, driver.Touch{Now: now})
			return err
		}
		require.NoError(t, load())
		key := map[string]string{":g": p.state, ":m:": p.userMark(r.Key), ":e:": p.sidEpoch(r.Key)}[lost]
		require.NoError(t, c.Do(t.Context(), c.B().Del().Key(key).Build()).Error())
		require.ErrorIs(t, load(), driver.ErrRevoked, lost)
		other := r
		other.ID, other.Key.Hash = rand.Text(), [hashSize]byte{9}
		_, err := s.Create(t.Context(), other, driver.Limit{Now: now, Bound: now, Max: 9})
		require.NoError(t, err)
		_, err = s.Load(t.Context(), other.Key, driver.Touch{Now: now})
		require.NoError(t, err, "life goes on")
		require.ErrorIs(t, load(), driver.ErrRevoked, lost)
		again, err := New(Rueidis(c), Options{Prefix: s.options.Prefix}) // a process that has seen nothing
		require.NoError(t, err)
		_, err = again.Load(t.Context(), r.Key, driver.Touch{Now: now})
		require.ErrorIs(t, err, driver.ErrRevoked, lost)
	}
}

// TestLostIndex: nothing that revokes depends on the sets, which a node that lagged
// when it took over may not have, also where nothing is evicted.
func TestLostIndex(t *testing.T) {
	t.Parallel()
	for name, revoke := range map[string]func(r, kept driver.Record) driver.Selector{
		"user": func(r, _ driver.Record) driver.Selector {
			return driver.Selector{Form: driver.SelectUser, UserID: r.UserID}
		},
		"others": func(r, kept driver.Record) driver.Selector {
			return driver.Selector{Form: driver.SelectOthers, UserID: r.UserID, ID: kept.ID, Key: kept.Key}
		},
		"sid": func(r, _ driver.Record) driver.Selector {
			return driver.Selector{Form: driver.SelectSID, SID: r.SID}
		},
	} {
		s, c, r, kept := stand(t)
		p, now := s.shard(r.Key), r.CreatedAt
		require.NoError(t, c.Do(t.Context(), c.B().Del().Key(p.user(r.Key)).Build()).Error())
		require.NoError(t, c.Do(t.Context(), c.B().Del().Key(s.sidKeys(r.SID)[1]).Build()).Error())
		sel := revoke(r, kept)
		sel.Now, sel.MarkUntil = now, now.Add(time.Hour)
		_, err := s.Delete(t.Context(), sel)
		require.NoError(t, err)
		_, err = s.Load(t.Context(), r.Key, driver.Touch{Now: now})
		assert.ErrorIs(t, err, driver.ErrRevoked, name)
		_, err = s.Load(t.Context(), kept.Key, driver.Touch{Now: now})
		if name == "others" {
			assert.NoError(t, err, name)
		} else {
			assert.ErrorIs(t, err, driver.ErrRevoked, name)
		}
	}
}

// oneAway is a Redis of which one shard cannot be reached.
type oneAway struct {
	Client
	state string
}

func (c oneAway) Run(ctx context.Context, s *Script, calls ...Call) []Reply {
	replies := c.Client.Run(ctx, s, calls...)
	for i := range calls {
		if calls[i].Keys[0] == c.state {
			replies[i] = Reply{Err: errors.New("away")}
		}
	}
	return replies
}

// TestEveryoneElse: a shard that cannot be reached keeps nobody else alive, also when
// it is time to ask all of them whether they evict.
func TestEveryoneElse(t *testing.T) {
	t.Parallel()
	s, _, r, _ := stand(t)
	away := &s.parts[(int(r.Key.Tag())+1)%shards]
	s.client = oneAway{s.client, away.state}
	for i := range s.parts {
		s.parts[i].checked.Store(0)
	}
	_, err := s.Delete(t.Context(), driver.Selector{Form: driver.SelectEveryone, Now: r.CreatedAt})
	require.ErrorContains(t, err, "away")
	_, err = s.Load(t.Context(), r.Key, driver.Touch{Now: r.CreatedAt})
	assert.ErrorIs(t, err, driver.ErrRevoked)
}
