package sqlsource_test

import (
	"database/sql/driver"
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/sqlsource"
)

var (
	_ migration.Source   = (*sqlsource.Source)(nil)
	_ migration.Marker   = (*sqlsource.Source)(nil)
	_ migration.Unmarker = (*sqlsource.Source)(nil)
)

func TestNewNamesTheField(t *testing.T) {
	t.Parallel()
	db := openRows(rows{})
	good := sqlsource.Columns{Key: "id", Email: "email", Password: "pwd"}
	with := func(change func(*sqlsource.Columns)) sqlsource.Columns { c := good; change(&c); return c }
	for name, c := range map[string]struct {
		dialect sqlsource.Dialect
		table   string
		columns sqlsource.Columns
		config  sqlsource.Config
		field   string
	}{
		"dialect":        {"oracle", "users", good, sqlsource.Config{}, "dialect"},
		"table":          {"sqlite", "", good, sqlsource.Config{}, "table"},
		"NUL":            {"sqlite", "us\x00ers", good, sqlsource.Config{}, "table"},
		"key":            {"sqlite", "users", sqlsource.Columns{Email: "email"}, sqlsource.Config{}, "Columns.Key"},
		"nobody":         {"sqlite", "users", sqlsource.Columns{Key: "id"}, sqlsource.Config{}, "Columns.Email"},
		"blocked twice":  {"sqlite", "users", with(func(c *sqlsource.Columns) { c.Active, c.Blocked = "a", "b" }), sqlsource.Config{}, "Columns.Active"},
		"scheme twice":   {"sqlite", "users", with(func(c *sqlsource.Columns) { c.Scheme = "s" }), sqlsource.Config{Scheme: "nt"}, "Config.Scheme"},
		"salt alone":     {"sqlite", "users", with(func(c *sqlsource.Columns) { c.Salt, c.Password = "s", "" }), sqlsource.Config{}, "Columns.Salt"},
		"scheme alone":   {"sqlite", "users", with(func(c *sqlsource.Columns) { c.Scheme, c.Password = "s", "" }), sqlsource.Config{}, "Columns.Scheme"},
		"empty metadata": {"sqlite", "users", with(func(c *sqlsource.Columns) { c.UserMetadata = map[string]string{"plan": ""} }), sqlsource.Config{}, "Columns.UserMetadata[plan]"},
	} {
		_, err := sqlsource.New(db, c.dialect, c.table, c.columns, c.config)
		if e, ok := errors.AsType[*sqlsource.FieldError](err); !ok || e.Field != c.field {
			t.Errorf("%s: %v, want %s", name, err, c.field)
		}
	}
	if _, err := sqlsource.New(nil, "sqlite", "users", good, sqlsource.Config{}); err == nil || !strings.Contains(err.Error(), "db is nil") {
		t.Errorf("nil db: %v", err)
	}
}

