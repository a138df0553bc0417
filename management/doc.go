// Package management talks to Auth0's Management API in the vocabulary of
// package resource. It is the adapter that the patterns of auth0kit run on: each
// of them declares what it needs as a small interface, and *[Client] implements
// them all.
//
//	package main
//
//	import (
//		"context"
//		"errors"
//		"fmt"
//		"log"
//		"os"
//
//		"github.com/auth0kit/auth0kit/management"
//	)
//
//	func main() {
//		ctx := context.Background()
//		tenant, err := management.New(management.Config{
//			Domain:       "tenant.eu.auth0.com",
//			ClientID:     os.Getenv("AUTH0_CLIENT_ID"),
//			ClientSecret: os.Getenv("AUTH0_CLIENT_SECRET"),
//		})
//		if err != nil {
//			log.Fatal(err)
//		}
//		if err := tenant.Check(ctx, "read:users"); err != nil {
//			log.Fatal(err) // names what is missing
//		}
//		user, err := tenant.User(ctx, "auth0|5f7c8ec7c33c6c004bbafe82")
//		if errors.Is(err, management.ErrNotFound) {
//			log.Fatal("there is no such user")
//		}
//		if err != nil {
//			log.Fatal(err) // whether there is one is not known
//		}
//		fmt.Println(user.Name)
//	}
//
// New does no I/O. The token is fetched by the first call that needs it, once
// for all that wait, replaced before it expires, and once more after a 401.
//
// # The rate limit
//
// Auth0 limits the calls of a tenant, and logins in production may draw on the
// same bucket. Client learns the buckets from the X-RateLimit headers, leaves a
// share of each of them untouched ([Config.Budget]), and lets a call wait for up
// to [Config.MaxWait] before it fails with [ErrRateLimited]. It learns only from its own
// answers, so several Clients can share a bucket without knowing of each other.
//
// # Repetitions and unknown outcomes
//
// An answer of 429 is refused before it is processed, and any call is repeated
// after it, within MaxWait. After 408, 5xx or a network error a call is repeated
// up to four times if that cannot do anything twice: GET, PUT, PATCH, DELETE,
// and the POSTs that are marked with [Idempotent]. Anything that never left is
// repeated as well.
//
// A DELETE of one thing that is answered 404 when it is repeated is done.
//
// A write that was sent may have been carried out if it has no answer or a 5xx.
// Its error is [ErrOutcomeUnknown]: look before you repeat it. Check for it
// before ErrUnavailable, which such an error is too.
//
// # Errors
//
// Every error of a call is an *[Error] with Auth0's code, which the SDK drops.
// Its text has no URL, no message and no body, because those carry emails and
// ids.
//
// # What is not here
//
// [Client.API] is the whole SDK, github.com/auth0/go-auth0, on the same token,
// bucket and repetitions.
package management
