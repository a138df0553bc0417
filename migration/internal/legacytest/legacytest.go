// Package legacytest is a database of users for the tests of migration, and a tenant that
// takes them.
package legacytest

import (
	"bytes"
	"context"
	"crypto/md5"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/bcrypt"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// Connection is that of NewTenant.
const Connection = "legacy"

// NewTenant has a database connection that requires no usernames.
func NewTenant(opts auth0test.Options) *auth0test.Tenant {
	t := auth0test.NewTenant(opts)
	t.AddConnection(Connection, "auth0")
	return t
}

// NewClient is a client of the tenant through the real SDK, as a bulk run has it.
func NewClient(t testing.TB, tenant *auth0test.Tenant) *management.Client {
	t.Helper()
	machine := tenant.Machine()
	c, err := management.New(management.Config{
		Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret,
		HTTPClient: tenant.HTTPClient(), MaxWait: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Table is a legacy database in memory that Marks its rows.
type Table struct {
	mu    sync.Mutex
	rows  []migration.Record // in order of keys
	Marks map[string]int
}

// NewTable has the rows, in order of their keys.
func NewTable(rows ...migration.Record) *Table {
	slices.SortFunc(rows, func(a, b migration.Record) int { return strings.Compare(a.Key, b.Key) })
	return &Table{rows: rows, Marks: make(map[string]int)}
}

// Page implements migration.Source.
func (t *Table) Page(ctx context.Context, after string, limit int) ([]migration.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, found := slices.BinarySearchFunc(t.rows, after, func(r migration.Record, k string) int { return strings.Compare(r.Key, k) })
	if found {
		i++
	}
	page := slices.Clone(t.rows[i:min(i+limit, len(t.rows))])
	for i := range page {
		page[i].Migrated = t.Marks[page[i].Key] > 0
	}
	return page, ctx.Err()
}

// Find implements migration.Finder.
func (t *Table) Find(ctx context.Context, identifier string) (migration.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rows {
		if strings.EqualFold(r.Email, identifier) || r.Username != "" && r.Username == identifier {
			r.Migrated = t.Marks[r.Key] > 0
			return r, ctx.Err()
		}
	}
	return migration.Record{}, migration.ErrNoUser
}

// Get implements migration.Getter.
func (t *Table) Get(ctx context.Context, key string) (migration.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.rows, func(r migration.Record) bool { return r.Key == key })
	if i < 0 {
		return migration.Record{}, migration.ErrNoUser
	}
	return t.rows[i], ctx.Err()
}

// Remove takes a row away.
func (t *Table) Remove(key string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = slices.DeleteFunc(t.rows, func(r migration.Record) bool { return r.Key == key })
}

// MarkMigrated counts.
func (t *Table) MarkMigrated(_ context.Context, key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Marks[key]++
	return nil
}

// UnmarkMigrated forgets.
func (t *Table) UnmarkMigrated(_ context.Context, key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.Marks, key)
	return nil
}

// Change edits a row.
func (t *Table) Change(key string, edit func(r *migration.Record)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.rows {
		if t.rows[i].Key == key {
			edit(&t.rows[i])
		}
	}
}

// Insert adds a row.
func (t *Table) Insert(r migration.Record) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.rows = append(t.rows, r)
	slices.SortFunc(t.rows, func(a, b migration.Record) int { return strings.Compare(a.Key, b.Key) })
}

// Bare is a source that is nothing but a Source.
type Bare struct{ migration.Source }

// User is a row with password.
func User(n int) migration.Record {
	return migration.Record{
		Key: fmt.Sprintf("u%06d", n), Email: fmt.Sprintf("user%d@example.com", n), EmailVerified: n%2 == 0,
		Name: fmt.Sprintf("User %d", n), Password: Hash(),
		AppMetadata: map[string]any{"plan": "gold", "seats": n}, UserMetadata: map[string]any{"lang": "en"},
	}
}

// Users are n of them.
func Users(n int) []migration.Record {
	rows := make([]migration.Record, n)
	for i := range rows {
		rows[i] = User(i)
	}
	return rows
}

// Password is every row's; Auth0's default policy takes it.
const Password = "correct-Horse7"

// Hash is Password as bcrypt with Auth0's own cost: the hash that an import
// takes as it is.
var Hash = sync.OnceValue(func() passhash.Stored { return Hashed(nil, Password, 10) })

// Hashed is a password as bcrypt.
func Hashed(t testing.TB, password string, cost int) passhash.Stored {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return passhash.Stored{Value: string(hash)}
}

// Garbled is a hash that is broken.
var Garbled = passhash.Stored{Value: "$2b$10$tooshort"}

// Phpass is Password in the portable format of phpass, which Auth0 cannot
// import: MD5 in a loop, and a base64 of its own.
var Phpass = func() passhash.Stored {
	const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	const salt = "saltsalt"
	sum := md5.Sum([]byte(salt + Password))
	for range 1 << 8 {
		sum = md5.Sum(append(sum[:], Password...))
	}
	var b strings.Builder
	b.WriteString("$P$6" + salt) // alphabet[8]: 2^8 rounds
	for i := 0; i < len(sum); i += 3 {
		n := 0
		for j, c := range sum[i:min(i+3, len(sum))] {
			n |= int(c) << (8 * j)
		}
		for range min(4, len(sum)-i+1) {
			b.WriteByte(alphabet[n&63])
			n >>= 6
		}
	}
	return passhash.Stored{Value: b.String()}
}()

// NewRunner is a runner of Run.
func NewRunner(t testing.TB, src migration.Source, dst migration.Target, ledger driver.Ledger, cfg migration.Config) *migration.Runner {
	t.Helper()
	cfg.AllowSharedKeys = true // the tenant has a second database connection, and these keys are its alone
	r, err := migration.NewRunner(src, dst, ledger, Run(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Run is what the tests migrate.
func Run() migration.Run {
	return migration.Run{Source: "test", Connection: Connection, Secret: bytes.Repeat([]byte("k"), 32)}
}

// Do runs and returns the result.
func Do(t testing.TB, r *migration.Runner) *migration.Result {
	t.Helper()
	res, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return res
}
