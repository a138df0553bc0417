package filesource_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
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
			"10 bob@example.com false", "3  true", "5 last@example.com false", "7 ada@example.com false", "line 6  true", "line 7  true",
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

// A row that is broken, or larger than any user, is a problem of its own: a quote that
// is never closed does not take the rows behind it along.
func TestBrokenRowsAreTheirOwn(t *testing.T) {
	t.Parallel()
	cols := migration.Columns{Key: "id", Email: "mail"}
	huge := strings.Repeat("x", 3<<20)
	for name, file := range map[string]struct {
		format  filesource.Format
		content string
		want    []string
	}{
		"an open quote":         {filesource.CSV, "id,mail\n1,\"a@b.co\n2,b@b.co\n3,\"c\n@b.co\"\n4,d@b.co", []string{"2 b@b.co", "3 c\n@b.co", "4 d@b.co", "line 2 !"}},
		"an open quote at last": {filesource.CSV, "id,mail\n1,a@b.co\n2,\"b@b.co\n\n", []string{"1 a@b.co", "line 3 !"}},
		"two inches":            {filesource.CSV, "id,mail\n1,5\" x\n2,6\" x\n3,c@b.co\n", []string{"3 c@b.co", "line 2 !", "line 3 !"}},
		"a huge row of CSV":     {filesource.CSV, "id,mail\n1," + huge + "\n2,\"" + huge + "\n3,c@b.co\n", []string{"3 c@b.co", "line 2 !", "line 3 !"}},
		"a huge line of JSON":   {filesource.JSONLines, `{"id":1,"mail":"` + huge + "\"}\n" + `{"id":2,"mail":"b@b.co"}`, []string{"2 b@b.co", "line 1 !"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, r := range all(t, open(t, file.content, file.format, cols, filesource.Config{}), 2) {
				if r.Problem != nil {
					r.Email = "!"
				}
				got = append(got, r.Key+" "+r.Email)
			}
			assert.Equal(t, file.want, got)
		})
	}
}

// Files of Windows begin with a mark, and exports of databases write NULL for what
// is absent.
func TestMarksAndNulls(t *testing.T) {
	t.Parallel()
	cols := migration.Columns{Key: "id", Email: "mail", Phone: "phone", Password: "hash"}
	for format, content := range map[filesource.Format]string{
		filesource.JSONLines: "\ufeff" + `{"id":1,"mail":"a@b.co","phone":null,"hash":"NULL"}`, filesource.CSV: "\ufeffid,mail,phone,hash\n1,a@b.co,NULL,NULL\n",
	} {
		s := open(t, content, format, cols, filesource.Config{Null: "NULL"})
		require.NoError(t, s.Check(t.Context()))
		r, err := s.Find(t.Context(), "a@b.co")
		require.NoError(t, err)
		assert.Equal(t, []any{"1", "", passhash.Stored{}}, []any{r.Key, r.Phone, r.Password}, format)
	}
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
	err = open(t, "\"id,mail\n1,a@b.co\n", filesource.CSV, cols, filesource.Config{}).Check(t.Context())
	require.ErrorContains(t, err, "header")
	closed := open(t, "id,mail\n1,a@b.co\n", filesource.CSV, cols, filesource.Config{})
	require.NoError(t, closed.Check(t.Context()))
	require.NoError(t, closed.Close())
	require.Len(t, all(t, closed, 5), 1, "a file that is opened again has its header once")
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
