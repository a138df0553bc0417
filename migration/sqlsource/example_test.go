package sqlsource_test

import (
	"context"
	"database/sql/driver"
	"fmt"

	"github.com/auth0kit/auth0kit/migration/sqlsource"
)

func ExampleNew() {
	db := openRows(rows{
		columns: []string{"id", "mail", "name", "confirmed_at", "pwd", "plan_code"},
		values: [][]driver.Value{
			{int64(1), "ada@example.com", "Ada", "2024-05-01 10:00:00", "$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K", "pro"},
			{int64(2), "bob@example.com", "Bob", nil, "$P$BVrdsW/NUuXDi0Od0uUdk2SnJHHmQ01", nil},
		},
	})
	source, err := sqlsource.New(db, sqlsource.MySQL, "members", sqlsource.Columns{
		Key: "id", Email: "mail", Name: "name", EmailVerified: "confirmed_at", Password: "pwd",
		AppMetadata: map[string]string{"plan": "plan_code"},
	}, sqlsource.Config{Where: "deleted_at IS NULL"})
	if err != nil {
		fmt.Println(err)
		return
	}
	page, err := source.Page(context.Background(), "", 1000)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range page {
		fmt.Println(r.Key, r.Name, r.EmailVerified, r.AppMetadata)
	}
	// Output:
	// 1 Ada true map[plan:pro]
	// 2 Bob false map[]
}

func ExampleSource_Check() {
	db := openRows(rows{columns: []string{"id", "mail", "pwd"}})
	source, err := sqlsource.New(db, sqlsource.MySQL, "members", sqlsource.Columns{
		Key: "id", Email: "email", Password: "pwd",
	}, sqlsource.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(source.Check(context.Background()))
	// Output: sqlsource: Columns.Email is "email", and `members` has no such column; it has id, mail, pwd
}

func ExampleSchema_Open() {
	db := openRows(rows{
		columns: []string{"id", "email", "username", "first_name", "last_name", "is_active", "password", "date_joined"},
		values: [][]driver.Value{
			{int64(7), "", "ada", "Ada", "Lovelace", true, "pbkdf2_sha256$10000$1135411628$bFYX62rfJobJ07VwrUMXfuffLfj2RDM2G6/BrTrUWkE=", "2020-01-02"},
		},
	})
	schema := sqlsource.Django()
	schema.Columns.AppMetadata = map[string]string{"joined": "date_joined"}
	source, err := schema.Open(db, sqlsource.Postgres)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := source.Find(context.Background(), "ada")
	fmt.Println(r.Name, r.Blocked, r.AppMetadata, err)
	// Output: Ada Lovelace false map[joined:2020-01-02] <nil>
}
