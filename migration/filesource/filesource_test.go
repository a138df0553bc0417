package filesource_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/filesource"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

var (
	_ migration.Source  = (*filesource.Source)(nil)
	_ migration.Checker = (*filesource.Source)(nil)
)

func write(t testing.TB, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "users")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func open(t testing.TB, content string, f filesource.Format, cols migration.Columns, cfg filesource.Config) *filesource.Source {
	t.Helper()
	s, err := filesource.New(write(t, content), f, cols, cfg)
	require.NoError(t, err)
	t.Cleanup(func() { _ = s.Close() }) // of a file that was only read
	return s
}

func all(t testing.TB, s *filesource.Source, limit int) (records []migration.Record) {
	t.Helper()
	for after := ""; ; {
		page, err := s.Page(t.Context(), after, limit)
		require.NoError(t, err)
		if len(page) == 0 {
			return records
		}
		records = append(records, page...)
		after = page[len(page)-1].Key
	}
}

const bcrypt = "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K" // "hello"

func TestCSV(t *testing.T) {
	t.Parallel()
	s := open(t, "\ufeffid,mail,name,hash,active,plan\r\n"+
		"7,ada@example.com,\"Ada\nLovelace, \"\"Countess\"\"\","+bcrypt+",yes,gold\r\n"+
		"10,bob@example.com,,,no,\r\n"+
		"3,eve@example.com,Eve,"+bcrypt+",maybe,\r\n"+
		"4,\"bro\"ken@example.com,x,,yes,\r\n"+
		",nokey@example.com,x,,yes,\r\n"+
		"5,last@example.com,L,,yes", filesource.CSV, migration.Columns{
		Key: "id", Email: "mail", Name: "name", Password: "hash", Active: "active", AppMetadata: map[string]string{"plan": "plan"},
	}, filesource.Config{EmailVerified: true})
	require.NoError(t, s.Check(t.Context()))
	for _, limit := range []int{1, 2, 100} {
		var got []string
		for _, r := range all(t, s, limit) {
			got = append(got, fmt.Sprint(r.Key, " ", r.Email, " ", r.Problem != nil))
		}
		assert.Equal(t, []string{
			"10 bob@example.com false", "3  true", "5 last@example.com false", "7 ada@example.com false", "line 5  true", "line 6  true",
		}, got)
	}
	r, err := s.Find(t.Context(), "ADA@example.com")
	require.NoError(t, err)
	assert.Equal(t, []any{"7", "Ada\nLovelace, \"Countess\"", true, false, "gold"}, []any{r.Key, r.Name, r.EmailVerified, r.Blocked, r.AppMetadata["plan"]})
	require.NoError(t, passhash.Verify(r.Password, "hello"))
	r, err = s.Get(t.Context(), "3")
	require.NoError(t, err)
	problem, ok := errors.AsType[*migration.RowError](r.Problem)
	require.True(t, ok)
	assert.Equal(t, []any{migration.RuleFormat, "blocked"}, []any{problem.Rule, problem.Path})
	for _, identifier := range []string{"", "nobody", "7"} {
		_, err := s.Find(t.Context(), identifier)
		require.ErrorIs(t, err, migration.ErrNoUser)
	}
	_, err = s.Get(t.Context(), "8")
	require.ErrorIs(t, err, migration.ErrNoUser)
}

func TestJSONLines(t *testing.T) {
	t.Parallel()
	s := open(t, `{"id":12,"profile":{"email":"ada@example.com","tags":["a",1]},"verified":true,"big":9007199254740993}

not JSON
{"id":"x","profile":{"email":7.5}}
{"id":null,"profile":null}`, filesource.JSONLines, migration.Columns{
		Key: "id", Email: "profile.email", EmailVerified: "verified", UserMetadata: map[string]string{"tags": "profile.tags", "big": "big"},
	}, filesource.Config{})
	require.NoError(t, s.Check(t.Context()))
	records := all(t, s, 2)
	require.Len(t, records, 4)
	r := records[0]
	assert.Equal(t, []any{"12", "ada@example.com", true, "[a 1]", "9007199254740993"},
		[]any{r.Key, r.Email, r.EmailVerified, fmt.Sprint(r.UserMetadata["tags"]), fmt.Sprint(r.UserMetadata["big"])})
	assert.Equal(t, []string{"line 3", "line 5", "x"}, []string{records[1].Key, records[2].Key, records[3].Key})
	require.Error(t, records[1].Problem)
	require.Error(t, records[2].Problem)
	require.Equal(t, "7.5", records[3].Email, "a number is text, and the schema refuses it")
}

