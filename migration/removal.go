package migration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/internal/jobs"
)

// Removal holds the users that Apply would delete: those who have the mark of this
// run, came by import job and have never logged in.
type Removal struct {
	Run   string
	State driver.State   // What the ledger will say: StateRolledBack or StateDeleted.
	Keys  []string       // Keys, not ids.
	Kept  map[string]int // Users who stay, by reason: "logged_in", or "lazy" for those whose password may be stored nowhere else.
}

// PlanRollback reads all users of the connection and plans to delete those whom this
// run has imported. A later Run would import them again. It deletes nothing.
func (r *Runner) PlanRollback(ctx context.Context) (*Removal, error) {
	return r.planRemoval(ctx, driver.StateRolledBack, func(string) bool { return true })
}

// PlanDeletions plans to delete the users of this run who are gone from the source.
// A source without any record is an error. It deletes nothing.
func (r *Runner) PlanDeletions(ctx context.Context) (*Removal, error) {
	inSource := newCompact()
	for page, err := range r.pages(ctx) {
		if err != nil {
			return nil, err
		}
		for i := range page {
			inSource.add(page[i].Key)
		}
	}
	if inSource.n == 0 {
		return nil, errEmptySource
	}
	return r.planRemoval(ctx, driver.StateDeleted, func(key string) bool { return !inSource.has(key) })
}

func (r *Runner) planRemoval(ctx context.Context, state driver.State, chosen func(key string) bool) (*Removal, error) {
	connection, err := r.open(ctx)
	if err != nil {
		return nil, err
	}
	plan := &Removal{Run: r.run.Name, State: state, Kept: make(map[string]int)}
	for u, err := range r.export(ctx, connection.ID) {
		if err != nil {
			return nil, err
		}
		key, ok := r.run.Key(u.ID)
		if !ok || !chosen(key) {
			continue
		}
		switch via := r.run.Via(&u); {
		case via == ViaLazy:
			plan.Kept["lazy"]++
		case via == ViaBulk && !jobs.NeverLoggedIn(&u):
			plan.Kept["logged_in"]++
		case via == ViaBulk:
			plan.Keys = append(plan.Keys, key)
		}
	}
	return plan, nil
}

// Apply deletes the users of a plan. Before each deletion it checks that the user
// still has the mark of this run, is in its connection, and has never logged in; for
// a plan of PlanDeletions also that the source still lacks the user. It can be
// called again after an error. The ledger notes each deletion.
//
// A rollback needs a source that is no Marker, or an Unmarker too; otherwise the
// deleted users could log in nowhere.
func (r *Runner) Apply(ctx context.Context, plan *Removal) (*Result, error) {
	if plan == nil || plan.Run != r.run.Name || plan.State != driver.StateRolledBack && plan.State != driver.StateDeleted {
		return nil, invalidConfig("plan", "must come from PlanRollback or PlanDeletions of a Runner with the same Run.Name")
	}
	_, marks := r.src.(Marker)
	unmarker, unmarks := r.src.(Unmarker)
	if plan.State == driver.StateRolledBack && marks && !unmarks {
		return nil, errors.New("migration: the source marks migrated users and cannot take the mark back: implement Unmarker")
	}
	var result *Result
	err := r.leased(ctx, modeApply, func(ctx context.Context, w *work) error {
		err := parallel(ctx, lookers, len(plan.Keys), func(ctx context.Context, i int) error {
			if err := context.Cause(w.stop); err != nil {
				return err
			}
			return w.remove(ctx, plan.Keys[i], plan.State, unmarker)
		})
		if err != nil {
			return err
		}
		result, err = w.result(ctx)
		return err
	})
	return result, err
}

func (w *work) remove(ctx context.Context, key string, state driver.State, unmarker Unmarker) error {
	u, mine, err := w.user(ctx, key)
	if err != nil || u != nil && (mine != ViaBulk || !jobs.NeverLoggedIn(u)) {
		return err
	}
	if state == driver.StateDeleted {
		if _, err := w.src.Get(ctx, key); !errors.Is(err, ErrNoUser) {
			return err // nil: the user is back
		}
	} else if unmarker != nil { // first: whoever is deleted must be able to log in there
		if err := unmarker.UnmarkMigrated(ctx, key); err != nil {
			return fmt.Errorf("migration: take back the mark of a user in the source: %w", err)
		}
	}
	id := w.run.UserID(key)
	err = jobs.Do(ctx, func() error { return w.dst.DeleteUser(ctx, id) })
	if err != nil && !errors.Is(err, resource.ErrNotFound) {
		return fmt.Errorf("migration: delete a user: %w", err)
	}
	o := driver.Outcome{Key: key, State: state, At: time.Now().UTC()}
	deleted := audit.Record(ctx, w.cfg.Recorder, audit.Event{
		Type: "migration", Action: "migration." + string(state), Source: auditSource, Outcome: audit.Success,
		Target: audit.Ref{Kind: "user", ID: id},
	})
	return errors.Join(w.putOutcomes(ctx, []driver.Outcome{o}), deleted)
}
