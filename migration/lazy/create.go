package lazy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/internal/jobs"
)

// importCost is the only cost of bcrypt that password_hash takes.
const importCost = 10

// create makes the user at Auth0, once for all logins that wait for it. What
// happens is recorded before, because there is no way back: a Creator cannot
// delete.
func (a *attempt) create(ctx context.Context) (*resource.User, error) {
	if a.bad != nil {
		return nil, a.bad
	}
	if err := a.recordCreate(ctx, audit.Unknown); err != nil {
		return nil, err
	}
	u, err := a.createAnyhow(ctx)
	if err != nil {
		return nil, err
	}
	a.mark(ctx)
	if err := a.join(ctx); err != nil {
		return nil, err
	}
	return u, a.recordCreate(ctx, audit.Success)
}

func (a *attempt) recordCreate(ctx context.Context, o audit.Outcome) error {
	return audit.Record(ctx, a.cfg.Recorder, audit.Event{
		Type: "migration", Action: "migration.create", Source: auditSource, Outcome: o, Target: a.target(),
	})
}

func (a *attempt) createAnyhow(ctx context.Context) (*resource.User, error) {
	if len(a.rec.TOTPSecrets)+len(a.rec.MFAPhones)+len(a.rec.MFAEmails) > 0 {
		return a.createByImport(ctx, "the user has second factors, which POST /users would lose")
	}
	u, err := a.createByPost(ctx)
	if weakPassword(err) {
		return a.createByImport(ctx, "the connection's policy refuses the password")
	}
	return u, err
}

// createByPost sends POST /users. A lost answer is looked into, and the call
// repeated once: the id is the record's key, so it cannot create two.
func (a *attempt) createByPost(ctx context.Context) (*resource.User, error) {
	var err error
	for range 2 {
		var u *resource.User
		u, err = a.dst.CreateUser(ctx, a.run.NewUser(&a.rec, a.c.Password))
		switch {
		case err == nil:
			return u, nil
		case errors.Is(err, resource.ErrConflict):
			return a.readBack(ctx)
		case !errors.Is(err, resource.ErrOutcomeUnknown):
			return nil, creating(err)
		}
		u, lookErr := a.dst.User(ctx, a.run.UserID(a.rec.Key))
		if lookErr == nil {
			return a.ours(u)
		}
		if !errors.Is(lookErr, resource.ErrNotFound) {
			return nil, creating(errors.Join(err, lookErr))
		}
	}
	return nil, creating(err)
}

func creating(err error) error {
	return fmt.Errorf("lazy: create the user: %w", err)
}

// readBack finds out who is there instead. It was not there when this login
// began, so a user of ours comes from a login or an import that ran beside it. A
// phone that is another user's goes where Run.Fields allows that.
func (a *attempt) readBack(ctx context.Context) (*resource.User, error) {
	u, err := a.dst.User(ctx, a.run.UserID(a.rec.Key))
	if err == nil {
		return a.ours(u)
	}
	if !errors.Is(err, resource.ErrNotFound) {
		return nil, creating(err)
	}
	p, err := a.atAuth0(ctx, a.run.UserID(a.rec.Key), a.rec.Email)
	if err != nil {
		return nil, err
	}
	if p.found() {
		return nil, ErrMigrated
	}
	for _, f := range []struct {
		policy migration.FieldPolicy
		value  *string
	}{{a.run.Fields.Phone, &a.rec.Phone}, {a.run.Fields.Username, &a.rec.Username}} {
		if *f.value != "" && f.policy != migration.Refuse {
			*f.value = ""
			return a.createByPost(ctx)
		}
	}
	return nil, ErrTaken
}

// ours takes a user that carries our mark for the one that this login was to
// create: its password is the one that was proved here. Once somebody has logged
// in at Auth0 it may have another.
func (a *attempt) ours(u *resource.User) (*resource.User, error) {
	switch {
	case u.Connection != a.run.Connection:
		return nil, ErrTaken
	case a.run.Via(u) == "" || !jobs.NeverLoggedIn(u):
		return nil, ErrMigrated
	}
	return u, nil
}

