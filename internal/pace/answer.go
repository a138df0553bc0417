package pace

import (
	"net/http"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
)

// MaxRetryAfter is the longest pause that an answer can ask for. Whoever asks
// for more may be wrong: then one request finds out.
const MaxRetryAfter = 2 * time.Minute

// observation is what an answer says of the limits.
type observation struct {
	known      bool // It comes from something that would have named a bucket if there was one.
	size, left int  // Of the bucket; size is zero when none is named.
	reset      time.Duration
	retryAfter time.Duration
}

func observe(resp *http.Response, now time.Time) observation {
	o := observation{
		known:      resp.StatusCode < 500 && resp.StatusCode != http.StatusUnauthorized,
		retryAfter: retry.After(resp.Header, now, MaxRetryAfter),
		reset:      UntilReset(resp.Header, now),
	}
	size, err1 := strconv.Atoi(resp.Header.Get("X-RateLimit-Limit"))
	left, err2 := strconv.Atoi(resp.Header.Get("X-RateLimit-Remaining"))
	if err1 == nil && err2 == nil && size > 0 {
		o.known, o.size, o.left = true, size, min(max(0, left), size)
	}
	return o
}

// UntilReset reads X-RateLimit-Reset, the Unix time at which tokens are added:
// zero without it, and at most MaxRetryAfter.
func UntilReset(header http.Header, now time.Time) time.Duration {
	at, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || at <= 0 {
		return 0
	}
	return min(max(0, time.Unix(at, 0).Sub(retry.ServerTime(header, now))), MaxRetryAfter)
}
