package migration_test

import (
	"testing"
	"testing/synctest"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
)

func TestRunMigratesEverybodyOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tenant := newTenant(auth0test.Options{})
		src := newTable(users(5000)...)
		ledger := migration.NewMemoryLedger()
		r := newRunner(t, src, newClient(t, tenant), ledger, migration.Config{})
		res := run(t, r)
		t.Logf("%+v", res)
		for o := range ledger.Outcomes(t.Context(), connection) {
			t.Logf("%+v", o)
			break
		}
		for b := range ledger.Batches(t.Context(), connection) {
			t.Logf("%+v", b)
		}
		v, err := r.Verify(t.Context())
		t.Logf("%+v %v", v, err)
	})
}
