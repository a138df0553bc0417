package migration

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// attempt is one call of Login.
type attempt struct {
	*Lazy
	c       Credentials
	began   time.Time
	found   bool
	rec     Record
	started time.Time // of the verification
	refunds []func()
	reason  string // for the log
}

func (a *attempt) login(ctx context.Context) (*resource.User, error) {
	if err := a.take(a.addresses, addressKey(a.c.IP)); err != nil {
		return nil, err
	}
	if err := a.find(ctx); err != nil {
		return nil, err
	}
	table, id := a.strangers, strings.ToLower(strings.TrimSpace(a.c.Identifier))
	if a.found {
		table, id = a.accounts, a.rec.Key
	}
	if err := a.take(table, id); err != nil {
		return nil, err
	}
	if err := a.calibrate(ctx); err != nil {
		return nil, err
	}
	if !a.found {
		return nil, a.stranger(ctx)
	}
	f := a.flights.join(a.rec.Key, a.began)
	if err := a.migrated(ctx, f); err != nil {
		return nil, err
	}
	if err := a.prove(ctx); err != nil {
		return nil, err
	}
	d := a.detached()
	u, err := share(ctx, &f.create, func(ctx context.Context) (*resource.User, error) {
		u, err := d.create(ctx)
		if err == nil {
			a.flights.landed(f)
		}
		return u, err
	})
	if err != nil {
		return nil, err
	}
	return clone(u), nil
}

// take counts an attempt before its outcome is known, so that many at once are
// no way around the bound; what turns out not to be a wrong guess is given back.
func (a *attempt) take(t *throttle, key string) error {
	if key == "" {
		return nil
	}
	after := t.take(key)
	if after > 0 {
		return &ThrottledError{RetryAfter: after}
	}
	a.refunds = append(a.refunds, func() { t.giveBack(key) })
	return nil
}

func (a *attempt) refund() {
	for _, giveBack := range a.refunds {
		giveBack()
	}
}

func (a *attempt) find(ctx context.Context) error {
	r, err := a.src.Find(ctx, a.c.Identifier)
	if err != nil && !errors.Is(err, ErrNoUser) {
		return fmt.Errorf("migration: find the user in the source: %w", err)
	}
	a.rec, a.found = r, err == nil
	return nil
}

// stranger answers for somebody whom the source does not know: a user who signed
// up at Auth0, or nobody.
func (a *attempt) stranger(ctx context.Context) error {
	there, err := a.strangerAtAuth0(ctx)
	if err != nil {
		return err
	}
	if there {
		return ErrMigrated
	}
	if _, err := a.guess(ctx, passhash.Stored{}); err != nil {
		return err
	}
	return a.refuse(ctx, "unknown_user")
}

// strangerAtAuth0 asks Auth0 once, as for everybody: an answer that needs no
// question would come sooner, and also during an outage.
func (a *attempt) strangerAtAuth0(ctx context.Context) (bool, error) {
	if validEmail(a.c.Identifier) {
		return a.emailAtAuth0(ctx, a.c.Identifier)
	}
	_, err := a.dst.User(ctx, userID(rand.Text()))
	if err != nil && !errors.Is(err, resource.ErrNotFound) {
		return false, fmt.Errorf("migration: look up the user at Auth0: %w", err)
	}
	return false, nil
}

func (a *attempt) emailAtAuth0(ctx context.Context, email string) (bool, error) {
	if !validEmail(email) {
		return false, nil
	}
	users, err := a.dst.UsersByEmail(ctx, strings.ToLower(email))
	if err != nil && !errors.Is(err, resource.ErrNotFound) {
		return false, fmt.Errorf("migration: look up the email at Auth0: %w", err)
	}
	for i := range users {
		if users[i].Connection == a.connection {
			return true, nil
		}
	}
	return false, nil
}

// migrated is ErrMigrated if the user is at Auth0. Overlapping logins of one user
// ask once: to those who came before the creation, the user was not there.
func (a *attempt) migrated(ctx context.Context, f *flight) error {
	there, err := share(ctx, &f.there, a.detached().lookUp)
	if err != nil {
		return err
	}
	if there {
		return ErrMigrated
	}
	return nil
}

