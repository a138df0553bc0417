package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/crypto/bcrypt"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
)

// users is how many users each source has: AUTH0KIT_MIGRATE_USERS=50000 is what
// docs/migration shows.
func users(t *testing.T) int {
	t.Helper()
	if n, err := strconv.Atoi(os.Getenv("AUTH0KIT_MIGRATE_USERS")); err == nil {
		return n
	}
	return 400
}

// shop is a tenant with the connection "customers", and a way to call the tool.
type shop struct {
	t      *testing.T
	tenant *auth0test.Tenant
	client *management.Client
	dir    string
	flags  []string
}

func newShop(t *testing.T, source string, flags ...string) *shop {
	t.Helper()
	s := &shop{t: t, tenant: auth0test.NewTenant(auth0test.Options{JobTime: -1}), dir: t.TempDir()}
	s.tenant.AddConnection("customers", "auth0")
	machine := s.tenant.Machine()
	var err error
	s.client, err = management.New(management.Config{
		Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: s.tenant.HTTPClient(), MaxWait: -1,
	})
	require.NoError(t, err)
	s.flags = append([]string{
		"-source", source, "-system", "shop-production", "-connection", "customers", "-key-prefix", "shop|",
		"-ledger", filepath.Join(s.dir, "migration.db"), "-report", s.reports(),
	}, flags...)
	return s
}

func (s *shop) reports() string {
	if dir := os.Getenv("AUTH0KIT_MIGRATE_REPORT"); dir != "" {
		return filepath.Join(dir, s.t.Name())
	}
	return filepath.Join(s.dir, "report")
}

func (s *shop) call(want int, verb string, more ...string) (out, errs string) {
	s.t.Helper()
	var o, e bytes.Buffer
	start := time.Now()
	code := s.tool(&o, &e).main(s.t.Context(), append(append([]string{verb}, s.flags...), more...))
	s.t.Logf("migrate %s: %s, exit %d", verb, time.Since(start).Round(time.Second), code)
	require.Equal(s.t, want, code, "%s\n%s", o.String(), e.String())
	return o.String(), e.String()
}

// tool is the program in the environment of the shop.
func (s *shop) tool(out, errs io.Writer) *tool {
	machine := s.tenant.Machine()
	return &tool{out: out, err: errs, client: s.tenant.HTTPClient(), env: func(name string) string {
		return map[string]string{
			"AUTH0_DOMAIN": auth0test.DefaultDomain, "AUTH0_CLIENT_ID": machine.ID, "AUTH0_CLIENT_SECRET": machine.Secret,
			"MIGRATION_SECRET": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
		}[name]
	}}
}

func (s *shop) count() (n int) {
	s.t.Helper()
	connections, err := s.client.DatabaseConnections(s.t.Context())
	require.NoError(s.t, err)
	for _, c := range connections {
		for _, err := range s.client.ExportUsers(s.t.Context(), c.ID) {
			require.NoError(s.t, err)
			n++
		}
	}
	return n
}

const django = `CREATE TABLE auth_user (id INTEGER PRIMARY KEY, password VARCHAR(128), username VARCHAR(150), first_name VARCHAR(150), last_name VARCHAR(150), email VARCHAR(254), is_active BOOLEAN)`

// fill writes n rows.
func fill(t *testing.T, schema, insert string, n int, row func(i int) []any) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "legacy.db")
	db, err := openSQLite(path)
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // committed
	_, err = db.Exec(schema)
	require.NoError(t, err)
	tx, err := db.Begin()
	require.NoError(t, err)
	for i := 1; i <= n; i++ {
		_, err := tx.Exec(insert, row(i)...)
		require.NoError(t, err)
	}
	require.NoError(t, tx.Commit())
	return path
}

// A database of Django with three commands: its hashes are converted, one of a
// hundred emails is another's in other letters, and a name in latin1 stops nobody.
func TestDjango(t *testing.T) {
	t.Parallel()
	n := users(t)
	path := fill(t, django, `INSERT INTO auth_user VALUES (?, ?, ?, 'Ada', ?, ?, 1)`, n, func(i int) []any {
		email, last := fmt.Sprintf("user%d@example.com", i), any("Lovelace")
		if i%100 == 0 {
			email = fmt.Sprintf("USER%d@example.com", i-1)
		}
		if i == 7 {
			last = []byte("M\xfcller")
		}
		return []any{i, "pbkdf2_sha256$10000$1135411628$bFYX62rfJobJ07VwrUMXfuffLfj2RDM2G6/BrTrUWkE=", fmt.Sprint("user", i), last, email}
	})
	known := filepath.Join(t.TempDir(), "known.json")
	require.NoError(t, os.WriteFile(known, []byte(`[{"Identifier":"user1@example.com","Password":"hashcat"}]`), 0o600))
	s := newShop(t, "django=sqlite:"+path, "-known", known)
	out, _ := s.call(codeLook, "plan")
	require.Contains(t, out, fmt.Sprintf("%d are duplicates", n/100))
	require.Contains(t, out, "1 are invalid")
	require.Zero(t, s.count())
	s.call(codeDone, "run")
	out, _ = s.call(codeDone, "verify")
	require.Contains(t, out, "0 changed, 0 missing")
	require.Equal(t, n-n/100-1, s.count())

	html, err := os.ReadFile(filepath.Join(s.reports(), "verify.html"))
	require.NoError(t, err)
	require.Contains(t, string(html), "Everything that was sent is there")
	require.NotContains(t, string(html), "@example.com")
	s.call(codeFailed, "rollback")
	require.Equal(t, n-n/100-1, s.count())
	s.call(codeDone, "rollback", "-yes")
	require.Zero(t, s.count())
}

