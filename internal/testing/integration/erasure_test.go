package integration

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/redis/rueidis"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/anomaly"
	"github.com/auth0kit/auth0kit/anomaly/redisanomaly"
	"github.com/auth0kit/auth0kit/anomaly/sqlanomaly"
	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	auditdriver "github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/guardian"
	guardiandriver "github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/guardian/passkey"
	"github.com/auth0kit/auth0kit/guardian/redisguardian"
	"github.com/auth0kit/auth0kit/internal/sqlstore"
	"github.com/auth0kit/auth0kit/internal/testing/authenticator"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
	"github.com/auth0kit/auth0kit/migration"
	migrationdriver "github.com/auth0kit/auth0kit/migration/driver"
	"github.com/auth0kit/auth0kit/migration/passhash"
	"github.com/auth0kit/auth0kit/migration/sqlmigration"
	"github.com/auth0kit/auth0kit/risk"
	"github.com/auth0kit/auth0kit/risk/redisrisk"
	"github.com/auth0kit/auth0kit/risk/sqlrisk"
	"github.com/auth0kit/auth0kit/session"
	sessiondriver "github.com/auth0kit/auth0kit/session/driver"
	"github.com/auth0kit/auth0kit/session/redissession"
	"github.com/auth0kit/auth0kit/tenancy"
	"github.com/auth0kit/auth0kit/tenancy/redistenancy"
)

// The subject who is erased: every text below names them.
const (
	subjectKey    = "erase77me"
	subjectID     = "auth0|" + subjectKey
	subjectEmail  = subjectKey + "@example.net"
	subjectIP     = "198.51.177.77"
	subjectDevice = "device-7c1d5f77"

	subjectSID = "s-5f2a9c" // Auth0's id of a session, random: a pseudonym
)

// needles are what must not be found: what names the subject, as text and in the
// forms that stores may give it.
func needles() map[string][]byte {
	out := map[string][]byte{}
	for _, text := range []string{subjectKey, subjectIP, subjectDevice} {
		out[text] = []byte(text)
		out["hex of "+text] = []byte(hex.EncodeToString([]byte(text)))
		for shift := range 3 { // base64 of it, wherever it begins
			encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, shift), text...))
			out[fmt.Sprint("base64 of ", text, " ", shift)] = []byte(encoded[4 : len(encoded)-2])
		}
	}
	ip := netip.MustParseAddr(subjectIP).As4()
	out["bytes of "+subjectIP] = ip[:]
	return out
}

func found(dump []byte) (names []string) {
	for name, needle := range needles() {
		if bytes.Contains(dump, needle) {
			names = append(names, name)
		}
	}
	return names
}

// keeping are the stores of one product; nil where it has none.
type keeping struct {
	sessions sessiondriver.Store
	factors  guardiandriver.Store
	profiles anomaly.Store
	waiting  risk.Decisions
	counters risk.Counters
	ledger   migrationdriver.Ledger
	history  interface {
		actions.Counter
		actions.History
		Forget(ctx context.Context, userID string) error
		Export(ctx context.Context, userID string, w io.Writer) error
	}
	log  auditdriver.Store
	cuts tenancy.CutoffStore
	dump func(t *testing.T) []byte
}

