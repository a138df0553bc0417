// Package authn carries who has authenticated, and when, in a context: session and
// tenancy put it there and guardian reads it, without knowing each other.
package authn

import (
	"context"
	"time"
)

// Authenticated is somebody who has authenticated. The methods have the names of
// RFC 8176; zero means never, not known, or not to be relied on.
type Authenticated interface {
	Subject() string
	AuthenticatedBy(method string) time.Time
}

type key struct{}

// all is everything that was put into a context, the newest first. What each says
// is asked when it is needed: a request may authenticate while it runs.
type all []Authenticated

// NewContext returns a context with a. Two of one subject count together; one of
// another subject replaces those before.
func NewContext(ctx context.Context, a Authenticated) context.Context {
	before, _ := ctx.Value(key{}).(all)
	return context.WithValue(ctx, key{}, append(all{a}, before...))
}

// FromContext returns what ctx has, and false when nothing was ever put there. Its
// subject is empty while nobody has authenticated.
func FromContext(ctx context.Context) (Authenticated, bool) {
	a, ok := ctx.Value(key{}).(all)
	return a, ok
}

// Subject returns the newest one's that has any.
func (a all) Subject() string {
	for _, one := range a {
		if s := one.Subject(); s != "" {
			return s
		}
	}
	return ""
}

// AuthenticatedBy returns the newest time of that subject.
func (a all) AuthenticatedBy(method string) (newest time.Time) {
	subject := a.Subject()
	if subject == "" {
		return newest
	}
	for _, one := range a {
		switch one.Subject() {
		case subject:
			if at := one.AuthenticatedBy(method); at.After(newest) {
				newest = at
			}
		case "":
		default:
			return newest // another subject, which the newer one has replaced
		}
	}
	return newest
}
