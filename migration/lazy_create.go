package migration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/internal/retry"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// importCost is the only cost of bcrypt that password_hash takes.
const importCost = 10

// create makes the user at Auth0, once for all logins that wait for it. What
// happens is recorded before, because there is no way back: a Creator cannot
// delete.
func (a *attempt) create(ctx context.Context) (*resource.User, error) {
	if v, ok := validate(&a.rec); !ok {
		return nil, fmt.Errorf("migration: the record cannot become a user: rule %s, property %q; correct the source", v.rule, v.path)
	}
	if err := a.recordCreate(ctx, audit.Unknown); err != nil {
		return nil, err
	}
	u, err := a.createAnyhow(ctx)
	if err != nil {
		return nil, err
	}
	a.mark(ctx)
	return u, a.recordCreate(ctx, audit.Success)
}

func (a *attempt) recordCreate(ctx context.Context, o audit.Outcome) error {
	return audit.Record(ctx, a.cfg.Recorder, audit.Event{
		Type: "migration", Action: "migration.create", Source: auditSource, Outcome: o, Target: a.target(),
	})
}

func (a *attempt) createAnyhow(ctx context.Context) (*resource.User, error) {
	if len(a.rec.TOTPSecrets)+len(a.rec.MFAPhones) > 0 {
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
		u, err = a.dst.CreateUser(ctx, a.newUser())
		switch {
		case err == nil:
			return u, nil
		case errors.Is(err, resource.ErrConflict):
			return a.readBack(ctx)
		case !errors.Is(err, resource.ErrOutcomeUnknown):
			return nil, creating(err)
		}
		u, lookErr := a.dst.User(ctx, userID(a.rec.Key))
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
	return fmt.Errorf("migration: create the user: %w", err)
}

func (a *attempt) newUser() resource.NewUser {
	r := &a.rec
	return resource.NewUser{Password: a.c.Password, User: resource.User{
		ID: r.Key, Connection: a.connection, Email: r.Email, Username: r.Username, Phone: r.Phone, Name: r.Name,
		EmailVerified: r.EmailVerified, UserMetadata: r.UserMetadata,
		AppMetadata: withMarker(r.AppMetadata, a.cfg.Run, viaLazy),
	}}
}

// readBack finds out who is there instead. It was not there when this login
// began, so a user of ours comes from a login or an import that ran beside it.
func (a *attempt) readBack(ctx context.Context) (*resource.User, error) {
	u, err := a.dst.User(ctx, userID(a.rec.Key))
	if err == nil {
		return a.ours(u)
	}
	if !errors.Is(err, resource.ErrNotFound) {
		return nil, creating(err)
	}
	there, err := a.emailAtAuth0(ctx, a.rec.Email)
	if err != nil {
		return nil, err
	}
	if there {
		return nil, ErrMigrated
	}
	return nil, fmt.Errorf("migration: another user of the connection has the username or the phone number of the record: %w",
		resource.ErrConflict)
}

// ours takes a user that carries our mark for the one that this login was to
// create: its password is the one that was proved here. Once somebody has logged
// in at Auth0 it may have another.
func (a *attempt) ours(u *resource.User) (*resource.User, error) {
	if marked(u, a.cfg.Run) == "" || !neverLoggedIn(u) {
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
	body, err := a.importFile()
	if err != nil {
		return nil, err
	}
	connection, err := resolve(ctx, a.cfg.Importer, a.connection)
	if err != nil {
		return nil, creating(err)
	}
	job, err := a.startJob(ctx, resource.Import{ConnectionID: connection.ID, ExternalID: a.cfg.Run + ":lazy", Users: body})
	if err != nil {
		return nil, err
	}
	if err := a.awaitJob(ctx, job.ID); err != nil {
		return nil, err
	}
	u, err := a.dst.User(ctx, userID(a.rec.Key))
	if err != nil {
		return nil, creating(err)
	}
	return a.ours(u)
}

func (a *attempt) importFile() ([]byte, error) {
	hash, err := bcrypt.GenerateFromPassword([]byte(a.c.Password), importCost)
	if err != nil {
		return nil, fmt.Errorf("%w: hash the password for an import: %w", ErrImportOnly, err)
	}
	field, err := json.Marshal(string(hash))
	if err != nil {
		return nil, fmt.Errorf("migration: write the hash: %w", err)
	}
	user, err := newEncoder(a.cfg.Run, viaLazy).encode(&a.rec, passhash.Import{Field: fieldPasswordHash, JSON: field})
	if err != nil {
		return nil, fmt.Errorf("migration: write the metadata as JSON: %w", err)
	}
	p := packer{limit: maxFile}
	p.add(entry{key: a.rec.Key}, user)
	return p.flush().body, nil
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
		if !passing(err) && !errors.Is(err, resource.ErrJobSlots) {
			return nil, creating(err)
		}
		if retry.Sleep(ctx, slot(time.Since(start))) != nil {
			return nil, creating(err)
		}
	}
}

func (a *attempt) awaitJob(ctx context.Context, id string) error {
	start := time.Now()
	for {
		if err := retry.Sleep(ctx, next(time.Since(start), 0)); err != nil {
			return creating(err)
		}
		job, err := patiently(ctx, func() (*resource.Job, error) { return a.cfg.Importer.Job(ctx, id) })
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
	listed, err := patiently(ctx, func() ([]resource.JobError, error) { return a.cfg.Importer.JobErrors(ctx, job.ID) })
	if err != nil {
		return creating(err)
	}
	if len(listed) == 0 || isConflict(listed[0].Code) {
		return nil
	}
	return fmt.Errorf("migration: the import job refused the user: %s %s", listed[0].Code, listed[0].Path)
}

func isConflict(code string) bool {
	return strings.HasPrefix(code, "CONFLICT") || code == "DUPLICATED_USER"
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
