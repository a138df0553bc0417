package migration

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/driver"
)

// Rollback holds the users that ApplyRollback would delete: those who have the
// mark of this run, came by import job and have never logged in. Users whom Lazy
// created stay, because their password may be stored nowhere else.
type Rollback struct {
	Run      string
	Users    []string // Keys, not ids.
	LoggedIn int      // Users of this run who stay because they have logged in.
	Lazy     int      // Users of this run who stay because Lazy created them.
}

// PlanRollback reads all users of the connection and deletes nothing.
func (r *Runner) PlanRollback(ctx context.Context) (*Rollback, error) {
	connection, err := r.resolve(ctx)
	if err != nil {
		return nil, err
	}
	plan := &Rollback{Run: r.cfg.Run}
	for u, err := range r.export(ctx, connection.ID) {
		if err != nil {
			return nil, err
		}
		switch via := marked(&u, r.cfg.Run); {
		case via == viaLazy:
			plan.Lazy++
		case via == viaBulk && !neverLoggedIn(&u):
			plan.LoggedIn++
		case via == viaBulk:
			plan.Users = append(plan.Users, keyOf(u.ID))
		}
	}
	return plan, nil
}

// ApplyRollback deletes the users of a plan. Before each deletion it checks that
// the user still has the mark of this run and has never logged in. It can be
// called again after an error. The ledger notes each deletion, and a later Run
// would import these users again.
//
// A source that is a Marker must also be an Unmarker; otherwise the deleted users
// could log in nowhere.
func (r *Runner) ApplyRollback(ctx context.Context, plan *Rollback) (*Result, error) {
	if plan == nil || plan.Run != r.cfg.Run {
		return nil, invalidConfig("plan", "must come from PlanRollback of a Runner with the same Config.Run")
	}
	_, marks := r.src.(Marker)
	unmarker, unmarks := r.src.(Unmarker)
	if marks && !unmarks {
		return nil, errors.New("migration: the source marks migrated users and cannot take the mark back: implement Unmarker")
	}
	var result *Result
	err := r.leased(ctx, modeRollback, func(ctx context.Context, w *work) error {
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(lookers)
		for _, key := range plan.Users {
			g.Go(func() error { return w.rollBack(gctx, key, unmarker) })
		}
		if err := g.Wait(); err != nil {
			return err
		}
		var err error
		result, err = w.result(ctx)
		return err
	})
	return result, err
}

func (w *work) rollBack(ctx context.Context, key string, unmarker Unmarker) error {
	id := userID(key)
	u, err := patiently(ctx, func() (*resource.User, error) { return w.dst.User(ctx, id) })
	if err != nil && !errors.Is(err, resource.ErrNotFound) {
		return fmt.Errorf("migration: look up a user: %w", err)
	}
	if err == nil && (marked(u, w.cfg.Run) != viaBulk || !neverLoggedIn(u)) {
		return nil
	}
	if unmarker != nil { // first: whoever is deleted must be able to log in there
		if err := unmarker.UnmarkMigrated(ctx, key); err != nil {
			return fmt.Errorf("migration: take back the mark of a user in the source: %w", err)
		}
	}
	_, err = patiently(ctx, func() (struct{}, error) { return struct{}{}, w.dst.DeleteUser(ctx, id) })
	if err != nil && !errors.Is(err, resource.ErrNotFound) {
		return fmt.Errorf("migration: delete a user: %w", err)
	}
	o := driver.Outcome{Key: key, State: driver.StateRolledBack, At: time.Now().UTC()}
	deleted := audit.Record(ctx, w.cfg.Recorder, audit.Event{
		Type: "migration", Action: "migration.rollback.delete", Source: auditSource, Outcome: audit.Success,
		Target: audit.Ref{Kind: "user", ID: id},
	})
	return errors.Join(w.putOutcomes(ctx, []driver.Outcome{o}), deleted)
}
