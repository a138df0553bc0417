package management_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/auth0kit/auth0kit/management"
	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
)

// newTenant stands for your tenant and returns what reaches it.
func newTenant() (*auth0test.Tenant, management.Config) {
	tenant := auth0test.NewTenant(auth0test.Options{Domain: "tenant.eu.auth0.com", JobTime: -1})
	machine := tenant.Machine()
	return tenant, management.Config{
		Domain: "tenant.eu.auth0.com", ClientID: machine.ID, ClientSecret: machine.Secret,
		HTTPClient: tenant.HTTPClient(),
	}
}

func ExampleNew() {
	_, cfg := newTenant()
	ctx := context.Background()
	client, err := management.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	// At start-up: do the credentials work, and for what we need?
	fmt.Println(client.Check(ctx, "read:users", "update:users"))
	_, err = client.User(ctx, "auth0|5f7c8ec7c33c6c004bbafe82")
	fmt.Println(errors.Is(err, management.ErrNotFound), err)
	// Output:
	// <nil>
	// true auth0: read user: 404 Not Found (inexistent_user)
}

func ExampleNew_badConfiguration() {
	_, err := management.New(management.Config{Domain: "tenant.eu.auth0.com/api/v2"})
	fmt.Println(err)
	_, err = management.New(management.Config{Domain: "tenant.eu.auth0.com", ClientID: "app"})
	fmt.Println(err)
	// Output:
	// management: Config.Domain must be a domain, such as "tenant.eu.auth0.com" or "https://login.example.com/", without a path, query, user or space; plain http and ports are for loopback alone
	// management: Config.ClientSecret is empty; set it, or PrivateKey
}

func ExampleClient_Check() {
	_, cfg := newTenant()
	cfg.ClientSecret = "yesterday's"
	client, err := management.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = client.Check(context.Background(), "read:users")
	fmt.Println(errors.Is(err, management.ErrUnauthorized))
	fmt.Println(err)
	// Output:
	// true
	// auth0: token: 401 Unauthorized (access_denied): unauthorized: check Config.ClientID, its credentials and Config.Audience
}

func ExampleClient_CreateUser() {
	tenant, cfg := newTenant()
	client, err := management.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	ada := resource.NewUser{
		User:     resource.User{ID: "7", Connection: "Username-Password-Authentication", Email: "ada@example.com", EmailVerified: true},
		Password: "Correct-horse-7",
	}
	user, err := client.CreateUser(ctx, ada)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.ID, user.Email)

	// The same again. Neither the error nor %+v of what was sent tells who.
	_, err = client.CreateUser(ctx, ada)
	fmt.Println(errors.Is(err, management.ErrConflict), err)
	fmt.Printf("%+v\n", ada)

	// The connection breaks after the request was written: look, do not repeat.
	tenant.Fault("POST /api/v2/users", auth0test.Fault{CutAfter: true, Times: 1})
	ada.ID, ada.Email = "8", "grace@example.com"
	_, err = client.CreateUser(ctx, ada)
	if errors.Is(err, management.ErrOutcomeUnknown) {
		user, err = client.User(ctx, "auth0|8")
		fmt.Println("it exists:", user.ID, err)
	}
	// Output:
	// auth0|7 ada@example.com
	// true auth0: create user: 409 Conflict (auth0_idp_error)
	// resource.NewUser{connection: "Username-Password-Authentication", …}
	// it exists: auth0|8 <nil>
}

func ExampleClient_UpdateUser() {
	tenant, cfg := newTenant()
	client, err := management.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	id := tenant.AddUser(resource.User{Email: "ada@example.com", AppMetadata: map[string]any{"plan": "pro", "beta": true}}, "Correct-horse-7")
	user, err := client.UpdateUser(context.Background(), id, resource.UserPatch{
		Name:        new("Ada"),
		AppMetadata: map[string]any{"plan": "team", "beta": nil},
	})
	fmt.Println(user.Name, user.AppMetadata, err)
	// Output: Ada map[plan:team] <nil>
}

func ExampleClient_SearchUsers() {
	tenant, cfg := newTenant()
	client, err := management.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"ada", "grace", "edsger"} {
		tenant.AddUser(resource.User{Email: name + "@example.com"}, "Correct-horse-7")
	}
	for user, err := range client.SearchUsers(context.Background(), `email:"grace@example.com"`) {
		fmt.Println(user.Email, err)
	}
	// Output: grace@example.com <nil>
}