// detached is a copy for what goes on when this login has ended.
func (a *attempt) detached() *attempt {
	b := *a
	return &b
}

// lookUp reports whether the record's user is at Auth0, and repeats a mark that
// an earlier login was not able to make.
func (a *attempt) lookUp(ctx context.Context) (bool, error) {
	if a.rec.Migrated {
		return true, nil
	}
	if !validKey(a.rec.Key) {
		return false, nil
	}
	u, err := a.dst.User(ctx, userID(a.rec.Key))
	if errors.Is(err, resource.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("migration: look up the user at Auth0: %w", err)
	}
	if marked(u, a.cfg.Run) != "" {
		a.mark(ctx)
	}
	return true, nil
}

// mark notes on the legacy row that Auth0 owns the user. The login does not fail
// with it: the next one tries again.
func (a *attempt) mark(ctx context.Context) {
	if a.marker == nil {
		return
	}
	if err := a.marker.MarkMigrated(ctx, a.rec.Key); err != nil {
		_ = audit.Record(ctx, a.cfg.Recorder, audit.Event{
			Type: "migration", Action: "migration.mark", Source: auditSource, Outcome: audit.Failure,
			Reason: "source_unavailable", Target: a.target(),
		}) // the failed mark is not worse for not being recorded
	}
}

// prove verifies the password of a user who is not at Auth0.
func (a *attempt) prove(ctx context.Context) error {
	proved, err := a.guess(ctx, a.rec.Password)
	switch {
	case err != nil:
		return err
	case !proved:
		return a.refuse(ctx, "wrong_password")
	case a.rec.Blocked:
		return a.refuse(ctx, "blocked")
	}
	return nil
}

// guess spends the one verification that every login costs: against s, or where
// that is no usable hash against a decoy, which proves nothing.
func (a *attempt) guess(ctx context.Context, s passhash.Stored) (proved bool, err error) {
	leave, err := a.gate.enter(ctx)
	if err != nil {
		return false, err
	}
	defer leave()
	_, unusable := passhash.Identify(s)
	if unusable != nil {
		s = a.timing.decoyHash()
	}
	a.started = time.Now()
	err = passhash.Verify(s, a.c.Password)
	if err == nil || errors.Is(err, passhash.ErrMismatch) {
		a.timing.observe(time.Since(a.started))
	}
	return err == nil && unusable == nil && a.c.Password != "", nil
}

// refuse is ErrCredentials after the time that the slower refusals take.
func (a *attempt) refuse(ctx context.Context, reason string) error {
	a.reason = reason
	if err := retry.Sleep(ctx, a.timing.left(a.started)); err != nil {
		return errors.Join(ErrCredentials, err)
	}
	return ErrCredentials
}

// record notes how the login ended.
func (a *attempt) record(ctx context.Context, err error) error {
	e := audit.Event{
		Type: "migration", Action: "migration.login", Source: auditSource, Outcome: audit.Success,
		Target: a.target(), Metadata: map[string]string{"run": a.cfg.Run},
	}
	if a.c.IP.IsValid() {
		e.IP = a.c.IP.WithZone("").String()
	}
	if err != nil {
		e.Outcome, e.Reason = audit.Failure, orDefault(a.reason, reasonOf(err))
	}
	return audit.Record(context.WithoutCancel(ctx), a.cfg.Recorder, e)
}

// target is the user, if the source knows one with a key that can be an id.
func (a *attempt) target() audit.Ref {
	if !a.found || !validKey(a.rec.Key) {
		return audit.Ref{}
	}
	return audit.Ref{Kind: "user", ID: userID(a.rec.Key)}
}

// reasonOf is the reason of an error that is no refusal.
func reasonOf(err error) string {
	if _, ok := errors.AsType[*ThrottledError](err); ok {
		return "throttled"
	}
	switch {
	case errors.Is(err, ErrMigrated):
		return "migrated"
	case errors.Is(err, ErrImportOnly):
		return "import_only"
	case errors.Is(err, resource.ErrConflict):
		return "conflict"
	}
	return "unavailable"
}
