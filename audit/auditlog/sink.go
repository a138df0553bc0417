package auditlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/secret"
)

// Policy says what a sink's failure means.
type Policy uint8

// The policies.
const (
	// Required: Record waits for the sink and fails without it. Events that are not
	// recorded one by one (ingested ones, findings, those of the log itself) are
	// delivered before they are stored.
	Required Policy = iota
	// Durable: every sealed event reaches the sink at least once and in order. Nobody
	// waits for it.
	Durable
	// BestEffort: one attempt for each sealed event. What is dropped is counted, and
	// recorded as "audit.sink_gap".
	BestEffort
)

// Sink takes the events of the log that pass its filter. It is a part of the program:
// for what customers configure see Stream.
type Sink struct {
	Name    string // Lower-case. Its place in the log is kept under it; a new name starts with what is sealed next.
	Policy  Policy
	Filter  Filter
	Deliver Deliver
	// Cleartext gives the sink the ids of users, addresses and Personal. It must then
	// erase them itself when it gets "audit.forget", whose target is the pseudonym that
	// Entry.Pseudonyms had for the user: let its filter pass that event. Otherwise it
	// gets pseudonyms.
	Cleartext   bool
	Checkpoints bool // Deliver new checkpoints too. Not for Required.
}

const deliverTimeout = 30 * time.Second // Of one attempt.

// Deliver hands a delivery to a receiver, within 30 seconds. An error that wraps
// ErrRejected says that this delivery will never be taken; with any other it is tried
// again.
type Deliver func(ctx context.Context, d Delivery) error

// Delivery has events or a checkpoint.
type Delivery struct {
	Key        string // The same on each attempt: receivers ignore a key that they have.
	Entries    []Entry
	Checkpoint []byte
}

// ErrRejected is wrapped by a Deliver that gets an answer which no repetition will
// change. The events become dead letters, see Redeliver.
var ErrRejected = errors.New("auditlog: the receiver rejects this delivery")

// Kind makes a Deliver for the target of a stream. It checks the target and does no
// I/O.
type Kind func(t Target) (Deliver, error)

// Format is how a receiver wants events.
type Format string

// The formats. A Kind may have others.
const (
	JSON Format = ""
	OCSF Format = "ocsf"
	ECS  Format = "ecs"
)

// Target is where a stream goes.
type Target struct {
	URL      string
	Secrets  []string // Each one signs: "whsec_" and base64, for webhooks.
	Encoding Format
}

// LogValue hides where it goes and the secrets.
func (t Target) LogValue() slog.Value {
	return secret.Shown(slog.String("encoding", string(t.Encoding)))
}

// Format hides them from package fmt.
func (t Target) Format(f fmt.State, _ rune) { secret.Format(f, t) }

// SinkState is whether a sink works.
type SinkState string

// The states. A sink is disabled when it has failed for Config.GiveUp.
const (
	Active   SinkState = "active"
	Paused   SinkState = "paused"
	Disabled SinkState = "disabled"
)

// SinkStatus says how a sink is doing.
type SinkStatus struct {
	Name        string
	State       SinkState
	LastError   string // A class, such as "tls" or "status 503"; empty when the last delivery was taken.
	LastSuccess time.Time
	Waiting     uint64        // Sealed events that it has not looked at.
	Lag         time.Duration // Since the log took the oldest of those.
	Dropped     uint64        // By BestEffort, or by retention while the sink was paused or disabled, since the beginning.
	DeadLetters uint64        // Events that the receiver has rejected.
}

func checkSinks(all []Sink) error {
	seen := make(map[string]bool)
	for _, s := range all {
		name := audit.Event{Type: "sink", Action: "sink." + s.Name}
		if name.Validate() != nil || len(s.Name) > audit.MaxName || seen[s.Name] || s.Name == "stream" {
			return fmt.Errorf("auditlog: Config.Sinks: %q must be a lower-case name of its own", s.Name)
		}
		if s.Deliver == nil || s.Policy > BestEffort || s.Policy == Required && s.Checkpoints {
			return fmt.Errorf("auditlog: Config.Sinks: %q needs a Deliver and a policy; Required takes no checkpoints", s.Name)
		}
		seen[s.Name] = true
	}
	return nil
}

// classOf is what may be told of a failed delivery: a receiver's texts may have its
// address or more.
func classOf(err error) string {
	if c, ok := errors.AsType[interface {
		error
		Class() string
	}](err); ok {
		return c.Class()
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.Is(err, ErrRejected):
		return "rejected"
	}
	return "failed"
}
