package integration

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/driver"
	"github.com/auth0kit/auth0kit/audit/pgaudit"
	"github.com/auth0kit/auth0kit/audit/sqlaudit"
	"github.com/auth0kit/auth0kit/internal/testing/backends"
)

// auditPlace is where a process finds a log.
type auditPlace struct{ kind, dsn, key, sinks string } // Sinks is a folder, or empty for none.

func (p auditPlace) open(ctx context.Context) (store driver.Store, closeAll func(), err error) {
	if p.kind == "pgaudit" {
		pool, err := pgxpool.New(ctx, p.dsn)
		if err != nil {
			return nil, nil, err
		}
		s, err := pgaudit.New(pool, pgaudit.Config{})
		return s, pool.Close, errors.Join(err, s.CreateSchema(ctx))
	}
	for _, product := range products {
		if product.name != p.kind {
			continue
		}
		db, err := sql.Open(map[string]string{"SQLite": "sqlite3", "Postgres": "pgx", "MariaDB": "mysql"}[p.kind], p.dsn)
		if err != nil {
			return nil, nil, err
		}
		bound(db)
		s, err := sqlaudit.New(db, product.dialect, sqlaudit.Config{})
		return s, func() { _ = db.Close() }, errors.Join(err, s.CreateSchema(ctx))
	}
	return nil, nil, fmt.Errorf("no store %q", p.kind)
}

func (p auditPlace) log(store driver.Store) (*auditlog.Log, error) {
	seal, err := auditlog.ParseSeal(p.key, []byte("0123456789abcdef0123456789abcdef"))
	if err != nil {
		return nil, err
	}
	var cfg auditlog.Config
	if p.sinks != "" {
		cfg.Sinks = []auditlog.Sink{
			{Name: "required", Policy: auditlog.Required, Filter: auditlog.Filter{Type: "crash"}, Deliver: appendTo(filepath.Join(p.sinks, "required"))},
			{Name: "durable", Policy: auditlog.Durable, Filter: auditlog.Filter{Type: "crash"}, Deliver: appendTo(filepath.Join(p.sinks, "durable"))},
		}
	}
	return auditlog.New(store, seal, cfg)
}

// appendTo is a receiver that outlives the process: a line for each delivery, with its
// key and the ids.
func appendTo(path string) auditlog.Deliver {
	return func(_ context.Context, d auditlog.Delivery) error {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		line := d.Key
		for _, e := range d.Entries {
			line += " " + e.ID
		}
		_, err = f.WriteString(line + "\n")
		return errors.Join(err, f.Close())
	}
}

// taken returns how often a receiver that drops keys which it knows has each event.
func taken(t *testing.T, path string) map[string]int {
	t.Helper()
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	keys, ids := make(map[string]string), make(map[string]int)
	for line := range strings.Lines(string(text)) {
		key, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if before, known := keys[key]; known {
			require.Equal(t, before, rest, "one key for two deliveries")
			continue
		}
		keys[key] = rest
		for id := range strings.FieldsSeq(rest) {
			ids[id]++
		}
	}
	return ids
}

// TestAuditWriterProcess is not a test: TestAuditSurvivesSIGKILL runs it in a
// process of its own. It records until it is killed, seals meanwhile, and prints
// the id of each event that was acknowledged.
func TestAuditWriterProcess(t *testing.T) {
	fields := strings.Fields(os.Getenv("AUTH0KIT_AUDIT_WRITER"))
	if len(fields) != 4 {
		t.Skip("runs in a process of its own")
	}
	place := auditPlace{fields[0], fields[1], fields[2], fields[3]}
	store, _, err := place.open(t.Context())
	require.NoError(t, err)
	events, err := place.log(store)
	require.NoError(t, err)
	go events.Run(t.Context())
	var out sync.Mutex
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for n := 0; t.Context().Err() == nil; n++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, n)
				err := audit.Record(t.Context(), events, audit.Event{
					ID: id, Type: "crash", Action: "crash.record", Actor: audit.Ref{Kind: "user", ID: fmt.Sprint("auth0|", n%50)}, IP: "203.0.113.7",
				})
				if err != nil {
					continue
				}
				out.Lock()
				fmt.Println("recorded", id)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

func TestAuditSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	key, _, err := auditlog.GenerateKey("example.com/audit")
	require.NoError(t, err)
	for _, p := range []struct {
		name  string
		place func(*testing.T) auditPlace
	}{
		{"SQLite", func(t *testing.T) auditPlace {
			return auditPlace{"SQLite", "file:" + filepath.Join(t.TempDir(), "audit.db") + "?_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_txlock=immediate", key, t.TempDir()}
		}},
		{"Postgres", func(t *testing.T) auditPlace { return auditPlace{"Postgres", postgresSchema(t), key, t.TempDir()} }},
		{"MariaDB", func(t *testing.T) auditPlace {
			u, err := url.Parse(backends.MySQL(t))
			require.NoError(t, err)
			database := one[string](t, openMySQL(t), "SELECT database()")
			return auditPlace{"MariaDB", u.User.String() + "@tcp(" + u.Host + ")/" + database + "?parseTime=true&charset=utf8mb4", key, t.TempDir()}
		}},
		{"pgaudit", func(t *testing.T) auditPlace { return auditPlace{"pgaudit", postgresSchema(t), key, t.TempDir()} }},
	} {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			survive(t, p.place(t))
		})
	}
}

// postgresSchema returns the address of a schema of the test's own.
func postgresSchema(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(backends.Postgres(t))
	require.NoError(t, err)
	query := u.Query()
	query.Set("search_path", one[string](t, openPostgres(t), "SELECT current_schema()"))
	u.RawQuery = query.Encode()
	return u.String()
}

// survive kills two processes of eight writers each, again and again, and then
// looks for every event that was acknowledged.
func survive(t *testing.T, place auditPlace) {
	rounds := 2
	if os.Getenv("AUTH0KIT_LONG") == "1" {
		rounds = 20
	}
	store, closeAll, err := place.open(t.Context())
	require.NoError(t, err)
	defer closeAll()
	events, err := place.log(store)
	require.NoError(t, err)
	acknowledged := make(map[string]bool)
	var kept [][]byte
	for range rounds {
		var wg sync.WaitGroup
		ids := make([][]string, 2)
		for i := range ids {
			wg.Go(func() { ids[i] = writeUntilKilled(t, place, 40+rand.IntN(300)) })
		}
		wg.Wait()
		for _, id := range append(ids[0], ids[1]...) {
			acknowledged[id] = true
		}
		if signed, err := events.Checkpoint(t.Context()); err == nil {
			kept = append(kept, signed)
		}
	}
	all := maps.Clone(acknowledged)
	verifyAll(t, events, store, acknowledged, kept)
	reachedAll(t, place, all)
}

// reachedAll checks that both sinks have every event that was acknowledged, and have
// none twice under another key.
func reachedAll(t *testing.T, place auditPlace, acknowledged map[string]bool) {
	t.Helper()
	store, closeAll, err := place.open(t.Context())
	require.NoError(t, err)
	defer closeAll()
	events, err := place.log(store)
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- events.Run(ctx) }()
	wait(t, "the durable sink has all", func() bool {
		s, err := events.Sinks(ctx)
		return err == nil && len(s) == 1 && s[0].Waiting == 0
	})
	stop()
	<-done
	for _, name := range []string{"required", "durable"} {
		got := taken(t, filepath.Join(place.sinks, name))
		for id := range acknowledged {
			if got[id] != 1 {
				t.Errorf("the %s sink has %q %d times", name, id, got[id])
			}
		}
	}
}

