// Package pace lets requests to the Management API through at the rate that the
// tenant's plan allows, and leaves a share of every bucket to others, such as
// logins in production.
//
//	p := pace.New(0.8)
//	pass, err := p.Acquire(ctx, pace.Route("GET", "/api/v2/users/auth0%7C1"), 10*time.Second)
//	if err != nil {
//		return err // A *NoRoom, or ctx has ended.
//	}
//	resp, err := http.DefaultClient.Do(req)
//	pass.Done(resp, err == nil && resp.StatusCode == 429)
//
// # What Auth0 says
//
// A limit is a token bucket: X-RateLimit-Limit is its size, X-RateLimit-Remaining
// what is left in it, X-RateLimit-Reset when tokens are added. Not said is at
// which rate they are, and which operations share the bucket. Some plans have one
// bucket for all operations, some have one for each group of a published table,
// some have both:
// https://auth0.com/docs/troubleshoot/customer-support/operational-policies/rate-limit-policy.
//
// # Which bucket
//
// An operation is known by its route, the path without ids. A route of a
// published group whose answers name the published size of that group uses the
// group's bucket. All other routes whose answers name one size share one bucket.
// Until a route has an answer its requests go one by one, and while none comes,
// one a second. Answers without the headers have no limit. Nothing else is
// inferred: docs/management/pacing.md has the measurement that shows why.
//
// # How fast
//
// The level is what the last answer said, less what is in flight, plus the rate
// times the time since. The rate is measured: what was gained between two levels
// and spent in between, over at least a second. What others spend makes it too
// low, and then a wait that was longer than needed raises it again. Below its
// reserve a bucket is tried when the reset says so, at most a minute later, or
// each second.
//
// # Refusals
//
// A 429 stops its own route only: for as long as Retry-After says, at most
// [MaxRetryAfter], or for a growing pause that the reset bounds. After a
// Retry-After of MaxRetryAfter or more, which may be a mistake, one request finds
// out. What such an answer says of the bucket holds for all that use it.
//
// The requests of one route go in the order of their arrival.
package pace
