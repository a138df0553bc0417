package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// result is what became of one organization.
type result struct {
	Org     string          `json:"org_id"`
	Outcome string          `json:"outcome"` // as_declared, changes, applied, refused or failed.
	Plan    json.RawMessage `json:"plan,omitempty"`
	Applied json.RawMessage `json:"applied,omitempty"`
	Error   string          `json:"error,omitempty"`
	code    int
	err     error
}

// declared plans, or applies, what a file declares. One organization does not keep
// the others from theirs.
func (p program) declared(ctx context.Context, file string, apply bool) (int, error) {
	d, err := readFile(file)
	if err != nil {
		return failed, err
	}
	var results []result
	for _, org := range d.orgs {
		plan, err := p.admin.Plan(ctx, org, d.of(org))
		results = append(results, p.one(ctx, org, plan, err, apply))
	}
	return p.report(results)
}

func (p program) undo(ctx context.Context, file string) (int, error) {
	done, err := readApplied(file)
	if err != nil {
		return failed, err
	}
	plan, err := p.admin.PlanUndo(ctx, done)
	return p.report([]result{p.one(ctx, done.Plan.OrgID, plan, err, true)})
}

// one applies a plan if that is asked for, and shows the plan or what became of it.
// With a guard's error the plan is there too, to be shown.
func (p program) one(ctx context.Context, org string, plan *delegation.Plan, err error, apply bool) result {
	r := result{Org: org, Outcome: "as_declared", err: err}
	var done *delegation.Applied
	if err == nil && !plan.Empty() {
		r.Outcome, r.code = "changes", changes
		if apply {
			r.Outcome, r.code = "applied", asDeclared
			done, r.err = p.admin.Apply(ctx, plan)
		}
	}
	final := []delegation.Change(nil)
	if plan != nil {
		r.Plan, final = document(plan.WriteJSON), plan.Changes
	}
	if done != nil {
		final, r.Applied = done.Changes, document(done.WriteJSON)
		r.err = errors.Join(r.err, p.show(done.WriteDiff), keep(p.folder, done))
	} else if plan != nil {
		r.err = errors.Join(r.err, p.show(plan.WriteDiff))
	}
	if plan != nil && plan.Missing > 0 || slices.ContainsFunc(final, func(c delegation.Change) bool { return c.Kind == "refused" }) {
		r.Outcome, r.code = "refused", refused
	}
	switch {
	case r.err != nil && refusal(r.err):
		r.Outcome, r.code, r.Error = "refused", refused, r.err.Error()
	case r.err != nil:
		r.Outcome, r.code, r.Error = "failed", failed, r.err.Error()
	}
	return r
}

// refusal reports whether an error is a decision, or several, and nothing failed.
func refusal(err error) bool {
	if joined, is := err.(interface{ Unwrap() []error }); is {
		return !slices.ContainsFunc(joined.Unwrap(), func(err error) bool { return !refusal(err) })
	}
	if inner := errors.Unwrap(err); inner != nil {
		return refusal(inner)
	}
	return slices.Contains([]error{
		delegation.ErrLastAdmin, delegation.ErrTooManyRemovals, delegation.ErrEmpty, delegation.ErrNotAllowed, delegation.ErrDrift,
	}, err)
}

// show prints a diff, unless a document is asked for.
func (p program) show(write func(w io.Writer, color bool) error) error {
	if p.json {
		return nil
	}
	return write(p.out, p.color)
}

// document returns what a method WriteJSON writes.
func document(write func(io.Writer) error) json.RawMessage {
	var b bytes.Buffer
	if write(&b) != nil { // A Buffer takes everything.
		return nil
	}
	return b.Bytes()
}

// report prints the document, and returns the gravest of the codes.
func (p program) report(results []result) (int, error) {
	code, errs := asDeclared, []error(nil)
	for _, r := range results {
		code = slices.MaxFunc([]int{code, r.code}, func(a, b int) int { return cmp.Compare(gravity[a], gravity[b]) })
		if r.err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", r.Org, r.err))
		}
	}
	if p.json {
		enc := json.NewEncoder(p.out)
		enc.SetIndent("", "  ")
		if err := enc.Encode(map[string]any{"organizations": results}); err != nil {
			return failed, err
		}
	}
	return code, errors.Join(errs...)
}

// gravity orders exit codes.
var gravity = map[int]int{asDeclared: 0, changes: 1, refused: 2, failed: 3}
