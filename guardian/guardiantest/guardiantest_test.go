package guardiantest_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
	"github.com/auth0kit/auth0kit/guardian/guardiantest"
)

func TestMemory(t *testing.T) {
	t.Parallel()
	guardiantest.Run(t, func(*testing.T) guardiantest.Harness {
		return guardiantest.Harness{Store: guardian.NewMemory()}
	})
}

// mutant is a store with one mistake.
type mutant struct {
	driver.Store
	mu   sync.Mutex
	kind string
	kept map[driver.Key]driver.Record
}

// mutants are the mistakes, and a test of the suite that must find each.
var mutants = map[string]string{
	"save ignores the version":     "Save_with_another_version",
	"save compares, then writes":   "one_of_many_changes_a_version",
	"save creates twice":           "Save_with_old_zero",
	"save revives":                 "Forget_removes_all",
	"the factor is not in the key": "keys_differ",
	"forget takes everything":      "Forget_removes_all",
	"forget takes nothing":         "Forget_removes_all",
	"sweep takes what is kept":     "Sweep_removes",
	"sweep takes nothing":          "Sweep_removes",
	"until is lost":                "Load_returns",
	"data is shared":               "Save_keeps_no_reference",
	"the context is ignored":       "a_context",
	"nothing is no error":          "Load_of_nothing",
}

func (m *mutant) Load(ctx context.Context, k driver.Key) (driver.Record, error) {
	switch m.kind {
	case "the context is ignored":
		ctx = context.WithoutCancel(ctx)
	case "the factor is not in the key":
		k.Factor = ""
	case "data is shared":
		m.mu.Lock()
		defer m.mu.Unlock()
		if r, found := m.kept[k]; found {
			return r, nil
		}
	}
	r, err := m.Store.Load(ctx, k)
	switch {
	case m.kind == "nothing is no error" && errors.Is(err, driver.ErrNoRecord):
		return r, nil
	case m.kind == "until is lost":
		r.Until = time.Time{}
	}
	return r, err
}

func (m *mutant) Save(ctx context.Context, r driver.Record, old int64) error {
	current, err := m.Store.Load(ctx, r.Key)
	switch m.kind {
	case "save ignores the version":
		if old != 0 {
			old = current.Version
		}
	case "save compares, then writes":
		if current.Version == old && err == nil {
			time.Sleep(time.Millisecond)
			now, _ := m.Store.Load(ctx, r.Key)
			old = now.Version
		}
	case "save creates twice":
		if old == 0 {
			old = current.Version
		}
	case "save revives":
		if errors.Is(err, driver.ErrNoRecord) {
			old = 0
		}
	case "the context is ignored":
		ctx = context.WithoutCancel(ctx)
	case "the factor is not in the key":
		r.Key.Factor = ""
	case "data is shared":
		m.mu.Lock()
		defer m.mu.Unlock()
		if err := m.Store.Save(ctx, r, old); err != nil {
			return err
		}
		m.kept[r.Key] = r
		return nil
	}
	return m.Store.Save(ctx, r, old)
}

func (m *mutant) Forget(ctx context.Context, subject string) error {
	switch m.kind {
	case "forget takes nothing":
		return nil
	case "forget takes everything":
		m.Store = guardian.NewMemory()
	}
	return m.Store.Forget(ctx, subject)
}

func (m *mutant) Sweep(ctx context.Context, now time.Time) (int, error) {
	switch m.kind {
	case "sweep takes nothing":
		return 0, nil
	case "sweep takes what is kept":
		m.Store = guardian.NewMemory()
	}
	return m.Store.Sweep(ctx, now)
}

// TestMutant runs the suite on a mutant, in the process that TestSuite starts.
func TestMutant(t *testing.T) {
	kind := os.Getenv("GUARDIANTEST_MUTANT")
	if kind == "" {
		t.Skip("is run by TestSuite")
	}
	guardiantest.Run(t, func(*testing.T) guardiantest.Harness {
		return guardiantest.Harness{Store: &mutant{Store: guardian.NewMemory(), kind: kind, kept: make(map[driver.Key]driver.Record)}}
	})
}

// TestSuite: for each mistake the test that is about it fails.
func TestSuite(t *testing.T) {
	t.Parallel()
	for kind, test := range mutants {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^TestMutant$/^"+test)
			cmd.Env = append(os.Environ(), "GUARDIANTEST_MUTANT="+kind)
			out, err := cmd.CombinedOutput()
			if err == nil || !strings.Contains(string(out), "--- FAIL: TestMutant/"+test) {
				t.Errorf("the suite does not find it: %v\n%s", err, out)
			}
		})
	}
}
