package actions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Step is one rule of a pipeline. A program writes its own beside those of this
// package.
type Step struct {
	Name string // In reports and metrics. Required, and unique in its pipeline.

	// Run looks at the event and says what is to be done. Deny stops the pipeline and
	// denies; so does any other error, unless the step is Optional. Run gets a context
	// that ends with Timeout, may run for many events at once, does not change the
	// event, and in a DryRun has no effect but by Commands. A panic is an error.
	Run func(ctx context.Context, e *Event, c *Commands) error

	Optional  bool          // A failure leaves the step out and is reported.
	Timeout   time.Duration // Defaults to 200 ms.
	Needs     []string      // Fields that are sent only if a step needs them: "user.email". See Event.
	Claims    []string      // Claims that Run may set, to be checked before a deployment.
	Delegated bool          // Makes a step of this package run in delegated sessions too.

	err       error     // Why it cannot be in a pipeline.
	triggers  []Trigger // Nil: all.
	ownOnly   bool      // Leaves delegated sessions alone, unless Delegated.
	quick     bool      // Waits for nothing.
	suspended string    // The reason that the Action gives without asking.
}

const (
	defaultStepTimeout = 200 * time.Millisecond
	maxReason          = 256
)

// denial is what Deny returns.
type denial struct{ reason string }

func (d *denial) Error() string        { return "actions: denied: " + d.reason }
func (d *denial) Is(target error) bool { return target == ErrDenied }

// Deny returns the error that denies a login. The reason may be shown to the user
// and is in the tenant's log; 256 bytes of it are kept. An empty one becomes a text
// that says nothing.
func Deny(reason string) error {
	reason = strings.TrimSpace(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(reason, "")))
	if len(reason) > maxReason {
		reason = strings.ToValidUTF8(reason[:maxReason], "")
	}
	if reason == "" {
		reason = unavailable
	}
	return &denial{reason}
}

// check says why a step cannot be in a pipeline of a trigger.
func (s *Step) check(t Trigger) error {
	switch {
	case s.Name == "":
		return errors.New("actions: Step.Name is empty")
	case s.err != nil:
		return s.err
	case s.Run == nil:
		return fmt.Errorf("actions: step %q: Run is nil", s.Name)
	case s.Timeout < 0:
		return fmt.Errorf("actions: step %q: Timeout is negative", s.Name)
	case s.triggers != nil && !slices.Contains(s.triggers, t):
		return fmt.Errorf("actions: step %q is not for %s", s.Name, t)
	}
	for _, name := range s.Needs {
		if fields[name] == nil {
			return fmt.Errorf("actions: step %q needs %q, which is no field that can be sent", s.Name, name)
		}
	}
	for _, name := range s.Claims {
		if err := checkClaim(name); err != nil {
			return fmt.Errorf("actions: step %q: %w", s.Name, err)
		}
	}
	return nil
}
