//go:build unix

package auditlog_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/auth0kit/auth0kit/audit"
	"github.com/auth0kit/auth0kit/audit/auditlog"
)

const spoolProcess = "AUTH0KIT_SPOOL_PROCESS"

// TestSpoolProcess is not a test: others run it in a process of its own. Its store
// never answers; it prints the id of each event that was acknowledged.
func TestSpoolProcess(t *testing.T) {
	dir, key, ok := strings.Cut(os.Getenv(spoolProcess), "\n")
	if !ok {
		t.Skip("runs in a process of its own")
	}
	key, limit, _ := strings.Cut(key, "\n")
	if limit != "" {
		signal.Ignore(syscall.SIGXFSZ)
		require.NoError(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 20_000, Max: 20_000}))
	}
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef"))
	require.NoError(t, err)
	store := &outage{Store: auditlog.NewMemoryStore()}
	store.off.Store(true)
	l := newLogWith(t, store, seal, auditlog.Config{Spool: dir})
	go l.Run(t.Context())
	first := fmt.Sprint(os.Getpid())
	for audit.Record(t.Context(), l, spoolEvent(first)) != nil {
		runtime.Gosched() // until Run has begun
	}
	fmt.Println("recorded", first)
	var out sync.Mutex
	var wg sync.WaitGroup
	for w := range 16 {
		wg.Go(func() {
			for n := 0; n < 100 || limit == ""; n++ {
				id := fmt.Sprintf("%d-%02d-%06d", os.Getpid(), w, n)
				word := "recorded"
				if err := audit.Record(t.Context(), l, spoolEvent(id)); err != nil {
					word = "refused"
				}
				out.Lock()
				fmt.Println(word, id)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

// writeSpool runs that process, which is killed after some acknowledged events unless most is
// 0.
func writeSpool(t *testing.T, dir, key, limit string, most int) (recorded []string, refused int) {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSpoolProcess$", "-test.count=1")
	cmd.Env = append(os.Environ(), spoolProcess+"="+dir+"\n"+key+"\n"+limit)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "recorded "); ok {
			recorded = append(recorded, id)
		} else if strings.HasPrefix(lines.Text(), "refused ") && limit != "" {
			refused++
		}
		if len(recorded) == most && most > 0 {
			require.NoError(t, cmd.Process.Kill())
			most = -1
		}
	}
	_ = cmd.Wait() // it was killed, or has ended
	return recorded, refused
}

// adopted drains what others left and checks that all of it is there.
func adopted(t *testing.T, dir, key string, recorded []string) []map[string]string {
	t.Helper()
	seal, err := auditlog.ParseSeal(key, []byte("0123456789abcdef0123456789abcdef"))
	require.NoError(t, err)
	store := auditlog.NewMemoryStore()
	var drains []map[string]string
	synctest.Test(t, func(t *testing.T) {
		l := newLogWith(t, store, seal, auditlog.Config{Spool: dir})
		inRun(t, l)
		time.Sleep(10 * time.Second)
		var ids []string
		ids, drains = ordered(t, store)
		there := map[string]bool{}
		for _, id := range ids {
			assert.False(t, there[id], "twice: %s", id)
			there[id] = true
		}
		for _, id := range recorded {
			assert.True(t, there[id], "acknowledged and lost: %s", id)
		}
		assert.Empty(t, spoolOf(t, dir))
		verified(t, l)
	})
	return drains
}

func TestSpoolSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	key, _, err := auditlog.GenerateKey("example.com/audit")
	require.NoError(t, err)
	dir := t.TempDir()
	var all []string
	for range 4 {
		recorded, _ := writeSpool(t, dir, key, "", 1+rand.N(400))
		all = append(all, recorded...)
	}
	t.Logf("%d events acknowledged", len(all))
	drains := adopted(t, dir, key, all)
	assert.NotEmpty(t, drains)
}

// A disk that is full, here by the limit of a file, refuses and loses nothing.
func TestSpoolOnAFullDisk(t *testing.T) {
	t.Parallel()
	key, _, err := auditlog.GenerateKey("example.com/audit")
	require.NoError(t, err)
	dir := t.TempDir()
	recorded, refused := writeSpool(t, dir, key, "limit", 0)
	assert.NotEmpty(t, recorded)
	assert.Equal(t, 1601, len(recorded)+refused)
	text, err := os.ReadFile(spoolOf(t, dir)[0])
	require.NoError(t, err)
	assert.True(t, bytes.HasSuffix(text, []byte("\n")), "half a line was cut away")
	drains := adopted(t, dir, key, recorded)
	require.Len(t, drains, 1)
	assert.Equal(t, fmt.Sprint(len(recorded)), drains[0]["events"])
}
