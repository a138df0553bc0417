// Package guardiantest tests an implementation of driver.Store. The test of a
// store is
//
//	func TestStore(t *testing.T) {
//		guardiantest.Run(t, func(t *testing.T) guardiantest.Harness {
//			return guardiantest.Harness{Store: open(t)}
//		})
//	}
package guardiantest

import (
	"testing"
	"time"

	"github.com/auth0kit/auth0kit/guardian/driver"
)

// Harness holds an empty store for one subtest.
type Harness struct {
	Store driver.Store

	// Again is a second handle on the same data, such as another process would have.
	// Defaults to Store.
	Again driver.Store

	// Sibling is a store in the same database with data of its own. Nil skips the
	// tests that need it.
	Sibling driver.Store
}

// Run runs the suite. It calls open once for each subtest.
func Run(t *testing.T, open func(*testing.T) Harness) {
	t.Helper()
	for _, tests := range []map[string]func(*testing.T, Harness){recordTests, raceTests, serviceTests} {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				h := open(t)
				if h.Store == nil {
					t.Fatal("guardiantest: Harness.Store is nil")
				}
				if h.Again == nil {
					h.Again = h.Store
				}
				test(t, h)
			})
		}
	}
}

// start is a time that every store can keep.
var start = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

const user = "auth0|5f7c8ec7c33c6c004bbafe82"

func key() driver.Key { return driver.Key{Subject: user, Kind: driver.KindTOTP} }

func save(t *testing.T, s driver.Store, r driver.Record, old int64) {
	t.Helper()
	if err := s.Save(t.Context(), r, old); err != nil {
		t.Fatalf("Save: %v", err)
	}
}