// fill uses every pattern as the subject, and returns what erases them.
func fill(t *testing.T, k keeping) (erase []func(context.Context) error) {
	t.Helper()
	ctx := t.Context()
	if k.sessions != nil {
		m, err := session.New(k.sessions, session.Config{Keys: [][]byte{sealKey}})
		require.NoError(t, err)
		web, err := session.NewHTTP(m, session.HTTPConfig{})
		require.NoError(t, err)
		for range 3 {
			token, _, err := m.Create(ctx, session.Login{UserID: subjectID, SID: subjectSID, AuthTime: time.Now(), Payload: []byte(subjectEmail),
				Device: session.Device{UserAgent: subjectDevice, IP: subjectIP}})
			require.NoError(t, err)
			for range 2 { // which leaves an old token behind
				token, err = m.StepUp(ctx, token, time.Now(), "mfa")
				require.NoError(t, err)
			}
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil) // and so does a new login
			r.AddCookie(&http.Cookie{Name: "__Host-session", Value: string(token)})
			_, err = web.Login(httptest.NewRecorder(), r, session.Login{UserID: subjectID, SID: subjectSID, AuthTime: time.Now(), Device: session.Device{UserAgent: subjectDevice, IP: subjectIP}})
			require.NoError(t, err)
		}
		before, err := session.New(k.sessions, session.Config{Keys: [][]byte{sealKey}, Now: func() time.Time { return time.Now().Add(-time.Hour - time.Minute) }})
		require.NoError(t, err)
		_, _, err = before.Create(ctx, session.Login{UserID: subjectID, AuthTime: time.Now().Add(-time.Hour - time.Minute), Device: session.Device{UserAgent: subjectDevice, IP: subjectIP}}) // which has expired
		require.NoError(t, err)
		for range 70 { // more than a store may list
			token, _, err := m.Create(ctx, session.Login{UserID: subjectID, AuthTime: time.Now()})
			require.NoError(t, err)
			require.NoError(t, m.Revoke(ctx, token))
		}
		list, err := m.List(ctx, subjectID)
		require.NoError(t, err)
		require.NoError(t, m.RevokeID(ctx, subjectID, list[0].ID))
		var out bytes.Buffer
		require.NoError(t, m.Export(ctx, subjectID, &out))
		says(t, out, subjectIP, subjectDevice, subjectSID)
		erase = append(erase, func(ctx context.Context) error { return m.Forget(ctx, subjectID) })
	}
	if k.factors != nil {
		erase = append(erase, fillFactors(t, k.factors))
	}
	if k.profiles != nil {
		erase = append(erase, fillRisk(t, k))
	}
	if k.ledger != nil {
		erase = append(erase, fillLedger(t, k.ledger))
	}
	if k.history != nil {
		_, err := k.history.Count(ctx, subjectID, "evt_1")
		require.NoError(t, err)
		r := recorded(1, subjectID, time.Now())
		r.Event.User.Email, r.Event.Request = subjectEmail, actions.Request{IP: subjectIP, UserAgent: subjectDevice}
		require.NoError(t, k.history.Keep(ctx, r))
		var out bytes.Buffer
		require.NoError(t, k.history.Export(ctx, subjectID, &out))
		says(t, out, subjectEmail, subjectIP, subjectDevice)
		erase = append(erase, func(ctx context.Context) error { return k.history.Forget(ctx, subjectID) })
	}
	if k.log != nil {
		erase = append(erase, fillLog(t, k.log))
	}
	if k.cuts != nil { // Nothing to erase: hashes, for a day.
		c, err := tenancy.NewCutoff(k.cuts, tenancy.CutoffConfig{})
		require.NoError(t, err)
		require.NoError(t, c.RevokeAccess(ctx, subjectID))
		require.NoError(t, c.RevokeSession(ctx, subjectSID))
	}
	return erase
}

// says wants that an export has what was put in.
func says(t *testing.T, export bytes.Buffer, what ...string) {
	t.Helper()
	for _, text := range what {
		assert.Contains(t, export.String(), text)
	}
}

func fillFactors(t *testing.T, store guardiandriver.Store) func(context.Context) error {
	t.Helper()
	s, err := guardian.New(nil, guardian.Config{Store: store, Keys: [][]byte{sealKey}, Issuer: "Example"})
	require.NoError(t, err)
	key, err := s.EnrollTOTP(t.Context(), subjectID, subjectEmail, fillPasskey(t, s))
	require.NoError(t, err)
	code, err := totp.GenerateCode(key.Secret(), time.Now())
	require.NoError(t, err)
	_, err = s.ConfirmTOTP(t.Context(), subjectID, code)
	require.NoError(t, err)
	_, err = s.Verify(t.Context(), guardian.Request{UserID: subjectID, Factor: guardian.LocalRecovery, Code: "AAAABBBBCCCCDDDD", IP: netip.MustParseAddr("203.0.113.9")})
	require.Error(t, err)
	var out bytes.Buffer
	require.NoError(t, s.Export(t.Context(), subjectID, &out))
	says(t, out, string(guardian.LocalTOTP), string(guardian.Passkey), subjectDevice)
	assert.NotContains(t, out.String(), key.Secret())
	return func(ctx context.Context) error { return s.Forget(ctx, subjectID) }
}

