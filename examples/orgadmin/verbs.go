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
	Record  string          `json:"record,omitempty"` // The file with what was applied.
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
		record := ""
		if apply {
			record = p.appliedName(org)
		}
		results = append(results, p.one(ctx, org, plan, entry(file, err), record))
	}
	return p.report(results)
}

// one applies a plan if the name of a record is given, and shows the plan or what
// became of it. With a guard's error the plan is there too, to be shown.
func (p program) one(ctx context.Context, org string, plan *delegation.Plan, err error, record string) result {
	r := result{Org: org, Outcome: "as_declared", err: err}
	var done *delegation.Applied
	if err == nil && !plan.Empty() {
		r.Outcome, r.code = "changes", changes
		if record != "" {
			r.Outcome, r.code = "applied", asDeclared
			done, r.err = p.apply(ctx, plan, record)
		}
	}
	final := []delegation.Change(nil)
	if plan != nil {
		inWords(plan.Changes)
		r.Plan, final = document(plan.WriteJSON), plan.Changes
	}
	if done != nil {
		final, r.Applied, r.Record = done.Changes, document(done.WriteJSON), record
		r.err = errors.Join(r.err, p.show(done.WriteDiff))
		if !p.json && !plan.Undo {
			fmt.Fprintf(p.out, "    undo with: orgadmin undo %s\n", record)
		}
	} else if plan != nil {
		r.err = errors.Join(r.err, p.show(plan.WriteDiff))
	}
	if plan != nil && plan.Missing > 0 || slices.ContainsFunc(final, func(c delegation.Change) bool { return c.Kind == "refused" }) {
		r.Outcome, r.code = "refused", refused
	}
	if r.err != nil {
		r.fails(r.err)
	}
	return r
}

// fails sets the outcome to that of an error.
func (r *result) fails(err error) {
	r.err = word(err)
	r.Outcome, r.code, r.Error = "failed", failed, r.err.Error()
	if refusal(err) {
		r.Outcome, r.code = "refused", refused
	}
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