func ExampleClient_ImportUsers() {
	_, cfg := newTenant()
	client, err := management.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	connection, err := client.Connection(ctx, "Username-Password-Authentication")
	if err != nil {
		fmt.Println(err)
		return
	}
	job, err := client.ImportUsers(ctx, resource.Import{
		ConnectionID: connection.ID,
		Users:        []byte(`[{"user_id":"1","email":"ada@example.com"},{"user_id":"2","email":"no address"}]`),
	})
	for err == nil && !job.Done() {
		time.Sleep(time.Millisecond)
		job, err = client.Job(ctx, job.ID)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(job.Status, job.Inserted, job.Failed)
	refused, err := client.JobErrors(ctx, job.ID)
	for _, r := range refused {
		fmt.Println("user", r.UserID, "was refused:", r.Code, r.Path)
	}
	fmt.Println(err)
	// Output:
	// completed 1 1
	// user 2 was refused: FORMAT email
	// <nil>
}

func ExampleClient_ExportUsers() {
	tenant, cfg := newTenant()
	client, err := management.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	tenant.AddUser(resource.User{ID: "auth0|1", Email: "ada@example.com"}, "Correct-horse-7")
	connection, err := client.Connection(ctx, "Username-Password-Authentication")
	if err != nil {
		fmt.Println(err)
		return
	}
	for user, err := range client.ExportUsers(ctx, connection.ID) {
		fmt.Println(user.ID, user.Email, err)
	}
	// Output: auth0|1 ada@example.com <nil>
}

func ExampleClient_Members() {
	tenant, cfg := newTenant()
	client, err := management.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	ada := tenant.AddUser(resource.User{ID: "auth0|1", Email: "ada@example.com"}, "Correct-horse-7")
	org, admin := tenant.AddOrganization("acme"), tenant.AddRole("Admin", "")
	if err := client.AddMembers(ctx, org, ada); err != nil {
		fmt.Println(err)
		return
	}
	if err := client.AssignMemberRoles(ctx, org, ada, admin); err != nil {
		fmt.Println(err)
		return
	}
	for member, err := range client.Members(ctx, org) {
		fmt.Println(member.UserID, member.Roles[0].Name, err)
	}
	roles, err := client.MemberRoles(ctx, org, ada)
	fmt.Println(len(roles), roles[0].Inherited, err)
	// Output:
	// auth0|1 Admin <nil>
	// 1 false <nil>
}

// A POST that may be carried out twice is repeated like the other methods.
func ExampleIdempotent() {
	tenant, cfg := newTenant()
	client, err := management.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	id := tenant.AddUser(resource.User{Email: "ada@example.com"}, "Correct-horse-7")
	tenant.Fault("POST /api/v2/tickets/password-change", auth0test.Fault{Status: 503, Times: 1})
	link, err := client.PasswordTicket(management.Idempotent(context.Background()), id, time.Hour)
	fmt.Println(link != "", err)
	// Output: true <nil>
}

func ExampleClient_API() {
	_, cfg := newTenant()
	client, err := management.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	// What has no method here: the SDK, on the same token and bucket.
	roles, err := client.API().Role.List(context.Background())
	fmt.Println(roles.Total, err)
	// Output: 0 <nil>
}

func ExampleClient_CheckSettings() {
	tenant := auth0test.NewTenant(auth0test.Options{})
	machine := tenant.Machine()
	client, err := management.New(management.Config{
		Domain: auth0test.DefaultDomain, ClientID: machine.ID, ClientSecret: machine.Secret, HTTPClient: tenant.HTTPClient(),
	})
	if err != nil {
		panic(err)
	}
	err = client.CheckSettings(context.Background(), management.NeedFactor("otp"))
	fmt.Println(err)
	// Output:
	// auth0: check settings: settings of the tenant are missing: switch on the factor "otp", under Security > Multi-factor Auth
}

func ExampleConfigFromEnv() {
	os.Setenv("AUTH0_DOMAIN", "tenant.eu.auth0.com") // As whoever starts the program does.
	os.Setenv("AUTH0_CLIENT_ID", "1234567890abcdef")
	os.Setenv("AUTH0_CLIENT_SECRET", "a secret")
	cfg, err := management.ConfigFromEnv()
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg.MaxWait = time.Second // Everything else is set as in any Config.
	client, err := management.New(cfg)
	fmt.Println(client != nil, err)
	os.Setenv("AUTH0_CLIENT_SECRET", "")
	_, err = management.ConfigFromEnv()
	fmt.Println(err)
	// Output:
	// true <nil>
	// management: set the environment variables AUTH0_CLIENT_SECRET
}

// A request that neither this package nor the SDK has a method for.
func ExampleClient_HTTPClient() {
	_, cfg := newTenant()
	client, err := management.New(cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := client.HTTPClient().Get("https://tenant.eu.auth0.com/api/v2/tenants/settings")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer resp.Body.Close()
	fmt.Println(resp.Status)
	_, err = client.HTTPClient().Get("https://elsewhere.example.com/") // The token goes to the tenant alone.
	fmt.Println(errors.Is(err, management.ErrInvalid))
	// Output:
	// 200 OK
	// true
}
