package state

import (
	"reflect"
)

// Part returns what another package keeps in the tenant, made by start when it
// is asked for first. The caller holds the mutex.
func Part[T any](t *Tenant, start func() *T) *T {
	key := reflect.TypeFor[T]()
	if p, has := t.parts[key]; has {
		return p.(*T)
	}
	p := start()
	t.parts[key] = p
	return p
}

// Zero is the start of a part whose zero value is ready.
func Zero[T any]() *T { return new(T) }
