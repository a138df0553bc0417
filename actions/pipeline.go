package actions

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Pipeline is an ordered list of steps for one trigger. It is immutable and safe
// for concurrent use.
type Pipeline struct {
	trigger Trigger
	steps   []Step
	needs   []string       // Sorted.
	hide    []func(*Event) // Takes out what no step needs.
}

// New returns a pipeline. It refuses steps without a name, with a name that is
// there already, for other triggers, and with claims that Auth0 would drop.
func New(t Trigger, steps ...Step) (*Pipeline, error) {
	if !t.known() {
		return nil, fmt.Errorf("actions: the trigger is %q; give PostLogin, CredentialsExchange or PreUserRegistration", t)
	}
	if len(steps) == 0 {
		return nil, errors.New("actions: steps is empty; a pipeline has at least one")
	}
	p := &Pipeline{trigger: t, steps: slices.Clone(steps)}
	for i := range p.steps {
		s := &p.steps[i]
		if err := s.check(t); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(p.steps[:i], func(other Step) bool { return other.Name == s.Name }) {
			return nil, fmt.Errorf("actions: two steps are named %q; set Step.Name", s.Name)
		}
		p.needs = append(p.needs, s.Needs...)
	}
	slices.Sort(p.needs)
	p.needs = slices.Compact(p.needs)
	for name, hide := range fields {
		if !slices.Contains(p.needs, name) {
			p.hide = append(p.hide, hide)
		}
	}
	return p, nil
}

// Trigger returns the trigger that the pipeline is for.
func (p *Pipeline) Trigger() Trigger { return p.trigger }

// Needs returns the fields that its steps need, sorted.
func (p *Pipeline) Needs() []string { return slices.Clone(p.needs) }

// Run runs the steps in their order. Where a step denies, or fails without being
// Optional, the error is ErrDenied, wraps what the step returned, and stands beside
// the Result of the steps so far. Run does not change e. A step that does not
// return in time is given up on, and its commands are dropped.
func (p *Pipeline) Run(ctx context.Context, e *Event) (*Result, error) {
	r := &Result{}
	if e == nil || e.Trigger != "" && e.Trigger != p.trigger {
		return r.fail(fmt.Errorf("actions: the event is not one of %s", p.trigger))
	}
	if missing := p.missing(e); len(missing) > 0 {
		return r.fail(fmt.Errorf("actions: the deployed Action does not send %s; deploy it again", strings.Join(missing, ", ")))
	}
	view := *e
	view.Trigger = p.trigger
	if view.Time.IsZero() {
		view.Time = time.Now()
	}
	for _, hide := range p.hide {
		hide(&view)
	}
	r.Steps = make([]StepResult, 0, len(p.steps))
	w := newWaiter(p.trigger)
	defer w.stop()
	for i := range p.steps {
		s := &p.steps[i]
		if s.ownOnly && !s.Delegated && view.Delegated() {
			continue
		}
		start := time.Now()
		w.c.checked = s.Claims
		size := w.c.size
		err := w.run(ctx, s, &view)
		r.Steps = append(r.Steps, StepResult{Name: s.Name, Took: time.Since(start), Err: err})
		denied := errors.Is(err, ErrDenied)
		switch {
		case err == nil || denied:
			r.merge(w.c.staged)
		case s.Optional:
			w.c = &Commands{trigger: p.trigger, size: size, staged: new(Result)} // The step may still write to the other.
			continue
		default:
			return r.fail(fmt.Errorf("actions: step %s: %w", s.Name, err))
		}
		if denied {
			r.Denied = unavailable
			if d, ok := errors.AsType[*denial](err); ok {
				r.Denied = d.reason
			}
			return r, fmt.Errorf("actions: denied by step %s: %w", s.Name, err)
		}
	}
	return r, nil
}

// missing are the fields that a step needs and that were not sent.
func (p *Pipeline) missing(e *Event) []string {
	if e.Sent == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(p.needs), func(name string) bool { return slices.Contains(e.Sent, name) })
}
