package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/migration"
)

const djangoHash = "pbkdf2_sha256$10000$1135411628$bFYX62rfJobJ07VwrUMXfuffLfj2RDM2G6/BrTrUWkE=" // "hashcat"

// djangoShop is a shop with four users of Django.
func djangoShop(t *testing.T, flags ...string) (s *shop, path string) {
	path = fill(t, django, `INSERT INTO auth_user VALUES (?, ?, '', 'Ada', 'Lovelace', ?, 1)`, 4, func(i int) []any {
		return []any{i, djangoHash, fmt.Sprintf("user%d@example.com", i)}
	})
	return newShop(t, "django=sqlite:"+path, flags...), path
}

func knownFile(t *testing.T, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "known.json")
	require.NoError(t, os.WriteFile(path, []byte(`[{"Identifier":"user1@example.com","Password":"`+password+`"}]`), 0o600))
	return path
}

// prove says which formats are proved, and fails for a password that does not fit.
func TestProve(t *testing.T) {
	t.Parallel()
	s, _ := djangoShop(t)
	out, _ := s.call(codeDone, "prove", "-known", knownFile(t, "hashcat"))
	require.Contains(t, out, "1 of 1 proved")
	out, errs := s.call(codeFailed, "prove", "-known", knownFile(t, "wrong"))
	require.Contains(t, out, "0 of 1 proved")
	require.Contains(t, errs, "django-pbkdf2")
	_, errs = s.call(codeFailed, "run", "-known", knownFile(t, "wrong"))
	require.Contains(t, errs, "not proved")
	require.Zero(t, s.count())
}

// retry sends whom Auth0 has refused, when the cause is gone.
func TestRetry(t *testing.T) {
	t.Parallel()
	s, _ := djangoShop(t)
	stranger := s.tenant.AddUser(resource.User{Email: "user2@example.com", Connection: "customers"}, "x")
	out, errs := s.call(codeLook, "run")
	require.Contains(t, out, "3 migrated, 1 failed")
	require.Contains(t, errs, "migrate retry")
	s.call(codeLook, "retry")
	require.NoError(t, s.client.DeleteUser(t.Context(), stranger))
	out, _ = s.call(codeDone, "retry")
	require.Contains(t, out, "4 migrated, 0 failed")
	s.call(codeDone, "verify")
}

// sync brings who is new and what has changed, and blocks who is gone.
func TestSync(t *testing.T) {
	t.Parallel()
	s, path := djangoShop(t, "-block-deleted")
	s.call(codeDone, "run")
	db, err := openSQLite(path)
	require.NoError(t, err)
	defer db.Close() //nolint:errcheck // each statement was committed
	_, err = db.Exec(`UPDATE auth_user SET last_name = 'Byron' WHERE id = 1; DELETE FROM auth_user WHERE id = 2;
		INSERT INTO auth_user VALUES (9, '` + djangoHash + `', '', 'Eve', 'New', 'user9@example.com', 1)`)
	require.NoError(t, err)
	out, _ := s.call(codeDone, "sync", "-json")
	var res migration.Result
	require.NoError(t, json.Unmarshal([]byte(out), &res))
	require.Equal(t, []int{5, 1, 1}, []int{res.Migrated, res.Updated, res.Blocked})
	changed, err := s.client.User(t.Context(), "auth0|shop|1")
	require.NoError(t, err)
	require.Equal(t, "Ada Byron", changed.Name)
	gone, err := s.client.User(t.Context(), "auth0|shop|2")
	require.NoError(t, err)
	require.True(t, gone.Blocked)
}

// -watch-fp shows a failed login with the format of the hash, and ends with the
// interrupt.
func TestWatchFailedLogins(t *testing.T) {
	t.Parallel()
	s, _ := djangoShop(t)
	s.call(codeDone, "run")
	app := s.tenant.AddClient(auth0test.Application{})
	for _, user := range []string{"user3@example.com", "nobody@example.com"} {
		resp, err := s.tenant.HTTPClient().PostForm(s.tenant.Issuer()+"oauth/token", url.Values{
			"grant_type": {"http://auth0.com/oauth/grant-type/password-realm"}, "realm": {"customers"},
			"client_id": {app.ID}, "client_secret": {app.Secret}, "username": {user}, "password": {"wrong"},
		})
		require.NoError(t, err)
		require.Equal(t, 403, resp.StatusCode)
		require.NoError(t, resp.Body.Close())
	}
	s.tenant.Advance(time.Minute) // log entries come late
	ctx, interrupt := context.WithTimeout(t.Context(), time.Minute)
	defer interrupt()
	out := &until{text: "django-pbkdf2", reached: interrupt}
	var errs bytes.Buffer
	code := s.tool(out, &errs).main(ctx, append([]string{"verify", "-watch-fp"}, s.flags...))
	require.Equal(t, codeDone, code, errs.String())
	_, watched, _ := strings.Cut(out.String(), "  3  ")
	require.Contains(t, watched, "django-pbkdf2  the hash may be wrong")
	require.NotContains(t, out.String(), "@example.com")
}

// until calls reached when a text was written.
type until struct {
	mu      sync.Mutex
	b       bytes.Buffer
	text    string
	reached func()
}

func (u *until) Write(p []byte) (int, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.b.Write(p)
	if bytes.Contains(u.b.Bytes(), []byte(u.text)) {
		u.reached()
	}
	return len(p), nil
}

func (u *until) String() string { u.mu.Lock(); defer u.mu.Unlock(); return u.b.String() }

// The address of a database that is not there is refused, and nothing is made in its
// place; a database that is read is not changed.
func TestSourceIsOnlyRead(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "typo.db")
	s := newShop(t, "django=sqlite:"+missing)
	s.call(codeFailed, "plan")
	require.NoFileExists(t, missing)

	path := filepath.Join(t.TempDir(), "legacy.db")
	db, err := sql.Open("sqlite3", "file:"+path)
	require.NoError(t, err)
	_, err = db.Exec(django + `; INSERT INTO auth_user VALUES (1, '` + djangoHash + `', '', 'Ada', 'Lovelace', 'user1@example.com', 1)`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	before, err := os.ReadFile(path)
	require.NoError(t, err)
	newShop(t, "django=sqlite:"+path).call(codeDone, "run")
	after, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, bytes.Equal(before, after), "the legacy database has changed")
}

// What stands behind the address of a MariaDB, such as tls=true, is not lost.
func TestMariaDBAddress(t *testing.T) {
	t.Parallel()
	dsn, err := mariaDB("mysql://app:p%40ss%2Fword@db.example.com/shop?tls=true&charset=latin1")
	require.NoError(t, err)
	for _, part := range []string{"app:p@ss/word@tcp(db.example.com:3306)/shop", "tls=true", "charset=latin1", "parseTime=true"} {
		require.Contains(t, dsn, part)
	}
	_, err = mariaDB("mysql://app:secret@db.example.com/shop?tls=nonsense-secret")
	require.ErrorContains(t, err, "-source")
	require.NotContains(t, err.Error(), "secret@")
}
