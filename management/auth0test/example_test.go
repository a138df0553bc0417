package auth0test_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// A tenant with a user, read by the client that the code under test would get.
func ExampleNewTenant() {
	tenant := auth0test.NewTenant(auth0test.Options{})
	id := tenant.AddUser(resource.User{ID: "ada", Email: "ada@example.com", AppMetadata: map[string]any{"plan": "pro"}}, "correct horse")

	user, err := tenant.Management().User(context.Background(), id)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.ID, user.Email, user.AppMetadata["plan"])
	// Output: auth0|ada ada@example.com pro
}

// Errors are Auth0's.
func ExampleTenant_Management() {
	client := auth0test.NewTenant(auth0test.Options{}).Management()

	_, err := client.User(context.Background(), "auth0|nobody")
	fmt.Println(errors.Is(err, resource.ErrNotFound), err)

	_, err = client.CreateUser(context.Background(), resource.NewUser{
		User: resource.User{Connection: auth0test.DefaultConnection, Email: "ada@example.com"}, Password: "password",
	})
	if e, is := errors.AsType[*resource.Error](err); is {
		fmt.Println(e.StatusCode, e.Message)
	}
	// Output:
	// true auth0: read user: 404 Not Found (inexistent_user)
	// 400 PasswordStrengthError: Password is too weak
}

// Start serves TLS, for clients that insist on it and for programs in other
// languages: write CAPEM to a file and trust it there.
func ExampleTenant_Start() {
	server := auth0test.NewTenant(auth0test.Options{}).Start()
	defer server.Close()

	response, err := server.Client.Get(server.URL + "/api/v2/users")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.Status, len(server.CAPEM) > 0)
	// Output: 401 Unauthorized true
}

// HTTPClient reaches the tenant without sockets, whatever host is named.
func ExampleTenant_HTTPClient() {
	tenant := auth0test.NewTenant(auth0test.Options{})
	response, err := tenant.HTTPClient().Post("https://login.example.com/oauth/device/code", "application/json", nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode == http.StatusNotImplemented)
	// Output: true
}

// The user is created, but its creator does not learn of it.
func ExampleTenant_Fault() {
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.Fault("POST /api/v2/users", auth0test.Fault{CutAfter: true, Times: 1})

	client := tenant.Management()
	_, err := client.CreateUser(context.Background(), resource.NewUser{
		User: resource.User{Connection: auth0test.DefaultConnection, Email: "ada@example.com"}, Password: "Correct horse 1",
	})
	fmt.Println(errors.Is(err, resource.ErrOutcomeUnknown))

	users, err := client.UsersByEmail(context.Background(), "ada@example.com")
	fmt.Println(len(users), err)
	// Output:
	// true
	// 1 <nil>
}

// An organization with a member and what the member may do there.
func ExampleTenant_AddOrganization() {
	tenant := auth0test.NewTenant(auth0test.Options{})
	tenant.AddAPI("https://orders.example.com", "read:orders", "write:orders")
	reader := tenant.AddRole("reader", "https://orders.example.com", "read:orders")
	ada := tenant.AddUser(resource.User{ID: "ada", Email: "ada@example.com"}, "")
	acme := tenant.AddOrganization("acme")
	tenant.AddMember(acme, ada, reader)

	for member, err := range tenant.Management().Members(context.Background(), acme) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(member.UserID, member.Roles[0].Name)
	}
	// Output: auth0|ada reader
}

// Jobs, tokens and tickets end by the tenant's clock.
func ExampleTenant_Advance() {
	tenant := auth0test.NewTenant(auth0test.Options{JobTime: time.Hour})
	ada := tenant.AddUser(resource.User{Email: "ada@example.com"}, "")
	if err := tenant.Management().SendVerificationEmail(context.Background(), ada); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(len(tenant.Outbox()))
	tenant.Advance(time.Hour)
	for _, mail := range tenant.Outbox() {
		fmt.Println(mail.Kind, mail.To)
	}
	// Output:
	// 0
	// verify_email ada@example.com
}
