package detect

import (
	"time"

	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/internal/lru"
)

const (
	maxKeys = 50_000 // That a rule remembers; the ones that were quiet for the longest time go.
	maxSeen = 200    // Occurrences of one key.
)

// seen is one occurrence of a key.
type seen struct {
	at    time.Time
	id    string
	value string // What is counted once: a user, a network.
	org   string
}

// track is what is remembered of one key.
type track struct {
	seen  []seen
	fired time.Time // Within the window of it the rule is quiet.
}

// memory counts occurrences by key within a window of the events' own times.
type memory struct {
	window time.Duration
	keys   *lru.Cache[string, *track]
}

func newMemory(window time.Duration) *memory {
	return &memory{window: window, keys: lru.New[string, *track](maxKeys)}
}

// add notes an event under a key, and returns the ids of those that show at least
// want different values within the window, and the organization that all of them have;
// no ids when there are fewer, or when this was said already.
func (m *memory) add(key, value string, e auditlog.Entry, want int) (ids []string, org string) {
	t := m.keys.GetOr(key, func() *track { return &track{} })
	within := func(at time.Time) bool { return e.Time.Sub(at).Abs() < m.window }
	kept := t.seen[:0]
	for _, s := range t.seen {
		if within(s.at) {
			kept = append(kept, s)
		}
	}
	t.seen = append(kept, seen{e.Time, e.ID, value, e.Organization})
	if len(t.seen) > maxSeen {
		t.seen = t.seen[len(t.seen)-maxSeen:]
	}
	if within(t.fired) {
		return nil, ""
	}
	org = e.Organization
	values := make(map[string]bool)
	for _, s := range t.seen {
		if !values[s.value] {
			values[s.value] = true
			ids = append(ids, s.id)
			if s.org != org {
				org = "" // no organization may see what happened at another
			}
		}
	}
	if len(values) < want {
		return nil, ""
	}
	t.fired = e.Time
	return ids, org
}
