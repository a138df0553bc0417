package state

import (
	"time"
)

// Now is the tenant's time, in the precision of Auth0's answers.
func (t *Tenant) Now() time.Time {
	return time.Now().Add(time.Duration(t.Skew.Load())).UTC().Truncate(time.Millisecond)
}

// Lock takes the mutex and brings the tenant up to date.
func (t *Tenant) Lock() time.Time {
	t.mu.Lock()
	now := t.Now()
	t.Timeline.Run(now)
	return now
}

// Unlock frees the mutex.
func (t *Tenant) Unlock() { t.mu.Unlock() }
