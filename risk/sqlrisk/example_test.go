package sqlrisk_test

import (
	"database/sql"
	"fmt"

	"github.com/auth0kit/auth0kit/risk/sqlrisk"
)

func ExampleStore_Schema() {
	store, err := sqlrisk.New(new(sql.DB), sqlrisk.Postgres, sqlrisk.Config{Table: "login_decisions"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(store.Schema()), "statements")
	// Output: 2 statements
}
