package delegation

import (
	"context"
	"sync"
)

// Locker keeps what changes one organization apart.
type Locker interface {
	// Lock waits until nobody else holds the lock of the organization, or ctx
	// ends. The context that it returns comes from ctx and ends, with the cause
	// ErrLockLost, when the lock is lost. unlock frees the lock and ends that
	// context; it is called once.
	Lock(ctx context.Context, orgID string) (held context.Context, unlock func(), err error)
}

// process is the Locker of Services without one.
var process = &memoryLocker{queue: make(map[string]*turn)}

// memoryLocker is a Locker for one process: another process is not kept out.
type memoryLocker struct {
	mu    sync.Mutex
	queue map[string]*turn
}

// turn is the lock of one organization: a place for one, and how many want it.
type turn struct {
	place chan struct{}
	users int
}

func (l *memoryLocker) Lock(ctx context.Context, orgID string) (context.Context, func(), error) {
	t := l.enter(orgID)
	select {
	case t.place <- struct{}{}:
	case <-ctx.Done():
		l.leave(orgID, t)
		return nil, nil, context.Cause(ctx)
	}
	held, cancel := context.WithCancel(ctx)
	return held, func() {
		cancel()
		<-t.place
		l.leave(orgID, t)
	}, nil
}

func (l *memoryLocker) enter(orgID string) *turn {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := l.queue[orgID]
	if t == nil {
		t = &turn{place: make(chan struct{}, 1)}
		l.queue[orgID] = t
	}
	t.users++
	return t
}

func (l *memoryLocker) leave(orgID string, t *turn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(l.queue, orgID)
	}
}
