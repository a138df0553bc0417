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

// one shows a plan and applies it if that is asked for. With a guard's error the
// plan is there too, to be shown.
func (p program) one(ctx context.Context, org string, plan *delegation.Plan, err error, apply bool) result {
	r := result{Org: org, err: err}
	if plan != nil {
		r.err = errors.Join(r.err, p.show(plan.WriteDiff))
		r.Plan = document(plan.WriteJSON)
	}
	switch {
	case r.err != nil:
	case plan.Empty():
		r.Outcome, r.code = "as_declared", asDeclared
	case !apply:
		r.Outcome, r.code = "changes", changes
	default:
		r.Outcome, r.code = "applied", asDeclared
		var done *delegation.Applied
		if done, r.err = p.admin.Apply(ctx, plan); done != nil {
			r.Applied = document(done.WriteJSON)
			r.err = errors.Join(r.err, p.show(done.WriteDiff), keep(p.folder, done))
		}
	}
	if plan != nil && r.code != changes && slices.ContainsFunc(plan.Changes, func(c delegation.Change) bool { return c.Kind == "refused" }) {
		r.Outcome, r.code = "refused", refused
	}
	if r.err != nil {
		r.Outcome, r.code, r.Error = "failed", failed, r.err.Error()
	}
	for _, guard := range []error{delegation.ErrLastAdmin, delegation.ErrTooManyRemovals, delegation.ErrEmpty, delegation.ErrNotAllowed, delegation.ErrDrift} {
		if errors.Is(r.err, guard) {
			r.Outcome, r.code = "refused", refused
		}
	}
	return r
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
