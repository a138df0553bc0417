package lazy_test

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
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

const connection = "legacy"

// newTenant has a database connection that requires no usernames.
func newTenant(opts auth0test.Options) *auth0test.Tenant {
	t := auth0test.NewTenant(opts)
	t.AddConnection(connection, "auth0")
	return t
}

// newClient is a client of the tenant through the real SDK, as a bulk run has it.
func newClient(t testing.TB, tenant *auth0test.Tenant) *management.Client {
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

// table is a legacy database in memory that marks its rows.
type table struct {
	mu    sync.Mutex
	rows  []migration.Record // in order of keys
	marks map[string]int
}

func newTable(rows ...migration.Record) *table {
	slices.SortFunc(rows, func(a, b migration.Record) int { return strings.Compare(a.Key, b.Key) })
	return &table{rows: rows, marks: make(map[string]int)}
}

func (t *table) Page(ctx context.Context, after string, limit int) ([]migration.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i, found := slices.BinarySearchFunc(t.rows, after, func(r migration.Record, k string) int { return strings.Compare(r.Key, k) })
	if found {
		i++
	}
	page := slices.Clone(t.rows[i:min(i+limit, len(t.rows))])
	for i := range page {
		page[i].Migrated = t.marks[page[i].Key] > 0
	}
	return page, ctx.Err()
}

func (t *table) Find(ctx context.Context, identifier string) (migration.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rows {
		if strings.EqualFold(r.Email, identifier) || r.Username != "" && r.Username == identifier {
			r.Migrated = t.marks[r.Key] > 0
			return r, ctx.Err()
		}
	}
	return migration.Record{}, migration.ErrNoUser
}

func (t *table) Get(ctx context.Context, key string) (migration.Record, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	i := slices.IndexFunc(t.rows, func(r migration.Record) bool { return r.Key == key })
	if i < 0 {
		return migration.Record{}, migration.ErrNoUser
	}
	return t.rows[i], ctx.Err()
}

func (t *table) MarkMigrated(_ context.Context, key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.marks[key]++
	return nil
}

func (t *table) UnmarkMigrated(_ context.Context, key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.marks, key)
	return nil
}

// bare is a source that is nothing but a Source.
type bare struct{ migration.Source }

// user is a row with password.
func user(n int) migration.Record {
	return migration.Record{
		Key: fmt.Sprintf("u%06d", n), Email: fmt.Sprintf("user%d@example.com", n), EmailVerified: n%2 == 0,
		Name: fmt.Sprintf("User %d", n), Password: secret(),
		AppMetadata: map[string]any{"plan": "gold", "seats": n}, UserMetadata: map[string]any{"lang": "en"},
	}
}

func users(n int) []migration.Record {
	rows := make([]migration.Record, n)
	for i := range rows {
		rows[i] = user(i)
	}
	return rows
}

// password is every row's; Auth0's default policy takes it.
const password = "correct-Horse7"

// secret is password as bcrypt with Auth0's own cost: the hash that an import
// takes as it is.
var secret = sync.OnceValue(func() passhash.Stored { return hashed(nil, password, 10) })

// hashed is a password as bcrypt.
func hashed(t testing.TB, password string, cost int) passhash.Stored {
	hash, err := bcrypt.GenerateFromPassword([]byte(password), cost)
	if err != nil {
		t.Fatal(err)
	}
	return passhash.Stored{Value: string(hash)}
}

// garbled is a hash that is broken.
var garbled = passhash.Stored{Value: "$2b$10$tooshort"}

// phpassHash is password in the portable format of phpass, which Auth0 cannot
// import: MD5 in a loop, and a base64 of its own.
var phpassHash = func() passhash.Stored {
	const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	const salt = "saltsalt"
	sum := md5.Sum([]byte(salt + password))
	for range 1 << 8 {
		sum = md5.Sum(append(sum[:], password...))
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

func newRunner(t testing.TB, src migration.Source, dst migration.Target, ledger driver.Ledger, cfg migration.Config) *migration.Runner {
	t.Helper()
	cfg.AllowSharedKeys = true // the tenant has a second database connection, and these keys are its alone
	r, err := migration.NewRunner(src, dst, ledger, testRun(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// testRun is what the tests migrate.
func testRun() migration.Run {
	return migration.Run{Source: "test", Connection: connection, Secret: bytes.Repeat([]byte("k"), 32)}
}

// run runs and returns the result.
func run(t testing.TB, r *migration.Runner) *migration.Result {
	t.Helper()
	res, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return res
}

func usersOf(t testing.TB, c *management.Client) map[string]resource.User {
	t.Helper()
	con, err := c.Connection(t.Context(), connection)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]resource.User)
	for u, err := range c.ExportUsers(t.Context(), con.ID) {
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(u.ID, "auth0|")] = u
	}
	return all
}

func posts(tenant *auth0test.Tenant, path string) (n int) {
	for _, q := range tenant.Requests() {
		if q.Method == "POST" && q.Path == path {
			n++
		}
	}
	return n
}
