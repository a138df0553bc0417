package auditlog_test

import (
	"testing"

	"github.com/auth0kit/auth0kit/audit/auditlog"
	"github.com/auth0kit/auth0kit/audit/auditlog/audittest"
)

func TestMemoryStore(t *testing.T) {
	t.Parallel()
	audittest.Run(t, func(*testing.T) audittest.Harness {
		store := auditlog.NewMemoryStore()
		m := auditlog.MemoryTamper{Store: store}
		return audittest.Harness{
			Store: store, Sibling: auditlog.NewMemoryStore(),
			Tamper: &audittest.Tamper{Set: m.Set, Delete: m.Delete, Insert: m.Insert, Swap: m.Swap, Cut: m.Cut},
		}
	})
}
