package auditlog_test

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
)

// network has a receiver at each address.
type network struct {
	mu sync.Mutex
	at map[string]*receiver
}

func (n *network) receiver(url string) *receiver {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.at == nil {
		n.at = map[string]*receiver{}
	}
	if n.at[url] == nil {
		n.at[url] = newReceiver()
	}
	return n.at[url]
}

func (n *network) kind(t auditlog.Target) (auditlog.Deliver, error) {
	if t.URL == "" || len(t.Secrets) == 0 {
		return nil, fmt.Errorf("no target")
	}
	return n.receiver(t.URL).deliver, nil
}

func (n *network) config() auditlog.Config {
	return auditlog.Config{Kinds: map[string]auditlog.Kind{"test": n.kind}}
}

func trailOf(t *testing.T, l *auditlog.Log, org string) *auditlog.Trail {
	t.Helper()
	trail, err := l.Trail(org)
	require.NoError(t, err)
	return trail
}

// A stream has every event of its organization and none of another's, whatever the
// organizations are called and do, and whichever process delivers.
func TestStreamsAreApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, s, n := auditlog.NewMemoryStore(), newSeal(t), &network{}
		orgs := []string{"", "org_a", "org_b", "org_a/", "ORG_A", "org_é"}
		l := newLogWith(t, store, s, n.config())
		for i, org := range orgs[1:] {
			_, err := trailOf(t, l, org).PutStream(t.Context(), auditlog.Stream{Kind: "test", Target: auditlog.Target{URL: fmt.Sprint("https://", i+1)}, Cleartext: i%2 == 0})
			require.NoError(t, err)
		}
		want := map[string][]string{}
		for round := range 4 {
			ctx, stop := context.WithCancel(t.Context())
			var done sync.WaitGroup
			for range 2 { // replicas that have never heard of the streams
				r := newLogWith(t, store, s, n.config())
				done.Go(func() { _ = r.Run(ctx) })
			}
			time.Sleep(30 * time.Second)
			for i := range 100 {
				e := event(fmt.Sprintf("e%d-%03d", round, i))
				e.Organization = orgs[rand.N(len(orgs))]
				if i%9 == 0 { // a rename names another organization in its metadata alone
					e.Metadata = map[string]string{"old_name": "org_b", "new_name": "org_a"}
				}
				put(t, l, e)
				want[e.Organization] = append(want[e.Organization], e.ID)
			}
			time.Sleep(time.Minute)
			stop()
			done.Wait()
		}
		for i, org := range orgs[1:] {
			r := n.receiver(fmt.Sprint("https://", i+1))
			var got []string
			for _, e := range r.entries() {
				assert.Equal(t, org, e.Organization)
				if e.Type == "session" {
					got = append(got, e.ID)
				}
			}
			assert.Equal(t, want[org], got)
		}
	})
}

