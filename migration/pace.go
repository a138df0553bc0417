package migration

import (
	"slices"
	"sync"
	"time"

	"github.com/auth0kit/auth0kit/migration/internal/jobs"
)

// pace learns how long import jobs take, so that an end is seen soon after it
// comes and yet asked for rarely. It is safe for concurrent use.
type pace struct {
	mu     sync.Mutex
	recent []time.Duration
}

func (p *pace) learn(took time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.recent = append(p.recent, took)
	p.recent = p.recent[max(0, len(p.recent)-16):]
}

// steady reports whether the last jobs took equally long.
func (p *pace) steady() bool {
	return len(p.recent) > 2 && slices.Max(p.recent) <= slices.Min(p.recent)*11/10
}

// first is the wait before the first look at a job: nearly all of what jobs take
// when all take the same, and otherwise some of what the shortest of the last ones
// took. To wait for the average would leave the slot of each shorter job empty.
func (p *pace) first() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.steady():
		return max(jobs.ShortPoll, slices.Min(p.recent)*99/100)
	case len(p.recent) > 2:
		return max(jobs.ShortPoll, slices.Min(p.recent)*2/3)
	}
	return jobs.ShortPoll
}

// next is the wait after a look in vain at a job that has been running for
// elapsed: short around the time at which all jobs end, if there is one.
func (p *pace) next(elapsed time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.steady() && elapsed < slices.Max(p.recent)*51/50 {
		return jobs.ShortPoll
	}
	return jobs.Next(elapsed)
}