func TestStatements(t *testing.T) {
	t.Parallel()
	var asked string
	db := openRows(rows{columns: []string{"k", "m", "u"}, asked: &asked})
	columns := sqlsource.Columns{Key: "k", Email: "e`m\"ail", MigratedAt: "moved"}
	for _, c := range []struct {
		dialect            sqlsource.Dialect
		page, find, update string
	}{
		{sqlsource.Postgres,
			`SELECT "k", "e` + "`" + `m""ail", CAST("moved" AS TEXT) FROM "old"."users" WHERE (a OR b) AND "k" > $1 ORDER BY "k" LIMIT 5`,
			`SELECT "k", "e` + "`" + `m""ail", CAST("moved" AS TEXT) FROM "old"."users" WHERE (a OR b) AND LOWER("e` + "`" + `m""ail") = LOWER($1) ORDER BY "k" LIMIT 1`,
			`UPDATE "old"."users" SET "moved" = CURRENT_TIMESTAMP WHERE "k" = $1 AND "moved" IS NULL`},
		{sqlsource.MySQL,
			"SELECT `k`, `e``m\"ail`, `moved` FROM `old`.`users` WHERE (a OR b) AND `k` > ? ORDER BY `k` LIMIT 5",
			"SELECT `k`, `e``m\"ail`, `moved` FROM `old`.`users` WHERE (a OR b) AND LOWER(`e``m\"ail`) = LOWER(?) ORDER BY `k` LIMIT 1",
			"UPDATE `old`.`users` SET `moved` = CURRENT_TIMESTAMP WHERE `k` = ? AND `moved` IS NULL"},
	} {
		source, err := sqlsource.New(db, c.dialect, "old.users", columns, sqlsource.Config{Where: "a OR b"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := source.Page(t.Context(), "4", 5); err != nil || asked != c.page {
			t.Errorf("%v\n got %s\nwant %s", err, asked, c.page)
		}
		if _, err := source.Find(t.Context(), "x"); !errors.Is(err, migration.ErrNoUser) || asked != c.find {
			t.Errorf("%v\n got %s\nwant %s", err, asked, c.find)
		}
		if err := source.MarkMigrated(t.Context(), "4"); err != nil || asked != c.update {
			t.Errorf("%v\n got %s\nwant %s", err, asked, c.update)
		}
	}
}

func one(t *testing.T, columns sqlsource.Columns, config sqlsource.Config, values ...driver.Value) (migration.Record, error) {
	t.Helper()
	db := openRows(rows{columns: make([]string, len(values)), values: [][]driver.Value{values}})
	source, err := sqlsource.New(db, sqlsource.SQLite, "users", columns, config)
	if err != nil {
		t.Fatal(err)
	}
	page, err := source.Page(t.Context(), "", 10)
	if err != nil {
		return migration.Record{}, err
	}
	return page[0], nil
}

// Drivers give the same column as different Go types.
func TestTruthAndTime(t *testing.T) {
	t.Parallel()
	columns := sqlsource.Columns{Key: "id", Email: "email", EmailVerified: "v", UpdatedAt: "u"}
	for _, c := range []struct {
		verified driver.Value
		want     bool
		updated  driver.Value
		unix     int64
	}{
		{nil, false, nil, 0}, {true, true, int64(1_700_000_000), 1_700_000_000}, {false, false, int64(1_700_000_000_000), 1_700_000_000},
		{int64(0), false, "2023-11-14 22:13:20", 1_700_000_000}, {int64(1), true, []byte("2023-11-14T22:13:20Z"), 1_700_000_000},
		{[]byte{0}, false, "2023-11-14 23:13:20+01:00", 1_700_000_000}, {[]byte{1}, true, "2023-11-14 22:13:20.000000", 1_700_000_000},
		{"0000-00-00 00:00:00", false, "0000-00-00 00:00:00", 0}, {"2023-11-14 22:13:20", true, "1700000000", 1_700_000_000},
		{"f", false, "", 0}, {"No", false, float64(1_700_000_000), 1_700_000_000}, {"yes", true, int64(0), 0}, {"", false, "2023-11-14", 1_699_920_000},
		{2.5, true, nil, 0},
	} {
		r, err := one(t, columns, sqlsource.Config{}, int64(1), "a@b.c", c.verified, c.updated)
		if err != nil || r.EmailVerified != c.want {
			t.Errorf("%v: %v, %v, want %v", c.verified, r.EmailVerified, err, c.want)
		}
		if got := r.UpdatedAt; c.unix == 0 && !got.IsZero() || c.unix != 0 && got.Unix() != c.unix {
			t.Errorf("%v: %v, want %d", c.updated, got, c.unix)
		}
	}
}

// What does not fit is named by its property, its value stays out of the error, and
// it stops nobody else.
func TestUnfitValues(t *testing.T) {
	t.Parallel()
	columns := sqlsource.Columns{
		Key: "id", Email: "email", EmailVerified: "v", UpdatedAt: "u", AppMetadata: map[string]string{"plan": "p"},
	}
	for _, c := range []struct {
		key    string
		rule   migration.Rule
		path   string
		values []driver.Value
	}{
		{"1", migration.RuleFormat, "email", []driver.Value{int64(1), 2.5, nil, nil, nil}},
		{"1", migration.RuleText, "email", []driver.Value{int64(1), "secret\xff", nil, nil, nil}},
		{"1", migration.RuleFormat, "email_verified", []driver.Value{int64(1), "a@b.c", "secret", nil, nil}},
		{"1", migration.RuleFormat, "updated_at", []driver.Value{int64(1), "a@b.c", nil, "31.12.2023", nil}},
		{"1", migration.RuleText, "app_metadata", []driver.Value{int64(1), "a@b.c", nil, nil, "secret\xff"}},
		{"secret", migration.RuleKey, "user_id", []driver.Value{"secret", "a@b.c", nil, nil, nil}},
		{"", migration.RuleKey, "user_id", []driver.Value{nil, "a@b.c", nil, nil, nil}},
	} {
		r, err := one(t, columns, sqlsource.Config{}, c.values...)
		require.NoError(t, err)
		problem, ok := errors.AsType[*migration.RowError](r.Problem)
		require.True(t, ok, "%v", c.values)
		assert.Equal(t, []any{c.key, c.rule, c.path}, []any{r.Key, problem.Rule, problem.Path})
		assert.NotContains(t, problem.Error(), "secret")
	}
}

func TestMembershipsAndNames(t *testing.T) {
	t.Parallel()
	columns := sqlsource.Columns{Key: "id", Email: "e", GivenName: "g", FamilyName: "f", Memberships: "m", Roles: "r", MFAEmail: "x"}
	r, err := one(t, columns, sqlsource.Config{EmailVerified: true}, int64(1), "a@b.c", "Ada", "Lovelace", "acme:admin, rol_1;org_2; ;globex", "staff,rol_9", "f@b.c")
	require.NoError(t, err)
	assert.Equal(t, []migration.Membership{
		{OrgName: "acme", RoleIDs: []string{"rol_1"}, RoleNames: []string{"admin"}}, {OrgID: "org_2"}, {OrgName: "globex"},
	}, r.Memberships)
	assert.Equal(t, []string{"rol_9"}, r.RoleIDs)
	assert.Equal(t, []string{"staff"}, r.RoleNames)
	assert.Equal(t, []string{"f@b.c"}, r.MFAEmails)
	assert.Equal(t, []string{"Ada Lovelace", "Ada", "Lovelace"}, []string{r.Name, r.GivenName, r.FamilyName})
	assert.True(t, r.EmailVerified)
}

func TestPreset(t *testing.T) {
	t.Parallel()
	for name, table := range map[string]string{
		"django": "auth_user", "wordpress": "wp_users", "wordpress:blog_": "blog_users", "laravel": "users", "devise": "users", "devise:pepper": "users",
		"aspnet": "AspNetUsers", "supabase": "auth.users", "drupal7": "users", "keycloak:master": "user_entity",
	} {
		s, err := sqlsource.Preset(name)
		require.NoError(t, err, name)
		assert.Equal(t, table, s.Table)
		assert.Empty(t, s.Columns.Username, "a connection as Auth0 makes it takes none")
	}
	for _, name := range []string{"", "joomla", "keycloak", "django:x"} {
		_, err := sqlsource.Preset(name)
		require.ErrorContains(t, err, "preset must be")
	}
}

func TestPasswordColumns(t *testing.T) {
	t.Parallel()
	columns := sqlsource.Columns{Key: "id", Email: "email", Password: "p", Scheme: "s", Salt: "t", TOTPSecret: "otp", MFAPhone: "sms"}
	r, err := one(t, columns, sqlsource.Config{}, int64(1), "a@b.c", "hash", "nt", "salt", "jbsw y3dp-ehpk 3pxp==", "+4930123456")
	if err != nil || r.Password.Value != "hash" || r.Password.Scheme != "nt" || r.Password.Salt != "salt" {
		t.Errorf("by row: %v, %v", r.Password.Scheme, err)
	}
	if len(r.TOTPSecrets) != 1 || r.TOTPSecrets[0] != "JBSWY3DPEHPK3PXP" || len(r.MFAPhones) != 1 {
		t.Errorf("factors: %d, %d", len(r.TOTPSecrets), len(r.MFAPhones))
	}
	r, err = one(t, columns, sqlsource.Config{}, int64(1), "a@b.c", nil, "nt", "salt", nil, nil)
	if err != nil || !r.Password.IsZero() || r.TOTPSecrets != nil || r.MFAPhones != nil {
		t.Errorf("without a password: %v, %v", r.Password, err)
	}
	r, err = one(t, sqlsource.Columns{Key: "id", Email: "email", Password: "p"}, sqlsource.Config{Scheme: "devise", Salt: "pepper"}, int64(1), "a@b.c", "hash")
	if err != nil || r.Password.Scheme != "devise" || r.Password.Salt != "pepper" {
		t.Errorf("for all rows: %v, %v", r.Password.Scheme, err)
	}
}

func TestPageRefusals(t *testing.T) {
	t.Parallel()
	db := openRows(rows{columns: []string{"id", "email"}, values: [][]driver.Value{{int64(1), "a"}, {int64(1), "b"}}})
	source, err := sqlsource.New(db, sqlsource.SQLite, "users", sqlsource.Columns{Key: "id", Email: "email"}, sqlsource.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := source.Page(t.Context(), "", 0); err == nil {
		t.Error("a limit of 0 is accepted")
	}
	if _, err := source.Page(t.Context(), "", 10); err == nil || !strings.Contains(err.Error(), "Columns.Key") {
		t.Errorf("a key that is not unique: %v", err)
	}
	for _, identifier := range []string{"", "a\x00", "\xff"} {
		if _, err := source.Find(t.Context(), identifier); !errors.Is(err, migration.ErrNoUser) {
			t.Errorf("Find %q: %v, want ErrNoUser", identifier, err)
		}
	}
	r, err := source.Find(t.Context(), "two")
	require.NoError(t, err)
	require.Equal(t, "a", r.Email, "the first of two")
}
