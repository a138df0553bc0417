package management

import (
	"net/http"
	"strconv"
	"time"

	"github.com/auth0kit/auth0kit/internal/retry"
)

// observation is what an answer says of the bucket.
type observation struct {
	known      bool // The headers are there.
	size, left int
	reset      time.Duration // Until tokens are added; zero when it is not said.
	refused    bool          // 429 because of a bucket.
	retryAfter time.Duration
	answered   bool // By something that would have named a limit if there was one.
}

func (a *answer) observation() observation {
	if a.err != nil {
		return observation{}
	}
	h, now := a.resp.Header, time.Now()
	status := a.status()
	o := observation{
		answered:   status < 500 && status != http.StatusUnauthorized,
		refused:    status == http.StatusTooManyRequests && !a.jobSlots(),
		retryAfter: retry.After(h, now, maxRetryAfter),
		reset:      untilReset(h, now),
	}
	size, err1 := strconv.Atoi(h.Get("X-RateLimit-Limit"))
	left, err2 := strconv.Atoi(h.Get("X-RateLimit-Remaining"))
	if err1 == nil && err2 == nil && size > 0 {
		o.known, o.answered, o.size, o.left = true, true, size, max(0, left)
	}
	return o
}

// untilReset reads X-RateLimit-Reset, the Unix time at which tokens are added.
func untilReset(header http.Header, now time.Time) time.Duration {
	at, err := strconv.ParseInt(header.Get("X-RateLimit-Reset"), 10, 64)
	if err != nil || at <= 0 {
		return 0
	}
	return max(0, time.Unix(at, 0).Sub(retry.ServerTime(header, now)))
}
