package integration

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/filesource"
	"github.com/auth0kit/auth0kit/migration/lazy"
	"github.com/auth0kit/auth0kit/migration/passhash"
	"github.com/auth0kit/auth0kit/migration/sqlsource"
)

// sqlKind is a database with its spelling of what the tests need.
type sqlKind struct {
	dialect sqlsource.Dialect
	open    func(testing.TB) *sql.DB
	types   *strings.Replacer
}

var sqlKinds = []sqlKind{
	{sqlsource.SQLite, openSQLite, strings.NewReplacer("{bigint}", "INTEGER", "{bool}", "BOOLEAN", "{time}", "TIMESTAMP", "{json}", "JSON", "{uuid}", "TEXT", "{quote}", `"`)},
	{sqlsource.Postgres, openPostgres, strings.NewReplacer("{bigint}", "BIGINT", "{bool}", "BOOLEAN", "{time}", "TIMESTAMPTZ", "{json}", "JSONB", "{uuid}", "UUID", "{quote}", `"`)},
	{sqlsource.MySQL, openMySQL, strings.NewReplacer("{bigint}", "BIGINT UNSIGNED", "{bool}", "TINYINT(1)", "{time}", "DATETIME", "{json}", "JSON", "{uuid}", "CHAR(36)", "{quote}", "`")},
}

func onEachSQL(t *testing.T, test func(t *testing.T, kind sqlKind, db *sql.DB)) {
	t.Helper()
	for _, kind := range sqlKinds {
		t.Run(string(kind.dialect), func(t *testing.T) {
			t.Parallel()
			test(t, kind, kind.open(t))
		})
	}
}

func (k sqlKind) exec(t *testing.T, db *sql.DB, statements ...string) {
	t.Helper()
	for _, statement := range statements {
		mustExec(t, db, k.types.Replace(statement))
	}
}

const membersTable = `CREATE TABLE members (
	id {bigint} PRIMARY KEY, mail VARCHAR(255), login VARCHAR(64), full_name VARCHAR(255), confirmed_at {time} NULL,
	locked {bool} NOT NULL, pwd VARCHAR(255), changed {time} NULL, moved_at {time} NULL, plan VARCHAR(32), logins INTEGER, prefs {json})`

var membersColumns = sqlsource.Columns{
	Key: "id", Email: "mail", Username: "login", Name: "full_name", EmailVerified: "confirmed_at", Blocked: "locked",
	Password: "pwd", UpdatedAt: "changed", MigratedAt: "moved_at",
	AppMetadata:  map[string]string{"plan": "plan", "logins": "logins"},
	UserMetadata: map[string]string{"preferences": "prefs"},
}

func insertMember(id int, mail, login string) string {
	return fmt.Sprintf(`INSERT INTO members VALUES (%d, '%s', '%s', 'Ada %d', '2024-05-01 10:00:00', %s, '$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K',
	'2024-06-01 12:30:00', NULL, 'pro', %d, '{"theme":"dark","n":[1,2]}')`, id, mail, login, id, strconv.FormatBool(id%2 == 0), id)
}

