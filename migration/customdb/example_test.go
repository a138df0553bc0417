package customdb_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/auth0kit/auth0kit/migration/customdb"
)

func ExampleHandler() {
	keys := [][]byte{[]byte("0123456789abcdef0123456789abcdef")}
	scripts, err := customdb.Handler(legacy{}, keys, customdb.Config{}) // in place of legacy a *lazy.Lazy
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(scripts != nil)
	// Output:
	// true
}

func ExampleNewDeployment() {
	client := newClient() // in its place a *management.Client
	keys := [][]byte{[]byte("0123456789abcdef0123456789abcdef")}
	d, err := customdb.NewDeployment(client, "customers", "https://login.example.com/auth0/customdb/", keys, customdb.DeploymentConfig{})
	if err != nil {
		log.Fatal(err)
	}
	plan, err := d.Plan(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	if err := plan.WriteDiff(os.Stdout); err != nil {
		log.Fatal(err)
	}
	fmt.Println(d.Apply(context.Background(), plan))
	// Output:
	// configuration.AUTH0KIT_KEY: added
	// customScripts.get_user: added
	// customScripts.login: added
	// enabledDatabaseCustomization: true
	// import_mode: true
	// <nil>
}
