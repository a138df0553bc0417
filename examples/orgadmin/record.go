package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// stamp is the time in the name of a record, in UTC.
const stamp = "20060102T150405"

// appliedName returns the name of a new record of apply.
func (p program) appliedName(org string) string {
	return filepath.Join(p.folder, org+"."+p.now().UTC().Format(stamp)+".applied.json")
}

// undoneName returns the name of the record of the undo of a record, beside it.
func undoneName(applied string) string {
	return strings.TrimSuffix(strings.TrimSuffix(applied, ".json"), ".applied") + ".undone.json"
}

// apply carries out a plan and writes what became of it to a new file, for undo. The
// file is there before anything is changed, and nothing is changed without it. It has
// emails: nobody else may read it.
func (p program) apply(ctx context.Context, plan *delegation.Plan, name string) (*delegation.Applied, error) {
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, fmt.Errorf("nothing was changed: %w", err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("nothing was changed: %w", err)
	}
	done, err := p.admin.Apply(ctx, plan)
	if done == nil {
		return nil, errors.Join(err, f.Close(), os.Remove(name))
	}
	inWords(done.Changes)
	return done, errors.Join(err, done.WriteJSON(f), f.Close())
}

// undo takes back what a record says, once.
func (p program) undo(ctx context.Context, file string) (int, error) {
	done, err := readApplied(file)
	if err != nil {
		return failed, err
	}
	name := undoneName(file)
	if _, err := os.Lstat(name); err == nil {
		return refused, fmt.Errorf("%s was undone already, as %s says; move that away to undo it again", file, name)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return failed, err
	}
	plan, err := p.admin.PlanUndo(ctx, done)
	r := p.one(ctx, done.Plan.OrgID, plan, err, name)
	if r.err != nil && r.Record != "" { // The next undo completes it.
		r.Record = strings.TrimSuffix(name, "json") + p.now().UTC().Format(stamp) + ".json"
		r.fails(errors.Join(r.err, os.Rename(name, r.Record)))
	}
	return p.report([]result{r})
}

func readApplied(name string) (*delegation.Applied, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	done, err := delegation.ReadApplied(f)
	if err != nil || !orgID.MatchString(done.Plan.OrgID) {
		return nil, errors.New(name + " is not a record of apply")
	}
	return done, nil
}