func openMembers(t *testing.T, kind sqlKind, db *sql.DB, cfg sqlsource.Config) *sqlsource.Source {
	t.Helper()
	source, err := sqlsource.New(db, kind.dialect, "members", membersColumns, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := source.Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	return source
}

// allKeys reads the whole source in pages.
func allKeys(t *testing.T, source migration.Source, limit int, between func(page int)) (keys []string) {
	t.Helper()
	for after, page := "", 0; ; page++ {
		records, err := source.Page(t.Context(), after, limit)
		if err != nil {
			t.Fatal(err)
		}
		if len(records) > limit {
			t.Fatalf("a page of %d has %d records", limit, len(records))
		}
		if len(records) == 0 {
			return keys
		}
		for _, r := range records {
			keys = append(keys, r.Key)
		}
		after = keys[len(keys)-1]
		if between != nil {
			between(page)
		}
	}
}

func TestSQLSourceReadsARow(t *testing.T) {
	t.Parallel()
	onEachSQL(t, func(t *testing.T, kind sqlKind, db *sql.DB) {
		kind.exec(t, db, membersTable, insertMember(4, "ada@example.com", "ada"),
			`INSERT INTO members (id, locked) VALUES (5, false)`)
		source := openMembers(t, kind, db, sqlsource.Config{})
		page, err := source.Page(t.Context(), "", 10)
		if err != nil || len(page) != 2 {
			t.Fatalf("%d records, %v", len(page), err)
		}
		r := page[0]
		if r.Key != "4" || r.Email != "ada@example.com" || r.Username != "ada" || r.Name != "Ada 4" {
			t.Errorf("texts: %q %q %q %q", r.Key, r.Email, r.Username, r.Name)
		}
		if !r.EmailVerified || !r.Blocked || r.Migrated {
			t.Errorf("truths: %v %v %v", r.EmailVerified, r.Blocked, r.Migrated)
		}
		if want := time.Date(2024, 6, 1, 12, 30, 0, 0, time.UTC); !r.UpdatedAt.Equal(want) {
			t.Errorf("UpdatedAt: %v, want %v", r.UpdatedAt, want)
		}
		if err := passhash.Verify(r.Password, "hello"); err != nil {
			t.Error(err)
		}
		if got := fmt.Sprint(r.AppMetadata, r.UserMetadata); got != "map[logins:4 plan:pro] map[preferences:map[n:[1 2] theme:dark]]" {
			t.Errorf("metadata: %s", got)
		}
		empty := page[1]
		if empty.Key != "5" || empty.Email != "" || !empty.Password.IsZero() || empty.AppMetadata != nil || !empty.UpdatedAt.IsZero() || empty.EmailVerified {
			t.Errorf("a row of NULLs: %v", empty)
		}
	})
}

// Numeric order, no row twice, none lost, although rows come and go meanwhile.
func TestSQLSourcePagesByKeyset(t *testing.T) {
	t.Parallel()
	onEachSQL(t, func(t *testing.T, kind sqlKind, db *sql.DB) {
		kind.exec(t, db, membersTable)
		var want []string
		for id := 5; id < 125; id += 3 {
			kind.exec(t, db, insertMember(id, fmt.Sprintf("u%d@example.com", id), fmt.Sprintf("u%d", id)))
			want = append(want, strconv.Itoa(id))
		}
		source := openMembers(t, kind, db, sqlsource.Config{})
		for _, limit := range []int{1, 7, 40, 1000} {
			if got := allKeys(t, source, limit, nil); !slices.Equal(got, want) {
				t.Errorf("pages of %d: %v, want %v", limit, got, want)
			}
		}
		got := allKeys(t, source, 10, func(page int) {
			if page == 0 { // One read row goes, one comes before the cursor, one after it.
				kind.exec(t, db, `DELETE FROM members WHERE id = 5`, insertMember(6, "six@example.com", "six"), insertMember(1000, "last@example.com", "last"))
			}
		})
		if want := append(slices.Clone(want), "1000"); !slices.Equal(got, want) {
			t.Errorf("while rows come and go: %v, want %v", got, want)
		}
		filtered := openMembers(t, kind, db, sqlsource.Config{Where: "id > 100 OR id = 6"})
		if got := allKeys(t, filtered, 4, nil); len(got) != 10 || got[0] != "6" || got[9] != "1000" {
			t.Errorf("with Where: %v", got)
		}
	})
}

func TestSQLSourceFind(t *testing.T) {
	t.Parallel()
	onEachSQL(t, func(t *testing.T, kind sqlKind, db *sql.DB) {
		kind.exec(t, db, membersTable, insertMember(1, "Ada@Example.com", "ada"), insertMember(2, "bob@example.com", "Bob"),
			insertMember(3, "twin@example.com", "x"), insertMember(4, "TWIN@example.com", "y"), insertMember(5, "five@example.com", "bob@example.com"))
		source := openMembers(t, kind, db, sqlsource.Config{})
		for identifier, key := range map[string]string{
			"ada@example.com": "1", "ADA@EXAMPLE.COM": "1", "ADA": "1", "bob": "2", "five@example.com": "5",
			"twin@example.com": "3", // the first of two rows
			"bob@example.com":  "2", // the email of one and the username of another
			"nobody":           "", "%": "", "_da": "", "' OR '1'='1": "", `\' OR 1=1 -- `: "", "": "",
		} {
			r, err := source.Find(t.Context(), identifier)
			if key == "" && !errors.Is(err, migration.ErrNoUser) || key != "" && (err != nil || r.Key != key) {
				t.Errorf("Find %q: %q, %v, want %q", identifier, r.Key, err, key)
			}
		}
		exact := openMembers(t, kind, db, sqlsource.Config{ExactCase: true})
		_, err := exact.Find(t.Context(), "ada@example.com")
		if kind.dialect != sqlsource.MySQL && !errors.Is(err, migration.ErrNoUser) { // There the column's collation folds.
			t.Errorf("another case with ExactCase: %v, want ErrNoUser", err)
		}
		if r, err := exact.Find(t.Context(), "Ada@Example.com"); err != nil || r.Key != "1" {
			t.Errorf("the same case with ExactCase: %v", err)
		}
	})
}

func TestSQLSourceMarks(t *testing.T) {
	t.Parallel()
	onEachSQL(t, func(t *testing.T, kind sqlKind, db *sql.DB) {
		kind.exec(t, db, membersTable, insertMember(1, "a@example.com", "a"), insertMember(2, "b@example.com", "b"))
		source := openMembers(t, kind, db, sqlsource.Config{})
		migrated := func() string {
			page, err := source.Page(t.Context(), "", 10)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprint(page[0].Migrated, page[1].Migrated)
		}
		var wg sync.WaitGroup
		for range 8 { // Again and again, and at once.
			wg.Go(func() {
				if err := source.MarkMigrated(t.Context(), "2"); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if got := migrated(); got != "false true" {
			t.Errorf("after marking: %s", got)
		}
		if err := errors.Join(source.UnmarkMigrated(t.Context(), "2"), source.UnmarkMigrated(t.Context(), "99")); err != nil {
			t.Error(err)
		}
		if got := migrated(); got != "false false" {
			t.Errorf("after taking the mark back: %s", got)
		}
		if err := source.MarkMigrated(t.Context(), "nonsense"); err == nil && kind.dialect != sqlsource.SQLite {
			t.Error("a key that is no integer is accepted")
		}
	})
}

func TestSQLSourceTextKeys(t *testing.T) {
	t.Parallel()
	onEachSQL(t, func(t *testing.T, kind sqlKind, db *sql.DB) {
		kind.exec(t, db, `CREATE TABLE people (id {uuid} PRIMARY KEY, email VARCHAR(255), moved_at {time} NULL)`)
		var want []string
		for i := range 30 {
			key := fmt.Sprintf("%08x-0000-4000-8000-000000000000", (i*2654435761)&0xffffffff)
			kind.exec(t, db, fmt.Sprintf(`INSERT INTO people (id, email) VALUES ('%s', 'u%d@example.com')`, key, i))
			want = append(want, key)
		}
		slices.Sort(want)
		columns := sqlsource.Columns{Key: "id", Email: "email", MigratedAt: "moved_at"}
		source, err := sqlsource.New(db, kind.dialect, "people", columns, sqlsource.Config{TextKey: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := source.Check(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := allKeys(t, source, 7, nil); !slices.Equal(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
		if err := source.MarkMigrated(t.Context(), want[3]); err != nil {
			t.Error(err)
		}
		if page, err := source.Page(t.Context(), want[2], 1); err != nil || page[0].Key != want[3] || !page[0].Migrated {
			t.Errorf("after marking: %v, %v", page, err)
		}
		wrong, err := sqlsource.New(db, kind.dialect, "people", columns, sqlsource.Config{})
		if err != nil {
			t.Fatal(err)
		}
		wantField(t, wrong.Check(t.Context()), "Config.TextKey", "must be true")
	})
}

func wantField(t *testing.T, err error, field string, texts ...string) {
	t.Helper()
	e, ok := errors.AsType[*sqlsource.FieldError](err)
	if !ok || e.Field != field {
		t.Errorf("%v, want %s", err, field)
		return
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("%v does not say %q", err, text)
		}
	}
}

func TestSQLSourceCheckNamesTheField(t *testing.T) {
	t.Parallel()
	onEachSQL(t, func(t *testing.T, kind sqlKind, db *sql.DB) {
		kind.exec(t, db, membersTable, insertMember(1, "a@example.com", "a"), insertMember(2, "b@example.com", "a"))
		check := func(table string, change func(*sqlsource.Columns), cfg sqlsource.Config) error {
			columns := membersColumns
			change(&columns)
			source, err := sqlsource.New(db, kind.dialect, table, columns, cfg)
			if err != nil {
				t.Fatal(err)
			}
			return source.Check(t.Context())
		}
		nothing := func(*sqlsource.Columns) {}
		wantField(t, check("memberz", nothing, sqlsource.Config{}), "table", "memberz", "SELECT")
		wantField(t, check("members", nothing, sqlsource.Config{From: "nowhere"}), "Config.From")
		wantField(t, check("members", func(c *sqlsource.Columns) { c.Email = "email" }, sqlsource.Config{}), "Columns.Email", "email", "mail, login")
		wantField(t, check("members", func(c *sqlsource.Columns) { c.AppMetadata = map[string]string{"tier": "tier"} }, sqlsource.Config{}), "Columns.AppMetadata[tier]")
		wantField(t, check("members", func(c *sqlsource.Columns) { c.Key = "plan" }, sqlsource.Config{TextKey: true}), "Columns.Key", "not unique")
		wantField(t, check("members", nothing, sqlsource.Config{TextKey: true}), "Config.TextKey", "must be false")
		wantField(t, check("members", func(c *sqlsource.Columns) { c.UpdatedAt = "full_name" }, sqlsource.Config{}), "Columns", "updated_at", "not a time")
		wantField(t, check("members", nothing, sqlsource.Config{Scheme: "bcrypt-sha265"}), "Config.Scheme", "bcrypt-sha256")
		if kind.dialect == sqlsource.MySQL { // two keys for us are one under the column's collation, and a page would leave one out
			kind.exec(t, db, `CREATE TABLE folded (id VARCHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci, mail VARCHAR(64))`,
				`INSERT INTO folded VALUES ('a', 'a@example.com'), ('A', 'b@example.com')`)
			wantField(t, check("folded", func(c *sqlsource.Columns) { *c = sqlsource.Columns{Key: "id", Email: "mail"} }, sqlsource.Config{TextKey: true}), "Columns.Key", "not unique")
		}
		both := check("members", func(c *sqlsource.Columns) { c.Email, c.Password = "e", "p" }, sqlsource.Config{})
		if text := fmt.Sprint(both); !strings.Contains(text, "Columns.Email") || !strings.Contains(text, "Columns.Password") {
			t.Errorf("two wrong columns: %v", both)
		}
		upper := check("members", func(c *sqlsource.Columns) { c.Email = "MAIL" }, sqlsource.Config{})
		if kind.dialect == sqlsource.Postgres {
			wantField(t, upper, "Columns.Email", "distinguishes case")
		} else if upper != nil {
			t.Errorf("another case: %v", upper)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		wantField(t, check("members", nothing, sqlsource.Config{}), "table")
	})
}

// Each preset reads the schema that its framework creates.
func TestSQLSourcePresets(t *testing.T) {
	t.Parallel()
	const bcrypt = "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K" // "hello"
	presets := map[string]struct {
		schema     sqlsource.Schema
		statements []string
		identifier string
		password   string
		want       string // Key, Email, Username, Name, EmailVerified, Blocked
	}{
		"Django": {sqlsource.Django(), []string{
			`CREATE TABLE auth_user (id {bigint} PRIMARY KEY, password VARCHAR(128) NOT NULL, last_login {time} NULL, is_superuser {bool} NOT NULL, username VARCHAR(150) NOT NULL,
				first_name VARCHAR(150) NOT NULL, last_name VARCHAR(150) NOT NULL, email VARCHAR(254) NOT NULL, is_staff {bool} NOT NULL, is_active {bool} NOT NULL, date_joined {time} NOT NULL)`,
			`INSERT INTO auth_user VALUES (9, 'pbkdf2_sha256$10000$1135411628$bFYX62rfJobJ07VwrUMXfuffLfj2RDM2G6/BrTrUWkE=', NULL, false, 'ada', 'Ada', 'Lovelace', 'ada@example.com', false, true, '2024-01-01 00:00:00')`,
		}, "ada", "hashcat", `9 ada@example.com  "Ada Lovelace" false false`},
		"WordPress": {sqlsource.WordPress("wp_"), []string{
			`CREATE TABLE wp_users ({quote}ID{quote} {bigint} PRIMARY KEY, user_login VARCHAR(60) NOT NULL, user_pass VARCHAR(255) NOT NULL, user_nicename VARCHAR(50) NOT NULL,
				user_email VARCHAR(100) NOT NULL, user_url VARCHAR(100) NOT NULL, user_status INTEGER NOT NULL, display_name VARCHAR(250) NOT NULL)`,
			`INSERT INTO wp_users VALUES (1, 'admin', '$P$BVrdsW/NUuXDi0Od0uUdk2SnJHHmQ01', 'admin', 'admin@example.com', '', 0, 'Ada L.')`,
		}, "admin@example.com", "bitnami", `1 admin@example.com  "Ada L." false false`},
		"Laravel": {sqlsource.Laravel(), []string{
			`CREATE TABLE users (id {bigint} PRIMARY KEY, name VARCHAR(255) NOT NULL, email VARCHAR(255) NOT NULL, email_verified_at {time} NULL, password VARCHAR(255) NOT NULL,
				remember_token VARCHAR(100) NULL, created_at {time} NULL, updated_at {time} NULL)`,
			`INSERT INTO users VALUES (3, 'Ada', 'ada@example.com', '2024-01-01 00:00:00', '$2y$04$abcdefghijklmnopqrstuuanVo7Xut1CH8VGIGlz1JovQh9GJbbtG', NULL, NULL, NULL)`,
		}, "ADA@example.com", "lètmein", `3 ada@example.com  "Ada" true false`},
		"Devise": {sqlsource.Devise("pepper"), []string{
			`CREATE TABLE users (id {bigint} PRIMARY KEY, email VARCHAR(255) NOT NULL, encrypted_password VARCHAR(255) NOT NULL, confirmed_at {time} NULL, updated_at {time} NOT NULL)`,
			`INSERT INTO users VALUES (8, 'ada@example.com', '$2a$04$abcdefghijklmnopqrstuuK07M1sVzNh1IfLJ41KZH/ZJLibIumlS', NULL, '2024-01-01 00:00:00')`,
		}, "ada@example.com", "hashcat", `8 ada@example.com  "" false false`},
		"ASP.NET": {sqlsource.ASPNetIdentity(), []string{
			`CREATE TABLE {quote}AspNetUsers{quote} ({quote}Id{quote} VARCHAR(255) PRIMARY KEY, {quote}UserName{quote} VARCHAR(256), {quote}NormalizedUserName{quote} VARCHAR(256),
				{quote}Email{quote} VARCHAR(256), {quote}EmailConfirmed{quote} {bool} NOT NULL, {quote}PasswordHash{quote} TEXT, {quote}PhoneNumber{quote} TEXT)`,
			`INSERT INTO {quote}AspNetUsers{quote} VALUES ('1b4e28ba-2fa1-11d2-883f-0016d3cca427', 'ada', 'ADA', 'ada@example.com', true, 'AQAAAAIAAAAyAAAAEOMwvh3+FZxqkdMBz2ekgGhwQ4B6pZWND6zgESBuWiHw', '0171 / 12345')`, // free text stops nobody
		}, "Ada", "my password", `1b4e28ba-2fa1-11d2-883f-0016d3cca427 ada@example.com  "" true false`},
		"Keycloak": {sqlsource.Keycloak("acme"), []string{
			`CREATE TABLE REALM (ID VARCHAR(36) PRIMARY KEY, NAME VARCHAR(255))`,
			`CREATE TABLE USER_ENTITY (ID VARCHAR(36) PRIMARY KEY, EMAIL VARCHAR(255), USERNAME VARCHAR(255), FIRST_NAME VARCHAR(255), LAST_NAME VARCHAR(255), EMAIL_VERIFIED {bool} NOT NULL,
				ENABLED {bool} NOT NULL, REALM_ID VARCHAR(255), SERVICE_ACCOUNT_CLIENT_LINK VARCHAR(255), FEDERATION_LINK VARCHAR(255))`,
			`CREATE TABLE CREDENTIAL (ID VARCHAR(36) PRIMARY KEY, TYPE VARCHAR(255), USER_ID VARCHAR(36), SECRET_DATA TEXT, CREDENTIAL_DATA TEXT)`,
			`INSERT INTO REALM VALUES ('r1', 'master'), ('r2', 'acme')`,
			`INSERT INTO USER_ENTITY VALUES ('u1', 'ada@example.com', 'ada', 'Ada', 'Lovelace', true, true, 'r2', NULL, NULL), ('u0', 'ada@example.com', 'ada', 'Not', 'Ada', true, true, 'r1', NULL, NULL),
				('u2', NULL, 'service-account-app', NULL, NULL, false, true, 'r2', 'c1', NULL)`,
			`INSERT INTO CREDENTIAL VALUES ('c1', 'password', 'u1', '{"value":"KqABIiReBuRWbP4pBct3W067pNvYzeN7ILBV+8vT8nuF5cgYs2fdl2QikJT/7bGTW/PBXg6CYLwJQFYrBK9MWg==","salt":"EPgscX9CQz7UnuZDNZxtMw=="}',
				'{"hashIterations":27500,"algorithm":"pbkdf2-sha256"}'), ('c2', 'otp', 'u1', '{}', '{}')`,
		}, "ada", "alice-password", `u1 ada@example.com  "Ada Lovelace" true false`},
		"Drupal 7": {sqlsource.Drupal7(), []string{
			`CREATE TABLE users (uid {bigint} PRIMARY KEY, name VARCHAR(60) NOT NULL, pass VARCHAR(128) NOT NULL, mail VARCHAR(254), created INTEGER NOT NULL, status SMALLINT NOT NULL, data TEXT)`,
			`INSERT INTO users VALUES (0, '', '', '', 0, 0, NULL), (1, 'ada', '$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf', 'ada@example.com', 1700000000, 1, NULL)`,
		}, "ada", "hashcat", `1 ada@example.com  "ada" false false`},
		"Supabase": {supabase(), []string{
			`CREATE TABLE auth_users (id {uuid} PRIMARY KEY, email VARCHAR(255), phone TEXT, encrypted_password VARCHAR(255), email_confirmed_at {time} NULL, phone_confirmed_at {time} NULL,
				raw_user_meta_data {json}, banned_until {time} NULL, updated_at {time} NULL, deleted_at {time} NULL, is_sso_user {bool} NOT NULL, is_anonymous {bool} NOT NULL)`,
			`INSERT INTO auth_users VALUES ('1b4e28ba-2fa1-11d2-883f-0016d3cca427', 'ada@example.com', '4930123456', '` + bcrypt + `', '2024-01-01 00:00:00', NULL,
				'{"full_name":"Ada L.","avatar_url":"https://example.com/a.png"}', NULL, 'infinity', NULL, false, false),
				('1b4e28ba-2fa1-11d2-883f-0016d3cca428', 'sso@example.com', NULL, NULL, NULL, NULL, '{}', NULL, NULL, NULL, true, false)`,
		}, "ada@example.com", "hello", `1b4e28ba-2fa1-11d2-883f-0016d3cca427 ada@example.com  "Ada L." true false`},
		"a table of one's own": {sqlsource.Schema{Table: "t", Columns: sqlsource.Columns{Key: "id", Email: "e", Password: "p"}}, []string{
			`CREATE TABLE t (id {bigint} PRIMARY KEY, e VARCHAR(255), p CHAR(80))`, // padded with spaces in Postgres
			`INSERT INTO t VALUES (1, 'ada@example.com', '` + bcrypt + `')`,
		}, "ada@example.com", "hello", `1 ada@example.com  "" false false`},
	}
	for name, preset := range presets {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachSQL(t, func(t *testing.T, kind sqlKind, db *sql.DB) {
				if name == "Supabase" && kind.dialect != sqlsource.Postgres {
					t.Skip("Supabase is Postgres")
				}
				kind.exec(t, db, preset.statements...)
				source, err := preset.schema.Open(db, kind.dialect)
				if err != nil {
					t.Fatal(err)
				}
				if err := source.Check(t.Context()); err != nil {
					t.Fatal(err)
				}
				if keys := allKeys(t, source, 2, nil); len(keys) != 1 {
					t.Errorf("keys: %v", keys)
				}
				r, err := source.Find(t.Context(), preset.identifier)
				if err != nil {
					t.Fatal(err)
				}
				if got := fmt.Sprintf("%s %s %s %q %v %v", r.Key, r.Email, r.Username, r.Name, r.EmailVerified, r.Blocked); got != preset.want {
					t.Errorf("got  %s\nwant %s", got, preset.want)
				}
				if err := passhash.Verify(r.Password, preset.password); err != nil {
					t.Error(err)
				}
				if name == "Supabase" {
					source = infinite(t, kind, db, preset.schema) // 'infinity' is a problem of its row, and here of the whole table
				}
				logInAfterMigration(t, source, preset.identifier, r.Email, preset.password)
			})
		})
	}
}

// supabase is the preset with another name for auth.users.
func supabase() sqlsource.Schema {
	s := sqlsource.Supabase()
	s.Table, s.Config.From = "auth_users", strings.ReplaceAll(s.Config.From, "auth.users", "auth_users")
	s.Columns.UpdatedAt = "email_confirmed_at" // the rows have an infinite one
	return s
}

// infinite shows that a time without an end stops nobody else.
func infinite(t *testing.T, kind sqlKind, db *sql.DB, s sqlsource.Schema) *sqlsource.Source {
	t.Helper()
	s.Columns.UpdatedAt = "updated_at"
	source, err := s.Open(db, kind.dialect)
	require.NoError(t, err)
	page, err := source.Page(t.Context(), "", 10)
	require.NoError(t, err)
	problem, ok := errors.AsType[*migration.RowError](page[0].Problem)
	require.True(t, ok)
	require.Equal(t, []any{migration.RuleFormat, "updated_at"}, []any{problem.Rule, problem.Path})
	source, err = supabase().Open(db, kind.dialect)
	require.NoError(t, err)
	return source
}

// logInAfterMigration migrates a source into a connection as Auth0 makes it and logs
// its user in there: by import, or by the first login.
func logInAfterMigration(t *testing.T, source migration.Source, identifier, email, password string) {
	t.Helper()
	tenant := auth0test.NewTenant(auth0test.Options{JobTime: -1})
	tenant.AddConnection(migrationConnection, "auth0")
	machine := tenant.Machine()
	client, err := management.New(management.Config{
		Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: tenant.HTTPClient(), MaxWait: -1,
	})
	require.NoError(t, err)
	run := migration.Run{Source: "test", Connection: migrationConnection, KeyPrefix: "old|"}
	r, err := migration.NewRunner(source, client, migration.NewMemoryLedger(), run, migration.Config{
		Known: []migration.Credentials{{Identifier: identifier, Password: password}},
	})
	require.NoError(t, err)
	plan, err := r.Plan(t.Context())
	require.NoError(t, err)
	require.NoError(t, plan.Err())
	require.Empty(t, plan.Problems)
	_, err = r.Run(t.Context())
	require.NoError(t, err)
	users, err := lazy.New(source, client, run, lazy.Config{})
	require.NoError(t, err)
	_, err = users.Login(t.Context(), migration.Credentials{Identifier: identifier, Password: password})
	if plan.LazyOnly == 0 {
		require.ErrorIs(t, err, lazy.ErrMigrated)
	} else {
		require.NoError(t, err)
	}
	require.Equal(t, http.StatusOK, logInAt(t, tenant, email, password))
	require.Equal(t, http.StatusForbidden, logInAt(t, tenant, email, "not "+password))
}

// logInAt is the status of a login at the tenant.
func logInAt(t *testing.T, tenant *auth0test.Tenant, identifier, password string) int {
	t.Helper()
	app := tenant.AddClient(auth0test.Application{})
	resp, err := tenant.HTTPClient().PostForm(tenant.Issuer()+"oauth/token", url.Values{
		"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {migrationConnection}, "scope": {"openid"},
		"client_id": {app.ID}, "client_secret": {app.Secret}, "username": {identifier}, "password": {password},
	})
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return resp.StatusCode
}

// Auth0's own export is a preset, too.
func TestAuth0ExportToALogin(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "users.ndjson")
	require.NoError(t, os.WriteFile(path, []byte(`{"_id":{"$oid":"60425dc43519d90068f82973"},"email_verified":true,"email":"ada@example.com","username":"ada",`+
		`"passwordHash":"$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}`), 0o600))
	source, err := filesource.Auth0(path)
	require.NoError(t, err)
	defer source.Close() //nolint:errcheck // of a file that was only read
	logInAfterMigration(t, source, "ada", "ada@example.com", "hello")
}

// Where a connection takes usernames, users log in by them, too; who has one that it
// does not take comes without it, and logs in by email.
func TestPresetWithUsernames(t *testing.T) {
	t.Parallel()
	db := openSQLite(t)
	const hash = "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K" // "hello"
	sqlKinds[0].exec(t, db, `CREATE TABLE wp_users (ID {bigint} PRIMARY KEY, user_login VARCHAR(60), user_pass VARCHAR(255), user_email VARCHAR(100), display_name VARCHAR(250))`,
		`INSERT INTO wp_users VALUES (1, 'ada', '`+hash+`', 'ada@example.com', ''), (2, 'eve@example.com', '`+hash+`', 'eve@example.com', ''),
			(3, 'a-name-too-long-for-auth0', '`+hash+`', 'long@example.com', ''), (4, 'two words', '`+hash+`', 'two@example.com', '')`)
	schema := sqlsource.WordPress("wp_")
	schema.Columns.Username = schema.Columns.Login
	source, err := schema.Open(db, sqlKinds[0].dialect)
	require.NoError(t, err)
	tenant := auth0test.NewTenant(auth0test.Options{JobTime: -1})
	tenant.AddConnection(migrationConnection, "auth0")
	client := tenant.Management()
	all, err := client.DatabaseConnections(t.Context())
	require.NoError(t, err)
	i := slices.IndexFunc(all, func(c resource.Connection) bool { return c.Name == migrationConnection })
	all[i].Options["requires_username"] = true
	require.NoError(t, client.SetConnectionOptions(t.Context(), all[i].ID, all[i].Options))
	run := migrationRun
	for policy, refused := range map[migration.FieldPolicy]int{migration.Refuse: 3, migration.Drop: 0} {
		run.Fields.Username = policy
		r, err := migration.NewRunner(source, client, migration.NewMemoryLedger(), run, migration.Config{})
		require.NoError(t, err)
		plan, err := r.Plan(t.Context())
		require.NoError(t, err)
		require.Equal(t, refused, plan.Rules[migration.RuleUsername], policy)
	}
	run.Fields.Username = migration.Drop
	r, err := migration.NewRunner(source, client, migration.NewMemoryLedger(), run, migration.Config{})
	require.NoError(t, err)
	result, err := r.Run(t.Context())
	require.NoError(t, err)
	require.Equal(t, 4, result.Migrated)
	for _, identifier := range []string{"ada", "ada@example.com", "eve@example.com", "long@example.com", "two@example.com"} {
		require.Equal(t, http.StatusOK, logInAt(t, tenant, identifier, "hello"), identifier)
	}
}

// One bad row is a problem with its rule and stops nobody, whatever the driver makes
// of it. A row without a key is one, too.
func TestSQLSourceBadRows(t *testing.T) {
	t.Parallel()
	onEachSQL(t, func(t *testing.T, kind sqlKind, db *sql.DB) {
		kind.exec(t, db, `CREATE TABLE rows_ (id {bigint} NULL, email VARCHAR(255), active VARCHAR(16), name VARCHAR(64), flag {bigint}, since {bigint}, plan CHAR(8), price DECIMAL(8,2))`)
		for i := range 8 {
			kind.exec(t, db, fmt.Sprintf(`INSERT INTO rows_ VALUES (%d, 'u%d@example.com', 'yes', 'U', 1, 1700000000, 'pro', 12.50)`, i+1, i+1))
		}
		kind.exec(t, db, `UPDATE rows_ SET active = 'maybe' WHERE id = 3`, `UPDATE rows_ SET id = NULL WHERE id = 5`)
		columns := sqlsource.Columns{
			Key: "id", Email: "email", Active: "active", Name: "name", EmailVerified: "flag", UpdatedAt: "since",
			AppMetadata: map[string]string{"plan": "plan", "price": "price"},
		}
		source, err := sqlsource.New(db, kind.dialect, "rows_", columns, sqlsource.Config{})
		require.NoError(t, err)
		require.NoError(t, source.Check(t.Context()))
		var good, bad []string
		for after := ""; ; {
			page, err := source.Page(t.Context(), after, 3)
			require.NoError(t, err)
			for _, r := range page {
				if r.Problem != nil {
					bad = append(bad, r.Key)
					continue
				}
				good = append(good, r.Key)
				assert.True(t, r.EmailVerified)
				assert.EqualValues(t, 1700000000, r.UpdatedAt.Unix())
				assert.Equal(t, map[string]any{"plan": "pro", "price": 12.5}, r.AppMetadata)
			}
			if len(page) == 0 || page[len(page)-1].Key == after {
				break
			}
			after = page[len(page)-1].Key
		}
		assert.Equal(t, []string{"1", "2", "4", "6", "7", "8"}, good)
		assert.Equal(t, []string{"", "3"}, bad)
	})
}

// JSON, arrays and dates are in metadata what they mean, and numbers that Auth0 rounds
// are still those of the row, so that a plan can warn.
func TestSQLSourceMetadata(t *testing.T) {
	t.Parallel()
	onEachSQL(t, func(t *testing.T, kind sqlKind, db *sql.DB) {
		kind.exec(t, db, `CREATE TABLE people (id {bigint} PRIMARY KEY, email VARCHAR(255), prefs {json}, tags VARCHAR(64), since {time} NULL)`,
			`INSERT INTO people VALUES (1, 'ada@example.com', '{"id":9007199254740993}', 'x', NULL)`)
		want := map[string]any{"prefs": map[string]any{"id": json.Number("9007199254740993")}, "tags": "x"}
		switch kind.dialect {
		case sqlsource.Postgres:
			kind.exec(t, db, `ALTER TABLE people ALTER tags TYPE TEXT[] USING ARRAY['a', 'b "c"', NULL]`)
			want["tags"] = []any{"a", `b "c"`, nil}
		case sqlsource.MySQL:
			kind.exec(t, db, `UPDATE people SET since = '0000-00-00 00:00:00'`)
		}
		source, err := sqlsource.New(db, kind.dialect, "people", sqlsource.Columns{
			Key: "id", Email: "email", AppMetadata: map[string]string{"prefs": "prefs", "tags": "tags", "since": "since"},
		}, sqlsource.Config{})
		require.NoError(t, err)
		page, err := source.Page(t.Context(), "", 10)
		require.NoError(t, err)
		require.NoError(t, page[0].Problem)
		assert.Equal(t, want, page[0].AppMetadata)
	})
}

// The database answers a page from the index of the key, however far it is.
func TestSQLSourcePageUsesTheKey(t *testing.T) {
	t.Parallel()
	db := openSQLite(t)
	sqlKinds[0].exec(t, db, membersTable)
	var plan string
	var ignored any
	if err := db.QueryRow("EXPLAIN QUERY PLAN SELECT `id` FROM `members` WHERE `id` > ? ORDER BY `id` LIMIT 1000", 5).Scan(&ignored, &ignored, &ignored, &plan); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(plan, "SEARCH members USING INTEGER PRIMARY KEY (rowid>?)") {
		t.Errorf("plan: %s", plan)
	}
}
