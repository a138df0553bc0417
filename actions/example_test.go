package actions_test

import (
	"context"
	"fmt"
	"net/http"
	"os"

	"github.com/auth0kit/auth0kit/actions"
	"github.com/auth0kit/auth0kit/management/resource"
)

// emptyTenant is a tenant without Actions; programs give a *management.Client.
type emptyTenant struct{ actions.Target }

func (emptyTenant) Actions(context.Context, string) ([]resource.Action, error)   { return nil, nil }
func (emptyTenant) Bindings(context.Context, string) ([]resource.Binding, error) { return nil, nil }

func ExampleNewDeployment() {
	keys := [][]byte{[]byte("an example key of 32 bytes......")}
	p, err := actions.New(actions.PostLogin, actions.Suspended("Your account is suspended."))
	if err != nil {
		panic(err)
	}
	d, err := actions.NewDeployment(emptyTenant{}, p, "https://login.example.com/auth0/actions", keys, actions.DeploymentConfig{})
	if err != nil {
		panic(err)
	}
	plan, err := d.Plan(context.Background())
	if err != nil {
		panic(err)
	}
	if err := plan.WriteDiff(os.Stdout, false); err != nil {
		panic(err)
	}
	fmt.Println("nothing to do:", plan.Empty())
	// Output:
	// auth0kit-post-login at post-login
	//   + Action, with the secret AUTH0KIT_KEY
	//   + url: https://login.example.com/auth0/actions
	//   + timeout: 1s
	//   + without an answer: deny
	//   + suspended users are told: Your account is suspended.
	//   + key: 8395ec75
	//   + sends organization.metadata
	//   + binding auth0kit-post-login
	// nothing to do: false
}

func ExampleHandler() {
	keys := [][]byte{[]byte("an example key of 32 bytes......")}
	p, err := actions.New(actions.PostLogin, actions.Suspended("Your account is suspended."))
	if err != nil {
		panic(err)
	}
	h, err := actions.Handler(keys, actions.HandlerConfig{}, p)
	if err != nil {
		panic(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/auth0/actions", h)
	_, err = actions.Handler([][]byte{nil}, actions.HandlerConfig{}, p)
	fmt.Println(err)
	// Output: actions: Handler: webhook: keys[0] has 0 bytes; 24 to 64 are allowed
}

func ExampleNew() {
	_, err := actions.New(actions.PostLogin, actions.RoleClaim("roles"))
	fmt.Println(err)
	// Output: actions: step "role-claim": actions: claim "roles" is restricted: Auth0 would drop it without an error
}

func ExampleNewMemoryCounter() {
	c := actions.NewMemoryCounter()
	ctx := context.Background()
	for _, event := range []string{"a", "b", "b"} {
		n, err := c.Count(ctx, "auth0|1", event)
		fmt.Println(n, err)
	}
	// Output:
	// 1 <nil>
	// 2 <nil>
	// 2 <nil>
}
