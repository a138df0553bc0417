package delegation_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"

	"github.com/auth0kit/auth0kit/management/auth0test"
	"github.com/auth0kit/auth0kit/management/resource"
	"github.com/auth0kit/auth0kit/tenancy/delegation"
)

// shop is a tenant with an organization that Ada administers.
func shop() (tenant *auth0test.Tenant, org, role, ada string) {
	tenant = auth0test.NewTenant(auth0test.Options{})
	org, role = tenant.AddOrganization("acme"), tenant.AddRole("Administrator", "")
	ada = tenant.AddUser(resource.User{Email: "ada@example.com", EmailVerified: true}, "")
	tenant.AddMember(org, ada, role)
	tenant.AddUser(resource.User{Email: "bob@example.com", EmailVerified: true}, "")
	return tenant, org, role, ada
}

// The organization's own page: Ada adds Bob, and cannot remove herself.
func Example() {
	tenant, org, role, ada := shop()
	client, ctx := tenant.Management(), context.Background()
	service, err := delegation.New(client, role, delegation.Holders(client, role), delegation.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	admin := service.As(delegation.User(ada)) // From the verified session.
	change, err := admin.Create(ctx, org, "bob@example.com")
	fmt.Println(change.Kind, err)
	fmt.Println(admin.Revoke(ctx, org, ada, role))
	list, err := admin.List(ctx, org)
	for _, a := range list {
		fmt.Println(a.Email, a.How, a.Counts, err)
	}
	// Output:
	// add_member <nil>
	// delegation: administrators cannot remove themselves; ask another one
	// ada@example.com direct true <nil>
	// bob@example.com direct true <nil>
}

// The nightly job: look at the plan, then apply it.
func ExampleAdmin_Plan() {
	tenant, org, role, _ := shop()
	portal := tenant.AddClient(auth0test.Application{Name: "portal", LoginURL: "https://portal.example.com/login"}).ID
	service, err := delegation.New(tenant.Management(), role, delegation.Jobs("nightly"), delegation.Config{
		Onboarding: delegation.Invite{ClientID: portal, Inviter: "Example Inc."},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	job, ctx := service.As(delegation.Job("nightly")), context.Background()
	plan, err := job.Plan(ctx, org, delegation.Declared{Emails: []string{"bob@example.com", "eve@example.com"}, From: "admins.yaml@3f2a91c"})
	if err != nil {
		fmt.Println(err)
		return
	}
	plan.OrgID = "org_acme" // Only to print the same each time; Apply would refuse it.
	plan.WriteDiff(os.Stdout, false)
	plan.OrgID = org
	done, err := job.Apply(ctx, plan)
	fmt.Println(len(done.Changes), err)
	// Output:
	// org_acme, from admins.yaml@3f2a91c
	//   + bob@example.com  add as a member with the role
	//   + eve@example.com  invite
	//   - ada@example.com  remove the role
	//     administrators who count: 1 now, 1 afterwards
	// 3 <nil>
}

func ExampleNew() {
	tenant, org, role, _ := shop()
	client := tenant.Management()
	service, err := delegation.New(client, role, delegation.Either(delegation.Jobs("nightly"), delegation.Holders(client, role)), delegation.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	_, err = service.As(delegation.Job("weekly")).List(context.Background(), org)
	fmt.Println(errors.Is(err, delegation.ErrNotAllowed))
	// Output: true
}

// The answers of a page to errors of the package, as docs/delegation lists them.
func ExampleAmbiguousError() {
	answer := func(err error) int {
		is := func(targets ...error) bool {
			return slices.ContainsFunc(targets, func(target error) bool { return errors.Is(err, target) })
		}
		_, ambiguous := errors.AsType[*delegation.AmbiguousError](err)
		switch {
		case err == nil, is(delegation.ErrNotNotified):
			return http.StatusOK
		case is(delegation.ErrNotAllowed):
			return http.StatusForbidden
		case is(delegation.ErrUnknown):
			return http.StatusNotFound
		case is(delegation.ErrSelf, delegation.ErrLastAdmin, delegation.ErrInherited, delegation.ErrDrift):
			return http.StatusConflict
		case ambiguous, is(delegation.ErrEmail, delegation.ErrUnverified, delegation.ErrBlocked, delegation.ErrEmpty, delegation.ErrTooManyRemovals):
			return http.StatusUnprocessableEntity
		case is(delegation.ErrLockLost, resource.ErrOutcomeUnknown, resource.ErrRateLimited, resource.ErrUnavailable):
			return http.StatusServiceUnavailable
		}
		return http.StatusBadGateway
	}
	fmt.Println(answer(&delegation.AmbiguousError{UserIDs: []string{"auth0|1", "auth0|2"}}), answer(delegation.ErrNotAllowed))
	fmt.Println(answer(fmt.Errorf("%w: the mail server is away", delegation.ErrNotNotified)))
	// Output:
	// 422 403
	// 200
}

// One step of a pipeline plans and keeps the plan as a file; another, after somebody
// has approved it, applies what the file says, unless the organization has changed.
func ExampleReadPlan() {
	tenant, org, role, _ := shop()
	service, err := delegation.New(tenant.Management(), role, delegation.Jobs("pipeline"), delegation.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	job, ctx := service.As(delegation.Job("pipeline")), context.Background()
	plan, err := job.Plan(ctx, org, delegation.Declared{Emails: []string{"ada@example.com", "bob@example.com"}, From: "admins.yaml@3f2a91c"})
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	fmt.Println(plan.WriteJSON(&file))

	approved, err := delegation.ReadPlan(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	done, err := job.Apply(ctx, approved)
	fmt.Println(done.Plan.Administrators, err)
	_, err = job.Apply(ctx, approved) // Bob is there meanwhile.
	fmt.Println(errors.Is(err, delegation.ErrDrift))
	// Output:
	// <nil>
	// 2 <nil>
	// true
}

// What was applied can be undone later, from a file.
func ExampleReadApplied() {
	tenant, org, role, _ := shop()
	service, err := delegation.New(tenant.Management(), role, delegation.Jobs("nightly"), delegation.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	job, ctx := service.As(delegation.Job("nightly")), context.Background()
	done, err := job.Sync(ctx, org, delegation.Declared{Emails: []string{"ada@example.com", "bob@example.com"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	var file bytes.Buffer
	fmt.Println(done.WriteJSON(&file))

	kept, err := delegation.ReadApplied(&file)
	if err != nil {
		fmt.Println(err)
		return
	}
	plan, err := job.PlanUndo(ctx, kept)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, change := range plan.Changes {
		fmt.Println(change.Email, change.Kind)
	}
	// Output:
	// <nil>
	// ada@example.com none
	// bob@example.com remove_member
}