// A database of WordPress: nobody's hash can be imported, so everybody comes at the
// first login; those of 6.8 too.
func TestWordPress(t *testing.T) {
	t.Parallel()
	n := users(t)
	path := fill(t, `CREATE TABLE wp_users (ID INTEGER PRIMARY KEY, user_login TEXT, user_pass TEXT, user_email TEXT, display_name TEXT)`,
		`INSERT INTO wp_users VALUES (?, ?, ?, ?, 'Ada')`, n, func(i int) []any {
			return []any{i, fmt.Sprint("user name ", i), []string{"$P$BVrdsW/NUuXDi0Od0uUdk2SnJHHmQ01", "$wp$2y$04$abcdefghijklmnopqrstuuWHVs6sal8LfOtpnQh/UZxx3ZrkYIB7u"}[i%2], fmt.Sprintf("user%d@example.com", i)}
		})
	s := newShop(t, "wordpress=sqlite:"+path)
	out, _ := s.call(codeDone, "plan")
	require.Contains(t, out, fmt.Sprintf("%8d migrate at their first login", n))
	out, _ = s.call(codeDone, "run", "-json")
	var res migration.Result
	require.NoError(t, json.Unmarshal([]byte(out), &res))
	require.Equal(t, []int{0, n}, []int{res.Migrated, res.Lazy})
	s.call(codeDone, "verify")
}

// A CSV file with organizations, phone numbers in free text, and a stop in between.
func TestCSV(t *testing.T) {
	t.Parallel()
	n := users(t)
	hash, err := bcrypt.GenerateFromPassword([]byte("secret"), bcrypt.MinCost)
	require.NoError(t, err)
	var b strings.Builder
	b.WriteString("id,mail,phone,hash,org\n")
	for i := 1; i <= n; i++ {
		fmt.Fprintf(&b, "%d,user%d@example.com,0171 %07d,%s,acme:admin\n", i, i, i, hash)
	}
	path := filepath.Join(t.TempDir(), "users.csv")
	require.NoError(t, os.WriteFile(path, []byte(b.String()), 0o600))
	s := newShop(t, path, "-map", "key=id,email=mail,phone=phone,password=hash,memberships=org,email_verified=true",
		"-phone", "normalize", "-calling-code", "+49", "-create-missing")
	s.call(codeDone, "plan")
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	var e bytes.Buffer
	code := s.tool(&e, &e).main(stopped, append([]string{"run"}, s.flags...))
	require.Equal(t, codeStopped, code)
	require.Contains(t, e.String(), "migrate run -source")
	s.call(codeDone, "run")
	out, _ := s.call(codeDone, "verify")
	require.Contains(t, out, fmt.Sprintf("%d memberships, 0 missing", n))
	require.Equal(t, n, s.count())
	u, err := s.client.User(t.Context(), "auth0|shop|1")
	require.NoError(t, err)
	require.Equal(t, "+491710000001", u.Phone)
	_, err = s.client.OrganizationByName(t.Context(), "acme")
	require.NoError(t, err)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for args, text := range map[string]string{
		"": "first word", "fly": "first word", "plan": "Run.Connection", "plan -connection c": "Run.Source",
		"plan -connection c -system s -reset all": "-reset", "plan -connection c -system s x": "Flags begin",
		"plan -connection c -system s -known /none": "-known",
	} {
		var e bytes.Buffer
		code := (&tool{out: &e, err: &e, env: func(string) string { return "" }}).main(t.Context(), strings.Fields(args))
		require.Equal(t, codeUsage, code, args)
		require.Contains(t, e.String(), text)
	}
	o := options{args: []string{"run", "-source", "django=postgres://app:secret@db/shop", "-key-prefix", "shop|"}}
	require.Equal(t, "run -source django=postgres://…@db/shop -key-prefix 'shop|'", o.line())
	for s, text := range map[string]string{"": "-map is missing", "key": "not name=field", "kee=id": `no "kee"`} {
		_, _, err := mapped(s)
		require.ErrorContains(t, err, text)
	}
	cols, cfg, err := mapped("key=id,given_name=g,app_metadata.plan=p,scheme='nt',null='NULL',email_verified=true")
	require.NoError(t, err)
	require.Equal(t, []any{"id", "g", "p", "nt", "NULL", true}, []any{cols.Key, cols.GivenName, cols.AppMetadata["plan"], cfg.Scheme, cfg.Null, cfg.EmailVerified})
}
