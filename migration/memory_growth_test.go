package migration

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
)

// A million users with email, username and phone stay within 64 MiB of the start,
// while they are scanned and between growths of the set.
func TestMillionUsersStayWithin64MiB(t *testing.T) {
	if testing.Short() {
		t.Skip("remembers 3,000,000 identifiers")
	}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before, most := heap(), int64(0)
	c := newClassifier(packRun, ResetNone, nil)
	for i := range 1_000_000 {
		r := Record{Email: fmt.Sprintf("user%d@example.com", i), Username: fmt.Sprintf("user%d", i), Phone: fmt.Sprintf("+49%09d", i)}
		if path, ok := c.claim(&r); !ok {
			t.Fatalf("user %d is a duplicate by %s", i, path)
		}
		if i%100_000 == 99_999 {
			most = max(most, heap()-before)
		}
	}
	r := Record{Email: "USER999999@example.com"}
	path, ok := c.claim(&r)
	assert.False(t, ok)
	assert.Equal(t, "email", path)
	t.Logf("%.1f MiB at most", float64(most)/(1<<20))
	assert.LessOrEqual(t, most, int64(64<<20))
	runtime.KeepAlive(c)
}