func TestStreamLife(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		store, n := &looked{Store: auditlog.NewMemoryStore()}, &network{}
		l := newLog(t, store, n.config())
		go l.Run(ctx)
		a, b := trailOf(t, l, "org_a"), trailOf(t, l, "org_b")
		send := func(id string) {
			e := event(id)
			e.Organization = "org_a"
			put(t, l, e)
			time.Sleep(time.Minute)
		}
		made, err := a.PutStream(ctx, auditlog.Stream{Kind: "test", Target: auditlog.Target{URL: "https://a/path"}, Filter: auditlog.Filter{Type: "session"}})
		require.NoError(t, err)
		require.Len(t, made.Target.Secrets, 1)
		secret := made.Target.Secrets[0]
		assert.Regexp(t, "^whsec_.{32}$", secret)
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", made, made, made.Target), secret)
		assert.False(t, store.saw(secret) || store.saw("https://a/path"), "secrets and addresses are sealed in the store")
		time.Sleep(30 * time.Second)
		send("e1")
		all, err := a.Streams(ctx)
		require.NoError(t, err)
		require.Len(t, all, 1)
		assert.Equal(t, "a", all[0].Host)
		assert.False(t, all[0].LastSuccess.IsZero())
		assert.NotContains(t, fmt.Sprintf("%+v", all), secret)

		// Nobody else reaches it.
		all, err = b.Streams(ctx)
		require.NoError(t, err)
		assert.Empty(t, all)
		require.ErrorIs(t, b.RemoveStream(ctx, made.ID), auditlog.ErrNoStream)
		require.ErrorIs(t, b.PauseStream(ctx, made.ID, "r"), auditlog.ErrNoStream)
		require.ErrorIs(t, b.ResumeStream(ctx, made.ID, time.Time{}), auditlog.ErrNoStream)
		require.ErrorIs(t, b.TestStream(ctx, auditlog.Stream{ID: made.ID}), auditlog.ErrNoStream)
		_, err = b.PutStream(ctx, auditlog.Stream{ID: made.ID, Kind: "test", Target: auditlog.Target{URL: "https://evil"}})
		require.ErrorIs(t, err, auditlog.ErrNoStream)
		_, err = b.PutStream(ctx, auditlog.Stream{Kind: "test", Target: auditlog.Target{URL: "https://evil"}, Filter: auditlog.Filter{Organization: "org_a"}})
		require.Error(t, err)

		require.NoError(t, a.PauseStream(ctx, made.ID, "moving"))
		send("e2")
		assert.Equal(t, []string{"e1"}, n.receiver("https://a/path").ids())
		require.NoError(t, a.ResumeStream(ctx, made.ID, time.Time{}))
		time.Sleep(time.Minute)
		assert.Equal(t, []string{"e1", "e2"}, n.receiver("https://a/path").ids())

		// Another target, the same secret, which is not shown again.
		again, err := a.PutStream(ctx, auditlog.Stream{ID: made.ID, Kind: "test", Target: auditlog.Target{URL: "https://new"}, Filter: auditlog.Filter{Type: "session"}})
		require.NoError(t, err)
		assert.Empty(t, again.Target.Secrets)
		time.Sleep(30 * time.Second)
		send("e3")
		assert.Equal(t, []string{"e3"}, n.receiver("https://new").ids())

		require.NoError(t, a.TestStream(ctx, auditlog.Stream{ID: made.ID}))
		n.receiver("https://new").set(never)
		err = a.TestStream(ctx, auditlog.Stream{ID: made.ID})
		require.ErrorContains(t, err, "failed")
		assert.NotContains(t, err.Error(), errNo.Error())
		n.receiver("https://new").set(nil)

		require.NoError(t, a.RemoveStream(ctx, made.ID))
		before := len(n.receiver("https://new").ids())
		send("e4") // within the five seconds in which the runner does not know yet
		assert.Len(t, n.receiver("https://new").ids(), before)
		require.ErrorIs(t, a.RemoveStream(ctx, made.ID), auditlog.ErrNoStream)
		for i := range 11 {
			_, err = a.PutStream(ctx, auditlog.Stream{Kind: "test", Target: auditlog.Target{URL: "https://x"}})
			assert.Equal(t, i < 10, err == nil, "ten streams are allowed")
		}
		for _, bad := range []auditlog.Stream{{Kind: "nobody", Target: auditlog.Target{URL: "https://x"}}, {Kind: "test"}} {
			_, err = b.PutStream(ctx, bad)
			require.Error(t, err)
		}
		var actions []string
		for e, err := range a.Query(ctx, auditlog.Filter{Subject: audit.Ref{Kind: "sink", ID: "stream/" + made.ID}}) {
			require.NoError(t, err)
			actions = append(actions, e.Action)
		}
		assert.ElementsMatch(t, []string{"audit.stream_put", "audit.sink_pause", "audit.sink_resume", "audit.stream_put", "audit.stream_test", "audit.stream_test", "audit.stream_remove"}, actions[:7])
		stop()
	})
}

// A stream whose kind the program no longer has is disabled as one that fails, and then
// holds up no retention; its organization can still pause and remove it.
func TestStreamWhoseKindIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store, s, n := auditlog.NewMemoryStore(), newSeal(t), &network{}
		made, err := trailOf(t, newLogWith(t, store, s, n.config()), "org_a").PutStream(t.Context(), auditlog.Stream{Kind: "test", Target: auditlog.Target{URL: "https://a"}})
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		l := newLogWith(t, store, s, auditlog.Config{GiveUp: time.Hour})
		go l.Run(ctx)
		e := event("e1")
		e.Organization, e.Time = "org_a", time.Now().AddDate(0, -3, 0)
		put(t, l, e)
		time.Sleep(30 * time.Minute)
		planned := func() int {
			x, err := l.PlanExpiry(ctx, time.Now())
			require.NoError(t, err)
			return x.Events
		}
		assert.Zero(t, planned())
		time.Sleep(time.Hour)
		a := trailOf(t, l, "org_a")
		all, err := a.Streams(ctx)
		require.NoError(t, err)
		assert.Equal(t, auditlog.Disabled, all[0].State)
		assert.Equal(t, 1, planned())
		require.NoError(t, a.PauseStream(ctx, made.ID, "no longer there"))
		require.NoError(t, a.RemoveStream(ctx, made.ID))
		stop()
	})
}

// A stream that is removed leaves nothing behind, its dead letters neither.
func TestRemovedStreamLeavesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		store, n := auditlog.NewMemoryStore(), &network{}
		l := newLog(t, store, n.config())
		go l.Run(ctx)
		a := trailOf(t, l, "org_a")
		var ids []string
		for range 2 {
			made, err := a.PutStream(ctx, auditlog.Stream{Kind: "test", Target: auditlog.Target{URL: "https://a"}, Filter: auditlog.Filter{Type: "session"}})
			require.NoError(t, err)
			ids = append(ids, made.ID)
		}
		time.Sleep(30 * time.Second)
		n.receiver("https://a").set(func(auditlog.Delivery) (bool, error) { return false, auditlog.ErrRejected })
		e := event("e1")
		e.Organization = "org_a"
		put(t, l, e)
		time.Sleep(time.Minute)
		dead := func() int {
			records, err := store.List(ctx, "dead", "", false, 10)
			require.NoError(t, err)
			return len(records)
		}
		require.Equal(t, 2, dead())
		require.NoError(t, a.RemoveStream(ctx, ids[0]))
		assert.Equal(t, 1, dead(), "the other stream's stays")
		stop()
	})
}

