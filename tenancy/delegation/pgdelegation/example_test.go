package pgdelegation_test

import (
	"database/sql"
	"fmt"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
	"github.com/auth0kit/auth0kit/tenancy/delegation/pgdelegation"
)

// Two processes that run the same job keep out of each other's way.
func ExampleNewLocker() {
	tenant := auth0test.NewTenant(auth0test.Options{})
	role := tenant.AddRole("Administrator", "")
	db := new(sql.DB) // From sql.Open with a driver for Postgres.
	locker, err := pgdelegation.NewLocker(db)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = delegation.New(tenant.Management(), role, delegation.Jobs("nightly"), delegation.Config{Locker: locker})
	fmt.Println(err)
	_, err = pgdelegation.NewLocker(nil)
	fmt.Println(err)
	// Output:
	// <nil>
	// pgdelegation: NewLocker needs a database
}
