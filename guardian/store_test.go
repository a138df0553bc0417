package guardian_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/guardian"
	"github.com/auth0kit/auth0kit/guardian/driver"
)

// faulty is a store whose n-th call fails, before or after it was done.
type faulty struct {
	driver.Store
	calls, failAt int
	after         bool
}

var errDisk = errors.New("the disk is full")

func (f *faulty) next() bool { f.calls++; return f.calls == f.failAt }

func (f *faulty) Load(ctx context.Context, k driver.Key) (driver.Record, error) {
	if f.next() {
		return driver.Record{}, errDisk
	}
	return f.Store.Load(ctx, k)
}

func (f *faulty) Save(ctx context.Context, r driver.Record, old int64) error {
	fails := f.next()
	if fails && !f.after {
		return errDisk
	}
	err := f.Store.Save(ctx, r, old)
	if fails {
		return errDisk
	}
	return err
}

// Wherever the store fails, the answer is neither yes nor a wrong code, and when
// it works again the code is worth one yes at most.
func TestStoreFails(t *testing.T) {
	for _, f := range []guardian.Factor{guardian.LocalTOTP, guardian.LocalRecovery} {
		t.Run(string(f), func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				for failAt, failed := 1, true; failed; failAt++ {
					for _, after := range []bool{false, true} {
						failed = storeFails(t, f, failAt, after)
					}
				}
			})
		})
	}
}

func storeFails(t *testing.T, f guardian.Factor, failAt int, after bool) bool {
	t.Helper()
	store := &faulty{Store: guardian.NewMemory(), after: after}
	s := localService(t, store)
	key, err := s.EnrollTOTP(t.Context(), "auth0|1", "ada", nil)
	if err != nil {
		t.Fatal(err)
	}
	codes, err := s.ConfirmTOTP(t.Context(), "auth0|1", codeNow(t, key.Secret()))
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Minute)
	r := guardian.Request{UserID: "auth0|1", Factor: f, Code: codeNow(t, key.Secret())}
	if f == guardian.LocalRecovery {
		r.Code = codes[0]
	}
	store.calls, store.failAt = 0, failAt
	yes := 0
	v, err := s.Verify(t.Context(), r)
	failed := store.calls >= failAt
	if failed && (v != nil || !errors.Is(err, errDisk)) {
		t.Errorf("call %d failed: %v, %v", failAt, v, err)
	}
	if _, isNo := errors.AsType[*guardian.VerifyError](err); isNo {
		t.Errorf("call %d failed, and the answer is a no: %v", failAt, err)
	}
	if err == nil {
		yes++
	}
	for range 2 {
		if _, err := s.Verify(t.Context(), r); err == nil {
			yes++
		}
	}
	if yes > 1 {
		t.Errorf("call %d failed: the code got %d yes", failAt, yes)
	}
	return failed
}

// sliceError cannot be compared, as errors of validators often cannot.
type sliceError []string

func (s sliceError) Error() string { return "many" }

type strange struct{}

func (strange) Verify(context.Context, guardian.Request) (*guardian.Verification, error) {
	return nil, sliceError{"a", "b"}
}

func TestErrorsThatCannotBeCompared(t *testing.T) {
	t.Parallel()
	s, err := guardian.New(nil, guardian.Config{Verifiers: map[guardian.Factor]guardian.Verifier{guardian.Duo: strange{}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Verify(t.Context(), guardian.Request{UserID: "auth0|1", Factor: guardian.Duo}); err == nil {
		t.Error("an error is a yes")
	}
}
