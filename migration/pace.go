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
	p.recent = p.recent[max(0, len(p.recent)-8):]
}

// first is the wait before the first look at a job: nearly all of what the
// shortest of the last jobs took. To wait for the average would leave the slot of
// each shorter job empty.
func (p *pace) first() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.recent) == 0 {
		return jobs.ShortPoll
	}
	return max(jobs.ShortPoll, slices.Min(p.recent)*49/50)
}

// next is the wait after a look in vain at a job that has been running for
// elapsed: short while all jobs end at that time, and at most a fortieth of the
// job's time.
func (p *pace) next(elapsed time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	step := jobs.Next(elapsed)
	if len(p.recent) > 0 && elapsed < slices.Max(p.recent)*51/50 {
		step = min(step, max(jobs.ShortPoll, (slices.Max(p.recent)-slices.Min(p.recent))/20))
	}
	return step
}
