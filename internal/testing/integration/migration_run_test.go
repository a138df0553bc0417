package integration

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/passhash"
	"github.com/auth0kit/auth0kit/migration/sqlmigration"
)

const migrationConnection = "legacy"

var migrationRun = migration.Run{
	Source: "test", Connection: migrationConnection, KeyPrefix: "old|", Secret: []byte("0123456789abcdef0123456789abcdef"),
}

// legacyUsers is a source in memory.
type legacyUsers []migration.Record

func newLegacyUsers(n int) legacyUsers {
	users := make(legacyUsers, n)
	for i := range users {
		users[i] = migration.Record{
			Key: fmt.Sprintf("u%06d", i), Email: fmt.Sprintf("user%d@example.com", i),
			Password: passhash.Stored{Value: "$2a$10$65Vh/EP6EVid5PI3iAI2QeoB.c6XqKwgUkAsA2vnJhb03Bu5VfekS"},
		}
	}
	return users
}

func (l legacyUsers) Page(ctx context.Context, after string, limit int) ([]migration.Record, error) {
	i := slices.IndexFunc(l, func(r migration.Record) bool { return r.Key > after })
	if i < 0 {
		return nil, ctx.Err()
	}
	return l[i:min(i+limit, len(l))], ctx.Err()
}

func (l legacyUsers) Find(_ context.Context, identifier string) (migration.Record, error) {
	i := slices.IndexFunc(l, func(r migration.Record) bool { return strings.EqualFold(r.Email, identifier) })
	if i < 0 {
		return migration.Record{}, migration.ErrNoUser
	}
	return l[i], nil
}

func (l legacyUsers) Get(_ context.Context, key string) (migration.Record, error) {
	i := slices.IndexFunc(l, func(r migration.Record) bool { return r.Key == key })
	if i < 0 {
		return migration.Record{}, migration.ErrNoUser
	}
	return l[i], nil
}

// migrationTenant is a tenant on a socket, and a client that reaches it over TLS.
func migrationTenant(t *testing.T) (*auth0test.Tenant, *management.Client) {
	t.Helper()
	tenant := auth0test.NewTenant(auth0test.Options{JobTime: 50 * time.Millisecond})
	tenant.AddConnection(migrationConnection, "auth0")
	server := tenant.Start()
	t.Cleanup(server.Close)
	machine := tenant.Machine()
	client, err := management.New(management.Config{
		Domain: server.Domain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: server.Client, MaxWait: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tenant, client
}

// A run over TLS with its ledger in a database is killed again and again, each
// time at a later write, and each time another process with the same database
// goes on. At the end everybody is there once.
func TestMigrationResumesFromTheDatabase(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, p product) {
		const n = 250
		ledger := openSQLMigration(t, p.open(t), p.dialect, sqlmigration.Config{})
		tenant, client := migrationTenant(t)
		killed := 0
		var result *migration.Result
		for at := int64(1); result == nil && at < 100; at++ {
			// Another process has another Runner; the killed one gives its lease
			// back here, which a dead one does by its end.
			ctx, die := context.WithCancel(t.Context())
			r, err := migration.NewRunner(newLegacyUsers(n), client, &killer{Ledger: ledger, left: at, die: die}, migrationRun,
				migration.Config{FileBytes: 20_480})
			if err != nil {
				t.Fatal(err)
			}
			result, err = r.Run(ctx)
			if err != nil && !errors.Is(err, errKilled) && ctx.Err() == nil {
				t.Fatalf("write %d: %v", at, err)
			}
			die()
			if err != nil {
				killed++
			}
		}
		if result == nil || result.Migrated != n || result.Failed != 0 || killed < 4 {
			t.Fatalf("after %d deaths: %+v", killed, result)
		}
		verifyMigration(t, client, ledger, n)
		t.Logf("%d deaths, %d requests", killed, len(tenant.Requests()))
	})
}

func verifyMigration(t *testing.T, client *management.Client, ledger driver.Ledger, n int) {
	t.Helper()
	r, err := migration.NewRunner(newLegacyUsers(n), client, ledger, migrationRun, migration.Config{})
	if err != nil {
		t.Fatal(err)
	}
	v, err := r.Verify(t.Context())
	if err != nil || v.Same != n || v.Extra != 0 {
		t.Errorf("verification %+v, %v", v, err)
	}
}

// errKilled is an ErrFenced, since another error would be waited for in a run that is
// dead.
var errKilled = fmt.Errorf("killed: %w", driver.ErrFenced)

// killer lets some writes through and then none.
type killer struct {
	driver.Ledger
	left int64
	die  func()
	n    atomic.Int64
}

func (k *killer) PutBatch(ctx context.Context, f driver.Fence, b driver.Batch) error {
	if k.n.Add(1) > k.left {
		k.die()
		return errKilled
	}
	return k.Ledger.PutBatch(ctx, f, b)
}

func (k *killer) PutOutcomes(ctx context.Context, f driver.Fence, o []driver.Outcome) error {
	if k.n.Add(1) > k.left {
		k.die()
		return errKilled
	}
	return k.Ledger.PutOutcomes(ctx, f, o)
}