// fillPasskey enrolls a passkey, uses it, and begins both once more.
func fillPasskey(t *testing.T, s *guardian.Service) *guardian.Verification {
	t.Helper()
	rp, err := passkey.New(s, "example.com", []string{"https://app.example.com"}, passkey.Config{Name: "Example"})
	require.NoError(t, err)
	d := authenticator.New(t)
	options, err := rp.BeginEnroll(t.Context(), subjectID, subjectEmail, nil)
	require.NoError(t, err)
	_, err = rp.FinishEnroll(t.Context(), subjectID, subjectDevice, d.Create(options))
	require.NoError(t, err)
	options, err = rp.BeginVerify(t.Context(), subjectID)
	require.NoError(t, err)
	proof, err := rp.FinishVerify(t.Context(), subjectID, d.Get(options))
	require.NoError(t, err)
	_, err = rp.BeginVerify(t.Context(), subjectID)
	require.NoError(t, err)
	_, err = rp.BeginEnroll(t.Context(), subjectID, subjectEmail, proof)
	require.NoError(t, err)
	return proof
}

// fillRisk lets the subject sign in, with a wrong password before.
func fillRisk(t *testing.T, k keeping) func(context.Context) error {
	t.Helper()
	d, err := anomaly.New(k.profiles, [][]byte{sealKey}, anomaly.Config{})
	require.NoError(t, err)
	e, err := risk.New(d, risk.Config{Decisions: k.waiting, Counters: k.counters, Keys: [][]byte{sealKey}, OnFirst: risk.MFARequired})
	require.NoError(t, err)
	first := ""
	for n := range 3 {
		l := risk.Login{Email: subjectEmail, Attempt: anomaly.Attempt{UserID: subjectID, Time: time.Now().Add(time.Duration(n-5) * time.Second),
			IP: netip.MustParseAddr(subjectIP), DeviceID: subjectDevice, UserAgent: "Mozilla/5.0 Firefox/140.0"}}
		require.NoError(t, e.Failed(t.Context(), l))
		decision, err := e.Evaluate(t.Context(), l)
		require.NoError(t, err)
		switch applied := e.Apply(t.Context(), decision); {
		case n == 0:
			require.ErrorIs(t, applied, risk.ErrChallenged)
		case n == 1:
			require.NoError(t, e.Complete(t.Context(), subjectID, first, risk.StepUpPassed))
		}
		if n == 0 {
			first = decision.ID
		}
	}
	var out bytes.Buffer
	require.NoError(t, e.Export(t.Context(), subjectID, &out))
	says(t, out, "decisions", subjectIP, subjectEmail, "Firefox")
	return func(ctx context.Context) error { return e.Forget(ctx, subjectID) }
}

func fillLedger(t *testing.T, ledger migrationdriver.Ledger) func(context.Context) error {
	t.Helper()
	users := legacyUsers{{Key: subjectKey, Email: subjectEmail, Name: subjectDevice, Password: passhash.Stored{Value: "$2a$10$65Vh/EP6EVid5PI3iAI2QeoB.c6XqKwgUkAsA2vnJhb03Bu5VfekS"}}}
	_, client := migrationTenant(t)
	r, err := migration.NewRunner(users, client, ledger, migrationRun, migration.Config{})
	require.NoError(t, err)
	_, err = r.Run(t.Context())
	require.NoError(t, err)
	id := "auth0|" + migrationRun.KeyPrefix + subjectKey
	var out bytes.Buffer
	require.NoError(t, r.Export(t.Context(), id, &out))
	says(t, out, subjectKey)
	return func(ctx context.Context) error { return r.Forget(ctx, id) }
}

func fillLog(t *testing.T, store auditdriver.Store) func(context.Context) error {
	t.Helper()
	key, _, err := auditlog.GenerateKey("example.com/erasure")
	require.NoError(t, err)
	seal, err := auditlog.ParseSeal(key, sealKey)
	require.NoError(t, err)
	l, err := auditlog.New(store, seal, auditlog.Config{})
	require.NoError(t, err)
	require.NoError(t, audit.Record(t.Context(), l, audit.Event{Type: "login", Action: "login.accept", Outcome: audit.Success,
		Actor: audit.Ref{Kind: "user", ID: subjectID}, Target: audit.Ref{Kind: "user", ID: subjectID}, IP: subjectIP, UserAgent: subjectDevice,
		Personal: map[string]string{"email": subjectEmail}}))
	var out bytes.Buffer
	require.NoError(t, l.Export(t.Context(), subjectID, &out))
	says(t, out, subjectID, subjectEmail, subjectIP, subjectDevice)
	return func(ctx context.Context) error { return l.Forget(ctx, subjectID) }
}