// What Auth0's support exports goes into another tenant.
func TestAuth0(t *testing.T) {
	t.Parallel()
	s, err := filesource.Auth0(write(t, `{"_id":{"$oid":"60425dc43519d90068f82973"},"email_verified":true,"email":"test@example.com","passwordHash":"`+bcrypt+
		`","password_set_date":{"$date":"2021-03-05T16:35:16.775Z"},"tenant":"t","connection":"Username-Password-Authentication","_tmp_is_unique":true}`))
	require.NoError(t, err)
	defer s.Close() //nolint:errcheck // of a file that was only read
	r, err := s.Find(t.Context(), "test@example.com")
	require.NoError(t, err)
	require.Equal(t, []any{"60425dc43519d90068f82973", true}, []any{r.Key, r.EmailVerified})
	require.NoError(t, passhash.Verify(r.Password, "hello"))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	cols := migration.Columns{Key: "id", Email: "mail"}
	err := open(t, "id,email\n1,a@b.co\n", filesource.CSV, cols, filesource.Config{}).Check(t.Context())
	require.ErrorContains(t, err, `Columns.Email "mail"; it has id, email`)
	err = open(t, "id,mail\n1,a@b.co\n2,b@b.co\n1,c@b.co\n", filesource.CSV, cols, filesource.Config{}).Check(t.Context())
	require.ErrorContains(t, err, "lines 2 and 4")
	err = open(t, "", filesource.CSV, cols, filesource.Config{}).Check(t.Context())
	require.ErrorContains(t, err, "header")
	require.NoError(t, open(t, "id;mail\n1;a@b.co\n", filesource.CSV, cols, filesource.Config{Comma: ';'}).Check(t.Context()))
	s, err := filesource.New(filepath.Join(t.TempDir(), "none"), filesource.CSV, cols, filesource.Config{})
	require.NoError(t, err)
	require.ErrorIs(t, s.Check(t.Context()), os.ErrNotExist)
	for field, bad := range map[string]migration.Columns{"Columns.Key": {Email: "m"}, "Columns.Email": {Key: "k"}, "MigratedAt": {Key: "k", Email: "m", MigratedAt: "x"}} {
		_, err := filesource.New("f", filesource.CSV, bad, filesource.Config{})
		require.ErrorContains(t, err, field)
	}
}

func fuzz(f *testing.F, format filesource.Format) {
	f.Fuzz(func(t *testing.T, content string) {
		s := open(t, content, format, migration.Columns{Key: "id", Email: "mail", Active: "active", Password: "hash"}, filesource.Config{})
		if s.Check(t.Context()) != nil {
			return
		}
		last := ""
		for _, r := range all(t, s, 3) {
			if r.Key <= last {
				t.Fatalf("%q comes after %q", r.Key, last)
			}
			last = r.Key
			if again, err := s.Get(t.Context(), r.Key); err != nil || again.Key != r.Key || again.Email != r.Email {
				t.Fatalf("Get %q: %v, %v", r.Key, again, err)
			}
		}
	})
}

func FuzzCSV(f *testing.F) {
	f.Add("id,mail,active,hash\n1,a@b.co,yes,x\n\"2\",\"b\n@b.co\",no,\n")
	f.Add("id,mail,active,hash\n\"1,a\n2,b")
	fuzz(f, filesource.CSV)
}

func FuzzJSONLines(f *testing.F) {
	f.Add(`{"id":1,"mail":"a@b.co","active":true,"hash":"x"}` + "\n{}\n[]\n")
	fuzz(f, filesource.JSONLines)
}
