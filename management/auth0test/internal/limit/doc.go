// Package limit limits the rate of requests as the plans of Auth0 do.
package limit