// writeUntilKilled returns the ids that a process acknowledged before it was
// killed: after n of them, at any point of what it does next.
func writeUntilKilled(t *testing.T, place auditPlace, n int) (ids []string) {
	cmd := exec.Command(os.Args[0], "-test.run=^TestAuditWriterProcess$", "-test.count=1")
	cmd.Env = append(os.Environ(), "AUTH0KIT_AUDIT_WRITER="+place.kind+" "+place.dsn+" "+place.key+" "+place.sinks)
	out, err := cmd.StdoutPipe()
	if !assert.NoError(t, err) || !assert.NoError(t, cmd.Start()) {
		return nil
	}
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if id, ok := strings.CutPrefix(line, "recorded "); ok && err == nil {
			ids = append(ids, strings.TrimSpace(id))
		}
		if len(ids) == n {
			time.AfterFunc(rand.N(100*time.Millisecond), func() { _ = cmd.Process.Kill() })
		}
		if err != nil {
			assert.ErrorIs(t, err, io.EOF)
			break
		}
	}
	assert.ErrorContains(t, cmd.Wait(), "killed")
	assert.GreaterOrEqual(t, len(ids), n, "the process ended before it was killed")
	return ids
}

// verifyAll seals what is left and checks that nothing acknowledged is missing.
func verifyAll(t *testing.T, events *auditlog.Log, store driver.Store, acknowledged map[string]bool, kept [][]byte) {
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	go events.Run(ctx)
	wait(t, "all is sealed", func() bool {
		s, err := events.Status(ctx)
		return err == nil && s.Unsealed == 0
	})
	var ids []string
	for id := range acknowledged {
		ids = append(ids, id)
	}
	rows, err := store.Find(ctx, ids)
	require.NoError(t, err)
	for _, r := range rows {
		assert.True(t, r.Sealed, r.ID)
		delete(acknowledged, r.ID)
	}
	assert.Empty(t, acknowledged, "acknowledged and not in the log")
	signed, err := events.Checkpoint(ctx)
	require.NoError(t, err)
	v, err := events.Verify(ctx, append(kept, signed)...)
	require.NoError(t, err)
	t.Logf("%d events acknowledged, %d in the log, %d checkpoints kept", len(ids), v.Size, len(kept))
}

// A Postgres that is killed while sixteen writers record, and started again: the eight
// that have a spool never hear of it.
func TestAuditSurvivesPostgresRestart(t *testing.T) {
	t.Parallel()
	server := backends.StartPostgres(t)
	key, _, err := auditlog.GenerateKey("example.com/audit")
	require.NoError(t, err)
	place := auditPlace{"pgaudit", server.DSN, key, ""}
	store, closeAll, err := place.open(t.Context())
	require.NoError(t, err)
	defer closeAll()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef"))
	require.NoError(t, err)
	var logs []*auditlog.Log
	for _, spool := range []string{"", t.TempDir()} {
		l, err := auditlog.New(store, seal, auditlog.Config{Spool: spool})
		require.NoError(t, err)
		logs = append(logs, l)
		go l.Run(ctx)
	}
	warm := func() bool {
		return audit.Record(ctx, logs[1], audit.Event{Type: "crash", Action: "crash.record"}) == nil
	}
	wait(t, "the log is open", warm)
	var mu sync.Mutex
	acknowledged := make(map[string]bool)
	count := func() int { mu.Lock(); defer mu.Unlock(); return len(acknowledged) }
	writing, end := context.WithCancel(ctx)
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for n := 0; writing.Err() == nil; n++ {
				id := fmt.Sprintf("%d-%d", w, n)
				e := audit.Event{ID: id, Type: "crash", Action: "crash.record"}
				err := audit.Record(ctx, logs[w%2], e)
				if w%2 == 1 {
					assert.NoError(t, err, "it has a spool")
				}
				if err == nil {
					mu.Lock()
					acknowledged[id] = true
					mu.Unlock()
				} else if rand.N(2) == 0 {
					time.Sleep(rand.N(20 * time.Millisecond)) // the server is another process
				}
			}
		})
	}
	for range 2 {
		before := count()
		wait(t, "events are recorded", func() bool { return count() > before+500 })
		server.Kill()
		server.Start()
	}
	before := count()
	wait(t, "events are recorded again", func() bool { return count() > before+500 })
	end()
	wg.Wait()
	wait(t, "the spool is empty", func() bool { s, err := logs[1].Status(ctx); return err == nil && s.Spooled == 0 })
	verifyAll(t, logs[0], store, acknowledged, nil)
}
