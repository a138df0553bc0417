package lazy

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/internal/usershape"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// attempt is one call of Login or Authenticate.
type attempt struct {
	*Lazy
	c       migration.Credentials
	action  string
	began   time.Time
	found   bool
	rec     migration.Record
	bad     error     // why the record cannot become a user
	started time.Time // of the verification
	refunds []func()
	reason  string // for the log
}

func (a *attempt) login(ctx context.Context) (*resource.User, error) {
	if err := a.begin(ctx); err != nil {
		return nil, err
	}
	f := a.flights.join(a.rec.Key, a.began)
	if err := a.migrated(ctx, f); err != nil {
		return nil, err
	}
	if err := a.prove(ctx); err != nil {
		return nil, err
	}
	a.flights.proved(f)
	d := a.detached()
	u, err := share(ctx, &f.create, func() bool { return true }, func(ctx context.Context) (*resource.User, error) {
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

// authenticate is login up to the proof. Who is at Auth0 is not asked: it is Auth0
// that asks here.
func (a *attempt) authenticate(ctx context.Context) (*resource.NewUser, error) {
	if err := a.begin(ctx); err != nil {
		return nil, err
	}
	gone, err := a.deleted(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.prove(ctx); err != nil {
		return nil, err
	}
	if gone {
		return nil, a.refuse(ctx, "deleted")
	}
	if a.bad != nil {
		return nil, a.bad
	}
	return new(a.run.NewUser(&a.rec, a.c.Password)), nil
}

// begin takes the attempt from the bounds and finds the record. The error is the
// answer for somebody whom the source does not know.
func (a *attempt) begin(ctx context.Context) error {
	if err := a.take(a.addresses, addressKey(a.c.IP)); err != nil {
		return err
	}
	if err := a.find(ctx); err != nil {
		return err
	}
	table, id := a.strangers, strings.ToLower(strings.TrimSpace(a.c.Identifier))
	if a.found && a.rec.Key != "" { // a row without a key cannot become a user, and is guessed at all the same
		table, id = a.accounts, a.rec.Key
	}
	if err := a.take(table, id); err != nil {
		return err
	}
	if err := a.Calibrate(ctx); err != nil {
		return err
	}
	if !a.found {
		return a.stranger(ctx)
	}
	return nil
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

// find reads the record and prepares it for the connection. One that cannot become
// a user is found all the same: its password decides about the answer.
func (a *attempt) find(ctx context.Context) error {
	c, err := a.open(ctx)
	if err != nil {
		return err
	}
	r, err := a.src.Find(ctx, a.c.Identifier)
	if err != nil && !errors.Is(err, migration.ErrNoUser) {
		return fmt.Errorf("lazy: find the user in the source: %w", err)
	}
	if a.rec, a.found = r, err == nil; a.found {
		a.bad = a.run.Prepare(&a.rec, c)
	}
	return nil
}

// stranger answers for somebody whom the source does not know: a user who signed
// up at Auth0, or nobody.
func (a *attempt) stranger(ctx context.Context) error {
	there, err := a.atAuth0(ctx, provider+rand.Text(), a.c.Identifier)
	if err != nil {
		return err
	}
	if there.found() {
		return ErrMigrated
	}
	if _, err := a.guess(ctx, passhash.Stored{}); err != nil {
		return err
	}
	return a.refuse(ctx, "unknown_user")
}

const provider = "auth0|"

// presence says who is at Auth0 already.
type presence struct {
	mine    migration.Via // the user with this id came in this run
	sameID  bool          // a user of this connection has the id
	byEmail bool          // a user of this connection has the email
}

func (p presence) found() bool { return p.sameID || p.byEmail }

// atAuth0 asks two questions, for everybody: with fewer for some, their answer
// would come sooner, and also during an outage. A user of another connection who
// happens to have the id is not this one.
func (a *attempt) atAuth0(ctx context.Context, id, email string) (p presence, err error) {
	u, err := a.dst.User(ctx, id)
	switch {
	case err == nil:
		p.mine, p.sameID = a.run.Via(u), u.Connection == a.run.Connection
	case !errors.Is(err, resource.ErrNotFound):
		return p, fmt.Errorf("lazy: look up the user at Auth0: %w", err)
	}
	if usershape.Email(email) != "" {
		email = rand.Text() + "@example.invalid"
	}
	users, err := a.dst.UsersByEmail(ctx, strings.ToLower(email))
	if err != nil && !errors.Is(err, resource.ErrNotFound) {
		return p, fmt.Errorf("lazy: look up the email at Auth0: %w", err)
	}
	for i := range users {
		p.byEmail = p.byEmail || users[i].Connection == a.run.Connection
	}
	return p, nil
}

// migrated is ErrMigrated if the user is at Auth0. Overlapping logins of one user
// ask once: to those who came before the creation, the user was not there.
func (a *attempt) migrated(ctx context.Context, f *flight) error {
	d := a.detached()
	there, err := share(ctx, &f.there, func() bool { return a.flights.serves(f, a.began) }, func(ctx context.Context) (bool, error) {
		defer a.flights.answered(f)
		return d.lookUp(ctx)
	})
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

// lookUp reports whether the record's user is at Auth0, under whatever id, or was
// and stays deleted. It repeats a mark and memberships that an earlier login was not
// able to make.
func (a *attempt) lookUp(ctx context.Context) (bool, error) {
	p, err := a.atAuth0(ctx, a.run.UserID(a.rec.Key), a.rec.Email)
	if err != nil {
		return false, err
	}
	if p.mine != "" {
		if !a.rec.Migrated {
			a.mark(ctx)
		}
		if p.mine == migration.ViaLazy {
			if err := a.join(ctx); err != nil {
				return false, err
			}
		}
	}
	if p.found() {
		return true, nil
	}
	return a.deleted(ctx)
}

// deleted reports whether the source or the ledger says that the user was migrated
// already. Who is not at Auth0 then was deleted there.
func (a *attempt) deleted(ctx context.Context) (bool, error) {
	if a.rec.Migrated || a.cfg.Ledger == nil {
		return a.rec.Migrated, nil
	}
	for o, err := range a.cfg.Ledger.Outcomes(ctx, a.run.Name, a.rec.Key) {
		if err != nil {
			return false, fmt.Errorf("lazy: read the ledger: %w", err)
		}
		return o.State == driver.StateMigrated || o.State == driver.StateDeleted, nil
	}
	return false, nil
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

// join gives the user organizations and roles.
func (a *attempt) join(ctx context.Context) error {
	if a.cfg.Members == nil || a.bad != nil {
		return nil
	}
	if err := migration.Join(ctx, a.cfg.Members, a.run.UserID(a.rec.Key), &a.rec); err != nil {
		return fmt.Errorf("%w: %w", ErrMemberships, err)
	}
	return nil
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

// refuse is ErrCredentials after the time that the costliest refusal takes.
func (a *attempt) refuse(ctx context.Context, reason string) error {
	a.reason = reason
	if err := retry.Sleep(ctx, a.timing.left(a.started)); err != nil {
		return errors.Join(ErrCredentials, err)
	}
	return ErrCredentials
}

const auditSource = "auth0kit/migration"

// record notes how the login ended.
func (a *attempt) record(ctx context.Context, err error) error {
	e := audit.Event{
		Type: "migration", Action: a.action, Source: auditSource, Outcome: audit.Success,
		Target: a.target(), Metadata: map[string]string{"run": a.run.Name},
	}
	if a.c.IP.IsValid() {
		e.IP = a.c.IP.WithZone("").String()
	}
	if err != nil {
		e.Outcome, e.Reason = audit.Failure, a.reason
		if e.Reason == "" {
			e.Reason = reasonOf(err)
		}
	}
	return audit.Record(context.WithoutCancel(ctx), a.cfg.Recorder, e)
}

// target is the user, if the source knows one with a key that can be an id.
func (a *attempt) target() audit.Ref {
	if !a.found || usershape.ID(a.rec.Key) != "" {
		return audit.Ref{}
	}
	return audit.Ref{Kind: "user", ID: a.run.UserID(a.rec.Key)}
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
	case errors.Is(err, ErrMemberships):
		return "memberships"
	case errors.Is(err, ErrTaken), errors.Is(err, resource.ErrConflict):
		return "conflict"
	}
	return "unavailable"
}
