package auth0test

// Plan is a subscription and sets the rate limits, as published in Auth0's rate
// limit policy.
type Plan uint8

// The plans.
const (
	Unlimited     Plan = iota // no limits; X-RateLimit headers of 10,000 requests a second
	Free                      // 2 requests, 2 a second
	Professional              // limits per endpoint only; Essentials and B2B are the same
	Enterprise                // 50 requests, 16 a second; production
	EnterpriseDev             // 10 requests, 2 a second; not production
	Private20                 // private cloud of 20 requests a second
	Private100                // private cloud of 100 requests a second
	Private10000              // private cloud of 10,000 requests a second
)