// TestErasure fills every store with a subject, through the packages that use it,
// erases the subject, and searches every key, row and file for what names them. What
// stays are the pseudonyms that docs/erasure names.
func TestErasure(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(*testing.T) keeping{"memory": keptInMemory, "Redis": keptInRedis} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testErasure(t, open(t))
		})
	}
	onEach(t, func(t *testing.T, p product) { testErasure(t, keptInSQL(t, p)) })
}

func testErasure(t *testing.T, k keeping) {
	erase := fill(t, k)
	assert.Contains(t, found(k.dump(t)), subjectKey, "the search finds what is there")
	for _, f := range erase {
		require.NoError(t, f(t.Context()))
		require.NoError(t, f(t.Context()), "again")
	}
	left := k.dump(t)
	if !assert.Empty(t, found(left)) {
		for line := range bytes.Lines(left) {
			if bytes.Contains(line, []byte(subjectKey)) {
				t.Logf("left: %.300q", line)
			}
		}
	}
}

func keptInMemory(t *testing.T) keeping {
	k := keeping{
		sessions: session.NewMemory(), factors: guardian.NewMemory(), profiles: anomaly.NewMemory(100),
		waiting: risk.NewMemoryDecisions(100), counters: risk.NewMemoryCounters(100),
		ledger: migration.NewMemoryLedger(), log: auditlog.NewMemoryStore(), cuts: tenancy.NewMemory(),
	}
	k.dump = func(t *testing.T) []byte {
		var out bytes.Buffer
		for _, store := range []any{k.sessions, k.factors, k.profiles, k.waiting, k.counters, k.ledger, k.log, k.cuts} {
			reach(reflect.ValueOf(store), &out, map[uintptr]bool{})
		}
		return out.Bytes()
	}
	return k
}

// reach writes every text and every byte that can be reached from v.
func reach(v reflect.Value, out *bytes.Buffer, seen map[uintptr]bool) {
	switch v.Kind() {
	case reflect.String:
		out.WriteString(v.String() + "\n")
	case reflect.Uint8:
		out.WriteByte(byte(v.Uint()))
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() || v.Kind() == reflect.Pointer && seen[v.Pointer()] {
			return
		}
		if v.Kind() == reflect.Pointer {
			seen[v.Pointer()] = true
		}
		reach(v.Elem(), out, seen)
	case reflect.Struct:
		for i := range v.NumField() {
			reach(v.Field(i), out, seen)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			reach(v.Index(i), out, seen)
		}
		out.WriteByte('\n')
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			reach(it.Key(), out, seen)
			reach(it.Value(), out, seen)
		}
	}
}

func keptInRedis(t *testing.T) keeping {
	client, err := rueidis.NewClient(rueidis.ClientOption{InitAddress: []string{backends.Redis(t)}})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	prefix := "test:" + rand.Text()
	var k keeping
	sessions, err := redissession.New(client, redissession.Config{Prefix: prefix + ":s"})
	require.NoError(t, err)
	factors, err := redisguardian.New(client, redisguardian.Config{Prefix: prefix + ":f"})
	require.NoError(t, err)
	profiles, err := redisanomaly.New(client, redisanomaly.Config{Prefix: prefix + ":p"})
	require.NoError(t, err)
	waiting, err := redisrisk.NewDecisions(client, redisrisk.Config{Prefix: prefix + ":w"})
	require.NoError(t, err)
	counters, err := redisrisk.New(client, redisrisk.Config{Prefix: prefix + ":n"})
	require.NoError(t, err)
	cuts, err := redistenancy.New(client, redistenancy.Config{Prefix: prefix + ":c"})
	require.NoError(t, err)
	k.sessions, k.factors, k.profiles, k.waiting, k.counters, k.cuts = sessions, factors, profiles, waiting, counters, cuts
	k.dump = func(t *testing.T) []byte { return dumpRedis(t, client, prefix) }
	return k
}