// looked is a store that remembers what was written into its state.
type looked struct {
	driver.Store
	mu   sync.Mutex
	text string
}

func (l *looked) Append(ctx context.Context, b driver.Batch) error {
	l.mu.Lock()
	for _, w := range b.Writes {
		l.text += string(w.Value)
	}
	for _, e := range b.Events {
		l.text += string(e.Leaf)
	}
	l.mu.Unlock()
	return l.Store.Append(ctx, b)
}

func (l *looked) saw(text string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(text) > 0 && strings.Contains(l.text, text)
}

// Who writes to the store and is of one organization does not make this program open another's
// events for them: not by the column, by the leaf, a dead letter or the sums of a report.
func TestTamperedEventsStayApart(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tamper func(t *testing.T, store driver.Store)
	}{
		"column": {func(t *testing.T, store driver.Store) {
			require.NoError(t, auditlog.MemoryTamper{Store: store}.Set("b1", "organization", "org_a"))
		}},
		"column and leaf": {func(t *testing.T, store driver.Store) {
			rows, err := store.Find(t.Context(), []string{"b1"})
			require.NoError(t, err)
			tamper := auditlog.MemoryTamper{Store: store}
			require.NoError(t, tamper.Set("b1", "organization", "org_a"))
			require.NoError(t, tamper.Set("b1", "leaf", bytes.ReplaceAll(rows[0].Leaf, []byte("org_b"), []byte("org_a"))))
		}},
		"dead letter": {func(t *testing.T, store driver.Store) {
			for _, r := range records(t, store, "dead") {
				write(t, store, "dead", r.Key, []byte(`"b1"`))
			}
		}},
		"section of sums": {func(t *testing.T, store driver.Store) {
			for _, r := range records(t, store, "orgsum") {
				write(t, store, "orgsum", r.Key, bytes.ReplaceAll(r.Value, []byte("a1"), []byte("b1")))
			}
		}},
		"user of sums": {func(t *testing.T, store driver.Store) {
			for _, r := range records(t, store, "orgsum") { // with the user of the event
				rows, err := store.Find(t.Context(), []string{"a1", "b1"})
				require.NoError(t, err)
				if at := bytes.LastIndex(r.Value, []byte("a1")); at > 0 {
					value := append(append(r.Value[:at:at], "b1"...), r.Value[at+2:]...)
					write(t, store, "orgsum", r.Key, bytes.ReplaceAll(value, []byte(rows[0].Actor), []byte(rows[1].Actor)))
				}
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				store, n := auditlog.NewMemoryStore(), &network{}
				l := newLog(t, store, n.config())
				trail := trailOf(t, l, "org_a")
				stream, err := trail.PutStream(t.Context(), auditlog.Stream{Kind: "test", Target: auditlog.Target{URL: "https://a"}, Cleartext: true})
				require.NoError(t, err)
				n.receiver("https://a").set(func(auditlog.Delivery) (bool, error) { return false, auditlog.ErrRejected })
				stop := inRun(t, l)
				for _, id := range []string{"a1", "b1"} {
					e := spoolEvent(id)
					e.Type, e.Action, e.Organization = "admin", "admin.do", "org_"+id[:1]
					e.Actor.ID, e.Target.ID, e.Personal = "auth0|of "+id, "auth0|of "+id, map[string]string{"email": id + "@example.com"}
					put(t, l, e)
				}
				time.Sleep(2 * time.Minute)
				stop()
				c.tamper(t, store)

				n.receiver("https://a").set(nil)
				inRun(t, l)
				var seen bytes.Buffer
				for e, err := range trail.Query(t.Context(), auditlog.Filter{}) {
					fmt.Fprintln(&seen, e, err)
				}
				r, err := trail.Report(t.Context(), auditlog.Period{})
				fmt.Fprintln(&seen, r, err)
				if r != nil {
					fmt.Fprintln(&seen, r.Users, r.Changes.Entries)
				}
				fmt.Fprintln(&seen, trail.Archive(t.Context(), &seen, auditlog.Filter{}))
				p, err := trail.Prove(t.Context(), "b1")
				fmt.Fprintln(&seen, err)
				if err == nil {
					fmt.Fprintf(&seen, "%s", p.Leaf)
				}
				_, err = trail.RedeliverStream(t.Context(), stream.ID)
				fmt.Fprintln(&seen, err, n.receiver("https://a").entries())
				for _, secret := range []string{"of b1", "b1@example.com"} {
					assert.NotContains(t, seen.String(), secret)
				}
				if name != "column and leaf" { // whoever can edit the leaf can read it
					assert.NotContains(t, seen.String(), "org_b")
				}
			})
		})
	}
}
