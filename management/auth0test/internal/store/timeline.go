package store

import (
	"container/heap"
	"time"
)

// Timeline holds what shall happen at a later time of the tenant: the end of a
// job, say. Nothing waits for it: what is due is done at the beginning of the
// next request, before anybody could see that it was not.
type Timeline struct {
	queue eventQueue
	seq   int
}

type event struct {
	at  time.Time
	seq int
	do  func(now time.Time)
}

// At calls do under the tenant's mutex once the tenant's time has reached when.
func (l *Timeline) At(when time.Time, do func(now time.Time)) {
	l.seq++
	heap.Push(&l.queue, event{when, l.seq, do})
}

// Run does what is due; each event sees the time for which it was planned.
func (l *Timeline) Run(now time.Time) {
	for len(l.queue) > 0 && !l.queue[0].at.After(now) {
		e := heap.Pop(&l.queue).(event)
		e.do(e.at)
	}
}

type eventQueue []event

func (q eventQueue) Len() int { return len(q) }

func (q eventQueue) Less(i, j int) bool {
	if q[i].at.Equal(q[j].at) {
		return q[i].seq < q[j].seq
	}
	return q[i].at.Before(q[j].at)
}

func (q eventQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }

func (q *eventQueue) Push(x any) { *q = append(*q, x.(event)) }

func (q *eventQueue) Pop() any {
	old := *q
	e := old[len(old)-1]
	old[len(old)-1] = event{}
	*q = old[:len(old)-1]
	return e
}