// weakPassword reports whether Auth0 refused the password, not the user. Its
// errors are named PasswordStrengthError, PasswordDictionaryError and so on.
func weakPassword(err error) bool {
	e, ok := errors.AsType[*resource.Error](err)
	if !ok || !errors.Is(err, resource.ErrInvalid) {
		return false
	}
	text := strings.ToLower(e.Code + " " + e.Message)
	for _, sign := range []string{"passwordstrength", "passworddictionary", "passwordnouserinfo", "passwordhistory", "breached", "leaked", "password is too weak"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// createByImport sends the user as an import file of one, with the typed password
// as a bcrypt hash: jobs do not see the password, and so no policy applies.
func (a *attempt) createByImport(ctx context.Context, why string) (*resource.User, error) {
	if a.cfg.Importer == nil {
		return nil, fmt.Errorf("%w (%s)", ErrImportOnly, why)
	}
	hash, err := bcrypt.GenerateFromPassword([]byte(a.c.Password), importCost)
	if err != nil {
		return nil, fmt.Errorf("%w: hash the password for an import: %w", ErrImportOnly, err)
	}
	body, err := a.run.ImportFile(&a.rec, string(hash))
	if err != nil {
		return nil, err
	}
	connection, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	job, err := a.startJob(ctx, resource.Import{ConnectionID: connection.ID, ExternalID: a.run.Name + ":lazy", Users: body})
	if err != nil {
		return nil, err
	}
	if err := a.awaitJob(ctx, job.ID); err != nil {
		return nil, err
	}
	u, err := a.dst.User(ctx, a.run.UserID(a.rec.Key))
	if err != nil {
		return nil, creating(err)
	}
	return a.ours(u)
}

// startJob waits for a slot as long as ctx allows. After a lost answer it sends
// the file again: whoever is there by then makes it fail, and is read back.
func (a *attempt) startJob(ctx context.Context, file resource.Import) (*resource.Job, error) {
	start := time.Now()
	for {
		job, err := a.cfg.Importer.ImportUsers(ctx, file)
		if err == nil {
			return job, nil
		}
		if !jobs.Passing(err) && !errors.Is(err, resource.ErrJobSlots) {
			return nil, creating(err)
		}
		if retry.Sleep(ctx, jobs.Slot(time.Since(start))) != nil {
			return nil, creating(err)
		}
	}
}

func (a *attempt) awaitJob(ctx context.Context, id string) error {
	start := time.Now()
	for {
		if err := retry.Sleep(ctx, jobs.Next(time.Since(start))); err != nil {
			return creating(err)
		}
		job, err := jobs.Patiently(ctx, func() (*resource.Job, error) { return a.cfg.Importer.Job(ctx, id) })
		if err != nil {
			return creating(err)
		}
		if job.Done() {
			return a.jobResult(ctx, job)
		}
	}
}

// jobResult is nil when the user is to be read back: it was created, or is there.
func (a *attempt) jobResult(ctx context.Context, job *resource.Job) error {
	if job.Status == "completed" && job.Failed == 0 {
		return nil
	}
	listed, err := jobs.Patiently(ctx, func() ([]resource.JobError, error) { return a.cfg.Importer.JobErrors(ctx, job.ID) })
	if err != nil {
		return creating(err)
	}
	if len(listed) == 0 || jobs.Conflict(listed[0].Code) {
		return nil
	}
	return fmt.Errorf("lazy: the import job refused the user: %s %s", listed[0].Code, listed[0].Path)
}

// clone gives each login its own copy of what several share.
func clone(u *resource.User) *resource.User {
	c := *u
	c.AppMetadata, c.UserMetadata = maps.Clone(u.AppMetadata), maps.Clone(u.UserMetadata)
	return &c
}

// createTimeout bounds a creation that goes on when the login that began it has
// gone away.
const createTimeout = 2 * time.Minute