// dumpRedis is every key of the prefix with everything in it.
func dumpRedis(t *testing.T, client rueidis.Client, prefix string) []byte {
	t.Helper()
	var out bytes.Buffer
	keys, err := client.Do(t.Context(), client.B().Keys().Pattern("*"+prefix+"*").Build()).AsStrSlice()
	require.NoError(t, err)
	for _, key := range keys {
		kind, err := client.Do(t.Context(), client.B().Type().Key(key).Build()).ToString()
		require.NoError(t, err)
		read := map[string][]string{"string": {"GET", key}, "hash": {"HGETALL", key}, "set": {"SMEMBERS", key},
			"zset": {"ZRANGE", key, "0", "-1", "WITHSCORES"}, "list": {"LRANGE", key, "0", "-1"}}[kind]
		require.NotNil(t, read, "the search does not know the kind %s of %s", kind, key)
		m := client.Do(t.Context(), client.B().Arbitrary(read...).Build())
		any, err := m.ToAny()
		require.NoError(t, err)
		out.WriteString(key + "\n")
		reach(reflect.ValueOf(any), &out, map[uintptr]bool{})
	}
	return out.Bytes()
}

func keptInSQL(t *testing.T, p product) keeping {
	file := ""
	var db *sql.DB
	if p.dialect == sqlstore.SQLite { // Deleted rows are overwritten; docs/erasure says how.
		file = filepath.Join(t.TempDir(), "erasure.db")
		db = open(t, "sqlite3", "file:"+file+"?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=secure_delete(1)")
	} else {
		db = p.open(t)
	}
	waiting, err := sqlrisk.New(db, p.dialect, sqlrisk.Config{})
	require.NoError(t, err)
	require.NoError(t, waiting.CreateSchema(t.Context()))
	k := keeping{
		sessions: openSQLSession(t, db, p.dialect, ""), factors: openSQLGuardian(t, db, p.dialect, ""), profiles: openSQLAnomaly(t, db, p.dialect, sqlanomaly.Config{}), waiting: waiting, counters: risk.NewMemoryCounters(100),
		ledger: openSQLMigration(t, db, p.dialect, sqlmigration.Config{}), history: openSQLActions(t, db, p.dialect, sealKey),
		log: openSQLAudit(t, db, p, ""),
	}
	k.dump = func(t *testing.T) []byte {
		out := dumpSQL(t, db, p)
		if file != "" {
			mustExec(t, db, "PRAGMA wal_checkpoint(TRUNCATE)")
			for _, suffix := range []string{"", "-wal"} {
				raw, err := os.ReadFile(file + suffix)
				require.NoError(t, err)
				out = append(out, raw...)
			}
		}
		return out
	}
	return k
}

// dumpSQL is every row of every table.
func dumpSQL(t *testing.T, db *sql.DB, p product) []byte {
	t.Helper()
	tables := map[sqlstore.Dialect]string{
		sqlstore.SQLite:   "SELECT name FROM sqlite_master WHERE type = 'table'",
		sqlstore.Postgres: "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()",
		sqlstore.MariaDB:  "SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()",
	}[p.dialect]
	var out bytes.Buffer
	names := columnOf(t, db, tables)
	require.Greater(t, len(names), 8, "tables")
	for _, name := range names {
		rows, err := db.QueryContext(t.Context(), "SELECT * FROM "+name)
		require.NoError(t, err)
		columns, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			values := make([]any, len(columns))
			for i := range values {
				values[i] = new(any)
			}
			require.NoError(t, rows.Scan(values...))
			for _, v := range values {
				switch v := (*v.(*any)).(type) {
				case []byte:
					out.Write(v)
				default:
					fmt.Fprint(&out, v)
				}
				out.WriteByte('\n')
			}
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
	return out.Bytes()
}

func columnOf(t *testing.T, db *sql.DB, query string) (out []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	require.NoError(t, err)
	defer rows.Close()
	for rows.Next() {
		var s string
		require.NoError(t, rows.Scan(&s))
		if !strings.HasPrefix(s, "sqlite_") {
			out = append(out, s)
		}
	}
	require.NoError(t, rows.Err())
	return out
}
