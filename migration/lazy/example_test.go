package lazy_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/netip"
	"slices"
	"strings"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/migration"
	"github.com/auth0kit/auth0kit/migration/lazy"
	"github.com/auth0kit/auth0kit/migration/passhash"
)

// legacy is a legacy system with four users. Programs read theirs with package
// sqlsource.
type legacy []migration.Record

func (l legacy) Page(_ context.Context, after string, limit int) ([]migration.Record, error) {
	i := slices.IndexFunc(l, func(r migration.Record) bool { return r.Key > after })
	if i < 0 {
		return nil, nil
	}
	return l[i:min(i+limit, len(l))], nil
}

func (l legacy) Find(_ context.Context, identifier string) (migration.Record, error) {
	i := slices.IndexFunc(l, func(r migration.Record) bool { return strings.EqualFold(r.Email, identifier) })
	if i < 0 {
		return migration.Record{}, migration.ErrNoUser
	}
	return l[i], nil
}

func (l legacy) Get(_ context.Context, key string) (migration.Record, error) {
	i := slices.IndexFunc(l, func(r migration.Record) bool { return r.Key == key })
	if i < 0 {
		return migration.Record{}, migration.ErrNoUser
	}
	return l[i], nil
}

// The passwords are "correct-Horse7".
var legacyUsers = legacy{
	{Key: "1001", Email: "ada@example.com", Password: passhash.Stored{Value: "$2a$10$65Vh/EP6EVid5PI3iAI2QeoB.c6XqKwgUkAsA2vnJhb03Bu5VfekS"}},
	{Key: "1002", Email: "bob@example.com", Password: passhash.Stored{Value: "$P$6saltsaltXxetZHW9tLfjjizgmarF50"}}, // WordPress
	{Key: "1003", Email: "not an address", Password: passhash.Stored{Value: "$2a$10$65Vh/EP6EVid5PI3iAI2QeoB.c6XqKwgUkAsA2vnJhb03Bu5VfekS"}},
	{Key: "1004", Email: "ADA@example.com", Password: passhash.Stored{Value: "$2a$10$65Vh/EP6EVid5PI3iAI2QeoB.c6XqKwgUkAsA2vnJhb03Bu5VfekS"}},
}

// exampleRun is the migration. The prefix keeps its keys apart from those of the
// tenant's other database connection. The secret comes from where secrets are kept.
var exampleRun = migration.Run{
	Source: "crm-production", Connection: "my-database", KeyPrefix: "crm|", Secret: []byte("0123456789abcdef0123456789abcdef"),
}

// exampleClient returns a client of a tenant in this process. With a tenant of
// your own it is management.New with its domain and credentials.
func exampleClient() *management.Client {
	tenant := auth0test.NewTenant(auth0test.Options{JobTime: -1})
	tenant.AddConnection("my-database", "auth0")
	machine := tenant.Machine()
	client, err := management.New(management.Config{
		Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret,
		HTTPClient: tenant.HTTPClient(), MaxWait: -1,
	})
	if err != nil {
		log.Fatal(err)
	}
	return client
}

func ExampleLazy_Login() {
	users, err := lazy.New(legacyUsers, exampleClient(), exampleRun, lazy.Config{})
	if err != nil {
		log.Fatal(err)
	}
	for _, password := range []string{"guess", "correct-Horse7", "correct-Horse7"} {
		user, err := users.Login(context.Background(), migration.Credentials{
			Identifier: "bob@example.com", Password: password, IP: netip.MustParseAddr("192.0.2.7"),
		})
		switch {
		case err == nil:
			fmt.Println("log in at Auth0 as", user.ID)
		case errors.Is(err, lazy.ErrMigrated):
			fmt.Println("let Auth0 decide")
		default:
			fmt.Println(err)
		}
	}
	// Output:
	// lazy: wrong identifier or password
	// log in at Auth0 as auth0|crm|1002
	// let Auth0 decide
}

func ExampleNew() {
	users, err := lazy.New(legacyUsers, exampleClient(), exampleRun, lazy.Config{AccountFailures: 10})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println("read the source at start:", users.Calibrate(context.Background()))
	// Output:
	// read the source at start: <nil>
}

func ExampleLazy_Authenticate() {
	users, err := lazy.New(legacyUsers, exampleClient(), exampleRun, lazy.Config{})
	if err != nil {
		log.Fatal(err)
	}
	user, err := users.Authenticate(context.Background(), migration.Credentials{Identifier: "bob@example.com", Password: "correct-Horse7"})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.ID, user.Email) // nothing was created
	// Output:
	// crm|1002 bob@example.com
}

func ExampleLazy_Lookup() {
	users, err := lazy.New(legacyUsers, exampleClient(), exampleRun, lazy.Config{})
	if err != nil {
		log.Fatal(err)
	}
	user, err := users.Lookup(context.Background(), "bob@example.com")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(user.ID)
	// Output:
	// crm|1002
}
