package audit

import (
	"context"
	"maps"
	"slices"
	"sync"
)

// Memory is a Recorder in memory, for tests and for programs that end soon: it
// grows with every event and loses all of them with the process. The zero value is
// ready to use. It is safe for concurrent use.
type Memory struct {
	mu     sync.Mutex
	seen   map[string]bool
	events []Event
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory { return &Memory{} }

// Record keeps e, with its times in UTC to the microsecond. It refuses an event
// without an id or one that is not valid, and records an id only once.
func (m *Memory) Record(_ context.Context, e Event) error {
	if e.ID == "" {
		return invalid("ID", "must be set; audit.Record does it")
	}
	if err := e.Validate(); err != nil {
		return err
	}
	e = e.stored()
	e.Metadata, e.Personal = maps.Clone(e.Metadata), maps.Clone(e.Personal)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.seen[e.ID] {
		return nil
	}
	if m.seen == nil {
		m.seen = make(map[string]bool)
	}
	m.seen[e.ID] = true
	m.events = append(m.events, e)
	return nil
}

// Events returns the recorded events, in order.
func (m *Memory) Events() []Event {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.events)
}

// Actions returns the actions of the recorded events, in order, for tests to
// compare.
func (m *Memory) Actions() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	actions := make([]string, len(m.events))
	for i, e := range m.events {
		actions[i] = e.Action
	}
	return actions
}
