package state

import (
	"time"
)

// Index is what search and lists see: the users, or with a SearchDelay their
// state of that time ago.
func (t *Tenant) Index() *UserStore {
	if t.Options.SearchDelay <= 0 {
		return &t.Users
	}
	return &t.indexed
}

// Searchable lets search see a change of a user, after the delay.
func (t *Tenant) Searchable(u *User) {
	if t.Options.SearchDelay <= 0 {
		return
	}
	id, state := u.ID, (*User)(nil)
	if t.Users.Get(id) == u {
		snapshot := *u
		state = &snapshot
	}
	t.Timeline.At(t.Now().Add(t.Options.SearchDelay), func(time.Time) {
		if old := t.indexed.Get(id); old != nil {
			t.indexed.unindexAll(old)
		}
		if state == nil {
			t.indexed.Delete(id)
			return
		}
		t.indexed.Put(id, state)
		t.indexed.indexAll(state)
	})
}
