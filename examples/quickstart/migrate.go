package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/filesource"
	"github.com/auth0kit/auth0kit/migration/lazy"
)

// example is a migration on its way.
type example struct {
	*transcript
	report *report
	target *auth0Tenant

	people []person
	source *filesource.Source
	runner *migration.Runner
	listed map[int]migration.Class // rows that the plan refuses
}

// migrate runs all steps and reports what became of whom.
func migrate(ctx context.Context, t *transcript, users int, open func() (*auth0Tenant, error)) (*report, error) {
	target, err := open()
	if err != nil {
		return nil, err
	}
	defer target.close()
	dir, err := os.MkdirTemp("", "quickstart")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system clears its temporary folder as well

	x := &example{transcript: t, report: &report{}, target: target, listed: make(map[int]migration.Class)}
	if err := x.makeLegacy(ctx, filepath.Join(dir, "users.csv"), users); err != nil {
		return nil, err
	}
	defer x.source.Close() //nolint:errcheck // of a file that is removed next
	if err := x.setUp(); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{x.plan, x.bulk, x.lazy, x.logins} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	return x.report, nil
}

func (x *example) makeLegacy(ctx context.Context, path string, users int) (err error) {
	x.step("migration/filesource", "Users of another system")
	if x.people, err = legacyUsers(users); err != nil {
		return err
	}
	if err := writeCSV(path, x.people); err != nil {
		return err
	}
	x.source, err = filesource.New(path, filesource.CSV, migration.Columns{
		Key: "id", Email: "email", Name: "name", EmailVerified: "verified", Password: "password",
		AppMetadata: map[string]string{"plan": "plan"},
	}, filesource.Config{})
	if err != nil {
		return err
	}
	x.report.Source.Total = users
	x.say("%d users in a CSV file, with bcrypt, Django PBKDF2, argon2id, LDAP SSHA and WordPress hashes,", users)
	x.say("and some rows that no system should have.")
	return x.source.Check(ctx)
}

func (x *example) setUp() (err error) {
	x.runner, err = migration.NewRunner(x.source, x.target.client, migration.NewMemoryLedger(), x.run(), migration.Config{
		Reset:       migration.ResetMissing,
		MaxProblems: len(x.people),
		Progress:    x.progress,
	})
	return err
}

// run is what bulk and lazy migrate. The prefix keeps the keys apart from those of
// the tenant's other database connections.
func (x *example) run() migration.Run {
	return migration.Run{Source: "quickstart", Connection: x.target.connection, KeyPrefix: "quickstart|"}
}

func (x *example) plan(ctx context.Context) error {
	x.step("migration", "The plan; nothing is written")
	p, err := x.runner.Plan(ctx)
	if err != nil {
		return err
	}
	x.report.Plan = planned{p.Direct, p.Converted, p.LazyOnly, p.ResetOnly, p.Invalid, p.Duplicate}
	x.say("%5d keep their hash as it is", p.Direct)
	x.say("%5d keep it in another spelling", p.Converted)
	x.say("%5d have a hash that Auth0 cannot import: lazily, at their next login", p.LazyOnly)
	x.say("%5d have no password and must reset it", p.ResetOnly)
	x.say("%5d are invalid, %d are duplicates:", p.Invalid, p.Duplicate)
	for _, rule := range slices.Sorted(maps.Keys(p.Rules)) {
		if rule != migration.RuleLazy && rule != migration.RuleReset {
			x.say("      %5d %s", p.Rules[rule], rule)
		}
	}
	for _, problem := range p.Problems {
		id, err := strconv.Atoi(problem.Key)
		if err != nil {
			return err
		}
		x.listed[id] = problem.Class
		x.report.Listed = append(x.report.Listed, listed{problem.Key, string(problem.Class), string(problem.Rule), problem.Path})
	}
	return nil
}

func (x *example) bulk(ctx context.Context) error {
	x.step("migration", "In bulk, by import jobs through the real SDK")
	result, err := x.runner.Run(ctx)
	x.endProgress()
	if err != nil {
		return err
	}
	x.report.Bulk = bulk{result.Migrated, result.Failed, result.Migrated + result.Failed}
	x.say("%d migrated, %d failed", result.Migrated, result.Failed)
	return nil
}

// lazy logs everybody in whom the bulk run left out, and somebody with a wrong
// password.
func (x *example) lazy(ctx context.Context) error {
	x.step("migration/lazy", "The rest, at their first login")
	users, err := lazy.New(x.source, x.target.client, x.run(), lazy.Config{})
	if err != nil {
		return err
	}
	for _, p := range x.people {
		if p.format != phpass || x.listed[p.id] != "" {
			continue
		}
		if p.id%5 == 0 {
			_, err := users.Login(ctx, migration.Credentials{Identifier: p.email, Password: "not " + p.password})
			if !errors.Is(err, lazy.ErrCredentials) {
				return fmt.Errorf("a wrong password: %w, want ErrCredentials", err)
			}
			x.report.Lazy.Rejected++
		}
		if _, err := users.Login(ctx, migration.Credentials{Identifier: p.email, Password: p.password}); err != nil {
			return fmt.Errorf("lazy login of row %d: %w", p.id, err)
		}
		x.report.Lazy.Migrated++
	}
	x.say("%d migrated, %d wrong passwords rejected", x.report.Lazy.Migrated, x.report.Lazy.Rejected)
	return nil
}

// logins logs ten users of each format in at the tenant, with their old
// password, and once with another.
func (x *example) logins(ctx context.Context) error {
	x.step("management/auth0test", "Logins at the tenant, with the old passwords")
	tried := make(map[string]int)
	for _, p := range x.people {
		if !p.canLogIn() || x.listed[p.id] != "" || tried[p.format] == 10 {
			continue
		}
		tried[p.format]++
		x.report.Logins.Tried++
		if err := x.target.login(ctx, p.email, p.password); err != nil {
			x.report.refused = append(x.report.refused, fmt.Errorf("row %d (%s) cannot log in: %w", p.id, p.format, err))
			continue
		}
		if x.target.login(ctx, p.email, "not "+p.password) == nil {
			return fmt.Errorf("row %d (%s) logs in with a wrong password", p.id, p.format)
		}
		x.report.Logins.OK++
	}
	x.say("%d of %d, in %d formats; each was refused with a wrong password", x.report.Logins.OK, x.report.Logins.Tried, len(tried))
	return nil
}
