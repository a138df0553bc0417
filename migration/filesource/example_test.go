package filesource_test

import (
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/filesource"
)

func exampleFile(content string) string {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	path := filepath.Join(dir, "users")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		log.Fatal(err)
	}
	return path
}

func ExampleNew() {
	path := exampleFile("id,mail,hash\n2,bob@example.com,\n1,ada@example.com,$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K\n")
	source, err := filesource.New(path, filesource.CSV, migration.Columns{Key: "id", Email: "mail", Password: "hash"}, filesource.Config{})
	if err != nil {
		log.Fatal(err)
	}
	page, err := source.Page(context.Background(), "", 10)
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range page {
		fmt.Println(r.Key, r.Email, r.Password.IsZero())
	}
	// Output:
	// 1 ada@example.com false
	// 2 bob@example.com true
}

func ExampleAuth0() {
	source, err := filesource.Auth0(exampleFile(`{"_id":{"$oid":"60425dc43519d90068f82973"},"email":"ada@example.com","passwordHash":"$2b$10$nFguVi9LsCAcvTZFKQlRKeLVydo8ETv483lkNsSFI/Wl1Rz1Ypo1K"}`))
	if err != nil {
		log.Fatal(err)
	}
	r, err := source.Find(context.Background(), "ada@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Key)
	// Output:
	// 60425dc43519d90068f82973
}
